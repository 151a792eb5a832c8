"""moto with local Glue runs over real HTTP, and helpers for its tests."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local.aws import clients, events
from local.glue_runs.engine import GlueOptions, GlueRuns
from local.glue_runs.spares import SpareOptions
from local.iam import access
from local.runtime.paths import SPARK_CACHE
from local.spark import class_archive

Aws = Callable[[str], Any]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
S3A = {"--conf": "spark.hadoop.fs.s3a.endpoint.region=us-east-1"}
FINAL = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED"}


@contextlib.contextmanager
def serving(
    work_dir: Path, lake_jars: tuple[Path, ...] = (), spares: SpareOptions | None = None
) -> Iterator[Aws]:
    """Yield a factory of clients. Check at the end that runs left nothing in `work_dir`."""
    boto3.setup_default_session()  # moto's own session, before a test sets an unknown AWS_PROFILE
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    unchecked = access.install()
    url = f"http://127.0.0.1:{server.port}"
    factory = functools.partial(clients.client, endpoint=url)
    make = functools.cache(factory)
    # Spark starts faster where this machine has an archive.
    cache_dir = SPARK_CACHE if class_archive.find(SPARK_CACHE) else work_dir.with_name("cache")
    engine = GlueRuns(
        GlueOptions(
            factory,
            events.publish,
            url,
            "us-east-1",
            work_dir,
            cache_dir,
            seconds_per_minute=1.0,
            lake_jars=lake_jars,
            spares=spares,
        )
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    iam = make("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):  # moto's state outlives a server
        iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(TRUST))
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName="role", PolicyName="everything", PolicyDocument=document)
    for bucket in ("tg-a-glue-assets", "tg-a-sor", "tg-a-sot", "elsewhere"):
        make("s3").create_bucket(Bucket=bucket)
    yield make
    engine.close()
    unchecked()
    assert list(work_dir.iterdir()) == []
    server.shutdown()
    server.server_close()
    thread.join()


def job(aws: Aws, name: str, script: str, **more: Any) -> str:
    key = f"jobs/{name}.py"
    aws("s3").put_object(Bucket="tg-a-glue-assets", Key=key, Body=script.encode())
    command = {"Name": "glueetl", "ScriptLocation": f"s3://tg-a-glue-assets/{key}"}
    values = {"GlueVersion": "5.1", "WorkerType": "G.1X", "NumberOfWorkers": 2, "Timeout": 150} | more
    values["DefaultArguments"] = S3A | values.get("DefaultArguments", {})
    aws("glue").create_job(Name=name, Role="role", Command=command, **values)
    return name


def start(aws: Aws, name: str, **more: Any) -> str:
    return str(aws("glue").start_job_run(JobName=name, **more)["JobRunId"])


def shown(aws: Aws, name: str, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = aws("glue").get_job_run(JobName=name, RunId=run_id)["JobRun"]
    return run


def until(condition: Callable[[], Any], seconds: float = 150) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.05)
    return value


def ended(aws: Aws, name: str, run_id: str, seconds: float = 150) -> dict[str, Any]:
    until(lambda: shown(aws, name, run_id)["JobRunState"] in FINAL, seconds)
    return shown(aws, name, run_id)


def lines(aws: Aws, kind: str, run_id: str) -> list[str]:
    logs = aws("logs")
    try:
        found = logs.get_log_events(
            logGroupName=f"/aws-glue/jobs/{kind}", logStreamName=run_id, startFromHead=True
        )
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found["events"]]


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
