"""How the Data Catalog is asked to be as a release has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import AwsRefused, AwsUnavailable, from_boto
from chalicelib.records import Json

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

_MISSING = "EntityNotFoundException"
# https://docs.aws.amazon.com/glue/latest/webapi/API_BatchDeleteTable.html and API_BatchDeletePartition.html
_TABLES_A_CALL = 100
_PARTITIONS_A_CALL = 25


class Catalog:
    """Databases, tables and partitions; errors come out as `AwsError`. Every method can be repeated."""

    def __init__(self, client: GlueClient) -> None:
        self._client = client

    def tables(self, database: str) -> list[str] | None:
        """The names of a database's tables; None when there is no such database."""
        try:
            pages = self._client.get_paginator("get_tables").paginate(DatabaseName=database)
            return [table["Name"] for page in pages for table in page["TableList"]]
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code == _MISSING:
                return None
            raise failure from error

    def restore(self, database: str, tables: Mapping[str, Json | None]) -> Iterator[int]:
        """Let a database have these tables, as their TableInput says, and no other; gives after each call.

        A table whose TableInput is not known (None) is left as it is. What is in the catalog already is
        written again, without a version of it: that is one call, to find out whether it differs is one too.
        """
        there = self.tables(database)
        if there is None:
            self._create_database(database)
        surplus = [name for name in there or [] if name not in tables]
        for begin in range(0, len(surplus), _TABLES_A_CALL):
            yield self._delete_tables(database, surplus[begin : begin + _TABLES_A_CALL])
        for name, definition in tables.items():
            if definition is not None:
                self._put(database, {"Name": name, **definition}, is_new=name not in (there or []))
                yield 1

    def remove_partitions(
        self, database: str, table: str, values: list[list[str]] | None = None
    ) -> Iterator[int]:
        """Remove partitions of a table, by default all, 25 a step; those that are not there are removed."""
        if values is None:
            values = self._partitions(database, table)
        for begin in range(0, len(values), _PARTITIONS_A_CALL):
            doomed = values[begin : begin + _PARTITIONS_A_CALL]
            try:
                answer = self._client.batch_delete_partition(
                    DatabaseName=database,
                    TableName=table,
                    PartitionsToDelete=[{"Values": each} for each in doomed],
                )
            except (ClientError, BotoCoreError) as error:
                failure = from_boto(error)
                if failure.code == _MISSING:
                    return
                raise failure from error
            _check(answer.get("Errors", []))
            yield len(doomed)

    def _partitions(self, database: str, table: str) -> list[list[str]]:
        try:
            pages = self._client.get_paginator("get_partitions").paginate(
                DatabaseName=database, TableName=table, ExcludeColumnSchema=True
            )
            return [list(partition["Values"]) for page in pages for partition in page["Partitions"]]
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code == _MISSING:
                return []
            raise failure from error

    def _create_database(self, database: str) -> None:
        try:
            self._client.create_database(DatabaseInput={"Name": database})
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code != "AlreadyExistsException":
                raise failure from error

    def _delete_tables(self, database: str, names: list[str]) -> int:
        try:
            answer = self._client.batch_delete_table(DatabaseName=database, TablesToDelete=names)
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error
        _check(answer.get("Errors", []))
        return len(names)

    def _put(self, database: str, table: Json, *, is_new: bool) -> None:
        given = cast(Any, table)
        try:
            if is_new:
                self._client.create_table(DatabaseName=database, TableInput=given)
            else:
                self._client.update_table(DatabaseName=database, TableInput=given, SkipArchive=True)
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code not in (_MISSING, "AlreadyExistsException"):
                raise failure from error
            # Somebody was there since the tables were listed: whoever comes next finds it otherwise.
            raise AwsUnavailable(failure.code, failure.message) from error


def _check(errors: Any) -> None:
    """What Glue could not remove of several, but for what was gone."""
    for failed in errors:
        detail = failed.get("ErrorDetail", {})
        if detail.get("ErrorCode") != _MISSING:
            raise AwsRefused(detail.get("ErrorCode", "Unknown"), detail.get("ErrorMessage", ""))
