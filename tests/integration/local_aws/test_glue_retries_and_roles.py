"""Local Glue: automatic retries of failed runs, and runs with the role of their job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.glue_server import S3A, TRUST, Aws, ended, job, lines, serving, start

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


def job_as(aws: Aws, role: str, script: str, **more: Any) -> str:
    """A job that has the name of its role."""
    aws("s3").put_object(Bucket="tg-a-glue-assets", Key=f"jobs/{role}.py", Body=script.encode())
    command = {"Name": "glueetl", "ScriptLocation": f"s3://tg-a-glue-assets/jobs/{role}.py"}
    more["DefaultArguments"] = S3A | more.get("DefaultArguments", {})
    return str(aws("glue").create_job(Name=role, Role=role, Command=command, **more)["Name"])


def test_a_failed_run_is_retried_as_a_separate_run(aws: Aws) -> None:
    name = job(aws, "failing", "raise ValueError('no')\n", MaxRetries=1)
    first = start(aws, name, Arguments={"--X": "1"})
    second = f"{first}_attempt_1"
    assert ended(aws, name, first)["JobRunState"] == "FAILED"
    again = ended(aws, name, second)
    assert (again["JobRunState"], again["Attempt"], again["PreviousRunId"]) == ("FAILED", 1, first)
    assert again["Arguments"] == {"--X": "1"}
    assert len(aws("glue").get_job_runs(JobName=name)["JobRuns"]) == 2


def test_a_run_has_exactly_the_permissions_of_its_role(aws: Aws) -> None:
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
    name = job_as(aws, "narrow", script)
    run = ended(aws, name, start(aws, name))
    assert run["JobRunState"] == "FAILED"
    assert (
        "is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::tg-a-sor/not"
        in run["ErrorMessage"]
    )
    assert any("assumed-role/narrow/" in line for line in lines(aws, "output", run["Id"]))
    assert "Contents" not in aws("s3").list_objects_v2(Bucket="tg-a-sor", Prefix="not")


def test_a_job_whose_role_is_not_for_glue_fails_with_the_reason(aws: Aws) -> None:
    other = json.loads(json.dumps(TRUST).replace("glue", "lambda"))
    role(aws, "not-for-glue", allow(["s3:*"], "*"), trust=other)
    name = job_as(aws, "not-for-glue", SCRIPT)
    run = ended(aws, name, start(aws, name))
    assert run["ErrorMessage"].startswith("Role not-for-glue cannot be assumed by glue.amazonaws.com")


def test_logs_go_to_the_group_of_prefix_and_security_configuration(aws: Aws) -> None:
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


def test_an_existing_log_group_of_a_stack_is_used_unchanged(aws: Aws) -> None:
    aws("logs").create_log_group(logGroupName="/ready/output", tags={"made-by": "a stack"})
    aws("logs").create_log_group(logGroupName="/ready/error")
    logs = ["logs:CreateLogStream", "logs:PutLogEvents"]
    role(aws, "ready", allow(["s3:*"], "*"), allow(logs, "arn:aws:logs:*:*:log-group:/ready/*"))
    name = job_as(aws, "ready", SCRIPT, DefaultArguments={"--custom-logGroup-prefix": "/ready"})
    run = ended(aws, name, start(aws, name))
    assert (run["JobRunState"], run["LogGroupName"]) == ("SUCCEEDED", "/ready")
    events = aws("logs").get_log_events(logGroupName="/ready/output", logStreamName=run["Id"])["events"]
    assert [event["message"] for event in events] == ["hello"]


def test_spark_reads_and_writes_only_with_the_roles_permission(aws: Aws) -> None:
    aws("s3").put_object(Bucket="tg-a-sor", Key="open/a", Body=b"1")
    aws("s3").put_object(Bucket="tg-a-sor", Key="secret/a", Body=b"1")
    sor = "arn:aws:s3:::tg-a-sor"
    role(
        aws,
        "reader",
        allow(["s3:ListBucket"], "arn:aws:s3:::tg-a-glue-assets", sor),
        allow(["s3:GetObject"], "arn:aws:s3:::tg-a-glue-assets/*", f"{sor}/open*", f"{sor}/new*"),
        allow(["logs:*"], "*"),
    )
    script = (
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "frame = spark.read.text('s3://tg-a-sor/open')\n"
        "print(frame.count())\n"
        "try:\n"
        "    spark.read.text('s3://tg-a-sor/secret').count()\n"
        "except Exception as error:\n"
        "    print(error)\n"
        "frame.write.text('s3://tg-a-sor/new')\n"
    )
    name = job_as(aws, "reader", script)
    run = ended(aws, name, start(aws, name))
    count, *refused = lines(aws, "output", run["Id"])
    assert count == "1"
    assert f"s3:GetObject on resource: {sor}/secret" in "".join(refused)
    assert run["JobRunState"] == "FAILED"
    assert f"s3:PutObject on resource: {sor}/new/" in run["ErrorMessage"]
    assert "new" not in str(aws("s3").list_objects_v2(Bucket="tg-a-sor")["Contents"])


def test_retries_end_with_success_and_never_follow_a_stop_or_a_timeout(aws: Aws) -> None:
    script = (
        "import boto3, sys\n"
        "s3 = boto3.client('s3')\n"
        "tried = 'Contents' in s3.list_objects_v2(Bucket='elsewhere', Prefix='tried')\n"
        "s3.put_object(Bucket='elsewhere', Key='tried', Body=b'')\n"
        "sys.exit(0 if tried else 1)\n"
    )
    name = job(aws, "second-time", script, MaxRetries=3)
    first = start(aws, name)
    assert ended(aws, name, first)["JobRunState"] == "FAILED"
    assert ended(aws, name, f"{first}_attempt_1")["JobRunState"] == "SUCCEEDED"
    slow = job(aws, "slow", "import time\ntime.sleep(60)\n", MaxRetries=3, Timeout=1)
    assert ended(aws, slow, start(aws, slow))["JobRunState"] == "TIMEOUT"
    stopped = start(aws, slow, Timeout=60)
    aws("glue").batch_stop_job_run(JobName=slow, JobRunIds=[stopped])
    assert ended(aws, slow, stopped)["JobRunState"] == "STOPPED"
    assert len(aws("glue").get_job_runs(JobName=name)["JobRuns"]) == 2
    assert len(aws("glue").get_job_runs(JobName=slow)["JobRuns"]) == 2


def test_a_jobs_mode_is_shown(aws: Aws) -> None:
    job(aws, "notebook", SCRIPT, JobMode="NOTEBOOK")
    assert aws("glue").get_job(JobName="notebook")["Job"]["JobMode"] == "NOTEBOOK"
