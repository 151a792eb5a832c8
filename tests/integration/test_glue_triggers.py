"""Runs that Glue starts by itself: retries of failed ones, and scheduled ones; with the role of their job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.glue_runs.triggers import Triggers
from tests.glue_server import TRUST, Aws, ended, job, lines, serving, start, until

SCRIPT = "print('hello')\n"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    work_dir = tmp_path_factory.mktemp("glue") / "runs"
    work_dir.mkdir()
    with serving(work_dir) as make:
        yield make


def role(aws: Aws, name: str, *statements: dict[str, Any], trust: dict[str, Any] = TRUST) -> str:
    aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    document = json.dumps({"Version": "2012-10-17", "Statement": [*statements]})
    aws("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return name


def allow(actions: list[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def test_a_failed_run_is_tried_again_as_a_run_of_its_own(aws: Aws) -> None:
    name = job(aws, "failing", "raise ValueError('no')\n", MaxRetries=1)
    first = start(aws, name, Arguments={"--X": "1"})
    second = f"{first}_attempt_1"
    assert ended(aws, name, first)["JobRunState"] == "FAILED"
    again = ended(aws, name, second)
    assert (again["JobRunState"], again["Attempt"], again["PreviousRunId"]) == ("FAILED", 1, first)
    assert again["Arguments"] == {"--X": "1"}
    assert len(aws("glue").get_job_runs(JobName=name)["JobRuns"]) == 2


def test_a_run_may_do_what_its_role_may_and_no_more(aws: Aws) -> None:
    script = (
        "import boto3\n"
        "s3 = boto3.client('s3')\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'])\n"
        "s3.put_object(Bucket='tg-a-sot', Key='fine', Body=b'')\n"
        "s3.put_object(Bucket='tg-a-sor', Key='not', Body=b'')\n"
    )
    role(
        aws,
        "narrow",
        allow(
            ["s3:GetObject", "s3:ListBucket"],
            "arn:aws:s3:::tg-a-glue-assets",
            "arn:aws:s3:::tg-a-glue-assets/*",
        ),
        allow(["s3:PutObject"], "arn:aws:s3:::tg-a-sot/*"),
        allow(["logs:*"], "arn:aws:logs:*:*:log-group:/aws-glue/jobs/*"),
    )
    name = job(aws, "narrow", script)
    aws("glue").delete_job(JobName=name)
    command = {"Name": "glueetl", "ScriptLocation": "s3://tg-a-glue-assets/jobs/narrow.py"}
    aws("glue").create_job(Name=name, Role="narrow", Command=command)
    run = ended(aws, name, start(aws, name))
    assert run["JobRunState"] == "FAILED"
    assert (
        "is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::tg-a-sor/not"
        in run["ErrorMessage"]
    )
    assert any("assumed-role/narrow/" in line for line in lines(aws, "output", run["Id"]))
    assert "Contents" not in aws("s3").list_objects_v2(Bucket="tg-a-sor")


def test_a_job_whose_role_is_not_for_glue_fails_with_the_reason(aws: Aws) -> None:
    other = json.loads(json.dumps(TRUST).replace("glue", "lambda"))
    role(aws, "not-for-glue", allow(["s3:*"], "*"), trust=other)
    name = job(aws, "untrusted", SCRIPT)
    aws("glue").delete_job(JobName=name)
    command = {"Name": "glueetl", "ScriptLocation": "s3://tg-a-glue-assets/jobs/untrusted.py"}
    aws("glue").create_job(Name=name, Role="not-for-glue", Command=command)
    run = ended(aws, name, start(aws, name))
    assert run["ErrorMessage"].startswith("Role not-for-glue cannot be assumed by glue.amazonaws.com")


def test_logs_go_where_the_prefix_and_the_security_configuration_say(aws: Aws) -> None:
    encryption = {"CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": "arn:k"}}
    aws("glue").create_security_configuration(Name="secret", EncryptionConfiguration=encryption)
    prefix = {"--custom-logGroup-prefix": "/mine"}
    plain = ended(aws, job(aws, "plain", SCRIPT, DefaultArguments=prefix), start(aws, "plain"))
    more = {"DefaultArguments": prefix, "SecurityConfiguration": "secret"}
    secret = ended(aws, job(aws, "secret", SCRIPT, **more), start(aws, "secret"))
    groups = {"/mine/output": plain["Id"], "/mine/secret-role/role/output": secret["Id"]}
    for group, run_id in groups.items():
        events = aws("logs").get_log_events(logGroupName=group, logStreamName=run_id)["events"]
        assert [event["message"] for event in events] == ["hello"]


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


def test_an_activated_trigger_starts_its_job_in_its_minute(aws: Aws) -> None:
    job(aws, "nightly", SCRIPT)
    for name, on in (("t-on", True), ("t-off", False)):
        aws("glue").create_trigger(
            Name=name,
            Type="SCHEDULED",
            Schedule="cron(5 12 * * ? *)",
            StartOnCreation=on,
            Actions=[{"JobName": "nightly", "Arguments": {"--A": "1"}}],
        )
    started: list[dict[str, Any]] = []
    clock = Clock()
    triggers = Triggers(aws, started.append, clock=clock, seconds=0.01)
    clock.moment += timedelta(minutes=4)
    until(lambda: triggers._looked.minute == 4)
    assert started == []
    clock.moment += timedelta(minutes=2)  # the minute itself has passed unseen
    until(lambda: triggers._looked.minute == 6)
    assert started == [{"JobName": "nightly", "Arguments": {"--A": "1"}, "TriggerName": "t-on"}]
    aws("glue").stop_trigger(Name="t-on")
    clock.moment += timedelta(days=1)
    until(lambda: triggers._looked.day == 24 and triggers._looked.minute == 6, 60)
    assert len(started) == 1
    triggers.close()
