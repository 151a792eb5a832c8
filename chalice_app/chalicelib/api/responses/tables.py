"""Databases, tables and rows in responses."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.responses.base import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_ID,
    EXAMPLE_SOT,
    Link,
    ResponseBody,
    Time,
)

_ROWS = f"{EXAMPLE_ENVIRONMENT}/tables/sot/tbsot_ecommerce_br/rows"


class Column(ResponseBody):
    """A column of a table."""

    name: Annotated[str, Field(description="Name of the column.", examples=["order_id"])]
    type: Annotated[str, Field(description="Hive type.", examples=["string"])]
    comment: Annotated[str | None, Field(description="Comment in the Data Catalog.", examples=[None])]


class Partition(ResponseBody):
    """A partition of a table."""

    values: Annotated[
        dict[str, str],
        Field(description="Values by partition key.", examples=[{"anomesdia": "20261124"}]),
    ]
    location: Annotated[
        str | None,
        Field(description="Location of its files in S3.", examples=[f"{EXAMPLE_SOT}/anomesdia=20261124"]),
    ]


class Partitions(ResponseBody):
    """Partitions of a table."""

    count: Annotated[int, Field(ge=0, description="Number of partitions counted.", examples=[1])]
    is_complete: Annotated[
        bool, Field(description="False if the table has more than `count` partitions.", examples=[True])
    ]
    last: Annotated[
        list[Partition], Field(description="The ten partitions with the highest values, highest first.")
    ]


class TableLinks(ResponseBody):
    """Links of a table."""

    rows: Annotated[Link, Field(description="Its first rows.", examples=[_ROWS])]


class Table(ResponseBody):
    """A table in the Data Catalog."""

    name: Annotated[str, Field(description="Name of the table.", examples=["tbsot_ecommerce_br"])]
    description: Annotated[str | None, Field(description="Description, or null.", examples=[None])]
    format: Annotated[
        str | None, Field(description="Format of its files, or null if unknown.", examples=["parquet"])
    ]
    location: Annotated[
        str | None, Field(description="Location of its files in S3, or null.", examples=[EXAMPLE_SOT])
    ]
    row_count: Annotated[
        int | None,
        Field(
            ge=0,
            description="Number of rows according to the release, or a crawler's estimate. Null if unknown.",
            examples=[9921],
        ),
    ]
    size_bytes: Annotated[
        int | None, Field(ge=0, description="Size of its files in the same way, or null.", examples=[1843201])
    ]
    file_count: Annotated[
        int | None, Field(ge=0, description="Number of its files in the same way, or null.", examples=[4])
    ]
    columns: Annotated[list[Column], Field(description="Columns without the partition keys.")]
    partition_keys: Annotated[
        list[Column],
        Field(
            description="Partition keys in order.",
            examples=[[{"name": "anomesdia", "type": "int", "comment": None}]],
        ),
    ]
    partitions: Annotated[
        Partitions | None,
        Field(description="Partitions, or null if the table has no partition keys or they were not counted."),
    ]
    updated_at: Annotated[
        Time | None,
        Field(
            description="When its definition last changed, or null.", examples=["2026-11-24T09:41:20.000Z"]
        ),
    ]
    links: Annotated[TableLinks, Field(description="Related resources.")]


class Database(ResponseBody):
    """A database of an environment."""

    name: Annotated[str, Field(description="Short name.", examples=["sot"])]
    catalog_name: Annotated[
        str, Field(description="Name in the Data Catalog.", examples=[f"terraglue_{EXAMPLE_ID}_sot"])
    ]
    is_complete: Annotated[
        bool, Field(description="False if the database has more tables than `tables`.", examples=[True])
    ]
    tables: Annotated[list[Table], Field(description="Tables of the database.")]


class TablesLinks(ResponseBody):
    """Links of an environment's tables."""

    self: Annotated[Link, Field(description="The tables.", examples=[f"{EXAMPLE_ENVIRONMENT}/tables"])]
    environment: Annotated[Link, Field(description="Their environment.", examples=[EXAMPLE_ENVIRONMENT])]


class Tables(ResponseBody):
    """An environment's databases with their tables."""

    items: Annotated[list[Database], Field(description="Databases of the environment.")]
    links: Annotated[TablesLinks, Field(description="Related resources.")]


class RowsLinks(ResponseBody):
    """Links of a table's rows."""

    self: Annotated[Link, Field(description="The rows.", examples=[_ROWS])]
    tables: Annotated[
        Link, Field(description="The environment's tables.", examples=[f"{EXAMPLE_ENVIRONMENT}/tables"])
    ]
    environment: Annotated[Link, Field(description="The environment.", examples=[EXAMPLE_ENVIRONMENT])]


class Rows(ResponseBody):
    """The first rows of a table, in the order in which Athena returned them."""

    database: Annotated[str, Field(description="Short name of the database.", examples=["sot"])]
    catalog_database: Annotated[
        str,
        Field(
            description="Name of the database in the Data Catalog.", examples=[f"terraglue_{EXAMPLE_ID}_sot"]
        ),
    ]
    table: Annotated[str, Field(description="Name of the table.", examples=["tbsot_ecommerce_br"])]
    columns: Annotated[list[Column], Field(description="Columns; the partition keys come last.")]
    items: Annotated[
        list[dict[str, Any]],
        Field(
            description=(
                "Rows: values by column name. Integers are numbers of any size, decimals are strings that "
                "keep every digit, timestamps are RFC 3339 and nested values are JSON. Values that JSON "
                "cannot express, such as NaN, are strings."
            ),
            examples=[[{"order_id": "bc9652f3", "sum_order_price": "96.89", "qty_order_items": 1}]],
        ),
    ]
    is_truncated: Annotated[
        bool,
        Field(
            description="True if rows were omitted because the response would exceed 4 MiB.",
            examples=[False],
        ),
    ]
    scanned_bytes: Annotated[
        int, Field(ge=0, description="Number of bytes that Athena scanned.", examples=[1843201])
    ]
    links: Annotated[RowsLinks, Field(description="Related resources.")]
