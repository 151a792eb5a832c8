"""Parquet, ORC and Avro files, and workbooks."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import fastavro
import pyorc

from tests.integration.data_shapes.shape import Shape, shape, stored

UTC = dt.UTC


@shape
def pandas_nanoseconds() -> Shape:
    """DataFrame.to_parquet: nanoseconds, an index, a category, and a name with a blank."""
    at = dt.datetime(2024, 1, 2, 3, 4, 5, 678000)
    return Shape(
        {"df.parquet": stored("pandas_ns.parquet")},
        "order_id bigint; placed timestamp; score double; size; key",
        [(1, at, 5.0, "S", "a"), (2, None, None, "L", "b")],
        "nanosecond|TIMESTAMP_NS|timestamp",
    )


@shape
def pandas_filtered() -> Shape:
    """An index without a name, which the file keeps as metadata."""
    return Shape({"df.parquet": stored("pandas_filtered.parquet")}, "n bigint", [(1,), (3,)])


@shape
def arrow_types() -> Shape:
    """Types that Spark and Athena read differently, or not at all."""
    place = {"city": "Köln", "zip": 50667}
    return Shape(
        {"t.parquet": stored("arrow_types.parquet")},
        "id decimal(20,0); small bigint; at timestamp; clock; price decimal(9,2); raw binary; "
        "tags array<string>; place struct<city:string,zip:int>; none",
        [
            (
                Decimal(18446744073709551615),
                4294967295,
                dt.datetime(2024, 1, 2, 3, 4, 5),
                "23:59:58",
                Decimal("1.50"),
                b"\x00\xff",
                ["x", None],
                place,
                None,
            ),
            (Decimal(7), 1, None, None, None, None, [], None, None),
        ],
    )


@shape
def polars_parquet() -> Shape:
    return Shape(
        {"df.parquet": stored("polars.parquet")},
        "id bigint; day date; took double; ok boolean",
        [(1, dt.date(2024, 2, 29), 1.5, True), (2, None, float("nan"), False)],
    )


@shape
def spark_parquet() -> Shape:
    """DataFrame.write.parquet of Spark 3.5: times are INT96."""
    return Shape(
        {"part-00000-c0.snappy.parquet": stored("spark_int96.parquet"), "_SUCCESS": ""},
        "id bigint; at timestamp; price decimal(7,2)",
        [(1, dt.datetime(2024, 1, 2, 3, 4, 5, 678000), Decimal("9.90")), (2, None, None)],
    )


@shape
def duckdb_parquet() -> Shape:
    """DuckDB's COPY: a sum of integers (which it writes as double), a list, a map, and an enum."""
    return Shape(
        {"t.parquet": stored("duckdb.parquet")},
        "total double; sizes array<int>; labels map<string,int>; mood",
        [(3.0, [1, 2], {"a": 1}, "ok"), (None, None, None, None)],
    )


@shape
def snowflake_parquet() -> Shape:
    """Snowflake, Oracle: names in capitals."""
    return Shape(
        {"data_0_0_0.snappy.parquet": stored("capitals.parquet")},
        "order_id; score decimal(2,1)",
        [("a", Decimal("5.0")), ("b", None)],
    )


@shape
def parquet_partitions() -> Shape:
    """One folder for each day, whose files have other types of the same column."""
    return Shape(
        {
            "day=2024-01-01/0.parquet": stored("small_int.parquet"),
            "day=2024-01-02/0.parquet": stored("large_int.parquet"),
        },
        "id bigint; day",
        [(1, "2024-01-01"), (5000000000, "2024-01-02")],
    )


