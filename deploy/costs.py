"""Cost of the service per month, by number of learners: `python -m deploy.costs` prints the table of docs/.

A learner keeps one environment for the whole month, and works with it as `LEARNER` says. Prices are those of
us-east-1, without free tiers and discounts. Other Regions differ by up to about 50 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from deploy.findings.sandbox import sandbox

SIZES = (10, 100, 1_000)
"""Numbers of learners."""
DATE = "November 2026"
"""When the prices were written down. AWS's pages are the reference."""
LEARNER = "one environment all month, 10 job runs of 2 minutes, 100 queries, 2,000 API requests"

_HOURS = 730  # a month
_TICKS = _HOURS * 60
_RUNS, _MINUTES, _QUERIES, _REQUESTS = 10, 2, 100, 2_000
_HOME = "us-east-1"


@dataclass(frozen=True)
class Price:
    """Price in USD for `per` units of something."""

    usd: str
    per: int
    unit: str
    page: str

    def of(self, quantity: Decimal) -> Decimal:
        """Return the price of a quantity."""
        return Decimal(self.usd) * quantity / self.per


@dataclass(frozen=True)
class Item:
    """Units that the service uses in a month: `fixed` for itself, and `each` for each learner."""

    name: str
    price: Price
    fixed: Decimal
    each: Decimal
    why: str

    def usd(self, learners: int) -> Decimal:
        """Return the cost of a month."""
        return self.price.of(self.fixed + self.each * learners)


_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_KMS = "https://aws.amazon.com/kms/pricing/"


def items(dpu_hour_usd: str = "0.44") -> tuple[Item, ...]:
    """Return everything that a month costs. The price of a DPU-hour is the operator's setting."""
    counted = sandbox()
    dpu_hours = Decimal(_RUNS * counted.dpus * _MINUTES) / 60

    def item(name: str, price: Price, fixed: float, each: float | Decimal, why: str) -> Item:
        return Item(name, price, Decimal(str(fixed)), Decimal(str(each)), why)

    return (
        item(
            "Glue job runs",
            Price(dpu_hour_usd, 1, "DPU-hour", "https://aws.amazon.com/glue/pricing/"),
            0,
            dpu_hours,
            f"{_RUNS} runs x {counted.dpus} DPU x {_MINUTES} minutes",
        ),
        item(
            "KMS keys",
            Price("1.00", 1, "key-month", _KMS),
            1,
            counted.resources["AWS::KMS::Key"],
            "the key of the alarms; the key of a sandbox, from its first yearly rotation on 2, then 3",
        ),
        item("KMS requests", Price("0.03", 10_000, "requests", _KMS), 0, 2_000, "with bucket keys"),
        item(
            "Glue job metrics",
            Price("0.30", _HOURS, "metric-hours", _CLOUDWATCH),
            0,
            _RUNS * 40,
            f"{_RUNS} runs x about 40 metrics, in the hour of the run (--enable-metrics)",
        ),
        item(
            "Logs, written",
            Price("0.50", 1, "GB", _CLOUDWATCH),
            0.2,
            0.05,
            "a line per tick and its report; 5 MB of Spark's log per run, 1 KB per request",
        ),
        item("Logs, kept", Price("0.03", 1, "GB-month", _CLOUDWATCH), 0.2, 0.05, "for LOG_RETENTION_DAYS=30"),
        item("Metrics", Price("0.30", 1, "metric-month", _CLOUDWATCH), 21, 0, "docs/operate.md#metrics"),
        item("Alarms", Price("0.10", 1, "alarm-month", _CLOUDWATCH), 12, 0, "docs/operate.md#receive-alarms"),
        item("Dashboard", Price("3.00", 1, "dashboard-month", _CLOUDWATCH), 1, 0, "the first three are free"),
        item(
            "Traces",
            Price("5.00", 1_000_000, "traces", "https://aws.amazon.com/xray/pricing/"),
            _TICKS,
            _REQUESTS,
            "one per tick and request, at most",
        ),
        item(
            "API requests",
            Price("3.50", 1_000_000, "requests", "https://aws.amazon.com/api-gateway/pricing/"),
            0,
            _REQUESTS,
            "REST API, mostly polling",
        ),
        item(
            "Lambda time",
            Price("0.0000166667", 1, "GB-seconds", _LAMBDA),
            _TICKS * 0.5 * 0.5,
            _REQUESTS * 0.2 + 200 * 0.5 * 0.5 + 60,
            "ticks of 0.5 s at 0.5 GB; requests of 0.2 s at 1 GB; 200 events of 0.5 s; seeding and emptying",
        ),
        item(
            "Lambda requests",
            Price("0.20", 1_000_000, "requests", _LAMBDA),
            _TICKS,
            _REQUESTS + 200,
            "ticks, requests, events",
        ),
        item(
            "DynamoDB writes",
            Price("0.625", 1_000_000, "write units", _DYNAMODB),
            0,
            8_000,
            "600 for a creation and deletion, 100 per run, 60 per query, with the indexes and 2 per charge",
        ),
        item(
            "DynamoDB reads",
            Price("0.125", 1_000_000, "read units", _DYNAMODB),
            _TICKS * 5,
            _REQUESTS * 5,
            "5 per tick and request",
        ),
        item(
            "DynamoDB storage",
            Price("0.45", 1, "GB-month", _DYNAMODB),
            0,
            0.001,
            "0.25 for the table and 0.20 for point-in-time recovery; 1 MB of records",
        ),
        item(
            "S3 storage",
            Price("0.023", 1, "GB-month", _S3),
            0.1,
            0.1,
            "releases and packages; data, results and old versions",
        ),
        item("S3 writes", Price("0.005", 1_000, "requests", _S3), 0, 3_000, "PUT, COPY and LIST"),
        item("S3 reads", Price("0.0004", 1_000, "requests", _S3), 0, 10_000, "GET, of runs and queries"),
        item(
            "Athena queries",
            Price("5.00", 10**6, "MB", "https://aws.amazon.com/athena/pricing/"),
            0,
            _QUERIES * 10,
            f"{_QUERIES} queries x 10 MB, the least that AWS bills",
        ),
        item(
            "Secret",
            Price("0.40", 1, "secret-month", "https://aws.amazon.com/secrets-manager/pricing/"),
            1,
            0,
            "the cursor key",
        ),
    )


