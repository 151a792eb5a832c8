"""A sandbox in production mode: upload a custom job over HTTP, and run it with its role on Spark."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.job_files import tarred
from tests.support.local_up import Caller, Up

SCRIPT = """
import sys
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from greetings import greeting
from helpers.names import NAME
from words.deep.signs import SIGN
import boto3
import json

args = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE_DB", "OUTPUT_BUCKET", "WHO"])
table = boto3.client("glue").get_table(DatabaseName=args["SOURCE_DB"], Name="tbl_sellers")["Table"]
spark = SparkSession.builder.getOrCreate()
sellers = spark.read.csv(table["StorageDescriptor"]["Location"], header=True)
counted = sellers.groupBy("seller_state").count()
counted.coalesce(1).write.mode("overwrite").json(f"s3://{args['OUTPUT_BUCKET']}/sellers")
with open("settings.json") as settings:
    sign = SIGN * json.load(settings)["signs"]
print(greeting(NAME), args["WHO"], counted.agg({"count": "sum"}).first()[0], sign)
"""


@pytest.fixture(scope="module")
def owner(up: Up) -> Caller:
    return up.caller("carla")


@pytest.fixture(scope="module")
def sandbox(owner: Caller) -> Iterator[dict[str, Any]]:
    settings = {
        "mode": "production",
        "athena_workgroup_name": "carlas",
        "buckets": {"sot": "results"},
        "job": {
            "name": "sellers",
            "script": "src/main.py",
            "extra_files": ["src/greetings.py", "lib.zip", "conf/settings.json"],
            "arguments": {"--WHO": "nobody"},
            "schedule": "cron(0 3 ? * SUN *)",
            "timeout_minutes": 5,
        },
    }
    asked = owner.call("POST", "/environments", settings)
    assert asked.status == 202, asked.body
    [*_, last] = owner.until(asked.headers["Location"], {"READY", "FAILED"})
    assert last["status"] == "READY", last
    yield last
    owner.call("DELETE", last["links"]["self"])


def put(owner: Caller, sandbox: dict[str, Any], path: str, content: bytes, **headers: str) -> Any:
    files = sandbox["links"]["job_files"]
    return owner.call("PUT", f"{files}/{path}", raw=content, headers=headers)


def test_a_custom_job_is_uploaded_run_and_read(up: Up, owner: Caller, sandbox: dict[str, Any]) -> None:
    job = sandbox["links"]["job"]
    early = owner.call("POST", f"{job}/runs", {})
    assert (early.status, early.body["code"]) == (409, "job_files_missing")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("helpers/__init__.py", "")
        archive.writestr("helpers/names.py", "NAME = 'Glue'\n")
    folder = {
        "src/main.py": SCRIPT.encode(),
        "src/greetings.py": b"def greeting(name):\n    return f'hello {name}'\n",
        "src/words/__init__.py": b"",
        "src/words/deep/signs.py": b"SIGN = '!'\n",
        "conf/settings.json": b'{"signs": 3}',
        "lib.zip": buffer.getvalue(),
    }
    sent = {"Content-Type": "application/gzip"}
    answer = owner.call("PUT", sandbox["links"]["job_files"], raw=tarred(folder), headers=sent)
    assert (answer.status, answer.body["warnings"]) == (200, []), answer.body
    assert answer.body["added"] == sorted(folder)
    asked = owner.call("POST", f"{job}/runs", {"arguments": {"--WHO": "carla"}})
    assert asked.status == 202, asked.body
    ended = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}
    [*_, run] = owner.until(asked.headers["Location"], ended, seconds=120)
    assert run["status"] == "SUCCEEDED", run["error"]
    lines = owner.call("GET", run["links"]["logs"]).body["items"]
    assert "hello Glue carla 312 !!!" in [line["message"] for line in lines]
    s3, bucket = up.client("s3"), sandbox["outputs"]["buckets"]["sot"]
    assert bucket == f"terraglue-{sandbox['id']}-results"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="sellers/")["Contents"]]
    [part] = [key for key in keys if key.endswith(".json")]
    counts = [json.loads(line) for line in s3.get_object(Bucket=bucket, Key=part)["Body"].iter_lines()]
    assert sum(row["count"] for row in counts) == 312


def test_a_script_that_does_not_compile_is_rejected_with_line_and_column(
    owner: Caller, sandbox: dict[str, Any]
) -> None:
    answer = put(owner, sandbox, "src/main.py", b"import sys\nprint('a'\n")
    assert answer.status == 422
    assert answer.body["errors"] == [
        {"pointer": "", "detail": "Line 2, column 6: '(' was never closed.", "line": 2, "column": 6}
    ]


def test_the_aws_cli_finds_every_resource_of_terraglue(up: Up, sandbox: dict[str, Any]) -> None:
    outputs = sandbox["outputs"]
    environ = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_PAGER": "", "PATH": ""}
    command = [sys.executable, str(Path(sys.executable).with_name("aws")), "--output", "json"]
    command += ["--endpoint-url", up.ready["aws"], "--region", up.ready["region"]]

    def aws(*words: str) -> Any:
        done = subprocess.run([*command, *words], env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    buckets = {bucket["Name"] for bucket in aws("s3api", "list-buckets")["Buckets"]}
    assert set(outputs["buckets"].values()) <= buckets
    sor = outputs["buckets"]["sor"]
    assert aws("s3api", "get-bucket-versioning", "--bucket", sor)["Status"] == "Enabled"
    encryption = aws("s3api", "get-bucket-encryption", "--bucket", sor)["ServerSideEncryptionConfiguration"]
    default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert default == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": outputs["kms_key_arn"]}
    assert all(
        aws("s3api", "get-public-access-block", "--bucket", sor)["PublicAccessBlockConfiguration"].values()
    )
    tables = aws("glue", "get-tables", "--database-name", outputs["databases"]["db_ecommerce"])["TableList"]
    assert len(tables) == 8
    assert all(table["Description"] for table in tables)
    job = aws("glue", "get-job", "--job-name", outputs["job_id"])["Job"]
    assert job["Role"] == outputs["role_arn"]
    assert job["DefaultArguments"]["--WHO"] == "nobody"
    assert job["Command"]["ScriptLocation"] == f"s3://{outputs['buckets']['glue_assets']}/jobs/src/main.py"
    name = job["SecurityConfiguration"]
    security = aws("glue", "get-security-configuration", "--name", name)["SecurityConfiguration"]
    assert security["EncryptionConfiguration"]["S3Encryption"][0]["S3EncryptionMode"] == "SSE-KMS"
    role = aws("iam", "get-role", "--role-name", outputs["role_arn"].rpartition("/")[2])["Role"]
    boundary = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert boundary.endswith(":policy/self-service-terraglue-local-sandbox-boundary")
    assert aws("kms", "get-key-rotation-status", "--key-id", outputs["kms_key_arn"])["KeyRotationEnabled"]
    aliases = {alias["AliasName"] for alias in aws("kms", "list-aliases")["Aliases"]}
    assert f"alias/terraglue-{sandbox['id']}" in aliases
    group = aws("athena", "get-work-group", "--work-group", outputs["athena_workgroup"])["WorkGroup"]
    assert group["Name"] == f"terraglue-{sandbox['id']}-carlas"
    prefix = outputs["log_groups"]["output"].removesuffix("/output")
    groups = aws("logs", "describe-log-groups", "--log-group-name-prefix", prefix)["logGroups"]
    assert [found["retentionInDays"] for found in groups] == [30, 30]
    assert {found["kmsKeyId"] for found in groups} == {outputs["kms_key_arn"]}
