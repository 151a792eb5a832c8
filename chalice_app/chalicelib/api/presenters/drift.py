"""Presenter of drift."""

from __future__ import annotations

from chalicelib.api import responses
from chalicelib.domain.drift import DriftReport, DriftStatus
from chalicelib.domain.environment import Environment

_POLL_SECONDS = 5


def drift_body(environment: Environment, report: DriftReport, base: str) -> responses.Drift:
    """Return the body of a drift report."""
    link = f"{base}/environments/{environment.id}"
    return responses.Drift(
        environment_id=environment.id,
        status=report.status,
        started_at=report.started_at,
        reason=report.reason,
        resources=[
            responses.DriftedResource(
                logical_id=one.logical_id,
                physical_id=one.physical_id,
                type=one.type,
                status=one.status,
                differences=[
                    responses.PropertyDifference(
                        pointer=difference.path,
                        expected=difference.expected,
                        actual=difference.actual,
                        type=difference.type,
                    )
                    for difference in one.differences
                ],
            )
            for one in report.resources
        ],
        poll_after_seconds=_POLL_SECONDS if report.status is DriftStatus.DETECTING else None,
        links=responses.DriftLinks(self=f"{link}/drift", environment=link),
    )
