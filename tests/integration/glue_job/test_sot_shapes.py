"""Source tables in the shapes that a catalog can describe. DuckDB computes the expected rows from CSV files.

Each test replaces all five tables by others with the same content, written by DuckDB, Spark or as text.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

import sot_ecommerce as job
from data.generate import generate
from tests.support.sot_oracle import expected_rows, stored_rows
from tests.support.sot_sources import (
    CSV,
    HIVE_JSON,
    OPENX,
    ORC,
    PARQUET,
    TEXT,
    converted,
    definition,
    observations,
)

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]

TIMES = [name for name, kind in job.SOURCES["tbl_orders"].items() if kind == "time"]
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 300 orders."""
    folder = tmp_path_factory.mktemp("shapes")
    generate(300, folder)
    return folder


class Shapes:
    """Writes the tables of a data folder in other shapes. Methods return definitions for the Data Catalog."""

    def __init__(self, spark: SparkSession, data: Path, out: Path) -> None:
        self.spark = spark
        self.data = data
        self.out = out

    def original(self, table: str) -> Path:
        (file,) = (self.data / "db_ecommerce" / table).iterdir()
        return file

    def columns(self, table: str) -> list[str]:
        return self.original(table).read_text(encoding="utf-8").splitlines()[0].split(",")

    def rows(self, table: str) -> Rows:
        with duckdb.connect() as connection:
            result = connection.execute(f"FROM {self._csv(table)}")
            return [dict(zip(self.columns(table), row, strict=True)) for row in result.fetchall()]

    def folder(self, table: str) -> Path:
        folder = self.out / table
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _csv(self, table: str) -> str:
        return f"read_csv('{self.original(table)}', all_varchar = true, header = true, nullstr = '')"

    def parquet(
        self, table: str, changes: str = "", *, keys: tuple[str, ...] = (), upper: bool = False
    ) -> Any:
        """Write Parquet files with DuckDB. `changes` replace columns, as in `x::DATE AS x, ...`."""
        replaced = f"REPLACE ({changes})" if changes else ""
        query = f"SELECT * {replaced} FROM {self._csv(table)}"
        if upper:
            names = ", ".join(f'{name} AS "{name.upper()}"' for name in self.columns(table))
            query = f"SELECT {names} FROM ({query})"
        partitions = f", PARTITION_BY ({', '.join(keys)}), OVERWRITE" if keys else ""
        target = self.folder(table) if keys else self.folder(table) / "a.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet{partitions})")
        columns = [name for name in self.columns(table) if name not in keys]
        return definition(self.folder(table).as_uri(), columns, PARQUET, keys)

    def orc(self, table: str, changes: dict[str, str], names: Callable[[int, str], str]) -> Any:
        """Write ORC files with Spark. `changes` are types by column, `names` makes the files' names."""
        frame = self.spark.read.csv(self.original(table).as_uri(), header=True, multiLine=True, escape='"')
        for name, kind in changes.items():
            frame = frame.withColumn(name, frame[name].cast(kind))
        frame = frame.toDF(*(names(n, name) for n, name in enumerate(frame.columns)))
        frame.write.orc(self.folder(table).as_uri(), mode="overwrite")
        return definition(self.folder(table).as_uri(), self.columns(table), ORC)

    def json(
        self, table: str, serde: Any, value: Callable[[str, str], Any], key: Callable[[str], str] = str
    ) -> Any:
        lines = (
            json.dumps({key(name): value(name, text) for name, text in row.items() if text is not None})
            for row in self.rows(table)
        )
        (self.folder(table) / "a.json").write_text("\n".join(lines) + "\n\n", encoding="utf-8")
        return definition(self.folder(table).as_uri(), self.columns(table), serde)

    def text(self, table: str, path: str, text: str | bytes) -> None:
        file = self.folder(table) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def delimited(self, table: str, separator: str, *, null: str = "", end: str = "\n") -> str:
        """Return the rows of a table without quotes. The table must not contain the separator."""
        lines = [[text if text is not None else null for text in row.values()] for row in self.rows(table)]
        assert not any(separator in text or "\n" in text for line in lines for text in line)
        return "".join(separator.join(line) + end for line in lines)

    def quoted(self, table: str, separator: str, quote: str, escape: str) -> str:
        def field(text: str | None) -> str:
            if text is None:
                return ""
            body = text.replace(escape, escape * 2) if escape != quote else text
            return quote + body.replace(quote, escape + quote) + quote

        return "".join(separator.join(map(field, row.values())) + "\n" for row in self.rows(table))

    def serde(self, separator: str = ",", quote: str = '"', escape: str = "\\") -> Any:
        return CSV | {"Parameters": {"separatorChar": separator, "quoteChar": quote, "escapeChar": escape}}


