"""boto3, the AWS CLI and curl against the local AWS emulator and the API."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.support.local_up import Up

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "thing", "AWS_CONFIG_FILE": os.devnull}


def run(*command: str) -> str:
    environ = {**os.environ, **CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": ""}
    return subprocess.run(command, env=environ, check=True, capture_output=True, text=True, timeout=60).stdout


def test_boto3_works(up: Up) -> None:
    session = boto3.Session("any", "thing", region_name="us-east-1")
    s3 = session.client("s3", endpoint_url=up.ready["aws"])
    s3.create_bucket(Bucket="made-by-boto3")
    s3.put_object(Bucket="made-by-boto3", Key="a/b.txt", Body=b"hello")
    assert s3.get_object(Bucket="made-by-boto3", Key="a/b.txt")["Body"].read() == b"hello"
    assert session.client("sts", endpoint_url=up.ready["aws"]).get_caller_identity()["Account"]


def test_the_aws_cli_works(up: Up, tmp_path: Path) -> None:
    aws = [sys.executable, str(Path(sys.executable).with_name("aws")), "--endpoint-url", up.ready["aws"]]
    file = tmp_path / "hello.txt"
    file.write_text("hello")
    run(*aws, "s3", "mb", "s3://made-by-the-cli")
    run(*aws, "s3", "cp", str(file), "s3://made-by-the-cli/folder/")
    assert "hello.txt" in run(*aws, "s3", "ls", "s3://made-by-the-cli/folder/")
    tables = json.loads(run(*aws, "dynamodb", "list-tables", "--output", "json"))["TableNames"]
    assert up.ready["table"] in tables


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl_works(up: Up) -> None:
    bucket = f"{up.ready['aws']}/made-by-curl"
    curl = ["curl", "--noproxy", "*", "-sf"]
    signed = [*curl, "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "any:thing"]
    run(*signed, "-X", "PUT", bucket)
    run(*signed, "-X", "PUT", f"{bucket}/hello.txt", "-d", "hello")
    assert run(*signed, f"{bucket}/hello.txt") == "hello"
    keys = json.loads(run(*curl, up.ready["jwks_uri"]))["keys"]
    assert keys[0]["kty"] == "RSA"
    health = json.loads(run(*curl, f"{up.ready['api']}/health"))
    assert health == {"status": "ok", "release": up.ready["release"]}
