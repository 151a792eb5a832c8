"""Logs, metrics and traces of a function that Lambda invokes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

from tests.support.paths import ROOT

TRACE = "1-5e1b4151-5ac6c58dc39a6b53c4a2ad3f"
INVOCATION = """
import sys
from types import SimpleNamespace
import app
from chalicelib.observability import annotate_trace, logger, record_metric

def tick(seconds):
    annotate_trace("environment_id", "abc")
    record_metric("QueueLength", 3)
    logger.info("ticked")
    if sys.argv[1:] == ["fails"]:
        raise RuntimeError("the tick fails")

app.service = lambda: SimpleNamespace(events=SimpleNamespace(tick=tick))
context = SimpleNamespace(
    function_name="tick",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:tick",
    aws_request_id="request-1",
)
app.tick(
    {
        **{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "version": "0"},
        **{"id": "1", "account": "1", "time": "2026-11-26T12:00:00Z", "region": "us-east-1", "resources": []},
    },
    context,
)
"""
REQUEST = """
import app
from types import SimpleNamespace

app.app(
    {
        **{"pathParameters": None, "stageVariables": None, "body": None, "isBase64Encoded": False},
        **{"headers": {"Host": "api.example.com"}, "multiValueQueryStringParameters": None},
        "requestContext": {"resourcePath": "/openapi.json", "path": "/api/openapi.json", "httpMethod": "GET"},
    },
    SimpleNamespace(
        **{"function_name": "api", "memory_limit_in_mb": 1},
        **{"invoked_function_arn": "arn:aws:lambda:api", "aws_request_id": "r"},
    ),
)
"""
LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "tick",
    "AWS_REGION": "us-east-1",
    "LAMBDA_TASK_ROOT": "/var/task",
    "_X_AMZN_TRACE_ID": f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1",
}


def written(*arguments: str, **environ: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-c", INVOCATION, *arguments],
        cwd=ROOT / "chalice_app",
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=not arguments,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_a_log_line_names_the_invocation_and_its_trace() -> None:
    [line] = [line for line in written(**LAMBDA) if line.get("message") == "ticked"]
    assert (line["function_request_id"], line["xray_trace_id"]) == ("request-1", TRACE)
    assert (line["function_name"], line["service"]) == ("tick", "terraglue")


def test_metrics_are_written_once_in_the_embedded_metric_format() -> None:
    [line] = [line for line in written(**LAMBDA) if "_aws" in line]
    assert (line["service"], line["QueueLength"]) == ("terraglue", [3.0])


def test_metrics_of_an_invocation_that_fails_are_written_too() -> None:
    assert [line["QueueLength"] for line in written("fails", **LAMBDA) if "_aws" in line] == [[3.0]]


def test_metrics_and_lines_name_the_stage() -> None:
    lines = written(**LAMBDA, POWERTOOLS_SERVICE_NAME="self-service-terraglue-dev")
    assert {line["service"] for line in lines} == {"self-service-terraglue-dev"}


def test_outside_of_lambda_no_metric_is_written() -> None:
    lines = written(AWS_REGION="us-east-1")
    assert [line["message"] for line in lines] == ["ticked"]


def test_a_trace_does_not_contain_the_response() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(10)
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        subprocess.run(
            [sys.executable, "-c", REQUEST],
            cwd=ROOT / "chalice_app",
            env={"PATH": os.environ["PATH"], **LAMBDA, "AWS_XRAY_DAEMON_ADDRESS": address},
            check=True,
            capture_output=True,
        )
        sent = daemon.recv(65536).decode()  # the only datagram: without a response, it has the whole trace
    assert '"ColdStart"' in sent
    assert "response" not in sent