def total(learners: int, priced: tuple[Item, ...]) -> Decimal:
    """Return the cost of a month."""
    return sum((item.usd(learners) for item in priced), Decimal(0))


def lines(region: str, parameters: Mapping[str, str]) -> list[str]:
    """Return a short table of the cost per month: the largest items, the rest and the total, by size."""
    priced = items(parameters.get("PricePerDpuHourUsd", "0.44"))
    largest = sorted(priced, key=lambda item: item.usd(SIZES[-1]), reverse=True)[:5]
    rest = [item for item in priced if item not in largest]
    rows = [
        ("USD", *(f"{size:,} learners" for size in SIZES)),
        *((item.name, *(_usd(item.usd(size)) for size in SIZES)) for item in largest),
        ("everything else", *(_usd(sum((i.usd(size) for i in rest), Decimal(0))) for size in SIZES)),
        ("total", *(_usd(total(size, priced)) for size in SIZES)),
    ]
    found = ["  " + f"{name:<20}" + "".join(f"{value:>16}" for value in values) for name, *values in rows]
    where = "" if region == _HOME else f" {region} has other prices."
    return [*found, f"  A learner: {LEARNER}.", f"  Prices of {_HOME}, {DATE}.{where}"]


def table() -> str:
    """Return all items with their arithmetic as a Markdown table."""
    priced = items()
    sizes = " | ".join(f"{size:,}" for size in SIZES)
    found = [
        f"| item | price in USD | service | per learner | {sizes} | quantity |",
        "|---|---|---:|---:|" + "---:|" * len(SIZES) + "---|",
    ]
    for item in sorted(priced, key=lambda item: item.usd(SIZES[-1]), reverse=True):
        price = item.price
        per = price.unit if price.per == 1 else f"{price.per:,} {price.unit}"
        values = " | ".join(_usd(item.usd(size)) for size in SIZES)
        found.append(
            f"| {item.name} | [{price.usd}]({price.page}) per {per} | {_number(item.fixed)} "
            f"| {_number(item.each)} | {values} | {item.why} |"
        )
    totals = " | ".join(f"**{_usd(total(size, priced))}**" for size in SIZES)
    return "\n".join([*found, f"| **total** | | | | {totals} | |"])


def _usd(value: Decimal) -> str:
    return f"{value:,.2f}"


def _number(value: Decimal) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    print(table())
