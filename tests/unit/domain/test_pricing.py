"""Cost of runs and queries, computed by hand from AWS's worker types and prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chalicelib.aws.athena_queries import Execution
from chalicelib.clock import now
from chalicelib.domain import pricing
from chalicelib.domain.query import QueryStatus
from chalicelib.queries.query_import import cost_micro_usd

PRICE = Decimal("0.44")
# https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
MICRO_USD_OF_TEN_WORKERS_FOR_AN_HOUR = {
    "G.1X": 4_400_000,
    "G.2X": 8_800_000,
    "G.4X": 17_600_000,
    "G.8X": 35_200_000,
    "G.12X": 52_800_000,
    "G.16X": 70_400_000,
    "R.1X": 4_400_000,
    "R.2X": 8_800_000,
    "R.4X": 17_600_000,
    "R.8X": 35_200_000,
}


def test_each_type_of_worker_has_its_price() -> None:
    worst = {kind: pricing.worst_case_micro_usd(kind, 10, 60, PRICE) for kind in pricing.DPU_PER_WORKER}
    assert worst == MICRO_USD_OF_TEN_WORKERS_FOR_AN_HOUR


@pytest.mark.parametrize(
    ("seconds", "dpu_seconds"), [(-1, 0), (0, 0), (1, 240), (59, 240), (60, 240), (61, 244), (3600, 14400)]
)
def test_a_run_is_billed_by_the_second_and_for_a_minute_at_least(seconds: int, dpu_seconds: int) -> None:
    assert pricing.dpu_seconds("G.2X", 2, seconds) == dpu_seconds


@pytest.mark.parametrize(
    ("dpu_seconds", "micro_usd"),
    # A DPU-second of 0.0036 USD an hour is one millionth of a dollar.
    [("0.4", 0), ("0.5", 1), ("1.4", 1), ("1.5", 2), ("2.5", 3), ("2.499", 2), ("3600", 3600)],
)
def test_a_half_millionth_of_a_dollar_is_rounded_up(dpu_seconds: str, micro_usd: int) -> None:
    assert pricing.cost_micro_usd(Decimal(dpu_seconds), Decimal("0.0036")) == micro_usd


def test_a_dollar_is_a_million_millionths() -> None:
    assert pricing.usd(1_250_000) == 1.25


@pytest.mark.parametrize(
    ("status", "types", "scanned_bytes", "micro_usd"),
    # 10 MB at 5 USD per TB of 1,048,576 MB are 48 millionths of a dollar, 11 MB are 52.
    [
        ("SUCCEEDED", ("DML", "SELECT"), 1, 48),
        ("SUCCEEDED", ("DML", "SELECT"), 10 * 2**20 + 1, 52),
        ("FAILED", ("DML", "SELECT"), 2**30, 0),
        ("CANCELLED", ("DML", "SELECT"), 0, 0),
        ("CANCELLED", ("DML", "SELECT"), 1, 48),
        ("SUCCEEDED", ("DDL", "CREATE_TABLE"), 0, 0),
        ("SUCCEEDED", ("DDL", "CREATE_TABLE_AS_SELECT"), 1, 48),
        ("SUCCEEDED", ("UTILITY", "EXPLAIN"), 0, 0),
        ("SUCCEEDED", ("DML", "EXPLAIN"), 0, 0),
        ("SUCCEEDED", ("DML", "EXPLAIN"), 1, 48),
    ],
)
def test_a_query_costs_what_athena_charges(
    status: str, types: tuple[str, str], scanned_bytes: int, micro_usd: int
) -> None:
    seen = Execution(
        "id",
        "",
        QueryStatus(status),
        now(),
        scanned_bytes=scanned_bytes,
        statement_type=types[0],
        substatement_type=types[1],
    )
    assert cost_micro_usd(seen, Decimal(5)) == micro_usd
