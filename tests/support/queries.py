"""A sandbox with an Athena workgroup on moto, and its queries over the API."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import boto3

from tests.support.api import Answer, Api

SCAN_LIMIT = 1024**3


def with_workgroup(api: Api, environment: dict[str, Any]) -> str:
    """Give a READY environment of the small release a workgroup, as the real template does."""
    name = f"terraglue-{environment['id']}"
    output = f"s3://{environment['outputs']['buckets']['athena_results']}/queries/"
    boto3.client("athena").create_work_group(
        Name=name,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "BytesScannedCutoffPerQuery": SCAN_LIMIT,
            "ResultConfiguration": {"OutputLocation": output},
        },
    )
    store = api.app.service().queries._store
    read = store.environment(environment["id"])
    store.save_environment(read, read.replace(outputs=replace(read.outputs, athena_workgroup=name)))
    return name


def ended(api: Api, path: str, **more: Any) -> Answer:
    """Poll a query until it has ended."""
    for _ in range(200):
        answer = api.call("GET", path, **more)
        assert answer.status == 200, answer.body
        if answer.body["poll_after_seconds"] is None:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"the query never ended: {answer.body}")
