"""Tables and partitions of the Data Catalog, as the service reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MARK = "terraglue.run"
"""Parameter of tables and partitions: the run that wrote them (glue_assets/jobs/sot_ecommerce.py)."""
_COUNT = re.compile("[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Column:
    """A column of a table, with its Hive type."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True)
class CatalogTable:
    """A table as the catalog describes it. `format` is its classification, such as csv.

    `row_count`, `size_bytes` and `file_count` are what Glue crawlers and releases write into the parameters
    `recordCount`, `sizeKey` and `objectCount`, and None otherwise
    (https://docs.aws.amazon.com/glue/latest/dg/table-properties-crawler.html). `is_view` is whether it
    is a stored query. A view has no location.
    """

    database: str
    name: str
    description: str | None
    format: str | None
    location: str | None
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]
    updated_at: datetime | None
    row_count: int | None = None
    size_bytes: int | None = None
    file_count: int | None = None
    is_view: bool = False
    mark: str | None = None
    """The run that last wrote the table, according to the parameter `MARK`."""


@dataclass(frozen=True)
class MarkedPartition:
    """A partition's values, its creation time, and the run that last wrote it (parameter `MARK`)."""

    values: list[str]
    created_at: datetime | None
    mark: str | None


@dataclass(frozen=True)
class Partitions:
    """Number of partitions of a table, and the last ones as (values, location) in descending order.

    `is_complete` is False if the table has more partitions than `count`.
    """

    count: int
    is_complete: bool
    last: list[tuple[list[str], str | None]]


def count_in(parameters: Mapping[str, str], name: str) -> int | None:
    """Return a number in the parameters of a table, or None if there is none."""
    text = parameters.get(name, "")
    return int(text) if _COUNT.fullmatch(text) else None


def table_of(database: str, table: Any) -> CatalogTable:
    """Return a table of Glue's response."""
    storage, parameters = table.get("StorageDescriptor", {}), table.get("Parameters", {})
    return CatalogTable(
        database=database,
        name=table["Name"],
        description=table.get("Description"),
        format=parameters.get("classification"),
        location=storage.get("Location"),
        columns=_columns(storage.get("Columns", [])),
        partition_keys=_columns(table.get("PartitionKeys", [])),
        updated_at=table.get("UpdateTime") or table.get("CreateTime"),
        row_count=count_in(parameters, "recordCount"),
        size_bytes=count_in(parameters, "sizeKey"),
        file_count=count_in(parameters, "objectCount"),
        is_view=table.get("TableType") == "VIRTUAL_VIEW",
        mark=parameters.get(MARK),
    )


def _columns(columns: Any) -> tuple[Column, ...]:
    return tuple(Column(c["Name"], c.get("Type", "string"), c.get("Comment")) for c in columns)
