"""Athena client: calls, timeouts, and the errors returned for failed queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.aws.athena import Athena, QueryResult
from chalicelib.aws.errors import AwsRefused, AwsThrottled, AwsUnavailable
from chalicelib.errors import (
    NotFound,
    QueryTooSlow,
    TableChanging,
    TableOutOfReach,
    TableUnreadable,
    WorkgroupUnusable,
)


@dataclass
class Time:
    """A clock that only sleep advances."""

    seconds: float = 0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Stubbed:
    """An Athena with a client that returns preset responses."""

    stub: Stubber
    time: Time
    athena: Athena

    def run(self, **more: Any) -> QueryResult:
        given = {
            "database": "db",
            "workgroup": "w",
            "output_location": None,
            "token": "t" * 36,
            "seconds": 10.0,
        }
        return self.athena.run("SELECT 1", **{**given, **more})

    def state(self, state: str, **more: Any) -> None:
        execution = {"Status": {"State": state, **more}, "Statistics": {"DataScannedInBytes": 42}}
        self.stub.add_response(
            "get_query_execution", {"QueryExecution": execution}, {"QueryExecutionId": "q"}
        )


@pytest.fixture
def stubbed() -> Iterator[Stubbed]:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("athena", region_name="us-east-1", **keys)
    time = Time()
    with Stubber(client) as stub:
        yield Stubbed(stub, time, Athena(client, sleep=time.sleep, monotonic=time.monotonic))
        stub.assert_no_pending_responses()


def test_a_query_is_started_with_its_token_polled_and_read(stubbed: Stubbed) -> None:
    asked = {
        "QueryString": "SELECT 1",
        "ClientRequestToken": "t" * 36,
        "QueryExecutionContext": {"Database": "db"},
        "WorkGroup": "primary",
        "ResultConfiguration": {"OutputLocation": "s3://results/"},
    }
    stubbed.stub.add_response("start_query_execution", {"QueryExecutionId": "q"}, asked)
    for state in ("QUEUED", "RUNNING", "SUCCEEDED"):
        stubbed.state(state)
    info = [{"Name": "a", "Type": "integer"}, {"Name": "b", "Type": "varchar"}]
    texts: list[Any] = [[{"VarCharValue": "a"}, {"VarCharValue": "b"}], [{"VarCharValue": "1"}, {}]]
    result = {"Rows": [{"Data": data} for data in texts], "ResultSetMetadata": {"ColumnInfo": info}}
    stubbed.stub.add_response(
        "get_query_results", {"ResultSet": result}, {"QueryExecutionId": "q", "MaxResults": 1000}
    )
    assert stubbed.run(workgroup="primary", output_location="s3://results/") == QueryResult(
        types={"a": "integer", "b": "varchar"}, rows=[["1", None]], scanned_bytes=42
    )
    assert len(stubbed.time.pauses) == 2


def test_a_query_that_takes_too_long_is_stopped_in_time(stubbed: Stubbed) -> None:
    stubbed.stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
    # 0.1 s, half as much again each time, at most 1 s: seven pauses in 3.2 s, and no eighth within 4 s.
    for _ in range(8):
        stubbed.state("RUNNING")
    stubbed.stub.add_response("stop_query_execution", {}, {"QueryExecutionId": "q"})
    with pytest.raises(QueryTooSlow) as caught:
        stubbed.run(seconds=4)
    assert stubbed.time.seconds <= 4
    assert caught.value.status == 503
    assert int(caught.value.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("reason", "error", "status"),
    [
        ("TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.t' does not exist", NotFound, 404),
        ("HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://b/k: NoSuchKey", TableChanging, 503),
        ("HIVE_CANNOT_OPEN_SPLIT: s3://b/k is not a valid Parquet File", TableUnreadable, 409),
        ("HIVE_BAD_DATA: Error parsing field value 'x' for field 1", TableUnreadable, 409),
    ],
)
def test_a_failed_query_returns_an_error_without_awss_message(
    stubbed: Stubbed, reason: str, error: type[Exception], status: int
) -> None:
    stubbed.stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
    stubbed.state("FAILED", StateChangeReason=reason, AthenaError={"ErrorCategory": 2})
    with pytest.raises(error) as caught:
        stubbed.run()
    assert getattr(caught.value, "status", None) == status
    assert reason.partition(":")[0] not in str(caught.value)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            "NOT_SUPPORTED: The local AWS emulator does not support Grok tables.",
            "The local AWS emulator does not support Grok tables. Athena in AWS may support it.",
        ),
        ("NOT_SUPPORTED: Unsupported Trino column type (decimal(20,0)) for Parquet column ([theirs]", None),
        ("HIVE_UNSUPPORTED_FORMAT: Athena does not support the SerDe com.theirs.SerDe", None),
        ("HIVE_UNKNOWN_ERROR: Unable to create input format", None),
    ],
)
def test_an_unsupported_table_has_the_reason_of_the_emulator_or_a_general_one(
    stubbed: Stubbed, reason: str, words: str | None
) -> None:
    stubbed.stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
    stubbed.state("FAILED", StateChangeReason=reason, AthenaError={"ErrorCategory": 1})
    with pytest.raises(TableUnreadable) as caught:
        stubbed.run()
    assert "theirs" not in str(caught.value)
    assert words is None or words == str(caught.value)


@pytest.mark.parametrize(
    "reason",
    [
        "PERMISSION_DENIED: User: arn:aws:sts::1:assumed-role/r is not authorized to perform: glue:GetTable",
        "Permission denied on S3 path: s3://terraglue-theirs-sot/t",
        "HIVE_CANNOT_OPEN_SPLIT: Error opening s3://b/k: Access Denied (Service: Amazon S3)",
        "HIVE_FILESYSTEM_ERROR: Error getting file status: Forbidden (Service: Amazon S3; Status Code: 403)",
        "Insufficient permissions to execute the query. User is not authorized to access s3://b",
        "com.amazonaws.services.glue.model.AccessDeniedException: Insufficient Lake Formation permission(s)",
    ],
)
def test_inaccessible_data_is_a_conflict_without_names(stubbed: Stubbed, reason: str) -> None:
    stubbed.stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
    stubbed.state("FAILED", StateChangeReason=reason, AthenaError={"ErrorCategory": 1})
    with pytest.raises(TableOutOfReach) as caught:
        stubbed.run()
    assert (caught.value.status, caught.value.code) == (409, "table_out_of_reach")
    assert "s3" not in str(caught.value) and "arn" not in str(caught.value)


def test_internal_failures_of_athena_count_as_aws_unavailable(stubbed: Stubbed) -> None:
    system = {"StateChangeReason": "INTERNAL_ERROR", "AthenaError": {"ErrorCategory": 1}}
    again = {"StateChangeReason": "INSUFFICIENT", "AthenaError": {"ErrorCategory": 3, "Retryable": True}}
    for given, error in ((system, AwsUnavailable), (again, AwsUnavailable)):
        stubbed.stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
        stubbed.state("FAILED", **given)
        with pytest.raises(error):
            stubbed.run()


def test_a_query_that_is_cancelled_has_no_rows(stubbed: Stubbed) -> None:
    stubbed.stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
    stubbed.state("CANCELLED", StateChangeReason="Bytes scanned limit was exceeded")
    with pytest.raises(TableUnreadable):
        stubbed.run()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("InvalidRequestException", WorkgroupUnusable),
        ("TooManyRequestsException", AwsThrottled),
        ("AccessDeniedException", AwsRefused),
    ],
)
def test_a_query_that_cannot_start_returns_the_reason(
    stubbed: Stubbed, code: str, error: type[Exception]
) -> None:
    stubbed.stub.add_client_error("start_query_execution", code, "WorkGroup w is not found.", 400)
    with pytest.raises(error):
        stubbed.run()
