"""Deletion: large buckets, undeletable resources, busy stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto.cloudformation.models import cloudformation_backends

from chalicelib.aws.errors import AwsRefused, AwsThrottled
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.environment import Environment, Status
from chalicelib.wiring import build
from tests.support.moto_service import ANA, World
from tests.support.size import sized

LIST_SECONDS, DELETE_SECONDS = 0.4, 1.2
LAMBDA_SECONDS = 900
MANY = sized(100_000, 1_000_000)


class HugeBucket:
    """A slow S3 client with very many object versions in one of the buckets."""

    def __init__(self, s3: Any, wait: Callable[[float], None]) -> None:
        self._s3 = s3
        self._wait = wait
        self.name = ""
        self.left: dict[int, None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def list_object_versions(self, **asked: Any) -> Any:
        self._wait(LIST_SECONDS)
        if asked["Bucket"] != self.name or not self.left:
            return self._s3.list_object_versions(**asked)
        numbers = [number for number, _ in zip(self.left, range(asked["MaxKeys"]), strict=False)]
        versions = [{"Key": f"part-{number}", "VersionId": str(number)} for number in numbers]
        return {"Versions": versions, "IsTruncated": len(self.left) > len(versions)}

    def delete_objects(self, **asked: Any) -> Any:
        self._wait(DELETE_SECONDS)
        if asked["Bucket"] != self.name or not self.left:
            return self._s3.delete_objects(**asked)
        assert len(asked["Delete"]["Objects"]) <= 1000
        for version in asked["Delete"]["Objects"]:
            del self.left[int(version["VersionId"])]
        return {}


class Session:
    """A boto3 session with a custom S3 client."""

    def __init__(self, world: World) -> None:
        self._session = boto3.Session()
        self.region_name = self._session.region_name
        self.huge = HugeBucket(self._session.client("s3"), lambda seconds: self._pass(world, seconds))

    def get_partition_for_region(self, _: str) -> str:
        return "aws"

    def client(self, name: Any, **options: Any) -> Any:
        return self.huge if name == "s3" else self._session.client(name, **options)

    def _pass(self, world: World, seconds: float) -> None:
        world.moment += timedelta(seconds=seconds)


def ready(world: World) -> Environment:
    environment = world.ask()
    world.stack_event(environment)
    return world.see(environment.id)


def test_a_million_objects_are_removed_within_lambdas_time_without_delaying_others(world: World) -> None:
    session: Any = Session(world)
    world.service = build(clock=lambda: world.moment, session=session)
    environment = ready(world)
    session.huge.name = environment.bucket("sot")
    session.huge.left = dict.fromkeys(range(MANY))

    began = world.moment
    asked, _ = world.service.environments.delete(ANA, environment.id, "r2")
    assert (world.moment - began).total_seconds() < 12, "the request would time out at the gateway"
    told = [removed_so_far(asked)]
    ticks = 0
    while world.see(environment.id).status is Status.DELETING:
        began = world.moment
        world.service.events.tick(seconds=600)
        took = (world.moment - began).total_seconds()
        assert took < 100, "others would have to wait for it"
        world.moment = max(world.moment, began + timedelta(minutes=1))
        told.append(removed_so_far(world.see(environment.id)))
        ticks += 1
        assert ticks < 60, "it does not end"
    assert told[:-1] == sorted(set(told[:-1])), "what was removed is not seen to grow"
    assert not session.huge.left
    gone = world.see(environment.id)
    assert gone.receipt is not None
    [objects] = [entry for entry in gone.receipt.removed if entry.type == "AWS::S3::Object"]
    assert objects.count == MANY + 2  # and the release's two files


def removed_so_far(environment: Environment) -> int:
    words = (environment.reason or "").partition(": ")[2].partition(" ")[0]
    return int(words.replace(",", "") or 0)


def test_a_worker_killed_during_removal_loses_nothing(world: World) -> None:
    """Unrecorded removals remain done. The next worker continues when the lease has expired."""
    session: Any = Session(world)
    world.service = build(clock=lambda: world.moment, session=session)
    environment = ready(world)
    session.huge.name = environment.bucket("sot")
    session.huge.left = dict.fromkeys(range(30_000))
    deletes = session.huge.delete_objects

    class Killed(BaseException):
        pass

    def die(**asked: Any) -> Any:
        if len(session.huge.left) <= 20_000:
            raise Killed
        return deletes(**asked)

    session.huge.delete_objects = die
    world.service.environments.delete(ANA, environment.id, "r2")
    with pytest.raises(Killed):
        world.service.events.tick(seconds=600)
    session.huge.delete_objects = deletes
    for _ in range(5):
        world.tick_after(minutes=2)
    assert world.see(environment.id).status is Status.DELETED


def test_thousands_of_versions_markers_and_uploads_are_removed(aws: None) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="full")
    s3.put_bucket_versioning(Bucket="full", VersioningConfiguration={"Status": "Enabled"})
    for number in range(400):
        s3.put_object(Bucket="full", Key=f"é {number}", Body=b"1")
        s3.put_object(Bucket="full", Key=f"é {number}", Body=b"2")
        s3.delete_object(Bucket="full", Key=f"é {number}")
    for number in range(30):
        s3.create_multipart_upload(Bucket="full", Key=f"half {number}")
    slices = list(Buckets(s3).empty("full"))
    assert sum(slices) == 3 * 400 + 30
    assert max(slices) <= 1000
    s3.delete_bucket(Bucket="full")
    assert list(Buckets(s3).empty("full")) == []


class Locked:
    """An S3 client that fails to delete some versions one by one, like locked objects."""

    WORDS = "Access Denied because object protected by object lock."

    def __init__(self, s3: Any, fails: Callable[[str], bool], code: str = "AccessDenied") -> None:
        self._s3 = s3
        self._fails = fails
        self._code = code
        self.tried = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def delete_objects(self, **asked: Any) -> Any:
        objects = asked["Delete"]["Objects"]
        self.tried += len(objects)
        kept = [each for each in objects if self._fails(each["Key"])]
        free = [each for each in objects if not self._fails(each["Key"])]
        if free:
            self._s3.delete_objects(Bucket=asked["Bucket"], Delete={"Objects": free})
        return {"Errors": [{**each, "Code": self._code, "Message": self.WORDS} for each in kept]}


class LockedBucket:
    """An S3 client with a bucket of many objects that were written at once."""

    def __init__(self, s3: Any, count: int) -> None:
        self._count = count
        self.get_paginator = s3.get_paginator
        s3.create_bucket(Bucket="full")

    def list_object_versions(self, MaxKeys: int, KeyMarker: str = "-1", **_: Any) -> Any:
        first = int(KeyMarker) + 1
        last = min(self._count, first + MaxKeys)
        written = datetime(2026, 11, 24, tzinfo=UTC)
        versions = [
            {"Key": f"{number:05}", "VersionId": "1", "LastModified": written}
            for number in range(first, last)
        ]
        return {"Versions": versions, "IsTruncated": last < self._count}


def fill(count: int) -> Any:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="full")
    for number in range(count):
        s3.put_object(Bucket="full", Key=f"{number:05}", Body=b"1")
    return s3


def test_locked_objects_are_skipped_and_shown_in_the_reason(aws: None) -> None:
    s3 = fill(1100)
    locked = {"00003", "00999", "01050"}
    client: Any = Locked(s3, lambda key: key in locked)
    with pytest.raises(AwsRefused) as refused:
        list(Buckets(client).empty("full"))
    assert str(refused.value) == f"AccessDenied: full/00003: {Locked.WORDS} (and 2 more)"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="full")
    assert {found["Key"] for page in pages for found in page["Contents"]} == locked


def test_a_bucket_of_locked_objects_only_is_not_listed_to_the_end(aws: None) -> None:
    s3: Any = boto3.client("s3")
    client: Any = Locked(LockedBucket(s3, 10_000), lambda key: True)
    with pytest.raises(AwsRefused):
        list(Buckets(client).empty("full"))
    assert client.tried == 3000


def test_a_busy_bucket_raises_throttled(aws: None) -> None:
    client: Any = Locked(fill(3), lambda key: key == "00001", "SlowDown")
    with pytest.raises(AwsThrottled):
        list(Buckets(client).empty("full"))


def test_one_undeletable_bucket_does_not_stop_the_others(world: World) -> None:
    environment = ready(world)
    s3 = boto3.client("s3")
    for key in ("athena_results", "sot"):
        s3.put_object(Bucket=environment.bucket(key), Key="mine", Body=b"1")
    session: Any = Session(world)
    stuck = environment.bucket("athena_results")
    session.huge.delete_objects = lambda **asked: (
        {"Errors": [{"Key": "mine", "Code": "AccessDenied", "Message": Locked.WORDS}]}
        if asked["Bucket"] == stuck
        else s3.delete_objects(**asked)
    )
    world.service = build(clock=lambda: world.moment, session=session)
    kept, _ = world.service.environments.delete(ANA, environment.id, "r2")
    assert kept.status is Status.DELETING
    assert kept.reason == f"Waiting to retry after AccessDenied: {stuck}/mine: {Locked.WORDS}"
    assert "Contents" not in s3.list_objects_v2(Bucket=environment.bucket("sot"))
    waits = list(waits_of(world, environment, 4))
    assert waits[-1] > 2 * waits[0], "it is tried again in a hot loop"
    del session.huge.delete_objects
    world.tick_after(minutes=15)
    assert world.see(environment.id).status is Status.DELETED


def waits_of(world: World, environment: Environment, times: int) -> Iterator[float]:
    for _ in range(times):
        due = datetime.fromisoformat(world.see(environment.id).due_at or "")
        yield (due - world.moment).total_seconds()
        world.moment = due
        world.service.events.tick(seconds=60)


def set_status(environment: Environment, status: str) -> None:
    for stack in cloudformation_backends["123456789012"]["us-east-1"].stacks.values():
        if stack.name == environment.name:
            stack.status = status


@pytest.mark.parametrize("busy", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"])
def test_a_stack_that_is_being_updated_is_deleted_afterwards(world: World, busy: str) -> None:
    environment = ready(world)
    set_status(environment, busy)
    waiting, _ = world.service.environments.delete(ANA, environment.id, "r2")
    world.tick_after(minutes=2)
    assert world.see(environment.id).status is waiting.status is Status.DELETING
    assert "DeleteStack" not in world.calls
    set_status(environment, "UPDATE_COMPLETE")
    world.stack_event(environment)
    assert world.see(environment.id).status is Status.DELETED


def test_a_deletion_waits_for_an_update_that_starts_just_before(world: World) -> None:
    environment = ready(world)
    stack = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{environment.name}/x"
    words = f"Stack [{stack}] cannot be deleted while in status UPDATE_IN_PROGRESS"
    world.faults["DeleteStack"] = (400, "ValidationError", words)
    waiting, _ = world.service.environments.delete(ANA, environment.id, "r2")
    assert waiting.status is Status.DELETING
    assert waiting.reason is not None
    assert waiting.reason.endswith("cannot be deleted while in status UPDATE_IN_PROGRESS.")
    assert "123456789012" not in waiting.reason
    world.faults.clear()
    world.tick_after(minutes=1)
    assert world.see(environment.id).status is Status.DELETED
