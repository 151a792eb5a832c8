"""CloudFormation and Glue send no events to EventBridge.

The events have the fields of AWS's documentation: "CloudFormation event details" in the CloudFormation User
Guide, and "Automating AWS Glue with EventBridge" in the Glue Developer Guide.
"""

from __future__ import annotations

import contextvars
import inspect
import json
import queue
import sys
import threading
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import eventbridge, glue
from ministack.services.cloudformation import stacks

_ENDED = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR")
_REPORTED = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED")
_PAUSE_SECONDS, _MOST_FUNCTIONS = 0.02, 3
"""AWS takes seconds for a resource, the emulator milliseconds. Events wait while that many functions run."""
_events: queue.Queue[tuple[contextvars.Context, dict[str, Any]]] = queue.Queue()
_add, _start = stacks._add_event, glue._start_job_run


def needed() -> bool:
    return not any("_put_events" in inspect.getsource(module) for module in (stacks, glue))


def apply() -> None:
    threading.Thread(target=_send_events, daemon=True).start()
    for module in list(sys.modules.values()):
        if getattr(module, "_add_event", None) is _add:
            module._add_event = _add_event
    glue._start_job_run = _start_job_run
    for table in vars(glue).values():
        if isinstance(table, dict) and table.get("StartJobRun") is _start:
            table["StartJobRun"] = _start_job_run


def _add_event(
    stack_id: str,
    stack_name: str,
    logical_id: str,
    resource_type: str,
    status: str,
    reason: str = "",
    physical_id: str = "",
    detailed_status: str = "",
) -> None:
    _add(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)
    detail: dict[str, Any] = {
        "stack-id": stack_id,
        "status-details": {"status": status, "status-reason": reason},
        "client-request-token": stacks.CLIENT_REQUEST_TOKEN.get() or "",
    }
    kind = "Stack"
    if resource_type != "AWS::CloudFormation::Stack":
        kind = "Resource"
        detail |= {
            "logical-resource-id": logical_id,
            "physical-resource-id": physical_id,
            "resource-type": resource_type,
        }
    _put("aws.cloudformation", f"CloudFormation {kind} Status Change", detail, [stack_id])


def _start_job_run(data: dict[str, Any]) -> Any:
    response = _start(data)
    if runs := glue._job_runs.get(data.get("JobName")):
        watch = contextvars.copy_context().run
        threading.Thread(target=watch, args=(_report_end, runs[-1]), daemon=True).start()
    return response


def _report_end(run: dict[str, Any]) -> None:
    while run["JobRunState"] not in _ENDED:
        time.sleep(0.1)
    if run["JobRunState"] in _REPORTED:
        detail = {
            "jobName": run["JobName"],
            "severity": "INFO",
            "state": run["JobRunState"],
            "jobRunId": run["Id"],
            "message": f"Job run {run['JobRunState'].lower()}",
        }
        _put("aws.glue", "Glue Job State Change", detail, [])


def _put(source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    entry["Resources"] = resources
    _events.put((contextvars.copy_context(), entry))


def _send_events() -> None:
    while True:
        context, entry = _events.get()
        time.sleep(_PAUSE_SECONDS)
        while lambda_runtime.workers_in_use() > _MOST_FUNCTIONS:
            time.sleep(_PAUSE_SECONDS)
        context.run(eventbridge._put_events, {"Entries": [entry]}, allow_aws_source=True)
