"""Sizes of the largest records of every kind, against DynamoDB's limit of 400 KB."""

from __future__ import annotations

import functools
import random
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.api.parsing import MAX_BODY_BYTES
from chalicelib.aws.catalog_tables import CatalogTable, Column
from chalicelib.aws.cloudformation import resource_state
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.dynamodb_values import serialize
from chalicelib.aws.errors import AwsError
from chalicelib.clock import parse, sortable_id
from chalicelib.domain.byte_limits import (
    LEFT_BYTES,
    LOG_LINE_BYTES,
    MESSAGE_BYTES,
    MOST_OUTPUTS,
    RECEIPT_BYTES,
    cut,
)
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import DesiredState, JobFile, Outputs, ResourceState, UpdateStage
from chalicelib.domain.failures import Failure, failure, redacted
from chalicelib.domain.job_run import JobRun, RunError, RunStatus
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.domain.receipts import Receipt, ReceiptEntry, listed
from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import ActorType, TimelineEvent
from chalicelib.runs.outputs import _entry
from chalicelib.services.job_file_writes import ENTRY_BYTES, MAX_FILES, MAX_LIST_BYTES
from chalicelib.storage import items
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.store import Store
from glue_assets.template_builder import NAMES_BYTES
from local.moto_patches.dynamodb_sizes import ITEM_BYTES, item_bytes
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb

OWNER = "\U0001f98a" * 128
ID = "abcdefgh23"
STACK = f"arn:aws:cloudformation:us-east-1:123456789012:stack/terraglue-{ID}/0f1e2d3c"
AT = "2026-01-01T00:00:00.000Z"
WIDE = "\U0001f98a" * 30_000  # messages of AWS or a job: unlimited, with four bytes per character
PATH = "/".join(["p" * 51] * 5)[:255]


