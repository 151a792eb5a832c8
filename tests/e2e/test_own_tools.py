"""A user's own tools with credentials: lines of `python -m local env`, the AWS CLI, a sign-in link."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.local_up import LOCAL, Caller, Up
from tests.support.paths import ROOT

LINES = """
import boto3
s3, athena = boto3.client("s3"), boto3.client("athena")
print(s3.list_objects_v2(Bucket=BUCKET, MaxKeys=1)["KeyCount"])
print(athena.list_query_executions(WorkGroup=WORKGROUP)["ResponseMetadata"]["HTTPStatusCode"])
"""


def test_the_export_lines_direct_the_users_tools_to_the_sandbox(
    up: Up, environment: dict[str, Any], tmp_path: Path
) -> None:
    command = [*LOCAL, "env", environment["owner"], "--ready-file", str(up.ready_file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(line.startswith("export ") for line in done.stdout.splitlines())
    outputs = environment["outputs"]
    given = f"BUCKET, WORKGROUP = {outputs['buckets']['sor']!r}, {outputs['athena_workgroup']!r}\n"
    (tmp_path / "notebook.py").write_text(given + LINES)
    aws = Path(sys.executable).with_name("aws")
    script = f"""
        set -eu
        eval "$EXPORTS"
        test "$WR_WORKGROUP" = {outputs["athena_workgroup"]}
        {sys.executable} {tmp_path}/notebook.py
        {aws} s3 cp s3://{outputs["buckets"]["sor"]}/nothing - 2>&1 | grep -c 404
        {aws} s3 ls 2>&1 | grep -c AccessDenied
    """
    shell = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "EXPORTS": done.stdout},
        capture_output=True,
        text=True,
    )
    assert (shell.returncode, shell.stdout.split()) == (0, ["1", "200", "1", "1"]), shell.stderr


def test_a_user_without_an_environment_is_told(up: Up) -> None:
    command = [*LOCAL, "env", "nobody-yet", "--ready-file", str(up.ready_file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "nobody-yet has no environment" in done.stderr


def test_the_link_signs_in_until_it_is_changed(learner: Caller, environment: dict[str, Any]) -> None:
    issued = learner.call("POST", f"/environments/{environment['id']}/credentials")
    assert issued.status == 201, issued.body
    link = issued.body["console_url"]
    with urllib.request.urlopen(link, timeout=30) as page:
        assert f"sandbox-user/{environment['id']}-{environment['owner']}" in page.read().decode()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(link + "x", timeout=30)
