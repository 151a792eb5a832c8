"""Metastore calls about partitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from pymetastore.hive_metastore import ttypes

from local.metastore import convert, presentation
from local.metastore.folders import Folders
from local.metastore.names import glue_expression, partition_name, partition_values, starts_with
from local.metastore.tables import Tables, is_managed

Json = dict[str, Any]

_MOST_CREATED = 100
"""https://docs.aws.amazon.com/glue/latest/webapi/API_BatchCreatePartition.html"""

_MOST_READ = 1000
"""https://docs.aws.amazon.com/glue/latest/webapi/API_BatchGetPartition.html"""


class Partitions:
    """Partitions of tables of the Data Catalog."""

    def __init__(self, glue: Any, folders: Folders, tables: Tables) -> None:
        self._glue = glue
        self._folders = folders
        self._tables = tables

    # ---- read

    def get_partition(self, database: str, table: str, values: list[str]) -> Any:
        """Return a partition."""
        place = {"DatabaseName": database, "TableName": table}
        return convert.partition(self._glue.get_partition(**place, PartitionValues=values)["Partition"])

    def get_partition_with_auth(
        self, database: str, table: str, values: list[str], _user: str, _groups: list[str]
    ) -> Any:
        """Return a partition."""
        return self.get_partition(database, table, values)

    def get_partition_by_name(self, database: str, table: str, name: str) -> Any:
        """Return a partition."""
        return self.get_partition(database, table, partition_values(name))

    def get_partitions(self, database: str, table: str, most: int) -> list[Any]:
        """Return all partitions, or the first ones."""
        return [convert.partition(found) for found in _first(most, self._all(database, table))]

    def get_partitions_with_auth(
        self, database: str, table: str, most: int, _user: str, _groups: list[str]
    ) -> list[Any]:
        """Return all partitions, or the first ones."""
        return self.get_partitions(database, table, most)

    def get_partitions_ps(self, database: str, table: str, values: list[str], most: int) -> list[Any]:
        """Return the partitions that match a partial specification."""
        found = (item for item in self._all(database, table) if starts_with(item["Values"], values))
        return [convert.partition(item) for item in _first(most, found)]

    def get_partitions_ps_with_auth(
        self, database: str, table: str, values: list[str], most: int, _user: str, _groups: list[str]
    ) -> list[Any]:
        """Return the partitions that match a partial specification."""
        return self.get_partitions_ps(database, table, values, most)

    def get_partitions_by_filter(self, database: str, table: str, condition: str, most: int) -> list[Any]:
        """Return the partitions that match a filter.

        If Glue cannot evaluate the filter, all partitions are returned: Spark filters them once more.
        """
        try:
            found = list(self._all(database, table, glue_expression(condition)))
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("InvalidInputException", "InvalidStateException"):
                raise
            found = list(self._all(database, table))
        return [convert.partition(item) for item in _first(most, iter(found))]

    def get_partitions_by_names(self, database: str, table: str, names: list[str]) -> list[Any]:
        """Return those of the partitions that exist."""
        found = []
        for begin in range(0, len(names), _MOST_READ):
            wanted = [{"Values": partition_values(name)} for name in names[begin : begin + _MOST_READ]]
            response = self._glue.batch_get_partition(
                DatabaseName=database, TableName=table, PartitionsToGet=wanted
            )
            found += [convert.partition(item) for item in response["Partitions"]]
        return found

    def get_partition_names(self, database: str, table: str, most: int) -> list[str]:
        """Return the names of all partitions, or of the first ones."""
        return self.get_partition_names_ps(database, table, [], most)

    def get_partition_names_ps(self, database: str, table: str, values: list[str], most: int) -> list[str]:
        """Return the names of the partitions that match a partial specification."""
        keys = [key["Name"] for key in self._tables.stored(database, table).get("PartitionKeys", [])]
        found = (item["Values"] for item in self._all(database, table) if starts_with(item["Values"], values))
        return sorted(partition_name(keys, item) for item in _first(most, found))

    # ---- write

    def add_partitions_req(self, request: Any) -> Any:
        """Create partitions."""
        created = self._create(request.dbName, request.tblName, request.parts, request.ifNotExists)
        return ttypes.AddPartitionsResult(created if request.needResult else [])

    def add_partition_with_environment_context(self, partition: Any, _context: Any) -> Any:
        """Create a partition."""
        return self._create(partition.dbName, partition.tableName, [partition], False)[0]

    def add_partition(self, partition: Any) -> Any:
        """Create a partition."""
        return self.add_partition_with_environment_context(partition, None)

    def alter_partitions_with_environment_context(
        self, database: str, table: str, partitions: list[Any], _context: Any
    ) -> None:
        """Replace partitions."""
        for partition in partitions:
            self.rename_partition(database, table, partition.values, partition)

    def alter_partitions(self, database: str, table: str, partitions: list[Any]) -> None:
        """Replace partitions."""
        self.alter_partitions_with_environment_context(database, table, partitions, None)

    def alter_partition_with_environment_context(
        self, database: str, table: str, partition: Any, _context: Any
    ) -> None:
        """Replace a partition."""
        self.rename_partition(database, table, partition.values, partition)

    def rename_partition(self, database: str, table: str, values: list[str], partition: Any) -> None:
        """Replace a partition by one with other values."""
        changed = self._input(self._tables.stored(database, table), partition)
        self._glue.update_partition(
            DatabaseName=database, TableName=table, PartitionValueList=values, PartitionInput=changed
        )

    def drop_partition_with_environment_context(
        self, database: str, table: str, values: list[str], delete_data: bool, _context: Any
    ) -> bool:
        """Delete a partition, and its objects if the table is managed."""
        place = {"DatabaseName": database, "TableName": table}
        partition = self._glue.get_partition(**place, PartitionValues=values)["Partition"]
        self._glue.delete_partition(**place, PartitionValues=values)
        if delete_data and is_managed(self._tables.stored(database, table)):
            self._folders.delete(partition.get("StorageDescriptor", {}).get("Location", ""))
        return True

    def drop_partition(self, database: str, table: str, values: list[str], delete_data: bool) -> bool:
        """Delete a partition, and its objects if the table is managed."""
        return self.drop_partition_with_environment_context(database, table, values, delete_data, None)

    def _create(self, database: str, name: str, partitions: list[Any], if_not_exists: bool) -> list[Any]:
        table = self._tables.stored(database, name)
        created, failed = [], None
        for begin in range(0, len(partitions), _MOST_CREATED):
            batch = partitions[begin : begin + _MOST_CREATED]
            response = self._glue.batch_create_partition(
                DatabaseName=database,
                TableName=name,
                PartitionInputList=[self._input(table, partition) for partition in batch],
            )
            errors = {tuple(e["PartitionValues"]): e["ErrorDetail"] for e in response.get("Errors") or ()}
            created += [partition for partition in batch if tuple(partition.values) not in errors]
            for values, detail in errors.items():
                exists = detail["ErrorCode"] == "AlreadyExistsException"
                if not (exists and if_not_exists):
                    error = ttypes.AlreadyExistsException if exists else ttypes.MetaException
                    failed = failed or error(f"{detail.get('ErrorMessage', '')} {list(values)}")
        if failed:
            raise failed
        return created

    def _input(self, table: Json, partition: Any) -> Json:
        if not partition.sd.location:
            keys = [key["Name"] for key in table.get("PartitionKeys", [])]
            folder = table["StorageDescriptor"]["Location"].rstrip("/")
            partition.sd.location = f"{folder}/{partition_name(keys, partition.values)}"
        return presentation.restore_partition(table, convert.partition_input(partition))

    def _all(self, database: str, table: str, expression: str = "") -> Iterator[Json]:
        more = {"Expression": expression} if expression else {}
        pages = self._glue.get_paginator("get_partitions")
        for page in pages.paginate(DatabaseName=database, TableName=table, **more):
            yield from page["Partitions"]


def _first(most: int, found: Iterator[Any]) -> Iterator[Any]:
    """Yield at most so many items. Hive sends -1 for all."""
    for index, item in enumerate(found):
        if 0 <= most <= index:
            return
        yield item
