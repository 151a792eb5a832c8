"""How the Data Catalog is asked: databases, tables and partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ParamValidationError

from chalicelib.aws.errors import AwsRefused, AwsUnavailable, calling, from_code
from chalicelib.domain.json_types import Json

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

MARK = "terraglue.run"
"""The parameter by which a run marks what it writes (glue_assets/jobs/sot_ecommerce.py)."""
_MISSING = "EntityNotFoundException"
_THERE = "AlreadyExistsException"
# Of names that cannot be one Glue says the others.
_NO_SUCH_TABLE = (_MISSING, "InvalidInputException", "ValidationException")
# What one call may be about: https://docs.aws.amazon.com/glue/latest/webapi/API_BatchDeleteTable.html,
# API_BatchCreatePartition.html, API_BatchUpdatePartition.html, API_BatchDeletePartition.html and
# API_GetPartitions.html beside it.
_TABLES_A_CALL = 100
_NEW_PARTITIONS_A_CALL = 100
_CHANGED_PARTITIONS_A_CALL = 100
_OLD_PARTITIONS_A_CALL = 25
_PARTITIONS_A_LOOK = 1000
_LAST_PARTITIONS = 10


@dataclass(frozen=True)
class Column:
    """A column of a table, with its Hive type."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True)
class CatalogTable:
    """A table as the catalog describes it; `format` is its classification, such as csv.

    `is_view` says that it is a stored query; such a table has no location.
    """

    database: str
    name: str
    description: str | None
    format: str | None
    location: str | None
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]
    updated_at: datetime | None
    is_view: bool = False
    mark: str | None = None
    """The run that says that it has written it last."""


@dataclass(frozen=True)
class MarkedPartition:
    """A partition's values, when it came into the catalog, and the run that says it has written it last."""

    values: list[str]
    created_at: datetime | None
    mark: str | None


@dataclass(frozen=True)
class Partitions:
    """Partitions of a table, as (values, location), sorted by their values, the last ones first.

    `is_complete` is False when there are more than those that were counted.
    """

    count: int
    is_complete: bool
    last: list[tuple[list[str], str | None]]


