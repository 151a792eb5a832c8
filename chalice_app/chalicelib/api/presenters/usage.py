"""Presenter of usage, in JSON and CSV."""

from __future__ import annotations

from dataclasses import asdict

from chalicelib.api import csv_text, responses
from chalicelib.config import Config
from chalicelib.domain.json_types import Json
from chalicelib.domain.pricing import rounded, usd
from chalicelib.domain.usage import Amounts, Group, UsagePage, View

_NAMES = ("owner",)
"""Columns with texts of users."""


def usage_body(view: View, found: UsagePage, following: str | None, config: Config) -> responses.Usage:
    """Return the body of a page of usage. `following` is the cursor of the next page."""
    return responses.Usage(
        items=[_item(group, amounts, found) for group, amounts in found.items],
        next=following,
        from_day=view.begin.isoformat(),
        to_day=view.end.isoformat(),
        by=[dimension.value for dimension in view.by],
        totals=responses.UsageAmounts(**_amounts(found.totals, found)),
        is_complete=found.is_complete,
        rules=usage_rules(config),
    )


def usage_csv(found: UsagePage, fields: str | None) -> str:
    """Return the items of a page as CSV: the fields of the JSON in its order, or the selected ones."""
    header = [*responses.UsageItem.model_fields]
    if fields is not None:
        header = [name for name in header if name in fields.split(",")]
    items = [_item(group, amounts, found).model_dump() for group, amounts in found.items]
    return csv_text.csv_text(header, [[_cell(name, item[name]) for name in header] for item in items])


def usage_rules(config: Config) -> list[responses.UsageRule]:
    """Return how each amount is computed, with its price."""
    return [
        responses.UsageRule(
            amount="glue_usd",
            basis="settled",
            rule="The DPU-seconds that Glue reports for all attempts of a run, at the price when it was "
            "requested: this one, or that of an M-DPU-hour for R workers. Charged when the run ends, and "
            "again if Glue reports more later.",
            price_usd=float(config.price_per_dpu_hour_usd),
            unit="DPU-hour",
            pricing="https://aws.amazon.com/glue/pricing/",
        ),
        responses.UsageRule(
            amount="athena_usd",
            basis="settled",
            rule="The bytes that Athena reports as scanned, at least 10 MB for each query, at the price when "
            "it was requested: this one. Charged when the query ends.",
            price_usd=float(config.price_per_tb_scanned_usd),
            unit="TB scanned",
            pricing="https://aws.amazon.com/athena/pricing/",
        ),
        responses.UsageRule(
            amount="estimated_kms_usd",
            basis="estimated",
            rule="One key for each environment with a key of its own, for the time from when it was READY "
            "first until it is DELETED. Requests, rotations and shared keys are not included.",
            price_usd=float(config.price_per_kms_key_month_usd),
            unit="key-month of 730 hours",
            pricing="https://aws.amazon.com/kms/pricing/",
        ),
        responses.UsageRule(
            amount="estimated_s3_usd",
            basis="estimated",
            rule="The data of the release and the job files, for the same time. What runs and queries write, "
            "old versions and requests are not included.",
            price_usd=float(config.price_per_s3_gb_month_usd),
            unit="GB-month of 730 hours",
            pricing="https://aws.amazon.com/s3/pricing/",
        ),
    ]


def _item(group: Group, amounts: Amounts, found: UsagePage) -> responses.UsageItem:
    return responses.UsageItem(**asdict(group), **_amounts(amounts, found))


def _amounts(amounts: Amounts, found: UsagePage) -> Json:
    return {
        "runs": len(amounts.runs),
        "dpu_seconds": float(amounts.dpu_seconds),
        "glue_usd": usd(amounts.glue_micro_usd),
        "queries": len(amounts.queries),
        "scanned_bytes": amounts.scanned_bytes,
        "athena_usd": usd(amounts.athena_micro_usd),
        "settled_usd": usd(amounts.settled_micro_usd),
        "estimated_kms_usd": usd(rounded(amounts.kms_micro_usd)) if found.is_estimated else None,
        "estimated_s3_usd": usd(rounded(amounts.s3_micro_usd)) if found.is_estimated else None,
    }


def _cell(name: str, value: object) -> object:
    """Return a value for CSV: money with six decimals, and names that are no formulas."""
    if isinstance(value, float) and name.endswith("_usd"):
        return csv_text.money(value)
    return csv_text.no_formula(value) if name in _NAMES and isinstance(value, str) else value
