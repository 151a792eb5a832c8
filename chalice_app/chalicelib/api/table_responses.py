"""What callers are answered about tables: more of `answers.py`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.responses import (
    EXAMPLE_ENVIRONMENT,
    EXAMPLE_ID,
    EXAMPLE_SOT,
    Answer,
    Link,
    Time,
)


class Column(Answer):
    """A column of a table, with its Hive type."""

    name: Annotated[str, Field(examples=["order_id"])]
    type: Annotated[str, Field(examples=["string"])]
    comment: Annotated[str | None, Field(examples=[None])]


class Partition(Answer):
    """A partition: its values, as the catalog has them, by the names of the table's keys."""

    values: Annotated[dict[str, str], Field(examples=[{"anomesdia": "20261124"}])]
    location: Annotated[str | None, Field(examples=[f"{EXAMPLE_SOT}/anomesdia=20261124"])]


class Partitions(Answer):
    """How many partitions a table has, and the last ten by their values, the last first."""

    count: Annotated[int, Field(ge=0, examples=[1])]
    is_complete: Annotated[
        bool, Field(description="False: there are more than were counted.", examples=[True])
    ]
    last: list[Partition]


class TableLinks(Answer):
    """Where to look into a table."""

    rows: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/tables/sot/tbsot_ecommerce_br/rows"])]


class Table(Answer):
    """A table as the Data Catalog describes it."""

    name: Annotated[str, Field(examples=["tbsot_ecommerce_br"])]
    description: Annotated[str | None, Field(examples=[None])]
    format: Annotated[str | None, Field(examples=["parquet"])]
    location: Annotated[str | None, Field(examples=[EXAMPLE_SOT])]
    columns: list[Column]
    partition_keys: Annotated[
        list[Column], Field(examples=[[{"name": "anomesdia", "type": "int", "comment": None}]])
    ]
    partitions: Annotated[
        Partitions | None, Field(description="Null where there can be none, or they were not counted.")
    ]
    updated_at: Annotated[Time | None, Field(examples=["2026-11-24T09:41:20.000Z"])]
    links: TableLinks


class Database(Answer):
    """A database of an environment, by its short name and by the catalog's."""

    name: Annotated[str, Field(examples=["sot"])]
    catalog_name: Annotated[str, Field(examples=[f"terraglue_{EXAMPLE_ID}_sot"])]
    is_complete: Annotated[
        bool, Field(description="False: there are more tables than are shown.", examples=[True])
    ]
    tables: list[Table]


class TablesLinks(Answer):
    """Where the tables belong."""

    self: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/tables"])]
    environment: Annotated[Link, Field(examples=[EXAMPLE_ENVIRONMENT])]


class Tables(Answer):
    """An environment's databases with their tables."""

    items: list[Database]
    links: TablesLinks


class RowsLinks(Answer):
    """Where the rows belong."""

    self: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/tables/sot/tbsot_ecommerce_br/rows"])]
    tables: Annotated[Link, Field(examples=[f"{EXAMPLE_ENVIRONMENT}/tables"])]
    environment: Annotated[Link, Field(examples=[EXAMPLE_ENVIRONMENT])]


class Rows(Answer):
    """The first rows of a table, in the order in which they were read."""

    database: Annotated[str, Field(examples=["sot"])]
    catalog_database: Annotated[str, Field(examples=[f"terraglue_{EXAMPLE_ID}_sot"])]
    table: Annotated[str, Field(examples=["tbsot_ecommerce_br"])]
    columns: Annotated[list[Column], Field(description="The partition keys are the last of them.")]
    items: Annotated[
        list[dict[str, Any]],
        Field(
            description=(
                "Values by column: integers are numbers of any size, decimals are texts that keep every "
                "digit, timestamps are RFC 3339, nested values are JSON; texts where JSON has no word (NaN)."
            ),
            examples=[[{"order_id": "bc9652f3", "sum_order_price": "96.89", "qty_order_items": 1}]],
        ),
    ]
    is_truncated: Annotated[
        bool,
        Field(
            description="True if rows were left out because the answer would be too large (4 MiB).",
            examples=[False],
        ),
    ]
    scanned_bytes: Annotated[int, Field(ge=0, description="What Athena read for it.", examples=[1843201])]
    links: RowsLinks
