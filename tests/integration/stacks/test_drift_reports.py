"""Drift reports: detected once for many requests, by CloudFormation, and lost by no crash."""

from __future__ import annotations

import pytest

from chalicelib.domain.caller import Caller
from chalicelib.domain.drift import DriftReport, DriftStatus
from chalicelib.domain.environment import Environment, Status
from chalicelib.errors import EnvironmentNotReady, NotFound
from tests.support.environment_changes import ID
from tests.support.sandbox_stacks import client
from tests.support.service_roles import World

CALLER = Caller(ID, is_admin=False)


def report(world: World, *, refresh: bool = False) -> DriftReport:
    return world.service("api_handler").drift.report(CALLER, ID, refresh=refresh)[1]


def result(world: World, *, refresh: bool = False) -> DriftReport:
    """The result of a detection, which the first request may start."""
    found = report(world, refresh=refresh)
    while found.status is DriftStatus.DETECTING:
        found = report(world)
    return found


def by_hand(ready: Environment) -> None:
    client("s3").delete_public_access_block(Bucket=ready.bucket("sot"))


def test_what_was_changed_by_hand_is_reported(world: World) -> None:
    ready = world.ready(ID, {})
    assert result(world).status is DriftStatus.IN_SYNC
    by_hand(ready)
    assert result(world).status is DriftStatus.IN_SYNC, "the result is valid for ten minutes"

    found = result(world, refresh=True)

    assert found.status is DriftStatus.DRIFTED
    [bucket] = found.resources
    assert (bucket.logical_id, bucket.physical_id, bucket.status) == (
        "SotBucket",
        ready.bucket("sot"),
        "MODIFIED",
    )
    [difference] = bucket.differences
    assert (difference.path, difference.type) == ("/PublicAccessBlockConfiguration", "REMOVE")
    assert world.refused == []


def test_a_detection_whose_record_was_lost_is_started_again(world: World) -> None:
    ready = world.ready(ID, {})
    client("cloudformation").detect_stack_drift(StackName=ready.name)  # and then the process died
    assert result(world).status is DriftStatus.IN_SYNC


def test_only_the_owner_and_admins_see_drift_and_only_of_a_steady_stack(world: World) -> None:
    ready = world.ready(ID, {})
    drift = world.service("api_handler").drift
    with pytest.raises(NotFound):
        drift.report(Caller("bob", is_admin=False), ID, refresh=False)
    world.change(ready, status=Status.UPDATING)
    with pytest.raises(EnvironmentNotReady):
        drift.report(Caller("root", is_admin=True), ID, refresh=False)
