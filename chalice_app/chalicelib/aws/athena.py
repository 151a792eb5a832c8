"""Athena client: runs small queries with a time limit of seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.aws.errors import AwsError, AwsRefused, AwsUnavailable, calling
from chalicelib.errors import (
    NotFound,
    QueryTooSlow,
    TableChanging,
    TableOutOfReach,
    TableUnreadable,
    WorkgroupUnusable,
)
from chalicelib.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_MAX_ROWS = 1000  # of GetQueryResults, including the header row

# Error codes in a failure's reason, https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html
_GONE = ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "DATABASE_NOT_FOUND", "EntityNotFoundException")
# A listed file no longer exists: another process is writing the table.
_CHANGING = ("NoSuchKey", "FileNotFound", "HIVE_FILESYSTEM_ERROR", "HIVE_PARTITION_DROPPED")
# Lower-case phrases for denied access. Each AWS service uses its own wording and letter case:
# https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html
_DENIED = (
    "permission_denied",
    "permission denied",
    "accessdenied",
    "access denied",
    "not authorized",
    "insufficient permission",
    "insufficient_permission",
    "insufficient lake formation permission",
    "status code: 403",
)
# Neither the engine nor a SerDe of Athena can read the table, whatever its files contain.
_UNSUPPORTED = (
    "NOT_SUPPORTED",
    "HIVE_UNSUPPORTED_FORMAT",
    "HIVE_UNKNOWN_ERROR: Unable to create input format",
)
# The local emulator supports less than Athena. Its reason must not be mistaken for Athena's.
_EMULATOR = re.compile(r"NOT_SUPPORTED: (The local AWS emulator does not support .*)", re.DOTALL)


@dataclass(frozen=True)
class QueryResult:
    """Result of a query. `types` maps column names, in order, to Athena types. A null value is None."""

    types: dict[str, str]
    rows: list[list[str | None]]
    scanned_bytes: int


class Athena:
    """Runs queries. Failed AWS calls raise `AwsError`, failed queries a `ServiceError`."""

    def __init__(
        self,
        client: AthenaClient,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._monotonic = monotonic

    def run(
        self,
        sql: str,
        *,
        database: str,
        workgroup: str,
        output_location: str | None,
        token: str,
        seconds: float,
    ) -> QueryResult:
        """Run a query and return its result, at most 999 rows.

        Calls with the same `token` share one query. Raises:

        - `QueryTooSlow` if the query takes longer than `seconds`; the query is stopped.
        - `TableChanging` if the table's files changed during the query; a retry can succeed.
        - `TableUnreadable` if the files do not match the table's definition.
        - `NotFound` if the table does not exist.
        - `WorkgroupUnusable` if the workgroup is deleted, disabled or has no output location.
        - `TableOutOfReach` if the client's credentials do not allow reading the table's data.
        """
        deadline = self._monotonic() + seconds
        query_id = self._start(sql, database, workgroup, output_location, token)
        with calling():
            execution = self._wait(query_id, deadline)
            _raise_if_failed(query_id, execution)
            answer = self._client.get_query_results(QueryExecutionId=query_id, MaxResults=_MAX_ROWS)
        found = answer["ResultSet"]
        return QueryResult(
            types={column["Name"]: column["Type"] for column in found["ResultSetMetadata"]["ColumnInfo"]},
            rows=[[datum.get("VarCharValue") for datum in row["Data"]] for row in found["Rows"][1:]],
            scanned_bytes=execution.get("Statistics", {}).get("DataScannedInBytes", 0),
        )

    def _start(self, sql: str, database: str, workgroup: str, output_location: str | None, token: str) -> str:
        configuration: Any = {"OutputLocation": output_location} if output_location else {}
        try:
            with calling():
                query_id = self._client.start_query_execution(
                    QueryString=sql,
                    ClientRequestToken=token,
                    QueryExecutionContext={"Database": database},
                    WorkGroup=workgroup,
                    ResultConfiguration=configuration,
                )["QueryExecutionId"]
        except AwsRefused as refused:
            if refused.code != "InvalidRequestException":
                raise
            # The SQL is valid, so the workgroup is the cause.
            logger.warning("query refused", workgroup=workgroup, detail=refused.message)
            raise WorkgroupUnusable(
                "The environment's Athena workgroup is deleted, disabled or has no output location."
            ) from refused
        logger.info("query started", query_id=query_id, workgroup=workgroup)
        return query_id

    def _wait(self, query_id: str, deadline: float) -> QueryExecutionTypeDef:
        pause = _FIRST_PAUSE
        while True:
            execution = self._client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return execution
            if self._monotonic() + pause > deadline:
                self._stop(query_id)
                raise QueryTooSlow("The query took too long and was stopped. Retry.")
            self._sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _stop(self, query_id: str) -> None:
        try:
            with calling():
                self._client.stop_query_execution(QueryExecutionId=query_id)
        except AwsError as error:  # the query's LIMIT bounds its cost
            logger.warning("query not stopped", query_id=query_id, detail=str(error))


def _raise_if_failed(query_id: str, execution: QueryExecutionTypeDef) -> None:
    """Raise the error for a query that did not succeed. Logs AWS's reason, which callers do not see."""
    status = execution["Status"]
    if status["State"] == "SUCCEEDED":
        return
    reason = status.get("StateChangeReason", "")
    logger.warning("query failed", query_id=query_id, state=status["State"], detail=reason)
    failure = status.get("AthenaError", {})
    if status["State"] == "CANCELLED":  # by the workgroup's limit of scanned bytes, or by a user
        raise TableUnreadable(
            "The query was cancelled: it exceeded the limit of its workgroup, or another user cancelled it. "
            "Select less data, or retry."
        )
    # Checked first: messages about denied access can also contain the names below.
    if any(words in reason.lower() for words in _DENIED):
        raise TableOutOfReach(
            "The table refers to data outside this environment, in a location, partition, view or "
            "property. Queries can read data of this environment only."
        )
    if any(name in reason for name in _GONE):
        raise NotFound("The table does not exist.")
    if any(name in reason for name in _CHANGING):
        raise TableChanging("The table's files changed during the query. Retry.")
    if "HIVE_PARTITION_SCHEMA_MISMATCH" in reason:
        raise TableUnreadable(
            "Athena cannot read the table: a partition has other column types than the table. Recreate the "
            "partition or update its columns."
        )
    if match := _EMULATOR.fullmatch(reason):
        raise TableUnreadable(f"{match[1]} Athena in AWS may support it.")
    if reason.startswith(_UNSUPPORTED):
        raise TableUnreadable(
            "Athena does not support the table's format (its SerDe, or none), a column's type or a property. "
            "Correct the table's definition in the Data Catalog."
        )
    if failure.get("Retryable") or failure.get("ErrorCategory") == 1:
        raise AwsUnavailable("AthenaError", reason)
    raise TableUnreadable(
        "Athena cannot read the table: its files do not match the table's definition in the Data Catalog."
    )
