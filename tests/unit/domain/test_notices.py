"""Notices: which events of a timeline cause one, and what it says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from chalicelib.domain.notices import _NOTICES, KINDS, notice_of
from chalicelib.domain.timeline import FieldChange, TimelineEvent
from tests.support.paths import ROOT

AT = "2026-01-01T00:00:00.000Z"


def event(action: str, detail: dict[str, Any] | None = None, **more: Any) -> TimelineEvent:
    return TimelineEvent(AT, "ana", action, detail=detail, **more)


@pytest.mark.parametrize(
    ("action", "detail", "kind", "data"),
    [
        (
            "status_changed",
            {"from": "SEEDING", "to": "READY", "why": "done"},
            "environment.ready",
            {"status": "READY"},
        ),
        ("status_changed", {"to": "FAILED", "why": "no"}, "environment.failed", {"why": "no"}),
        ("status_changed", {"to": "DELETED", "why": "gone"}, "environment.deleted", {"status": "DELETED"}),
        ("expiry_warned", {"hours": 24}, "environment.expiring", {"hours": 24}),
        ("thawed", None, "environment.thawed", {}),
        (
            "run_ended",
            {"run_id": "r", "to": "FAILED", "cost_micro_usd": 36667},
            "run.ended",
            {"run_id": "r", "status": "FAILED", "cost_usd": 0.036667},
        ),
        ("run_ended", {"run_id": "r", "to": "STOPPED", "cost_micro_usd": None}, "run.ended", {"run_id": "r"}),
        ("budget_warned", {"percent": 80, "spent_usd": 4.0}, "budget.warned", {"percent": 80}),
    ],
)
def test_an_event_causes_a_notice(action: str, detail: Any, kind: str, data: dict[str, Any]) -> None:
    notice = notice_of("env1", "ana", event(action, detail))
    assert notice is not None
    assert notice.kind == kind
    assert data.items() <= notice.data.items()
    assert None not in notice.data.values()
    body = json.loads(notice.body)
    assert (body["id"], body["type"], body["timestamp"]) == (notice.id, kind, AT)


def test_a_freeze_tells_its_reason() -> None:
    frozen = {"since": AT, "by": "root", "by_type": "user", "reason": "Too expensive."}
    notice = notice_of("env1", "ana", event("frozen", changes=[FieldChange("/frozen", None, frozen)]))
    assert notice is not None and notice.data == {"reason": "Too expensive."}


@pytest.mark.parametrize(
    ("action", "detail"),
    [
        ("requested", {}),
        ("delayed", {"why": "x"}),
        ("status_changed", {"to": "CREATING"}),
        ("notice_undelivered", {}),
    ],
)
def test_other_events_cause_none(action: str, detail: Any) -> None:
    assert notice_of("env1", "ana", event(action, detail)) is None


def test_long_texts_are_cut_and_nested_values_left_out() -> None:
    notice = notice_of(
        "env1", "ana", event("expiry_warned", {"why": "é" * 9999, "nested": {"a": 1}, "n": [1]})
    )
    assert notice is not None
    assert len(notice.body.encode()) < 1000
    assert set(notice.data) == {"why"}


def test_every_kind_has_a_cause_and_is_documented() -> None:
    made = set()
    for action in _NOTICES:
        for to in ("READY", "FAILED", "DELETED"):
            notice = notice_of("env1", "ana", event(action, {"to": to}))
            made |= {notice.kind} if notice else set()
    assert made == set(KINDS)
    section = (ROOT / "docs/api.md").read_text(encoding="utf-8").partition("## Get notified")[2]
    documented = re.findall(r"`((?:environment|run|budget)\.[a-z]+)`", section.partition("\n## ")[0])
    assert set(documented) == set(KINDS)