@pytest.fixture
def shapes(spark: SparkSession, data: Path, tmp_path: Path) -> Iterator[Shapes]:
    job.configure(spark)
    yield Shapes(spark, data, tmp_path)


def same(shapes: Shapes, **tables: Any) -> None:
    """Check that the tables give the SoT of the CSV files."""
    frames = {name: converted(shapes.spark, name, tables[name]) for name in job.SOURCES}
    target = shapes.out / "sot"
    job.transform_sot(frames, observations()).write.parquet(target.as_uri())
    assert stored_rows(target) == expected_rows(shapes.data)


def test_parquet_with_types_and_names_in_capitals(shapes: Shapes) -> None:
    times = ", ".join(f"{name}::TIMESTAMP AS {name}" for name in TIMES)
    same(
        shapes,
        tbl_orders=shapes.parquet("tbl_orders", times, upper=True),
        tbl_order_items=shapes.parquet(
            "tbl_order_items", "price::DOUBLE AS price, freight_value::DECIMAL(9,4) AS freight_value"
        ),
        tbl_customers=shapes.parquet("tbl_customers", keys=("customer_state",)),
        tbl_payments=shapes.parquet("tbl_payments", "payment_value::FLOAT AS payment_value", upper=True),
        tbl_reviews=shapes.parquet("tbl_reviews", "TRY_CAST(review_score AS DOUBLE) AS review_score"),
    )


def test_parquet_with_zones_dates_and_partitions_of_needed_columns(shapes: Shapes) -> None:
    # DuckDB's TIMESTAMPTZ is an instant. Estimated deliveries are at midnight.
    times = ", ".join(f"({name} || '+00')::TIMESTAMPTZ AS {name}" for name in TIMES[:4])
    dates = "order_estimated_delivery_date::DATE AS order_estimated_delivery_date"
    same(
        shapes,
        tbl_orders=shapes.parquet("tbl_orders", f"{times}, {dates}", keys=("order_status",)),
        tbl_order_items=shapes.parquet("tbl_order_items", "price::BLOB::VARCHAR AS price"),
        tbl_customers=shapes.parquet("tbl_customers", "customer_id::BLOB AS customer_id"),
        tbl_payments=shapes.parquet("tbl_payments", "payment_value::DECIMAL(38,10) AS payment_value"),
        tbl_reviews=shapes.parquet("tbl_reviews", "TRY_CAST(review_score AS BIGINT) AS review_score"),
    )


def test_orc_with_types_capitals_and_positions(shapes: Shapes) -> None:
    same(
        shapes,
        tbl_orders=shapes.orc("tbl_orders", dict.fromkeys(TIMES, "timestamp"), lambda _, name: name.upper()),
        tbl_order_items=shapes.orc("tbl_order_items", {"price": "double"}, lambda n, _: f"_col{n}"),
        tbl_customers=shapes.orc("tbl_customers", {}, lambda _, name: name.title()),
        tbl_payments=shapes.orc("tbl_payments", {"payment_value": "decimal(20,6)"}, lambda _, name: name),
        tbl_reviews=shapes.orc("tbl_reviews", {"review_score": "smallint"}, lambda n, _: f"_col{n}"),
    )