@shape
def avro_with_logical_types() -> Shape:
    fields = [
        ("Id", "long"),
        ("at", ["null", {"type": "long", "logicalType": "timestamp-micros"}]),
        ("day", {"type": "int", "logicalType": "date"}),
        ("price", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
        ("kind", {"type": "enum", "name": "kinds", "symbols": ["A", "B"]}),
        ("tags", {"type": "array", "items": "string"}),
    ]
    schema = {"type": "record", "name": "Order", "fields": [{"name": n, "type": t} for n, t in fields]}
    at = dt.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    records = [
        {
            "Id": 1,
            "at": at,
            "day": dt.date(2024, 2, 29),
            "price": Decimal("1.50"),
            "kind": "A",
            "tags": ["x"],
        },
        {
            "Id": 2,
            "at": None,
            "day": dt.date(1969, 7, 20),
            "price": Decimal("-2.00"),
            "kind": "B",
            "tags": [],
        },
    ]
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(schema), records, codec="deflate", sync_marker=b"0" * 16)
    return Shape(
        {"orders.avro": buffer.getvalue()},
        "id bigint; at timestamp; day date; price decimal(9,2); kind; tags array<string>",
        [
            (1, at.replace(tzinfo=None), dt.date(2024, 2, 29), Decimal("1.50"), "A", ["x"]),
            (2, None, dt.date(1969, 7, 20), Decimal("-2.00"), "B", []),
        ],
    )


def orc(schema: str, *rows: tuple[Any, ...]) -> bytes:
    buffer = io.BytesIO()
    with pyorc.Writer(buffer, schema) as writer:
        writer.writerows(rows)
    return buffer.getvalue()


@shape
def hive_orc() -> Shape:
    """Hive before 2.0 names the columns of ORC files _col0, _col1."""
    content = orc("struct<_col0:bigint,_col1:string>", (1, "a"), (2, None))
    return Shape(
        {"000000_0.orc": content},
        "id bigint; name",
        [(1, "a"), (2, None)],
        options='[rename]\n"_col0" = "id"\n"_col1" = "name"\n',
    )


@shape
def orc_with_types() -> Shape:
    content = orc(
        "struct<id:int,day:date,price:decimal(9,2),at:timestamp,tags:array<string>>",
        (1, dt.date(2024, 2, 29), Decimal("1.50"), dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), ["x"]),
        (2, None, None, None, None),
    )
    return Shape(
        {"part-0.snappy.orc": content},
        "id int; day date; price decimal(9,2); at timestamp; tags array<string>",
        [
            (1, dt.date(2024, 2, 29), Decimal("1.50"), dt.datetime(2024, 1, 2, 3, 4, 5), ["x"]),
            (2, None, None, None, None),
        ],
    )


@shape
def workbook() -> Shape:
    """openpyxl: a number is told as Excel shows it, and only the first sheet counts."""
    return Shape(
        {"vendas.xlsx": stored("openpyxl.xlsx")},
        "pedido; data_da_compra; preco_r; pago; obs",
        [
            ("1", "2024-01-02 00:00:00", "12.5", "true", 'olá, "você"'),
            ("2", "2024-01-03 04:05:06", "7", "false", "duas\nlinhas"),
            ("3", "", "", "", ""),
        ],
        "sheet|Vendas",
    )


@shape
def workbook_with_types() -> Shape:
    return Shape(
        {"vendas.xlsx": stored("openpyxl.xlsx")},
        "pedido int; data_da_compra timestamp; preco_r decimal(9,2); pago boolean; obs",
        [
            (1, dt.datetime(2024, 1, 2), Decimal("12.50"), True, 'olá, "você"'),
            (2, dt.datetime(2024, 1, 3, 4, 5, 6), Decimal("7.00"), False, "duas\nlinhas"),
            (3, None, None, None, ""),
        ],
        options='[types]\npedido = "int"\ndata_da_compra = "timestamp"\n'
        'preco_r = "decimal(9,2)"\npago = "boolean"\n',
    )


@shape
def pandas_workbook() -> Shape:
    """DataFrame.to_excel with its index."""
    return Shape(
        {"df.xlsx": stored("pandas_index.xlsx")},
        "column_1; name; born; score",
        [("0", "Ana", "1990-05-06", "1.5"), ("1", "Zoë", "1985-12-31", "")],
    )


@shape
def excel_97() -> Shape:
    """Codes that Excel keeps as texts."""
    return Shape({"codes.xls": stored("excel_97.xls")}, "code; name", [("007", "Bond"), ("1.0", "x")])


@shape
def opendocument() -> Shape:
    return Shape(
        {"villes.ods": stored("libreoffice.ods")},
        "ville; habitants",
        [("Nîmes", "148561"), ("Lyon", "522250")],
    )


@shape
def workbook_with_title_rows() -> Shape:
    return Shape({"a.xlsx": stored("title_rows.xlsx")}, refused=r"a\.xlsx.*(title|header|row)")