def arguments(letter: str) -> dict[str, str]:
    """The largest possible body: 40 arguments of characters with three bytes each."""
    names = [f"--{letter}{n:02}" + "N" * 123 for n in range(40)]
    left = MAX_BODY_BYTES - sum(len(name) + 6 for name in names)
    dice = random.Random(letter)
    return {name: "".join(chr(dice.randrange(0x4E00, 0x9FFF)) for _ in range(left // 120)) for name in names}


@functools.cache
def settings(letter: str) -> Settings:
    """Settings of two requests of maximum size: one for the arguments, one for all other settings."""
    chosen = Settings.model_validate(
        {
            "mode": "production",
            "iam_role": False,
            "kms_key": False,
            "role_arn": f"arn:aws:iam::123456789012:role/{'r' * 200}",
            "kms_key_arn": f"arn:aws:kms:us-east-1:123456789012:key/{'k' * 200}",
            "athena_workgroup_name": "w" * 64,
            "job": {
                "description": "\U0001f98a" * 1024,
                "script": "/".join(["s" * 60] * 3) + ".py",
                "extra_files": [f"{'/'.join(['e' * 58] * 3)}{n:02}.py" for n in range(20)],
                "python_modules": [f"{'m' * 60}[{'x' * 60}]==1.{n}" for n in range(20)],
                "arguments": arguments(letter),
            },
        }
    )
    return chosen.resolved()


def resources(count: int = 500) -> dict[str, ResourceState]:
    """500 failed resources with the longest possible names."""
    words = f"Resource handler returned message: {WIDE}"
    return {
        f"R{n:03}" + "n" * (NAMES_BYTES // 500 - 4): resource_state(
            STACK, "AWS::Glue::SecurityConfiguration", "UPDATE_ROLLBACK_COMPLETE_CLEANUP", words, AT
        )
        for n in range(500)
    }


def things(count: int) -> list[ReceiptEntry]:
    """Entries of a receipt, with the longest names."""
    return [
        ReceiptEntry("AWS::Glue::Table", "l" * 255, f"{n}" + "i" * 500, why="y" * 80) for n in range(count)
    ]


def job_files() -> dict[str, JobFile]:
    """As many files as the service accepts, with the longest paths and names."""
    file = JobFile(
        size_bytes=1_048_576,
        sha256="5f" * 32,
        changed_by=OWNER,
        changed_by_type=ActorType.RELEASE,
        changed_at=AT,
        content=sortable_id(parse(AT)),
    )
    most = MAX_LIST_BYTES // (len(PATH) + len(OWNER.encode()) + ENTRY_BYTES)
    return {f"{PATH[:-3]}{n:03}": file for n in range(most)}


@functools.cache
def largest_environment() -> Environment:
    return Environment(
        id=ID,
        owner=OWNER,
        status=Status.UPDATING,
        release="r" * 77,
        settings=settings("A"),
        wanted=DesiredState(settings("B"), "r" * 77, UpdateStage.EXECUTE, rollbacks=2),
        created_at=AT,
        updated_at=AT,
        expires_at=AT,
        reason=redacted(WIDE, ID),
        failure=failure("l" * 255, "AWS::Glue::SecurityConfiguration", WIDE, environment_id=ID),
        stack_id=STACK,
        resources=resources(),
        outputs=Outputs(
            buckets={key: f"terraglue-{ID}-{'b' * 40}" for key in BUCKET_KEYS},
            databases={f"{n}" + "d" * 126: "c" * 150 for n in range(10)},
            job_id=f"terraglue-{ID}-{'j' * 40}",
            athena_workgroup="o" * 255,
            security_configuration="o" * 255,
            role_arn="o" * 256,
            kms_key_arn="o" * 256,
            log_groups={"output": "l" * 512, "error": "l" * 512},
            console={f"{n}" + "k" * 126: "u" * 400 for n in range(25)},
        ),
        removed={f"AWS::S3::{n}": 10**12 for n in range(10)},
        remaining=listed(things(2000), LEFT_BYTES),
        job_files=job_files(),
        due_at=AT,
        lease_until=AT,
        ready_at=AT,
    )


def environment(**more: Any) -> Environment:
    return largest_environment().replace(**more)


def deleted() -> Environment:
    remaining = [*listed(things(2000), LEFT_BYTES), *things(500)]
    receipt = Receipt(listed(things(2000), RECEIPT_BYTES), listed(remaining, RECEIPT_BYTES))
    return environment(status=Status.DELETED, wanted=None, remaining=[], removed={}, receipt=receipt)


TABLE = CatalogTable(
    "d" * 255,
    "t" * 255,
    None,
    None,
    WIDE,
    (),
    (*(Column(f"{n}" * 60, "string", None) for n in range(3)),),
    None,
)


@functools.cache
def largest_run() -> JobRun:
    tail = [cut(WIDE, LOG_LINE_BYTES)] * 20
    return JobRun(
        id="3oc6lp4hbslpve34",
        environment_id=ID,
        owner=OWNER,
        job_id=f"terraglue-{ID}-{'j' * 40}",
        status=RunStatus.RUNNING,
        arguments={**arguments("A"), **arguments("B")},
        worker_type="G.16X",
        number_of_workers=10,
        timeout_minutes=60,
        requested_by=OWNER,
        requested_at=AT,
        max_cost_micro_usd=10**9,
        log_prefix="/aws-glue/jobs/" + "l" * 400,
        reason=redacted(WIDE, ID),
        glue_run_id="jr_" + "8" * 64,
        stopped_by=OWNER,
        stopped_by_type="user",
        error=RunError(redacted(WIDE, ID), tail),
        output=_entry(TABLE, [[WIDE] * 3] * 20),
        outputs=[_entry(TABLE, [[WIDE] * 3] * 20)] * MOST_OUTPUTS,
    )


def run(**more: Any) -> JobRun:
    return largest_run().replace(**more)


def event() -> TimelineEvent:
    """A change of all settings, with the request and every value before and after."""
    asked = {"settings": settings("B").model_dump(), "release": "r" * 77, "expires_in_hours": 720}
    told = TimelineEvent(AT, OWNER, "change_requested", "q" * 64, asked)
    return items.with_changes(told, environment(), environment(settings=settings("B"), wanted=None))


def used_key() -> IdempotencyKey:
    item = items.environment_item(environment())
    record = {name: value for name, value in item.items() if value is not None}
    return IdempotencyKey(OWNER, "k" * 255, "f" * 64, AT, record)


LARGEST = {
    "environment": lambda: items.environment_item(environment()),
    "deleted environment": lambda: items.environment_item(deleted()),
    "run": lambda: items.charged_item(run()),
    "event": lambda: items.event_item(ID, OWNER, event()),
    "used key": lambda: items.used_key_item(used_key()),
}


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_record_of_each_kind_can_be_stored(kind: str) -> None:
    assert 50_000 < item_bytes(serialize(LARGEST[kind]())) <= ITEM_BYTES


def test_the_service_overestimates_the_list_of_job_files() -> None:
    one = environment(job_files=dict([next(iter(job_files().items()))]), removed_files=[PATH])
    size = item_bytes(serialize({"job_files": items.environment_item(one)["job_files"]}))
    assert size <= len("job_files") + 10 + len(PATH) + len(OWNER.encode()) + ENTRY_BYTES
    usual = len("src/package/module_with_a_long_name.py") + len("f1b2c3d4-0000-4000-8000-000000000000")
    assert (usual + ENTRY_BYTES) * MAX_FILES <= MAX_LIST_BYTES


def test_the_record_of_a_used_key_is_read_unchanged() -> None:
    assert items.used_key(items.used_key_item(used_key())) == used_key()


def test_strings_are_truncated_by_bytes_between_characters() -> None:
    assert cut("é" * 10, 20) == "é" * 10
    assert cut("é" * 11, 20) == "é" * 8 + "…"
    assert cut("a\ud800b", 20) == "a?b"
    assert len(redacted(WIDE, ID).encode()) <= MESSAGE_BYTES


def test_entries_that_exceed_a_receipt_are_counted() -> None:
    key = ReceiptEntry("K", id="k" * 100, why="w", until=AT)
    late = "2026-02-01T00:00:00.000Z"
    short = listed([key, replace(key, until=late), key], 150)
    assert short == [key, ReceiptEntry("K", why="w", count=2, until=late)]
    assert listed([*short, key], 150)[1].count == 3
    assert listed([ReceiptEntry("T", count=7)], 0) == [ReceiptEntry("T", count=7)]


# -- records that exceed the limit anyway ------------------------------------------------------------------


@pytest.fixture
def store() -> Store:
    return Store(Table(FastDynamoDb(INDEXES), "t"), Capacity(creating=10, environments=10))  # type: ignore[arg-type]


def test_a_run_that_is_too_large_ends_without_messages_and_releases_its_reservation(store: Store) -> None:
    home = environment(status=Status.READY, wanted=None, resources={}, remaining=[], job_files={})
    store.add_environment(home, TimelineEvent(AT, OWNER, "requested"), None)
    begun = run(error=None, max_cost_micro_usd=220_000)
    assert store.add_run(begun, TimelineEvent(AT, OWNER, "run_requested"), None)
    error = RunError("m" * 300_000, ["t" * 200_000])
    ended = begun.replace(status=RunStatus.FAILED, cost_micro_usd=0, error=error)

    saved = store.save_run(
        begun,
        ended,
        TimelineEvent("2026-01-01T00:00:01.000Z", "service", "run_ended", None, {"why": "w" * 500_000}),
    )

    assert store.run(ID, begun.id) == saved
    assert saved.status is RunStatus.FAILED and saved.arguments == begun.arguments
    assert saved.error == RunError("AWS's message could not be stored.")
    found = store.environment(ID)
    assert found is not None
    assert (found.reserved_micro_usd, store.account(found.owner).reserved_micro_usd) == (0, 0)
    assert store.events(ID, limit=1).items[0].action == "run_ended"


def test_an_environment_that_is_too_large_continues_without_messages(store: Store) -> None:
    home = environment(status=Status.READY, wanted=None)
    store.add_environment(home, TimelineEvent(AT, OWNER, "requested"), None)
    large = Failure("internal", "m" * 500_000, "Retry.")

    saved = store.save_environment(
        home, home.replace(status=Status.FAILED, failure=large, reason="r" * 500_000)
    )

    assert store.environment(ID) == saved
    assert saved.status is Status.FAILED and saved.settings == home.settings
    assert saved.failure is not None and saved.failure.fix == "Retry."


def test_a_resource_that_does_not_fit_is_skipped(store: Store) -> None:
    home = environment(status=Status.CREATING)
    store.add_environment(home, TimelineEvent(AT, OWNER, "requested"), None)
    for _ in range(2):
        assert not store.record_resource_state(ID, STACK, "New", ResourceState("t", "s", AT, "r" * 400_000))


def test_a_record_that_cannot_be_shortened_is_an_error(store: Store) -> None:
    home = environment(status=Status.READY)
    store.add_environment(home, TimelineEvent(AT, OWNER, "requested"), None)
    with pytest.raises(AwsError):
        store.save_environment(home, home.replace(outputs=replace(home.outputs, job_id="j" * 500_000)))
