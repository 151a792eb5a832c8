"""The data generator: reproducible bytes, constant memory for any size, and all difficult cases."""

import csv
import gzip
import json
import re
import tracemalloc
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from data.generate import generate, main
from tests.support.paths import ROOT

DATA = ROOT / "data"
CSV_TABLES = {
    "customers": "olist_customers_dataset.csv",
    "geolocation": "olist_geolocation_dataset.csv",
    "orders": "olist_orders_dataset.csv",
    "order_items": "olist_order_items_dataset.csv",
    "payments": "olist_order_payments_dataset.csv",
    "products": "olist_products_dataset.csv",
    "reviews": "olist_order_reviews_dataset.csv",
    "sellers": "olist_sellers_dataset.csv",
}


def contents(root: Path) -> dict[str, bytes]:
    """The data files below a folder, decompressed, as not every zlib compresses to the same bytes."""
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.glob("db_*/*/[!_]*")}
    return {name: gzip.decompress(data) if name.endswith(".gz") else data for name, data in files.items()}


@cache
def text(table: str) -> str:
    path = DATA / "db_ecommerce" / f"tbl_{table}" / CSV_TABLES[table]
    return path.read_bytes().decode("utf-8")  # not read_text: it would hide a carriage return


@cache
def rows(table: str) -> list[dict[str, str]]:
    """The rows of a committed table."""
    return list(csv.DictReader(text(table).splitlines(keepends=True), strict=True))


@cache
def by_order(table: str) -> dict[str, list[dict[str, str]]]:
    grouped = defaultdict(list)
    for row in rows(table):
        grouped[row["order_id"]].append(row)
    return grouped


@cache
def events() -> list[dict[str, Any]]:
    with gzip.open(DATA / "db_web/tbl_clickstream/clickstream.json.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_committed_data_equals_the_generators_output(tmp_path: Path) -> None:
    main(["--out", str(tmp_path)])
    assert contents(tmp_path) == contents(DATA)


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        generate(60, tmp_path / name, seed)
    files = {
        name: {p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.*")} for name in ("first", "again")
    }
    assert files["first"] == files["again"]
    first, other = contents(tmp_path / "first"), contents(tmp_path / "other")
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


@pytest.mark.full
def test_more_orders_need_no_more_memory(tmp_path: Path) -> None:
    peaks = []
    for orders in (1_000, 4_000):
        tracemalloc.start()
        generate(orders, tmp_path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.parametrize("orders", ["0", "-1", "many"])
def test_an_impossible_number_of_orders_is_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], orders: str
) -> None:
    with pytest.raises(SystemExit):
        main(["--orders", orders, "--out", str(tmp_path)])
    assert "--orders" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# ---- required properties of the committed data ----


def test_there_are_about_10000_orders_in_at_most_8_megabytes() -> None:
    assert len(rows("orders")) == 10_000
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) <= 8_000_000


def test_headers_are_those_of_the_public_files() -> None:
    assert {table: text(table).split("\n")[0] for table in CSV_TABLES} == {
        "customers": "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state",
        "geolocation": "geolocation_zip_code_prefix,geolocation_lat,geolocation_lng,geolocation_city,"
        "geolocation_state",
        "orders": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
        "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date",
        "order_items": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
        "payments": "order_id,payment_sequential,payment_type,payment_installments,payment_value",
        "products": "product_id,product_category_name,product_name_lenght,product_description_lenght,"
        "product_photos_qty,product_weight_g,product_length_cm,product_height_cm,product_width_cm",
        "reviews": "review_id,order_id,review_score,review_comment_title,review_comment_message,"
        "review_creation_date,review_answer_timestamp",
        "sellers": "seller_id,seller_zip_code_prefix,seller_city,seller_state",
    }


@pytest.mark.parametrize("table", sorted(CSV_TABLES))
def test_every_row_has_all_fields_and_ends_in_a_line_feed(table: str) -> None:
    assert "\r" not in text(table)
    assert text(table).endswith("\n")
    assert all(None not in row and None not in row.values() for row in rows(table))


def test_ids_are_32_hex_digits_and_sometimes_quoted() -> None:
    assert all(re.fullmatch("[0-9a-f]{32}", row["order_id"] + "") for row in rows("orders"))
    quoted = sum(line.startswith('"') for line in text("orders").splitlines()[1:])
    assert 0.1 < quoted / 10_000 < 0.5


def test_times_are_written_out_or_empty() -> None:
    time = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)?")
    for table, columns in {
        "orders": ["order_purchase_timestamp", "order_approved_at", "order_estimated_delivery_date"],
        "order_items": ["shipping_limit_date"],
        "reviews": ["review_creation_date", "review_answer_timestamp"],
    }.items():
        assert all(time.fullmatch(row[column]) for row in rows(table) for column in columns)
    delivered = [row for row in rows("orders") if row["order_status"] == "delivered"]
    for column in ("order_approved_at", "order_delivered_carrier_date", "order_delivered_customer_date"):
        assert 0 < sum(not row[column] for row in delivered) < 0.01 * len(delivered)


