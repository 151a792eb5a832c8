"""Stored records: current, earlier and newer versions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.clock import now
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import UpdateStage
from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import ActorType
from chalicelib.errors import Conflict, Unavailable
from chalicelib.services.idempotency import IdempotentRequest, once
from chalicelib.storage import items
from chalicelib.storage.conflicts import KeyTaken
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import environment, run

OLD: dict[str, Any] = {
    "pk": "ENV#abcdefgh23",
    "sk": "ENV",
    "id": "abcdefgh23",
    "owner": "ana",
    "status": "UPDATING",
    "release": "1.0.0-abcdef012345",
    "settings": Settings().resolved().model_dump(),
    "created_at": "2026-11-01T00:00:00.000Z",
    "updated_at": "2026-11-01T00:00:00.000Z",
    "expires_at": "2026-11-04T00:00:00.000Z",
    "failure": {"resource": None, "type": None, "cause": "quota", "message": "m", "fix": "f"},
    "wanted": {
        "settings": Settings().resolved().model_dump(),
        "release": "2.0.0-abcdef012345",
        "stage": "execute",
        "rollbacks": 1,
    },
    "resources": {"SotBucket": {"type": "AWS::S3::Bucket", "status": "CREATE_COMPLETE", "order": "1"}},
    "job_files": {
        "main.py": {"size_bytes": 1, "sha256": "0", "changed_by": "release", "changed_at": "2026-11-01"}
    },
}
"""An environment in the format before schema versions."""


def test_a_record_of_an_earlier_version_is_read() -> None:
    read = items.environment(OLD)
    assert read.status is Status.UPDATING
    assert read.settings == Settings().resolved()
    assert read.failure is not None and (read.failure.cause, read.failure.resource) == ("quota", None)
    assert read.wanted is not None and read.wanted.stage is UpdateStage.EXECUTE
    assert (read.wanted.rollbacks, read.wanted.lost) == (1, None)
    assert read.resources["SotBucket"].reason is None
    assert read.job_files["main.py"].changed_by_type is ActorType.RELEASE


def test_settings_that_are_no_longer_valid_are_read() -> None:
    settings = {**OLD["settings"], "job": {**OLD["settings"]["job"], "number_of_workers": 99}}
    assert items.environment({**OLD, "settings": settings}).settings.job.number_of_workers == 99


def test_unknown_fields_are_ignored() -> None:
    newer = {**OLD, "color": "red", "failure": {**OLD["failure"], "color": "red"}}
    assert items.environment(newer) == items.environment(OLD)


def test_a_record_of_a_newer_schema_is_rejected() -> None:
    with pytest.raises(Unavailable):
        items.environment({**OLD, "schema_version": 2})
    with pytest.raises(Unavailable):
        items.run({**items.charged_item(run(environment(1))), "schema_version": 2})


def test_records_are_written_as_json_and_read_unchanged() -> None:
    one = environment(1)
    item = items.environment_item(one)
    assert item["schema_version"] == 1
    assert items.environment(json.loads(json.dumps(item))) == one


def test_a_key_of_the_version_that_stored_responses_is_used_and_cannot_be_replayed() -> None:
    stored = {"owner": "ana", "key": "k", "fingerprint": "f", "expires_at": "2026-11-27T00:00:00.000Z"}
    used = items.used_key({**stored, "body": "{}", "location": "/environments/abcdefgh23"})
    request = IdempotentRequest(Caller("ana", is_admin=False), "r1", "k", "f")

    def taken() -> Environment:
        raise KeyTaken(used)

    client: Any = FastDynamoDb(INDEXES)
    store = Store(Table(client, "table"), Capacity())
    with pytest.raises(Conflict, match="upgraded"):
        once(store, now, request, taken, items.environment)
