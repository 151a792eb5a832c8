"""Logger, metrics and tracer of the service.

Metrics are written to the log in CloudWatch's embedded metric format. Outside of Lambda, nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

_SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "terraglue")
"""Name in log lines, metrics and traces, which contains the stage."""

logger = Logger(service=_SERVICE)
metrics = Metrics(namespace="terraglue", service=_SERVICE)

IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ

# Elsewhere, no traces are sent, and the import of the X-Ray SDK takes longer than that of Chalice. The
# default of `patch_modules` also imports sqlite3 and searches for eight libraries.
_tracer = Tracer(service=_SERVICE, patch_modules=("botocore", "httplib")) if IN_LAMBDA else None


def traced(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return a Lambda handler whose invocations are traced.

    Responses contain data of users, and X-Ray loses segments of more than 64 KB, so traces have no responses.
    """
    if _tracer is None:
        return handler
    handled: Callable[..., Any] = _tracer.capture_lambda_handler(handler, capture_response=False)
    return handled


def annotate_trace(name: str, value: str) -> None:
    """Add an annotation to the trace of this invocation."""
    if _tracer is not None:
        _tracer.put_annotation(name, value)


def record_metric(name: str, value: float, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add a value to a metric; `docs/operate.md` lists them."""
    if IN_LAMBDA:
        metrics.add_metric(name, unit, value)


def flush_metrics() -> None:
    """Write the values of this invocation to the log."""
    if metrics.metric_set:
        metrics.flush_metrics()
