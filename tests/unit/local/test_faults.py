"""Fault rules: syntax, random selection, and the responses of a faulty service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.aws.errors import AwsError, AwsRefused, AwsThrottled, AwsUnavailable, from_boto
from local.faults.error_responses import ErrorResponse, error_response
from local.faults.operations import operation_of, service_of
from local.faults.plan import Faults
from local.faults.rules import BadRule, Kind, parse, parse_all

STACK, RESOURCE = "CloudFormation Stack Status Change", "CloudFormation Resource Status Change"


def hits(text: str, calls: int, seed: int = 0) -> list[bool]:
    faults = Faults([parse(text)], seed)
    return [faults.of_call("glue", "StartJobRun") is not None for _ in range(calls)]


def test_a_rule_has_a_fault_a_rate_and_a_time() -> None:
    rule = parse("s3:DeleteObjects 503_after 0.25 after 3 times 2")
    assert (rule.scope, rule.pattern, rule.kind, rule.status) == ("s3", "DeleteObjects", Kind.ERROR, 503)
    assert (rule.effect, rule.probability, rule.after, rule.times) == (True, 0.25, 3, 2)


def test_rules_are_separated_by_semicolons_that_reasons_may_contain() -> None:
    one, two = parse_all("glue:* throttle; stack:AWS::Glue::Job create_failed 'no room; none' 0.5")
    assert (one.kind, one.probability) == (Kind.THROTTLE, 1.0)
    assert (two.pattern, two.reason, two.probability) == ("AWS::Glue::Job", "no room; none", 0.5)
    assert parse(two.text) == two


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("glue:StartJobRun", "it requires a target and a fault"),
        ("StartJobRun throttle", "the target must be SERVICE:OPERATION"),
        ("gleu:StartJobRun throttle", "the service 'gleu' does not exist"),
        ("glue:StartRun throttle", "glue has no operation 'StartRun'"),
        ("glue:StartJobRun slow", "a call's fault must be 500, 500_after, throttle, access_denied, timeout"),
        ("glue:StartJobRun throttle 1.5", "a probability must be at most 1, not 1.5"),
        ("glue:StartJobRun throttle often", "'often' is neither a probability nor"),
        ("glue:StartJobRun throttle times few", "times requires a whole number, not 'few'"),
        ("stack:Bucket lost", "a resource's fault must be create_failed, update_failed or delete_failed"),
        ("events:job create_failed", "an event's fault must be lost, doubled, late or reordered"),
        ("events:bucket lost", "the events must be stack, resource or job"),
        ("events:job lost 'half", "a quote is not closed"),
    ],
)
def test_an_invalid_rule_returns_the_reason(text: str, why: str) -> None:
    with pytest.raises(BadRule, match="is invalid") as refused:
        parse(text)
    assert why in str(refused.value)


def test_random_results_depend_only_on_the_seed_and_the_rule() -> None:
    alone = hits("glue:StartJobRun throttle 0.5", 200, seed=7)
    assert 70 < sum(alone) < 130
    assert alone == hits("glue:StartJobRun throttle 0.5", 200, seed=7)
    assert alone != hits("glue:StartJobRun throttle 0.5", 200, seed=8)
    both = Faults(parse_all("glue:StartJobRun throttle 0.5; s3:* 500 0.5"), 7)
    beside = []
    for _ in range(200):
        both.of_call("s3", "GetObject")
        beside.append(both.of_call("glue", "StartJobRun") is not None)
    assert beside == alone


def test_after_and_times_count_matching_calls() -> None:
    assert hits("glue:Start* 500 after 2 times 3", 7) == [False, False, True, True, True, False, False]


def test_only_the_first_matching_rule_is_applied() -> None:
    faults = Faults(parse_all("glue:* throttle times 1; *:* 500"))
    acted = [faults.of_call("glue", "GetTable"), faults.of_call("glue", "GetTable")]
    assert [rule.kind for rule in acted if rule] == [Kind.THROTTLE, Kind.ERROR]
    assert Faults(parse_all("glue:* throttle")).of_call("s3", "GetObject") is None
    assert faults.show() == [
        {"rule": "glue:* throttle times 1", "matched": 2, "acted": 1},
        {"rule": "*:* 500", "matched": 1, "acted": 1},
    ]


def test_a_resource_fails_by_its_type_or_its_name() -> None:
    faults = Faults(parse_all("stack:AWS::S3::* delete_failed 'not today'; stack:Job create_failed"))
    assert faults.of_resource("delete", "AWS::S3::Bucket", "SorBucket") == "not today"
    assert faults.of_resource("create", "AWS::S3::Bucket", "SorBucket") is None
    assert "fault" in (faults.of_resource("create", "AWS::Glue::Job", "Job") or "")


def test_events_are_lost_duplicated_and_delayed_by_kind() -> None:
    rules = "events:job lost; events:stack doubled; events:stack late seconds 5; events:resource reordered"
    faults = Faults(parse_all(rules))
    assert faults.of_event("Glue Job State Change") == []
    assert faults.of_event(STACK) == [5.0, 5.0]
    waits = [wait for _ in range(20) for wait in faults.of_event(RESOURCE)]
    assert len(waits) == 20 and waits != sorted(waits) and min(waits) >= 0 and max(waits) <= 30
    assert Faults().of_event(STACK) == [0.0]


def client(service: str, before_send: Callable[..., Any]) -> Any:
    made = boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    made.meta.events.register_first("before-send", before_send)
    return made


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("cloudformation", "create_stack", {"StackName": "s", "TemplateBody": "{}"}),
        ("glue", "start_job_run", {"JobName": "j"}),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}),
        ("kms", "describe_key", {"KeyId": "k"}),
        ("logs", "get_log_events", {"logGroupName": "g", "logStreamName": "s"}),
        ("s3", "list_buckets", {}),
        ("s3", "create_bucket", {"Bucket": "b"}),
        ("s3", "head_bucket", {"Bucket": "b"}),
        ("s3", "list_objects_v2", {"Bucket": "b"}),
        ("s3", "list_object_versions", {"Bucket": "b", "MaxKeys": 1}),
        ("s3", "list_multipart_uploads", {"Bucket": "b"}),
        ("s3", "delete_objects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}}),
        ("s3", "put_bucket_versioning", {"Bucket": "b", "VersioningConfiguration": {}}),
        ("s3", "get_object", {"Bucket": "b", "Key": "a/k", "VersionId": "1"}),
        ("s3", "head_object", {"Bucket": "b", "Key": "k"}),
        ("s3", "put_object", {"Bucket": "b", "Key": "a/k", "Body": b"x"}),
        ("s3", "copy_object", {"Bucket": "b", "Key": "k", "CopySource": "c/k"}),
        ("s3", "create_multipart_upload", {"Bucket": "b", "Key": "k"}),
        ("s3", "upload_part", {"Bucket": "b", "Key": "k", "PartNumber": 1, "UploadId": "u"}),
        ("s3", "complete_multipart_upload", {"Bucket": "b", "Key": "k", "UploadId": "u"}),
        ("s3", "abort_multipart_upload", {"Bucket": "b", "Key": "k", "UploadId": "u"}),
        ("s3", "delete_object", {"Bucket": "b", "Key": "k", "VersionId": "1"}),
    ],
)
def test_requests_are_recognised_in_botocores_format(
    service: str, operation: str, arguments: dict[str, Any]
) -> None:
    sent: list[AWSPreparedRequest] = []

    def before_send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent.append(request)
        raise ConnectionAbortedError

    made = client(service, before_send)
    with pytest.raises(ConnectionAbortedError):
        getattr(made, operation)(**arguments)
    [request] = sent
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    assert service_of(headers["authorization"]) == service
    url = urlsplit(request.url)
    body = _text(request.body or b"").encode()
    found = operation_of(service, request.method, url.path, url.query, headers, body)
    assert found == made.meta.method_to_api_mapping[operation]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Any:
        yield self._content


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("cloudformation", "describe_stacks", {}),
    ("glue", "get_job_run", {"JobName": "j", "RunId": "r"}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}),
    ("s3", "delete_objects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}}),
    ("logs", "get_log_events", {"logGroupName": "g", "logStreamName": "s"}),
    ("kms", "describe_key", {"KeyId": "k"}),
    ("iam", "get_role", {"RoleName": "r"}),
]


@pytest.mark.parametrize(("service", "operation", "arguments"), CALLS)
@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("throttle", AwsThrottled, None),
        ("500", AwsUnavailable, None),
        ("503", AwsUnavailable, "ServiceUnavailable"),
        ("access_denied", AwsRefused, None),
    ],
)
def test_a_faulty_service_returns_errors_that_boto3_parses(
    service: str,
    operation: str,
    arguments: dict[str, Any],
    fault: str,
    kind: type[AwsError],
    code: str | None,
) -> None:
    def before_send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        made: ErrorResponse = error_response(parse(f"*:* {fault}"), service, "Any")
        return AWSResponse(request.url, made.status, made.headers, Raw(made.body))

    with pytest.raises(ClientError) as caught:
        getattr(client(service, before_send), operation)(**arguments)
    error = from_boto(caught.value)
    assert type(error) is kind, error
    assert error.message and code in (None, error.code)
    if fault == "access_denied":
        assert error.code.startswith("AccessDenied")
