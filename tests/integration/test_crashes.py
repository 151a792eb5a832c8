"""The process dies before every AWS call that changes something; the schedule always finishes the work.

Dying after such a call is dying before the next one, and a call that only reads leaves nothing to finish.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.cloudformation.models import cloudformation_backends

from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.domain.requests import EnvironmentChange
from chalicelib.domain.settings import Settings
from chalicelib.services.idempotency import IdempotentRequest
from chalicelib.wiring import Service, build

MOST_CALLS = 100
READS = ("Get", "List", "Describe", "Head", "Query")
ADMIN = Caller("root", is_admin=True)


class Killed(BaseException):
    """The process is gone. Not an Exception: no handler of the service may see it."""


class Killer:
    """Kills the process before its n-th AWS call that changes something."""

    def __init__(self, session: boto3.Session) -> None:
        self.calls: list[str] = []
        self.at: int | None = None
        session.events.register_first("before-call.*.*", self._before)

    def arm(self, at: int | None) -> None:
        self.calls, self.at = [], at

    @property
    def changes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith(READS)]

    def _before(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        # Who is dead makes no more calls: boto3 copies in a thread of its own, which alone would die.
        if self.at is not None and len(self.changes) >= self.at:
            raise Killed


class World:
    """A service with a clock that a test moves, and a process that can be killed."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)
        session = boto3.Session()
        self.killer = Killer(session)
        self.service: Service = build(clock=lambda: self.moment, session=session, sleep=lambda _: None)

    def killed(self, at: int, work: Callable[[], Any]) -> bool:
        """Do some work and die at a call; False when the work ended before that call.

        The service keeps nothing in memory but its clients and releases, so a new process is the same one.
        """
        self.killer.arm(at)
        try:
            work()
        except Killed:
            return True
        finally:
            self.killer.arm(None)
        return False

    def tick(self, minutes: int = 3) -> None:
        for _ in range(minutes):
            self.moment += timedelta(minutes=1)
            self.service.events.tick(seconds=60)

    def request(self, owner: str) -> None:
        asked = IdempotentRequest(Caller(owner, is_admin=False), "request", "key", "fingerprint")
        self.service.environments.request(asked, Settings())

    def stack_event(self, owner: str) -> None:
        stack = f"arn:aws:cloudformation:us-east-1:123456789012:stack/terraglue-{self.of(owner).id}/x"
        self.service.events.stack_changed({"stack-id": stack})

    def of(self, owner: str) -> Environment:
        page = self.service.environments.page(ADMIN, owner=owner, status=None, limit=10, start=None)
        assert len(page.items) == 1, f"{owner} has {len(page.items)} environments"
        return page.items[0]


@pytest.fixture
def world(aws: None) -> World:
    return World()


