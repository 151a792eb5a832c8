"""Concurrent uploads of one job file: the record and S3 agree afterwards."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.errors import Conflict
from tests.support.api import Api
from tests.support.size import sized

PATH = "main.py"


def keys(environment: Environment) -> set[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=environment.bucket("glue_assets"))
    return {item["Key"] for item in listed["Contents"]}


def live(environment: Environment) -> bytes:
    place = {"Bucket": environment.bucket("glue_assets"), "Key": environment.job_file_key(PATH)}
    return bytes(boto3.client("s3").get_object(**place)["Body"].read())


@pytest.mark.parametrize("number", range(sized(1, 5)))
def test_concurrent_uploads_leave_one_content_everywhere(api: Api, number: int) -> None:
    made = api.ready_environment(mode="production", job={"script": PATH})["id"]
    service, caller, start = api.app.service(), Caller("ana", is_admin=False), threading.Barrier(24)

    def put(body: bytes) -> bytes | None:
        start.wait()
        try:
            service.job_files.write(caller, made, PATH, body, "request")
        except Conflict:
            return None
        return body

    with ThreadPoolExecutor(24) as threads:
        accepted = set(threads.map(put, [b"print(%d)\n" % (each % 7) for each in range(24)]))
    environment = service.environments.visible(caller, made)
    body = live(environment)
    assert body in accepted
    assert hashlib.sha256(body).hexdigest() == environment.job_files[PATH].sha256
    assert service.job_files.read(caller, made, PATH) == body
    content = environment.job_files[PATH].content
    assert keys(environment) == {"jobs/sot_ecommerce.py", f"jobs/{PATH}", f"jobs/.content/{content}/{PATH}"}
