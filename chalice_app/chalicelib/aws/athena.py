"""How Athena is asked: one small query, within seconds or not at all."""

from __future__ import annotations

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
_MOST_ROWS = 1000  # of GetQueryResults; the first one has the names of the columns

# The errors that begin a failure's reason, https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html
_GONE = ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "DATABASE_NOT_FOUND", "EntityNotFoundException")
# A file that was listed and is not there any more: somebody is writing the table.
_CHANGING = ("NoSuchKey", "FileNotFound", "HIVE_FILESYSTEM_ERROR", "HIVE_PARTITION_DROPPED")
# Who asked may not read it. Each service says it in words of its own, in capitals or not:
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
_UNSUPPORTED = "NOT_SUPPORTED"


@dataclass(frozen=True)
class QueryResult:
    """Rows of texts, None for null; `types` are Athena's, by column, in the columns' order."""

    types: dict[str, str]
    rows: list[list[str | None]]
    scanned_bytes: int


class Athena:
    """Runs queries; what AWS refuses comes out as `AwsError`, what fails in the query as a `ServiceError`."""

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
        """The result of a query of at most 999 rows; calls with the same token are the same query.

        Raises `QueryTooSlow` (and stops the query) when it takes longer than `seconds`, `TableChanging` when
        it may work in a moment, `TableUnreadable` when data and catalog do not fit together, and `NotFound`
        when the table is gone, `WorkgroupUnusable` when the workgroup is, and `TableOutOfReach` when the
        client's credentials do not allow to read what the query names.
        """
        deadline = self._monotonic() + seconds
        query_id = self._start(sql, database, workgroup, output_location, token)
        with calling():
            execution = self._ended(query_id, deadline)
            _check(query_id, execution)
            answer = self._client.get_query_results(QueryExecutionId=query_id, MaxResults=_MOST_ROWS)
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
            # Our SQL is right, so it is the workgroup.
            logger.warning("query refused", workgroup=workgroup, detail=refused.message)
            raise WorkgroupUnusable(
                "The environment's Athena workgroup is gone, disabled, or has no place for results."
            ) from refused
        logger.info("query started", query_id=query_id, workgroup=workgroup)
        return query_id

    def _ended(self, query_id: str, deadline: float) -> QueryExecutionTypeDef:
        pause = _FIRST_PAUSE
        while True:
            execution = self._client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return execution
            if self._monotonic() + pause > deadline:
                self._stop(query_id)
                raise QueryTooSlow("The query takes too long; it was stopped. Try again shortly.")
            self._sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _stop(self, query_id: str) -> None:
        try:
            with calling():
                self._client.stop_query_execution(QueryExecutionId=query_id)
        except AwsError as error:  # it ends by its LIMIT; the caller has waited enough
            logger.warning("query not stopped", query_id=query_id, detail=str(error))


def _check(query_id: str, execution: QueryExecutionTypeDef) -> None:
    """Raise what it means for the caller when a query has not succeeded; AWS's own words go to the log."""
    status = execution["Status"]
    if status["State"] == "SUCCEEDED":
        return
    reason = status.get("StateChangeReason", "")
    logger.warning("query failed", query_id=query_id, state=status["State"], detail=reason)
    failure = status.get("AthenaError", {})
    if status["State"] == "CANCELLED":  # by the workgroup's limit of scanned bytes, or by somebody's hand
        raise TableUnreadable("The query was cancelled, by its workgroup's limits or by somebody else.")
    # First, for the names of the others are around the same words.
    if any(words in reason.lower() for words in _DENIED):
        raise TableOutOfReach(
            "The table, or what it is made of, is not in this sandbox: a location, a partition, a view or a "
            "property leads to data that the sandbox has no right to read."
        )
    if any(name in reason for name in _GONE):
        raise NotFound("There is no such table.")
    if any(name in reason for name in _CHANGING):
        raise TableChanging("The table's files are changing; try again shortly.")
    if "HIVE_PARTITION_SCHEMA_MISMATCH" in reason:
        raise TableUnreadable(
            "Athena cannot read the table: a partition has columns of other types than the table. Make the "
            "partition again, or give it the table's columns."
        )
    if reason.startswith(_UNSUPPORTED):
        raise TableUnreadable("Athena does not support the table's format or what its properties ask for.")
    if failure.get("Retryable") or failure.get("ErrorCategory") == 1:
        raise AwsUnavailable("AthenaError", reason)
    raise TableUnreadable("Athena cannot read the table: its files do not fit what the catalog says of them.")
