"""AWS events and the tick."""

from __future__ import annotations

from chalicelib.lifecycle.admission import Admission
from chalicelib.lifecycle.aws_events import AwsEvents
from chalicelib.runs.scheduled_runs import ScheduledRuns
from chalicelib.wiring.shared import Shared


def events(shared: Shared) -> AwsEvents:
    """Return what handles events and the tick."""
    config, store, clock = shared.config, shared.store, shared.clock
    scheduled = ScheduledRuns(
        store,
        shared.runs,
        allowance=config.allowance,
        prices=config.prices,
        lease_seconds=config.lease_seconds,
        clock=clock,
    )
    return AwsEvents(
        store,
        shared.reconciler,
        shared.runs,
        Admission(store, config.capacity, clock=clock),
        scheduled,
        shared.query_runs,
        lambda cohort_id, seconds: shared.cohort_work.step(cohort_id, seconds),
        clock=clock,
    )
