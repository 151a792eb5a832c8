"""Drift: what was changed by hand in an environment's resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class DriftStatus(StrEnum):
    """Result of a drift detection."""

    DETECTING = "DETECTING"
    IN_SYNC = "IN_SYNC"
    DRIFTED = "DRIFTED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class PropertyDifference:
    """A property that differs from the template. `type` is CloudFormation's: ADD, REMOVE or NOT_EQUAL."""

    path: str
    expected: str
    actual: str
    type: str


@dataclass(frozen=True)
class DriftedResource:
    """A resource that was modified or deleted by hand. `status` is MODIFIED or DELETED."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    differences: list[PropertyDifference] = field(default_factory=list)


@dataclass(frozen=True)
class DriftDetection:
    """The last drift detection of an environment. Grain: one per environment."""

    environment_id: str
    stack_id: str
    detection_id: str
    started_at: str


@dataclass(frozen=True)
class DriftReport:
    """What a drift detection found. `reason` is why it failed."""

    status: DriftStatus
    started_at: str
    resources: list[DriftedResource] = field(default_factory=list)
    reason: str | None = None
