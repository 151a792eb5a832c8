"""Metrics of what the store has written: once per transaction, so a retried step does not count twice."""

from __future__ import annotations

from datetime import datetime

from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.clock import parse
from chalicelib.domain.capacity import QueueCounters
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.notices import Notice
from chalicelib.domain.query import Query
from chalicelib.observability import record_metric

_OUTCOMES = (Status.READY, Status.FAILED, Status.DELETED)


def environment_written(old: Environment, new: Environment) -> None:
    """Count an environment that became READY, FAILED or DELETED, and how long its creation took."""
    if new.status is old.status or new.status not in _OUTCOMES:
        return
    record_metric(f"Environments{new.status.capitalize()}", 1)
    if new.status is Status.READY and old.status is Status.SEEDING:
        seconds = (parse(new.updated_at) - parse(new.created_at)).total_seconds()
        record_metric("SecondsToReady", seconds, MetricUnit.Seconds)


def cost_written(old: JobRun | Query, new: JobRun | Query) -> None:
    """Count a run that ended, and record the cost of a run or a query that was settled."""
    if isinstance(new, JobRun) and new.status.is_final and not old.status.is_final:
        record_metric(f"Runs{new.status.capitalize()}", 1)
    spent = (new.cost_micro_usd or 0) - (old.cost_micro_usd or 0)
    if spent:
        record_metric("SpendUsd", spent / 1_000_000, MetricUnit.NoUnit)


def queue_read(counters: QueueCounters) -> None:
    """Record the length of the queue and the number of environments."""
    record_metric("QueueLength", counters.waiting)
    record_metric("EnvironmentsLive", counters.live)


def transition_read(now: datetime, environment: Environment) -> None:
    """Record how long the service has worked on an environment's transition, unless it has settled."""
    if since := environment.in_transition_since:
        record_metric("SecondsInTransition", (now - parse(since)).total_seconds(), MetricUnit.Seconds)


def call_refused() -> None:
    """Count a call above its caller's limit."""
    record_metric("CallsRefused", 1)


def call_unchecked() -> None:
    """Count a call whose limit could not be checked, and which was admitted."""
    record_metric("CallsUnchecked", 1)


def outbox_read(moment: datetime, oldest: Notice) -> None:
    """Record how late the longest overdue notice is."""
    record_metric("NoticeLag", (moment - parse(oldest.due_at)).total_seconds(), MetricUnit.Seconds)


def notice_delivered() -> None:
    """Count a notice that every receiver has."""
    record_metric("NoticesDelivered", 1)


def notice_given_up() -> None:
    """Count a notice that could not be delivered for a day."""
    record_metric("NoticesGivenUp", 1)


def due_read(now: str, due_at: str) -> None:
    """Record how late the longest overdue record is."""
    record_metric("ReconcileLag", (parse(now) - parse(due_at)).total_seconds(), MetricUnit.Seconds)