def test_every_status_occurs_and_most_orders_are_delivered() -> None:
    statuses = Counter(row["order_status"] for row in rows("orders"))
    assert set(statuses) == {
        *("delivered", "shipped", "canceled", "unavailable", "invoiced", "processing", "created", "approved")
    }
    assert statuses["delivered"] > 9_500


def test_some_orders_have_no_item_no_payment_or_no_review() -> None:
    orders = {row["order_id"] for row in rows("orders")}
    lacking = {
        table: len(orders - by_order(table).keys()) for table in ("order_items", "payments", "reviews")
    }
    assert 60 <= lacking["order_items"] <= 100  # 0.8 %
    assert 0 < lacking["payments"] < 50
    assert 0 < lacking["reviews"] < 200


def test_some_orders_have_several_payments_whose_types_tie() -> None:
    tied = 0
    for payments in by_order("payments").values():
        counts = Counter(row["payment_type"] for row in payments).most_common(2)
        tied += len(counts) == 2 and counts[0][1] == counts[1][1]
    assert tied > 50
    assert any(row["payment_value"] == "0.00" for row in rows("payments"))


def test_payments_add_up_to_what_the_order_costs() -> None:
    status = {row["order_id"]: row["order_status"] for row in rows("orders")}
    compared = 0
    for order, items in by_order("order_items").items():
        if status[order] == "delivered" and order in by_order("payments"):
            cost = sum(cents(row["price"]) + cents(row["freight_value"]) for row in items)
            assert sum(cents(row["payment_value"]) for row in by_order("payments")[order]) == cost
            compared += 1
    assert compared > 9_000


def cents(amount: str) -> int:
    assert re.fullmatch(r"\d+\.\d\d", amount)
    return int(amount.replace(".", ""))


def test_some_orders_have_several_reviews_and_some_reviews_share_an_id() -> None:
    assert sum(len(reviews) > 1 for reviews in by_order("reviews").values()) > 30
    shared = Counter(row["review_id"] for row in rows("reviews"))
    assert sum(count > 1 for count in shared.values()) > 30


def test_a_few_scores_are_invalid() -> None:
    scores = Counter(row["review_score"] for row in rows("reviews"))
    assert 0 < sum(count for score, count in scores.items() if score not in set("12345")) < 100
    assert scores["5"] > 5_000


@pytest.mark.parametrize("mark", ["\n", ",", '"', "ã", "👍", "\\"])
def test_comments_contain_everything_that_breaks_naive_readers(mark: str) -> None:
    assert any(mark in row["review_comment_message"] for row in rows("reviews"))


def test_zip_prefixes_keep_their_leading_zeros_and_are_on_the_map() -> None:
    points = Counter(row["geolocation_zip_code_prefix"] for row in rows("geolocation"))
    assert max(points.values()) > 1
    for table, column in (("customers", "customer_zip_code_prefix"), ("sellers", "seller_zip_code_prefix")):
        prefixes = {row[column] for row in rows(table)}
        assert all(re.fullmatch(r"\d{5}", prefix) for prefix in prefixes)
        assert any(prefix.startswith("0") for prefix in prefixes)
        assert prefixes <= points.keys()


def test_references_of_rows_exist() -> None:
    known = {
        "order_id": {row["order_id"] for row in rows("orders")},
        "customer_id": {row["customer_id"] for row in rows("customers")},
        "product_id": {row["product_id"] for row in rows("products")},
        "seller_id": {row["seller_id"] for row in rows("sellers")},
    }
    for table in ("orders", "order_items", "payments", "reviews"):
        for row in rows(table):
            assert all(row[column] in ids for column, ids in known.items() if column in row)
    assert len(known["order_id"]) == len(known["customer_id"]) == 10_000
    assert len({row["customer_unique_id"] for row in rows("customers")}) < 10_000  # some come back


def test_rows_of_an_order_are_not_adjacent() -> None:
    numbers = defaultdict(list)
    for number, row in enumerate(rows("payments")):
        numbers[row["order_id"]].append(number)
    apart = [found[-1] - found[0] > len(found) for found in numbers.values() if len(found) > 1]
    assert sum(apart) > 0.9 * len(apart)


def test_the_click_stream_is_nested_and_about_the_same_customers() -> None:
    assert 19_000 <= len(events()) <= 21_000
    people = {row["customer_unique_id"] for row in rows("customers")}
    assert all(event["customer"]["customer_unique_id"] in people for event in events())
    assert {event["session"]["device"]["type"] for event in events()} == {"mobile", "desktop"}
    assert {event["event_type"] for event in events()} == {
        "search",
        "product_view",
        "add_to_cart",
        "purchase",
    }
    purchases = Counter(event["order_id"] for event in events() if event["order_id"])
    assert purchases == Counter(row["order_id"] for row in rows("orders"))