def objects(bucket: str) -> list[str]:
    return [o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_a_request_that_dies_anywhere_still_gets_its_one_environment(world: World) -> None:
    for call in range(1, MOST_CALLS):
        owner = f"owner-{call}"

        def work(owner: str = owner) -> None:
            world.request(owner)
            world.stack_event(owner)

        died = world.killed(call, work)
        world.request(owner)  # the caller repeats the request with its key, as one who got no answer does
        world.tick()
        environment = world.of(owner)
        assert environment.status is Status.READY, f"killed at call {call}: {environment}"
        assert objects(environment.bucket("sor")) == ["db_shop/tbl/a.csv"], call
        stacks = boto3.client("cloudformation").describe_stacks()["Stacks"]
        assert sum(stack["StackName"] == environment.name for stack in stacks) == 1
        if not died:
            assert call > 6, "so few calls: was anything killed?"
            return
    pytest.fail("the work never ended")


def test_a_delete_that_dies_anywhere_is_finished(world: World) -> None:
    for call in range(1, MOST_CALLS):
        owner = f"owner-{call}"
        world.request(owner)
        world.stack_event(owner)
        environment = world.of(owner)

        def work(environment_id: str = environment.id, owner: str = owner) -> None:
            world.service.environments.delete(ADMIN, environment_id, "request")
            world.stack_event(owner)

        died = world.killed(call, work)
        world.service.environments.delete(ADMIN, environment.id, "request")
        world.tick()
        ended = world.of(owner)
        assert ended.status is Status.DELETED, f"killed at call {call}: {ended}"
        assert ended.receipt is not None
        there = {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
        assert not there & {ended.bucket(key) for key in BUCKET_KEYS}, call
        stacks = boto3.client("cloudformation").describe_stacks()["Stacks"]
        assert environment.name not in [stack["StackName"] for stack in stacks], call
        assert world.service.environments.live(Caller(owner, is_admin=False)) is None
        if not died:
            assert call > 6, "so few calls: was anything killed?"
            return
    pytest.fail("the work never ended")


def ready(world: World, owner: str) -> Environment:
    world.request(owner)
    world.stack_event(owner)
    environment = world.of(owner)
    assert environment.status is Status.READY
    return environment


def times(world: World, environment: Environment, action: str) -> int:
    page = world.service.environments.timeline(ADMIN, environment.id, limit=100, start=None)
    return sum(event.action == action for event in page.items)


def test_a_change_that_dies_anywhere_is_finished(world: World) -> None:
    wanted = EnvironmentChange.model_validate({"settings": {"job": {"number_of_workers": 3}}})
    for call in range(1, MOST_CALLS):
        owner = f"owner-{call}"
        environment = ready(world, owner)

        def work(environment_id: str = environment.id, owner: str = owner) -> None:
            world.service.environments.change(ADMIN, environment_id, wanted, "request")
            world.stack_event(owner)

        died = world.killed(call, work)
        if not times(world, environment, "change_requested"):  # it died before the wish was recorded
            world.service.environments.change(ADMIN, environment.id, wanted, "request")
        world.tick()
        after = world.of(owner)
        assert (after.status, after.failure, after.wanted) == (Status.READY, None, None), f"{call}: {after}"
        assert after.settings.job.number_of_workers == 3
        assert times(world, environment, "change_requested") == 1
        cloudformation = boto3.client("cloudformation")
        [stack] = cloudformation.describe_stacks(StackName=environment.name)["Stacks"]
        assert {"ParameterKey": "NumberOfWorkers", "ParameterValue": "3"} in [
            {"ParameterKey": p["ParameterKey"], "ParameterValue": p["ParameterValue"]}
            for p in stack["Parameters"]
        ]
        assert not cloudformation_backends["123456789012"]["us-east-1"].change_sets, call
        if not died:
            assert call > 5, "so few calls: was anything killed?"
            return
    pytest.fail("the work never ended")


def test_a_reset_that_dies_anywhere_is_finished(world: World) -> None:
    s3, glue = boto3.client("s3"), boto3.client("glue")
    for call in range(1, MOST_CALLS):
        owner = f"owner-{call}"
        environment = ready(world, owner)
        for key in BUCKET_KEYS:
            s3.put_object(Bucket=environment.bucket(key), Key="mine", Body=b"1")
        s3.put_object(Bucket=environment.bucket("sor"), Key="db_shop/tbl/a.csv", Body=b"edited")
        glue.create_database(DatabaseInput={"Name": environment.sot_database})
        glue.create_table(DatabaseName=environment.sot_database, TableInput={"Name": "result"})

        def work(environment_id: str = environment.id) -> None:
            world.service.environments.reset(IdempotentRequest(ADMIN, "request"), environment_id)

        died = world.killed(call, work)
        if not times(world, environment, "reset_requested"):
            work()
        world.tick()
        after = world.of(owner)
        assert (after.status, after.failure) == (Status.READY, None), f"killed at call {call}: {after}"
        found = {key: objects(after.bucket(key)) for key in BUCKET_KEYS}
        assert found == {
            "sor": ["db_shop/tbl/a.csv"],
            "sot": [],
            "spec": [],
            "glue_assets": ["jobs/sot_ecommerce.py"],
            "athena_results": [],
        }, call
        body = s3.get_object(Bucket=after.bucket("sor"), Key="db_shop/tbl/a.csv")["Body"].read()
        assert body == b"id\n1\n", call
        assert glue.get_tables(DatabaseName=environment.sot_database)["TableList"] == [], call
        if not died:
            assert call > 6, "so few calls: was anything killed?"
            return
    pytest.fail("the work never ended")


def fail_and_roll_back(world: World, owner: str) -> Environment:
    world.request(owner)
    environment = world.of(owner)
    for stack in cloudformation_backends["123456789012"]["us-east-1"].stacks.values():
        if stack.name == environment.name:
            stack.status = "ROLLBACK_COMPLETE"
    return environment


def test_a_failure_and_a_retry_that_die_anywhere_end_ready(world: World) -> None:
    for call in range(1, MOST_CALLS):
        owner = f"owner-{call}"
        environment = fail_and_roll_back(world, owner)

        def work(environment_id: str = environment.id, owner: str = owner) -> None:
            world.stack_event(owner)
            world.service.environments.retry(IdempotentRequest(ADMIN, "request"), environment_id)
            world.stack_event(owner)

        died = world.killed(call, work)
        world.tick()
        if world.of(owner).status is Status.FAILED:  # it died before the retry was recorded
            world.service.environments.retry(IdempotentRequest(ADMIN, "request"), environment.id)
        world.tick()
        environment = world.of(owner)
        assert (environment.status, environment.creations) == (Status.READY, 2), f"call {call}: {environment}"
        stacks = boto3.client("cloudformation").describe_stacks()["Stacks"]
        assert sum(stack["StackName"] == environment.name for stack in stacks) == 1
        if not died:
            assert call > 6, "so few calls: was anything killed?"
            return
    pytest.fail("the work never ended")


def test_an_environment_that_is_over_its_time_is_deleted(world: World) -> None:
    world.request("ana")
    world.tick()
    assert world.of("ana").status is Status.READY
    world.moment += timedelta(hours=71)
    world.tick()
    assert world.of("ana").status is Status.READY
    world.moment += timedelta(hours=1)
    world.tick()
    assert world.of("ana").status is Status.DELETED


def test_a_tick_with_nothing_due_is_one_call(world: World) -> None:
    for owner in ("ana", "ben", "cleo"):
        world.request(owner)
    world.tick()
    world.killer.arm(None)
    world.service.events.tick(seconds=60)
    assert world.killer.calls == ["Query"]