class Catalog:
    """The calls about databases and tables; errors come out as `AwsError`. Every method can be repeated."""

    def __init__(self, client: GlueClient) -> None:
        self._client = client

    def tables(self, database: str, *, most: int | None = None) -> list[CatalogTable] | None:
        """The first tables of a database, by name; None when there is no such database. A call a hundred."""
        found: list[CatalogTable] = []
        with calling(_MISSING, about=database):
            for page in self._client.get_paginator("get_tables").paginate(DatabaseName=database):
                found += [_table(database, table) for table in page["TableList"]]
                if most is not None and len(found) >= most:
                    break
            return sorted(found[:most], key=lambda table: table.name)
        return None

    def table(self, database: str, name: str) -> CatalogTable | None:
        """One table; None when there is none of that name, or none could be."""
        with calling(*_NO_SUCH_TABLE), suppress(ParamValidationError):
            return _table(database, self._client.get_table(DatabaseName=database, Name=name)["Table"])
        return None

    def partitions(self, database: str, table: str) -> Partitions:
        """How many partitions a table has, up to a thousand, and the last of them; one call."""
        with calling(_MISSING):
            answer = self._client.get_partitions(
                DatabaseName=database,
                TableName=table,
                ExcludeColumnSchema=True,
                MaxResults=_PARTITIONS_A_LOOK,
            )
            found = sorted(
                ((p["Values"], p.get("StorageDescriptor", {}).get("Location")) for p in answer["Partitions"]),
                key=lambda partition: partition[0],
                reverse=True,
            )
            return Partitions(len(found), "NextToken" not in answer, found[:_LAST_PARTITIONS])
        return Partitions(0, True, [])  # dropped since it was listed

    def marked_partitions(self, database: str, table: str) -> list[MarkedPartition]:
        """The first thousand partitions of a table; one call."""
        with calling(_MISSING):
            answer = self._client.get_partitions(
                DatabaseName=database,
                TableName=table,
                ExcludeColumnSchema=True,
                MaxResults=_PARTITIONS_A_LOOK,
            )
            return [
                MarkedPartition(list(p["Values"]), p.get("CreationTime"), p.get("Parameters", {}).get(MARK))
                for p in answer["Partitions"]
            ]
        return []  # dropped since it was listed

    def restore(self, database: str, tables: Mapping[str, Json | None]) -> Iterator[int]:
        """Let a database have these tables, as their TableInput says, and no other; gives after each call.

        A table whose TableInput is not known (None) is left as it is. What is in the catalog already is
        written again, without a version of it: that is one call, to find out whether it differs is one too.
        """
        there = self.tables(database)
        if there is None:
            with calling(_THERE):
                self._client.create_database(DatabaseInput={"Name": database})
        names = {table.name for table in there or ()}
        yield from self._remove(database, sorted(names - tables.keys()))
        for name, definition in tables.items():
            if definition is not None:
                self._put(database, {"Name": name, **definition}, is_new=name not in names)
                yield 1

    def remove_tables(self, database: str, *, but: Set[str]) -> Iterator[int]:
        """Remove a database's tables but some, a hundred a step; gives after each how many.

        Glue removes their partitions and versions by itself, later; nobody can reach them from now on.
        """
        found = self.tables(database) or ()
        yield from self._remove(database, [table.name for table in found if table.name not in but])

    def remove_database(self, database: str) -> None:
        """Remove a database with its tables; one that does not exist is removed."""
        with calling(_MISSING, about=database):
            self._client.delete_database(Name=database)

    def add_partitions(
        self, database: str, table: str, storage: Json, partitions: list[tuple[list[str], str]]
    ) -> None:
        """Make (values, location) partitions of a table; those that are there are left as they are."""
        for begin in range(0, len(partitions), _NEW_PARTITIONS_A_CALL):
            wanted = [
                {"Values": values, "StorageDescriptor": {**storage, "Location": location}}
                for values, location in partitions[begin : begin + _NEW_PARTITIONS_A_CALL]
            ]
            with calling():
                answer = self._client.batch_create_partition(
                    DatabaseName=database, TableName=table, PartitionInputList=cast(Any, wanted)
                )
            _check(answer.get("Errors", []), _THERE, f"{database}.{table}")

    def update_partitions(self, database: str, table: str, storage: Json) -> Iterator[int]:
        """Give all partitions of a table the storage descriptor of the table, but for their locations.

        Updates those that differ, a hundred a step, and yields after each how many. Glue itself leaves a
        partition as it was when its table's columns change, and Athena then fails with
        HIVE_PARTITION_SCHEMA_MISMATCH: https://docs.aws.amazon.com/athena/latest/ug/updates-and-partitions.html
        """
        with calling(_MISSING):
            pages = self._client.get_paginator("get_partitions").paginate(
                DatabaseName=database,
                TableName=table,
                PaginationConfig={"PageSize": _CHANGED_PARTITIONS_A_CALL},
            )
            for page in pages:
                changed = [
                    {"PartitionValueList": found["Values"], "PartitionInput": _with_storage(found, storage)}
                    for found in page["Partitions"]
                    if any(found["StorageDescriptor"].get(name) != value for name, value in storage.items())
                ]
                if changed:
                    answer = self._client.batch_update_partition(
                        DatabaseName=database, TableName=table, Entries=cast(Any, changed)
                    )
                    _check(answer.get("Errors", []), _MISSING, f"{database}.{table}")
                yield len(changed)

    def remove_partitions(
        self, database: str, table: str, values: list[list[str]] | None = None
    ) -> Iterator[int]:
        """Remove partitions of a table, by default all, 25 a step; those that are not there are removed."""
        with calling(_MISSING):
            if values is None:
                values = self._partitions(database, table)
            for begin in range(0, len(values), _OLD_PARTITIONS_A_CALL):
                doomed = values[begin : begin + _OLD_PARTITIONS_A_CALL]
                answer = self._client.batch_delete_partition(
                    DatabaseName=database,
                    TableName=table,
                    PartitionsToDelete=[{"Values": each} for each in doomed],
                )
                _check(answer.get("Errors", []), _MISSING, f"{database}.{table}")
                yield len(doomed)

    def _partitions(self, database: str, table: str) -> list[list[str]]:
        pages = self._client.get_paginator("get_partitions").paginate(
            DatabaseName=database, TableName=table, ExcludeColumnSchema=True
        )
        return [list(partition["Values"]) for page in pages for partition in page["Partitions"]]

    def _remove(self, database: str, tables: list[str]) -> Iterator[int]:
        for begin in range(0, len(tables), _TABLES_A_CALL):
            doomed = tables[begin : begin + _TABLES_A_CALL]
            with calling(_MISSING, about=database):
                answer = self._client.batch_delete_table(DatabaseName=database, TablesToDelete=doomed)
                _check(answer.get("Errors", []), _MISSING, database)
            yield len(doomed)

    def _put(self, database: str, table: Json, *, is_new: bool) -> None:
        given = cast(Any, table)
        try:
            with calling():
                if is_new:
                    self._client.create_table(DatabaseName=database, TableInput=given)
                else:
                    self._client.update_table(DatabaseName=database, TableInput=given, SkipArchive=True)
        except AwsRefused as refused:
            if refused.code not in (_MISSING, _THERE):
                raise
            # Somebody was there since the tables were listed: whoever comes next finds it otherwise.
            raise AwsUnavailable(refused.code, refused.message) from refused


def _check(errors: Any, passed_over: str, about: str) -> None:
    """Raise the first thing that Glue could not do of several."""
    for failed in errors:
        detail = failed.get("ErrorDetail", {})
        code, words = detail.get("ErrorCode", "Unknown"), detail.get("ErrorMessage", "")
        if code != passed_over:
            what = f"{about}.{failed['TableName']}" if "TableName" in failed else about
            raise from_code(code, f"{what}: {words}")


def _with_storage(partition: Any, storage: Json) -> Json:
    """Return a partition as PartitionInput with another storage descriptor at the same location."""
    kept = {name: partition[name] for name in ("Values", "Parameters", "LastAccessTime") if name in partition}
    return {**kept, "StorageDescriptor": {**partition["StorageDescriptor"], **storage}}


def _table(database: str, table: Any) -> CatalogTable:
    storage = table.get("StorageDescriptor", {})
    return CatalogTable(
        database=database,
        name=table["Name"],
        description=table.get("Description"),
        format=table.get("Parameters", {}).get("classification"),
        location=storage.get("Location"),
        columns=_columns(storage.get("Columns", [])),
        partition_keys=_columns(table.get("PartitionKeys", [])),
        updated_at=table.get("UpdateTime") or table.get("CreateTime"),
        is_view=table.get("TableType") == "VIRTUAL_VIEW",
        mark=table.get("Parameters", {}).get(MARK),
    )


def _columns(columns: Any) -> tuple[Column, ...]:
    return tuple(Column(c["Name"], c.get("Type", "string"), c.get("Comment")) for c in columns)
