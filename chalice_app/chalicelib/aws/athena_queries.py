"""Athena client for the queries of one sandbox: starts, stops and lists them, and reads their results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.errors import AwsRefused, calling, from_code
from chalicelib.domain.query import QueryStatus

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

MOST_RESULT_ROWS = 1000
"""Rows of one call of GetQueryResults, including the header."""
_BATCH = 50
"""https://docs.aws.amazon.com/athena/latest/APIReference/API_BatchGetQueryExecution.html"""


@dataclass(frozen=True)
class Execution:
    """A query execution as Athena describes it. `reason` explains its state."""

    id: str
    sql: str
    status: QueryStatus
    submitted_at: datetime
    reason: str | None = None
    completed_at: datetime | None = None
    scanned_bytes: int = 0
    queue_milliseconds: int | None = None
    execution_milliseconds: int | None = None
    statement_type: str | None = None
    substatement_type: str | None = None
    database: str | None = None
    output_location: str | None = None


@dataclass(frozen=True)
class ResultPage:
    """Rows of a result as Athena's strings, in which null is None. `next` is the token of the next page."""

    columns: list[tuple[str, str]]
    rows: list[list[str | None]]
    next: str | None


class AthenaQueries:
    """Calls Athena with the credentials of one sandbox. Failed calls raise `AwsError`."""

    def __init__(self, client: AthenaClient) -> None:
        self._client = client

    def start(
        self, sql: str, *, database: str | None, workgroup: str, parameters: Sequence[str], token: str
    ) -> str:
        """Start a query and return its execution ID. Calls with the same token start one query."""
        options: Any = {"ExecutionParameters": list(parameters)} if parameters else {}
        if database:
            options["QueryExecutionContext"] = {"Database": database}
        with calling():
            return self._client.start_query_execution(
                QueryString=sql, ClientRequestToken=token, WorkGroup=workgroup, **options
            )["QueryExecutionId"]

    def get(self, execution_id: str) -> Execution:
        """Describe an execution."""
        with calling():
            found = self._client.get_query_execution(QueryExecutionId=execution_id)
        return _execution(found["QueryExecution"])

    def stop(self, execution_id: str) -> None:
        """Stop an execution. Has no effect if it has ended."""
        with calling():
            self._client.stop_query_execution(QueryExecutionId=execution_id)

    def results(self, execution_id: str, *, limit: int, token: str | None) -> ResultPage:
        """Return a page of at most `limit` rows. The first row of a SELECT's first page is the header."""
        more: Any = {} if token is None else {"NextToken": token}
        with calling():
            answer = self._client.get_query_results(QueryExecutionId=execution_id, MaxResults=limit, **more)
        found = answer["ResultSet"]
        return ResultPage(
            [(column["Name"], _type(column)) for column in found["ResultSetMetadata"]["ColumnInfo"]],
            [[datum.get("VarCharValue") for datum in row.get("Data", ())] for row in found["Rows"]],
            answer.get("NextToken"),
        )

    def pages(self, workgroup: str) -> Iterator[list[Execution]]:
        """Yield the executions of a workgroup in pages, newest first."""
        more: Any = {}
        while True:
            with calling():
                listed = self._client.list_query_executions(WorkGroup=workgroup, MaxResults=_BATCH, **more)
                ids = listed.get("QueryExecutionIds", [])
            yield self._described(ids) if ids else []
            if not listed.get("NextToken"):
                return
            more = {"NextToken": listed["NextToken"]}

    def _described(self, ids: Sequence[str]) -> list[Execution]:
        with calling():
            found = self._client.batch_get_query_execution(QueryExecutionIds=ids)
        for left in found.get("UnprocessedQueryExecutionIds", ()):
            failure = from_code(left.get("ErrorCode", ""), left.get("ErrorMessage", ""))
            if not isinstance(failure, AwsRefused):
                raise failure
        return [_execution(each) for each in found.get("QueryExecutions", ())]


def _execution(found: Any) -> Execution:
    status, statistics = found["Status"], found.get("Statistics", {})
    return Execution(
        id=found["QueryExecutionId"],
        sql=found.get("Query", ""),
        status=QueryStatus(status["State"]),
        submitted_at=status["SubmissionDateTime"],
        reason=status.get("StateChangeReason"),
        completed_at=status.get("CompletionDateTime"),
        scanned_bytes=statistics.get("DataScannedInBytes", 0),
        queue_milliseconds=statistics.get("QueryQueueTimeInMillis"),
        execution_milliseconds=statistics.get("EngineExecutionTimeInMillis"),
        statement_type=found.get("StatementType"),
        substatement_type=found.get("SubstatementType"),
        database=found.get("QueryExecutionContext", {}).get("Database"),
        output_location=found.get("ResultConfiguration", {}).get("OutputLocation"),
    )


def _type(column: Any) -> str:
    """Return the type of a column. Only decimals have a precision that callers need."""
    kind = str(column["Type"])
    return f"{kind}({column['Precision']},{column['Scale']})" if kind == "decimal" else kind
