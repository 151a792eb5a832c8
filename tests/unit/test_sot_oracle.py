"""DuckDB's reference rows accept every form of a value that docs/data.md names."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.sot_oracle import expected_rows

TABLES = {
    "tbl_orders": (
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
        "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
        "o1,c1,delivered,{time},,,,\n"
    ),
    "tbl_order_items": "order_id,product_id,price,freight_value\n{items}",
    "tbl_customers": "customer_id,customer_city,customer_state\nc1,lins,SP\n",
    "tbl_payments": "order_id,payment_type,payment_value\no1,boleto,3.00\n",
    "tbl_reviews": "order_id,review_score,review_comment_message\no1,{score},good\n",
}


def row(folder: Path, time: str = "", score: str = "5", prices: Sequence[str] = ("1",)) -> dict[str, object]:
    for table, text in TABLES.items():
        place = folder / "db_ecommerce" / table
        place.mkdir(parents=True)
        items = "".join(f"o1,p1,{price},2.00\n" for price in prices)
        (place / "rows.csv").write_text(text.format(time=time, score=score, items=items))
    (found,) = expected_rows(folder)
    return {"time": found[3], "score": found[-2], "mean": found[17]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-05-25", datetime(2018, 5, 25)),
        ("2018-05-25 10:56:33", datetime(2018, 5, 25, 10, 56, 33)),
        ("2018-05-25T10:56:33", datetime(2018, 5, 25, 10, 56, 33)),
        ("2018-05-25 10:56:33.25", datetime(2018, 5, 25, 10, 56, 33, 250_000)),
        ("2018-05-25T10:56:33Z", datetime(2018, 5, 25, 10, 56, 33)),
        ("2018-05-25T10:56:33-03:00", datetime(2018, 5, 25, 13, 56, 33)),
        ("2018-5-25 1:2:3", None),
        ("2018-02-30", None),
        ("25.05.2018", None),
    ],
)
def test_times(tmp_path: Path, text: str, expected: datetime | None) -> None:
    assert row(tmp_path, time=text)["time"] == expected


@pytest.mark.parametrize(("text", "expected"), [("5", 5), ("4.0", 4), ("6", None), ("4.5", None)])
def test_scores(tmp_path: Path, text: str, expected: int | None) -> None:
    assert row(tmp_path, score=text)["score"] == expected


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (("0.01", "0.02"), "0.02"),
        (("-0.50", "-0.50"), "-0.50"),
        (("-0.01", "-0.02"), "-0.02"),
        (("1", "-1"), "0.00"),
    ],
)
def test_means_are_rounded_like_amounts(tmp_path: Path, prices: Sequence[str], expected: str) -> None:
    """As decimals are, away from zero."""
    assert str(row(tmp_path, prices=prices)["mean"]) == expected
