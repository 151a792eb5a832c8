"""Glue Data Catalog client: databases, tables and partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, cast

from chalicelib.aws.catalog_tables import MARK, CatalogTable, MarkedPartition, Partitions, table_of
from chalicelib.aws.errors import AwsRefused, AwsUnavailable, call_or_none, calling, from_code
from chalicelib.domain.json_types import Json

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_MISSING = "EntityNotFoundException"
_EXISTS = "AlreadyExistsException"
# For a malformed name, Glue returns one of the next two codes, and boto3 raises the last one without a call.
_NO_SUCH_TABLE = (_MISSING, "InvalidInputException", "ValidationException", "ParamValidationError")
# Maximum items of one call: https://docs.aws.amazon.com/glue/latest/webapi/API_BatchDeleteTable.html,
# API_BatchCreatePartition.html, API_BatchUpdatePartition.html, API_BatchDeletePartition.html and
# API_GetPartitions.html in the same folder.
_TABLES_PER_CALL = 100
_CREATED_PARTITIONS_PER_CALL = 100
_UPDATED_PARTITIONS_PER_CALL = 100
_DELETED_PARTITIONS_PER_CALL = 25
_LISTED_PARTITIONS_PER_CALL = 1000
_LAST_PARTITIONS = 10


class Catalog:
    """Reads and changes databases, tables and partitions.

    Methods raise `AwsError` and are safe to repeat.
    """

    def __init__(self, client: GlueClient) -> None:
        self._client = client

    def tables(self, database: str, *, most: int | None = None) -> list[CatalogTable] | None:
        """Return up to `most` tables of a database, sorted by name.

        Returns None if the database does not exist. Makes one call for every 100 tables.
        """

        def read() -> list[CatalogTable]:
            found: list[CatalogTable] = []
            for page in self._client.get_paginator("get_tables").paginate(DatabaseName=database):
                found += [table_of(database, table) for table in page["TableList"]]
                if most is not None and len(found) >= most:
                    break
            return sorted(found[:most], key=lambda table: table.name)

        return call_or_none(read, _MISSING, about=database)

    def table(self, database: str, name: str) -> CatalogTable | None:
        """Return a table, or None if it does not exist or its name is invalid."""
        found = call_or_none(
            lambda: self._client.get_table(DatabaseName=database, Name=name)["Table"], *_NO_SUCH_TABLE
        )
        return table_of(database, found) if found else None

    def partitions(self, database: str, table: str) -> Partitions:
        """Count up to 1,000 partitions of a table and return the last ten of them. Makes one call."""
        page = self._first_partitions(database, table)
        found = sorted(
            ((p["Values"], p.get("StorageDescriptor", {}).get("Location")) for p in page["Partitions"]),
            key=lambda partition: partition[0],
            reverse=True,
        )
        return Partitions(len(found), "NextToken" not in page, found[:_LAST_PARTITIONS])

    def marked_partitions(self, database: str, table: str) -> list[MarkedPartition]:
        """Return the first 1,000 partitions of a table. Makes one call."""
        return [
            MarkedPartition(list(p["Values"]), p.get("CreationTime"), p.get("Parameters", {}).get(MARK))
            for p in self._first_partitions(database, table)["Partitions"]
        ]

    def restore(self, database: str, tables: Mapping[str, Json | None]) -> Iterator[int]:
        """Create or update the tables of a database by their TableInput and delete all other tables.

        Creates the database if it does not exist. Keeps a table whose TableInput is None. Updates every
        existing table without archiving a version: comparing it first would cost a call as well. Yields after
        each call, so that the caller can stop between two.
        """
        existing = self.tables(database)
        if existing is None:
            with calling(ignore={_EXISTS}):
                self._client.create_database(DatabaseInput={"Name": database})
        names = {table.name for table in existing or ()}
        yield from self._remove(database, sorted(names - tables.keys()))
        for name, definition in tables.items():
            if definition is not None:
                self._put(database, {"Name": name, **definition}, is_new=name not in names)
                yield 1

    def remove_tables(self, database: str, *, but: Set[str]) -> Iterator[int]:
        """Delete all tables of a database except those in `but`. Yields the number of each batch of 100.

        Glue deletes their partitions and versions later. They are unreachable from the call on.
        """
        found = self.tables(database) or ()
        yield from self._remove(database, [table.name for table in found if table.name not in but])

    def remove_database(self, database: str) -> None:
        """Delete a database and its tables. Does nothing if it does not exist."""
        with calling(ignore={_MISSING}, about=database):
            self._client.delete_database(Name=database)

    def add_partitions(
        self, database: str, table: str, storage: Json, partitions: list[tuple[list[str], str]]
    ) -> None:
        """Create partitions of a table from (values, location). Keeps existing partitions unchanged."""
        for begin in range(0, len(partitions), _CREATED_PARTITIONS_PER_CALL):
            wanted = [
                {"Values": values, "StorageDescriptor": {**storage, "Location": location}}
                for values, location in partitions[begin : begin + _CREATED_PARTITIONS_PER_CALL]
            ]
            with calling():
                response = self._client.batch_create_partition(
                    DatabaseName=database, TableName=table, PartitionInputList=cast(Any, wanted)
                )
            _raise_first_error(response.get("Errors", []), _EXISTS, f"{database}.{table}")

    def update_partitions(
        self, database: str, table: str, storage: Json, locations: Mapping[tuple[str, ...], str]
    ) -> Iterator[int]:
        """Set the storage descriptor of all partitions of a table to `storage`.

        Partitions in `locations` get that location, and the others keep theirs. Updates the partitions that
        differ. Yields the number of each batch of up to 100. Glue does not update
        partitions when the table's columns change, and Athena then fails with
        HIVE_PARTITION_SCHEMA_MISMATCH: https://docs.aws.amazon.com/athena/latest/ug/updates-and-partitions.html
        """
        with calling(ignore={_MISSING}):
            pages = self._client.get_paginator("get_partitions").paginate(
                DatabaseName=database,
                TableName=table,
                PaginationConfig={"PageSize": _UPDATED_PARTITIONS_PER_CALL},
            )
            for page in pages:
                changed = []
                for found in page["Partitions"]:
                    location = locations.get(tuple(found["Values"]))
                    wanted = storage if location is None else {**storage, "Location": location}
                    if any(found["StorageDescriptor"].get(name) != value for name, value in wanted.items()):
                        entry = _with_storage(found, wanted)
                        changed.append({"PartitionValueList": found["Values"], "PartitionInput": entry})
                if changed:
                    response = self._client.batch_update_partition(
                        DatabaseName=database, TableName=table, Entries=cast(Any, changed)
                    )
                    _raise_first_error(response.get("Errors", []), _MISSING, f"{database}.{table}")
                yield len(changed)

    def remove_partitions(
        self, database: str, table: str, values: list[list[str]] | None = None
    ) -> Iterator[int]:
        """Delete partitions of a table, by default all. Yields the number of each batch of up to 25.

        Ignores partitions that do not exist.
        """
        with calling(ignore={_MISSING}):
            if values is None:
                values = self._partitions(database, table)
            for begin in range(0, len(values), _DELETED_PARTITIONS_PER_CALL):
                batch = values[begin : begin + _DELETED_PARTITIONS_PER_CALL]
                response = self._client.batch_delete_partition(
                    DatabaseName=database,
                    TableName=table,
                    PartitionsToDelete=[{"Values": each} for each in batch],
                )
                _raise_first_error(response.get("Errors", []), _MISSING, f"{database}.{table}")
                yield len(batch)

    def _first_partitions(self, database: str, table: str) -> Any:
        page = call_or_none(
            lambda: self._client.get_partitions(
                DatabaseName=database,
                TableName=table,
                ExcludeColumnSchema=True,
                MaxResults=_LISTED_PARTITIONS_PER_CALL,
            ),
            _MISSING,
        )
        return page or {"Partitions": []}  # the table was deleted after it was listed

    def _partitions(self, database: str, table: str) -> list[list[str]]:
        pages = self._client.get_paginator("get_partitions").paginate(
            DatabaseName=database, TableName=table, ExcludeColumnSchema=True
        )
        return [list(partition["Values"]) for page in pages for partition in page["Partitions"]]

    def _remove(self, database: str, tables: list[str]) -> Iterator[int]:
        for begin in range(0, len(tables), _TABLES_PER_CALL):
            batch = tables[begin : begin + _TABLES_PER_CALL]
            with calling(ignore={_MISSING}, about=database):
                response = self._client.batch_delete_table(DatabaseName=database, TablesToDelete=batch)
                _raise_first_error(response.get("Errors", []), _MISSING, database)
            yield len(batch)

    def _put(self, database: str, table: Json, *, is_new: bool) -> None:
        given = cast(Any, table)
        try:
            with calling():
                if is_new:
                    self._client.create_table(DatabaseName=database, TableInput=given)
                else:
                    self._client.update_table(DatabaseName=database, TableInput=given, SkipArchive=True)
        except AwsRefused as refused:
            if refused.code not in (_MISSING, _EXISTS):
                raise
            # Another process changed the table after it was listed. A retry lists the tables again.
            raise AwsUnavailable(refused.code, refused.message) from refused


def _raise_first_error(errors: Any, ignored: str, about: str) -> None:
    """Raise the first error of a batch call whose code is not `ignored`."""
    for failed in errors:
        detail = failed.get("ErrorDetail", {})
        code, message = detail.get("ErrorCode", "Unknown"), detail.get("ErrorMessage", "")
        if code != ignored:
            what = f"{about}.{failed['TableName']}" if "TableName" in failed else about
            raise from_code(code, f"{what}: {message}")


def _with_storage(partition: Any, storage: Json) -> Json:
    """Return the PartitionInput of a partition with these fields in its storage descriptor."""
    kept = {name: partition[name] for name in ("Values", "Parameters", "LastAccessTime") if name in partition}
    return {**kept, "StorageDescriptor": {**partition["StorageDescriptor"], **storage}}
