"""Presenter of a run's metrics."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from chalicelib.api import responses
from chalicelib.clock import timestamp
from chalicelib.domain.run_datasets import Dataset
from chalicelib.domain.run_metrics import RunMetrics, StageMetrics, no_metrics
from chalicelib.services.run_metrics import Measured

_LAST_MS = 253_402_300_799_999


def run_metrics_body(measured: Measured, base: str) -> responses.RunMetrics:
    """Return the body of a run's metrics."""
    run, metrics = measured.run, measured.metrics
    link = f"{base}/jobs/{run.job_id}/runs/{run.id}"
    shown = metrics or no_metrics()
    return responses.RunMetrics(
        status=run.status,
        available=metrics is not None,
        reason=measured.reason,
        partial=not run.status.is_final,
        truncated=measured.is_truncated,
        totals=responses.Amounts(**asdict(metrics.totals)) if metrics else None,
        stages=[_stage(stage) for stage in shown.stages],
        reads=_datasets(metrics.reads if metrics else None),
        writes=_datasets(metrics.writes if metrics else None),
        links=responses.RunMetricsLinks(self=f"{link}/metrics", run=link),
        **_figures(shown),
    )


def _figures(metrics: RunMetrics) -> dict[str, Any]:
    names = ("stage_count", "task_count", "application_seconds", "driver_seconds", "longest_stage")
    return {name: getattr(metrics, name) for name in (*names, "skewed_stage", "skew")}


def _datasets(found: list[Dataset] | None) -> list[responses.Dataset] | None:
    return None if found is None else [responses.Dataset(**asdict(each)) for each in found]


def _stage(stage: StageMetrics) -> responses.StageMetrics:
    values = asdict(stage)
    return responses.StageMetrics(
        started_at=_time(values.pop("started_ms")),
        ended_at=_time(values.pop("ended_ms")),
        amounts=responses.Amounts(**values.pop("amounts")),
        **values,
    )


def _time(milliseconds: int | None) -> str | None:
    """Return a time of the log, which a script can have written."""
    if milliseconds is None or milliseconds > _LAST_MS:
        return None
    return timestamp(datetime.fromtimestamp(milliseconds / 1000, UTC))
