"""Injected faults over real HTTP: only for the API's process, in AWS's format, before or after the effect."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, ReadTimeoutError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local.aws import clients, events
from local.aws.events import AwsEvent
from local.cloudformation.engine import CloudFormation, CloudFormationOptions
from local.faults import server as fault_server
from local.faults.control import PATH, app_id, replace_faults
from local.faults.plan import Faults
from local.faults.rules import parse_all


@dataclass
class Aws:
    """moto over HTTP with faults, for the API's process and for other clients."""

    url: str
    faults: Faults

    def api(self, service: str, *, pid: int = 1, read_timeout: float = 10) -> Any:
        """A client like that of the API's process, but without retries."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                retries={"total_max_attempts": 1}, read_timeout=read_timeout, user_agent_appid=app_id(pid)
            ),
        )

    def own(self, service: str) -> Any:
        """A client of another process that inspects the local AWS emulator."""
        return clients.client(service, self.url)

    def break_with(self, text: str) -> None:
        replace_faults(self.url, parse_all(text), 0)

    def shown(self) -> Any:
        with urllib.request.urlopen(self.url + PATH, timeout=10) as response:
            return json.load(response)["rules"]


@pytest.fixture
def aws() -> Iterator[Aws]:
    faults = Faults()
    application = fault_server.FaultyServer(DomainDispatcherApplication(create_backend_app), faults)
    server = make_server("127.0.0.1", 0, application, threaded=True)
    aws = Aws(f"http://127.0.0.1:{server.port}", faults)
    engine = CloudFormation(
        CloudFormationOptions(
            aws.own, events.publish, "us-east-1", seconds_per_stack=0, why_failed=faults.of_resource
        )
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield aws
    engine.close()
    server.shutdown()
    server.server_close()
    thread.join()


def code_of(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def buckets(aws: Aws) -> set[str]:
    return {bucket["Name"] for bucket in aws.own("s3").list_buckets()["Buckets"]}


def test_only_the_apis_calls_fail(aws: Aws) -> None:
    aws.break_with("glue:GetDatabases throttle; cloudformation:Describe* 500; s3:* access_denied")
    assert code_of(aws.api("glue").get_databases) == "ThrottlingException"
    assert code_of(aws.api("cloudformation").describe_stacks) == "InternalFailure"
    assert code_of(aws.api("s3").list_buckets) == "AccessDenied"
    aws.api("glue").get_jobs()
    aws.own("glue").get_databases()
    aws.own("cloudformation").describe_stacks()
    assert [rule["acted"] for rule in aws.shown()] == [1, 1, 1]
    aws.break_with("")
    aws.api("s3").list_buckets()


def test_an_error_after_the_effect_loses_the_response(aws: Aws) -> None:
    aws.break_with("s3:CreateBucket 500 times 1; s3:CreateBucket 503_after times 1")
    assert code_of(lambda: aws.api("s3").create_bucket(Bucket="before-the-effect")) == "InternalError"
    assert code_of(lambda: aws.api("s3").create_bucket(Bucket="after-the-effect")) == "ServiceUnavailable"
    assert "after-the-effect" in buckets(aws)
    assert "before-the-effect" not in buckets(aws)


def test_a_timeout_returns_no_response(aws: Aws) -> None:
    aws.break_with("s3:CreateBucket timeout times 1 seconds 2; s3:CreateBucket timeout_after seconds 0")
    with pytest.raises(ReadTimeoutError):
        aws.api("s3", read_timeout=0.2).create_bucket(Bucket="never-made")
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        aws.api("s3").create_bucket(Bucket="made-unseen")
    assert "made-unseen" in buckets(aws)
    assert "never-made" not in buckets(aws)


def test_a_head_request_has_a_response_without_a_body(aws: Aws) -> None:
    aws.break_with("s3:HeadBucket throttle")
    assert code_of(lambda: aws.api("s3").head_bucket(Bucket="any")) == "503"


def test_a_caller_is_killed_only_if_it_was_started_with_the_emulator(aws: Aws) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleeper) as process:
        try:
            aws.break_with("s3:ListBuckets kill_before")
            with pytest.raises(HTTPClientError):
                aws.api("s3", pid=process.pid).list_buckets()
            time.sleep(0.1)
            assert process.poll() is None  # a child of the test, not of the emulator's parent
        finally:
            process.kill()


def test_a_resource_fails_with_the_reason_of_the_fault_rule(aws: Aws) -> None:
    aws.break_with(
        "stack:Second create_failed 'there is no room'; stack:AWS::S3::Bucket delete_failed times 1"
    )
    body = {
        "Resources": {
            "First": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "faults-first"}},
            "Second": {
                "Type": "AWS::S3::Bucket",
                "DependsOn": "First",
                "Properties": {"BucketName": "faults-second"},
            },
        }
    }
    stacks = aws.own("cloudformation")
    stacks.create_stack(StackName="faulty", TemplateBody=json.dumps(body))
    deadline = time.monotonic() + 10
    status = "CREATE_IN_PROGRESS"
    while status.endswith("IN_PROGRESS"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
        [stack] = stacks.describe_stacks(StackName="faulty")["Stacks"]
        status = stack["StackStatus"]
    assert status == "ROLLBACK_FAILED"
    told = {
        (event["LogicalResourceId"], event["ResourceStatus"]): event.get("ResourceStatusReason")
        for event in stacks.describe_stack_events(StackName="faulty")["StackEvents"]
    }
    assert told["Second", "CREATE_FAILED"] == "there is no room"
    assert "A fault was injected" in (told["First", "DELETE_FAILED"] or "")


def test_invalid_rules_are_rejected_without_effect(aws: Aws) -> None:
    aws.break_with("s3:* throttle")
    wrong = json.dumps({"rules": ["s3:* sometimes"]}).encode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(aws.url + PATH, data=wrong, method="PUT"), timeout=10)
    with refused.value as answer:
        assert answer.code == 400 and "'sometimes'" in json.load(answer)["error"]
    assert [rule["rule"] for rule in aws.shown()] == ["s3:* throttle"]


def test_events_are_lost_and_delayed() -> None:
    delivered: list[tuple[float, str]] = []
    began = time.monotonic()

    def publish(event: AwsEvent) -> None:
        assert event.at and event.at < time.time() < event.at + 0.6  # when it happened, however late it comes
        delivered.append((time.monotonic() - began, event.detail_type))

    faults = Faults(parse_all("events:job lost; events:stack late seconds 0.2; events:stack doubled"))
    unreliable = fault_server.publishing(publish, faults)
    unreliable(AwsEvent("us-east-1", "aws.glue", "Glue Job State Change", {}))
    unreliable(AwsEvent("us-east-1", "aws.cloudformation", "CloudFormation Stack Status Change", {}))
    unreliable(AwsEvent("us-east-1", "aws.cloudformation", "CloudFormation Resource Status Change", {}))
    time.sleep(0.6)
    assert [kind.split()[1] for _, kind in delivered] == ["Resource", "Stack", "Stack"]
    assert delivered[0][0] < 0.15 and delivered[1][0] >= 0.2