def test_json_of_both_serdes(shapes: Shapes) -> None:
    def number(name: str, text: str) -> Any:
        if name == "review_score":
            return float(text) if text.isdigit() else text
        return float(text) if name in ("price", "freight_value", "payment_value") else text

    def iso(name: str, text: str) -> str:
        return text.replace(" ", "T") + ".000Z" if name in TIMES else text

    customers = shapes.json("tbl_customers", OPENX, lambda _, text: text, lambda name: name[9:])
    mapping = {f"mapping.{name}": name[9:] for name in shapes.columns("tbl_customers")}
    customers["StorageDescriptor"]["SerdeInfo"]["Parameters"] = mapping
    same(
        shapes,
        tbl_orders=shapes.json("tbl_orders", OPENX, iso, str.upper),
        tbl_order_items=shapes.json("tbl_order_items", HIVE_JSON, number),
        tbl_customers=customers,
        tbl_payments=shapes.json("tbl_payments", HIVE_JSON, number, str.title),
        tbl_reviews=shapes.json("tbl_reviews", OPENX, number),
    )


def test_csv_with_other_characters_headers_and_folders(shapes: Shapes) -> None:
    for number, row in enumerate(shapes.rows("tbl_orders")):
        folder = f"Year={row['order_purchase_timestamp'][:4]}/Part=0{number % 2}"
        header = ",".join(row) + "\n"
        shapes.text("tbl_orders", f"{folder}/{number}.csv", header + ",".join(v or "" for v in row.values()))
    shapes.text("tbl_orders", "year=2000/part=00/_junk.csv", "no,table\n")
    orders = definition(
        shapes.folder("tbl_orders").as_uri(), shapes.columns("tbl_orders"), CSV, ("year", "part")
    )
    shapes.text("tbl_order_items", "deep/er/a.csv", shapes.quoted("tbl_order_items", ";", "'", "\\"))
    items = definition(
        shapes.folder("tbl_order_items").as_uri(),
        shapes.columns("tbl_order_items"),
        shapes.serde(";", "'"),
        header="no",
    )
    shapes.text("tbl_customers", "a.csv", "A|B|C|D|E\n" + shapes.quoted("tbl_customers", "|", '"', '"'))
    shapes.text("tbl_customers", ".b.csv", "no table")
    shapes.text("tbl_customers", "_c/d.csv", "no table")
    customers = definition(
        shapes.folder("tbl_customers").as_uri(), shapes.columns("tbl_customers"), shapes.serde("|")
    )
    quoted = shapes.quoted("tbl_payments", ",", '"', '"')
    header = ",".join(f'"{name.upper()}"' for name in shapes.columns("tbl_payments"))
    shapes.text("tbl_payments", "a.csv.gz", gzip.compress(f"\ufeff{header}\n{quoted}".encode()))
    payments = definition(
        shapes.folder("tbl_payments").as_uri(), shapes.columns("tbl_payments"), multiLine="false"
    )
    shapes.text(
        "tbl_reviews",
        "key=value/a.csv",
        ",".join(shapes.columns("tbl_reviews")) + "\n" + shapes.quoted("tbl_reviews", ",", '"', "^"),
    )
    reviews = definition(
        shapes.folder("tbl_reviews").as_uri(), shapes.columns("tbl_reviews"), shapes.serde(escape="^")
    )
    same(
        shapes,
        tbl_orders=orders,
        tbl_order_items=items,
        tbl_customers=customers,
        tbl_payments=payments,
        tbl_reviews=reviews,
    )


def test_delimited_text_without_quotes(shapes: Shapes) -> None:
    def table(name: str, separator: str | None, text: str, *, header: bool) -> Any:
        first = (separator or "\x01").join(shapes.columns(name)) + "\n" if header else ""
        shapes.text(name, "a.txt", first + text)
        serde = TEXT | {"Parameters": {"field.delim": separator} if separator else {}}
        options = {} if header else {"header": "no"}
        return definition(shapes.folder(name).as_uri(), shapes.columns(name), serde, **options)

    orders = shapes.delimited("tbl_orders", "\t", end="\r\n")
    same(
        shapes,
        tbl_orders=table("tbl_orders", "\t", orders, header=True),
        tbl_order_items=table(
            "tbl_order_items", None, shapes.delimited("tbl_order_items", "\x01", null=r"\N"), header=False
        ),
        tbl_customers=table("tbl_customers", "|", shapes.delimited("tbl_customers", "|"), header=False),
        tbl_payments=table("tbl_payments", ";", shapes.delimited("tbl_payments", ";"), header=True),
        tbl_reviews=shapes.parquet("tbl_reviews"),
    )
