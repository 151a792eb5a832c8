"""Logger, metrics and tracer of the service.

Metrics are written to the log in CloudWatch's embedded metric format. Outside of Lambda, nothing is written.
"""

from __future__ import annotations

import os

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

_SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "terraglue")
"""Name in log lines, metrics and traces, which contains the stage."""

logger = Logger(service=_SERVICE)
metrics = Metrics(namespace="terraglue", service=_SERVICE)
tracer = Tracer(service=_SERVICE)

_IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def record_metric(name: str, value: float, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add a value to a metric; `docs/operate.md` lists them."""
    if _IN_LAMBDA:
        metrics.add_metric(name, unit, value)


def flush_metrics() -> None:
    """Write the values of this invocation to the log."""
    if metrics.metric_set:
        metrics.flush_metrics()
