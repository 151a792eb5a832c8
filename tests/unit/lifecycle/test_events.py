"""Ticks and events: due work in order, and early ends on throttling or time limits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from chalicelib import observability
from chalicelib.aws.errors import AwsRefused, AwsThrottled, AwsUnavailable
from chalicelib.errors import StaleRecord
from chalicelib.lifecycle.aws_events import AwsEvents
from chalicelib.lifecycle.event_models import ResourceStatusChange
from chalicelib.lifecycle.transitions import Outcome
from chalicelib.storage.store import Due
from tests.support.event_bridge import event_with

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Aws:
    """Fake of the store, the reconciler, the runs and the queue. `answers` are keyed by reconciled item."""

    due_now: list[Due]
    answers: dict[str, Outcome | Exception] = field(default_factory=dict)
    takes: float = 0
    moment: datetime = NOW
    done: list[str] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    leaves: bool = True

    def due(self, now: str, limit: int) -> list[Due]:
        return self.due_now[:limit]

    def start_due(self, environment_id: str) -> None:
        """No schedule is due."""

    def reconcile(self, first: str, second: str | None = None, *, seconds: float = 0.0, **_: Any) -> Outcome:
        name = second or first
        self.done.append(name)
        self.given.append(seconds)
        self.moment += timedelta(seconds=self.takes)
        if self.leaves:
            self.due_now = [due for due in self.due_now if name != (due.record_id or due.environment_id)]
        answer = self.answers.get(name, Outcome.DONE)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def admit(self) -> list[Any]:
        self.done.append("queue")
        self.due_now = [due for due in self.due_now if due.environment_id is not None]
        return []


def environments(*names: str) -> list[Due]:
    return [Due("ENV", name) for name in names]


def events_of(aws: Aws) -> AwsEvents:
    anything: Any = aws
    return AwsEvents(*[anything] * 7, clock=lambda: aws.moment)


def tick(aws: Aws, seconds: float = 60) -> int:
    return events_of(aws).tick(seconds=seconds)


def test_all_due_work_is_done_once() -> None:
    aws = Aws([Due("ENV", "e1"), Due("RUN", "e2", "r1"), Due("QUEUE")])
    assert tick(aws) == 3
    assert aws.done == ["e1", "r1", "queue"]


def test_work_that_stays_due_is_not_repeated_in_the_same_tick() -> None:
    aws = Aws(environments("e1", "e2"), leaves=False)
    assert tick(aws) == 2
    assert aws.done == ["e1", "e2"]


def test_a_tick_processes_more_than_one_page_of_due_items() -> None:
    names = [f"e{n:02}" for n in range(60)]
    aws = Aws(environments(*names))
    assert tick(aws) == 60
    assert aws.done == names


@pytest.mark.parametrize("throttled", [Outcome.THROTTLED, AwsThrottled("Throttling", "slow")])
def test_three_throttled_items_in_a_row_end_the_tick(throttled: Outcome | Exception) -> None:
    names = ["e1", "e2", "e3", "e4", "e5"]
    aws = Aws(environments(*names), dict.fromkeys(names, throttled))
    assert tick(aws) == 3
    assert aws.done == ["e1", "e2", "e3"]


def test_two_throttled_items_and_one_success_do_not_end_the_tick() -> None:
    names = ["e1", "e2", "e3", "e4", "e5"]
    aws = Aws(environments(*names), dict.fromkeys(["e1", "e2", "e4", "e5"], Outcome.THROTTLED))
    assert tick(aws) == 5


@pytest.mark.parametrize(
    "wrong", [StaleRecord(), AwsRefused("AccessDenied", "no"), AwsUnavailable("503", "down")]
)
def test_failures_of_some_items_do_not_block_others(wrong: Exception) -> None:
    names = [f"e{n}" for n in range(6)]
    aws = Aws(environments(*names), dict.fromkeys(names, wrong))
    assert tick(aws) == 6


def test_only_an_unexpected_error_of_a_record_counts_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(observability, "IN_LAMBDA", True)
    wrong = {"e1": KeyError("a bug"), "e2": AwsUnavailable("503", "down"), "e3": StaleRecord()}
    assert tick(Aws(environments("e1", "e2", "e3", "e4"), dict(wrong))) == 4
    observability.flush_metrics()
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["RecordErrors"] for line in lines if "RecordErrors" in line] == [[1.0]]


def test_a_record_has_a_minute_within_the_time_of_the_tick() -> None:
    aws = Aws(environments("e1", "e2", "e3", "e4"), takes=50)
    assert tick(aws, seconds=130) == 3
    assert aws.given == [60, 60, 30]
    assert tick(Aws(environments("e1")), seconds=0) == 0


@pytest.mark.parametrize("handler", ["stack_changed", "resource_changed", "job_changed"])
@pytest.mark.parametrize("event", [event_with({}), {"detail": {}}, {}])
def test_an_event_without_the_expected_fields_fails_its_invocation(
    handler: str, event: dict[str, Any]
) -> None:
    aws = Aws([])
    with pytest.raises(ValidationError):
        getattr(events_of(aws), handler)(event)
    assert aws.done == []


def test_an_event_of_a_stack_or_a_job_outside_the_service_is_ignored() -> None:
    aws = Aws([])
    stack = {
        "stack-id": "arn:aws:cloudformation:us-east-1:1:stack/other/x",
        "logical-resource-id": "Bucket",
        "resource-type": "AWS::S3::Bucket",
        "status-details": {"status": "CREATE_FAILED"},
    }
    events_of(aws).stack_changed(event_with(stack))
    events_of(aws).resource_changed(event_with(stack))
    events_of(aws).job_changed(event_with({"jobName": "other", "jobRunId": "jr_1"}))
    assert aws.done == []


def test_an_event_of_another_stack_needs_no_field_but_the_stack() -> None:
    aws = Aws([])
    other = {"stack-id": "arn:aws:cloudformation:us-east-1:1:stack/other/x"}
    events_of(aws).resource_changed(event_with(other))
    assert aws.done == []


def test_the_resource_event_of_awss_documentation_is_read() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-resource-status-change.html"""
    detail = {
        "stack-id": "string",
        "logical-resource-id": "string",
        "physical-resource-id": "string",
        "status-details": {"status": "string", "status-reason": "string"},
        "resource-type": "string",
        "client-request-token": "string",
    }
    read = ResourceStatusChange.model_validate(event_with(detail)).detail
    assert (read.logical_resource_id, read.status_details.status_reason) == ("string", "string")
