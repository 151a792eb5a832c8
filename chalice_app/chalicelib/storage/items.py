"""How records lie in the service's one DynamoDB table: their keys, and what the indexes need.

| pk                   | sk                | what                                                         |
|----------------------|-------------------|--------------------------------------------------------------|
| ENV#<id>             | ENV               | the environment                                              |
| ENV#<id>             | RUN#<run id>      | a job run; run ids sort by time                              |
| ENV#<id>             | EVENT#<time>#<n>  | the timeline                                                 |
| OWNER#<owner>        | OWNER             | the lock that makes it one live environment per owner        |
| OWNER#<owner>        | BUDGET            | their money and creations (accounts.py)                      |
| KEY#<digest>         | KEY               | an owner's used Idempotency-Key, with the record it wrote     |
| QUEUE                | QUEUE             | who is in creation, how many exist and wait (capacity.py)    |

Sparse indexes: `due` (records that need attention, by when), `by_owner`, `by_status`, `by_created`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from chalicelib.clock import parse, sortable_id
from chalicelib.domain.byte_limits import cut
from chalicelib.domain.capacity import Usage
from chalicelib.domain.environment import (
    DesiredState,
    Environment,
    JobFile,
    Outputs,
    QueuePosition,
    ResourceState,
    Status,
    UpdateStage,
)
from chalicelib.domain.failures import Failure
from chalicelib.domain.job_run import JobRun, RunError, RunOutput, RunStatus
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Account
from chalicelib.domain.receipts import Receipt, ReceiptEntry, listed
from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import ActorType, Event, FieldChange
from chalicelib.errors import Unavailable

SCHEMA_VERSION = 1
"""Of every record. Raise it when a change cannot be read by the version of the service before it."""
DUE = "0"
"""The one partition of the index `due`: a tick with nothing due is one query."""
QUEUE_KEY = {"pk": "QUEUE", "sk": "QUEUE"}
_PLAIN_BYTES = 50_000
_LEAN_BYTES = 200
_LEFT_OUT = "What AWS said of it could not be stored."
_TOLD = ("status", "release", "settings", "expires_at", "stopped_by")
"""The fields whose changes the timeline tells; the others follow from these or come from AWS."""


Record = TypeVar("Record")


@dataclass(frozen=True)
class IdempotencyKey:
    """A used Idempotency-Key; `record` is the item of the record that its request wrote, as it was first."""

    owner: str
    key: str
    fingerprint: str
    expires_at: str
    record: Json = field(default_factory=dict)


def environment_key(environment_id: str) -> Json:
    """Where an environment is."""
    return {"pk": f"ENV#{environment_id}", "sk": "ENV"}


def run_key(environment_id: str, run_id: str) -> Json:
    """Where a run is."""
    return {"pk": f"ENV#{environment_id}", "sk": f"RUN#{run_id}"}


def owner_key(owner: str) -> Json:
    """Where an owner's lock is."""
    return {"pk": f"OWNER#{owner}", "sk": "OWNER"}


def account_key(owner: str) -> Json:
    """Where an owner's account is."""
    return {"pk": f"OWNER#{owner}", "sk": "BUDGET"}


def environment_item(environment: Environment) -> Json:
    """Return the item of an environment."""
    return {
        **environment_key(environment.id),
        **_due(environment.due_at),
        "gsi_kind": "ENV",
        "gsi_owner": environment.owner,
        "gsi_status": str(environment.status),
        **stored_fields(environment),
    }


def run_item(run: JobRun) -> Json:
    """Return the item of a job run."""
    return {**run_key(run.environment_id, run.id), **_due(run.due_at), **stored_fields(run)}


def event_item(environment_id: str, owner: str, event: Event) -> Json:
    """A line of a timeline as an item."""
    number = sortable_id(parse(event.at))[9:]
    key = {"pk": f"ENV#{environment_id}", "sk": f"EVENT#{event.at}#{number}"}
    return {**key, **stored_fields(event), "owner": owner}


def used_key_key(owner: str, key: str) -> Json:
    """Return the key of an owner's Idempotency-Key: a digest, because both may contain any separator."""
    digest = hashlib.sha256(json.dumps([owner, key]).encode()).hexdigest()
    return {"pk": f"KEY#{digest}", "sk": "KEY"}


def used_key_item(used: IdempotencyKey) -> Json:
    """Return the item of a used key. DynamoDB removes it some time after it expires."""
    # As in the table, an absent attribute stands for None.
    record = {name: value for name, value in used.record.items() if value is not None}
    return {
        **used_key_key(used.owner, used.key),
        "ttl": int(parse(used.expires_at).timestamp()),
        **stored_fields(used),
        "record": _packed(json.dumps(record, ensure_ascii=False)),
    }


def environment(item: Json) -> Environment:
    """Return the environment of an item. Raises `Unavailable` if a newer version of the service wrote it."""
    return Environment(**_fields(Environment, _readable(item), _ENVIRONMENT))


def run(item: Json) -> JobRun:
    """Return the job run of an item. Raises `Unavailable` as `environment` does."""
    item = _readable(item)
    return JobRun(**_fields(JobRun, _typed(_typed(item, "requested_by"), "stopped_by"), _RUN))


def event(item: Json) -> Event:
    """Return the timeline event of an item."""
    return Event(**_fields(Event, _typed(item, "actor"), _EVENT))


def used_key(item: Json) -> IdempotencyKey:
    """Return the used key of an item."""
    record = json.loads(_unpacked(item["record"]))
    return IdempotencyKey(**{**_fields(IdempotencyKey, item), "record": record})


def account(owner: str, item: Json) -> Account:
    """What an owner's item says; an empty one, that they never had an environment."""
    known = {**_fields(Account, item), "owner": owner}
    return Account(**{**known, "creations": tuple(item.get("creations", ()))})


def usage(item: Json) -> Usage:
    """What the queue's item says; an empty one, that nobody was ever here."""
    return Usage(
        creating=frozenset(item.get("creating", ())),
        live=item.get("live", 0),
        waiting=item.get("waiting", 0),
        seconds=[value for name, value in item.items() if name.startswith("seconds_")],
    )


def changes(old: Any, new: Any) -> Json:
    """The fields that differ between two states of a record; the version is not one of them."""
    return {
        name.name: _stored(getattr(new, name.name))
        for name in fields(old)
        if name.name != "version" and getattr(old, name.name) != getattr(new, name.name)
    }


def with_changes(event: Event, old: Any, new: Any) -> Event:
    """Return the event with the values before and after of the fields that it changed."""
    found = [
        change
        for name in _TOLD
        if hasattr(old, name)
        for change in _differences(f"/{name}", _stored(getattr(old, name)), _stored(getattr(new, name)))
    ]
    return replace(event, changes=found)


def lean(record: Record) -> Record:
    """The record without the texts that are not the service's own, for when it cannot be stored with them.

    What callers have asked for, and all that the life cycle goes by, stays.
    """
    kept: Any = record
    if isinstance(record, Environment):
        kept = record.but(
            failure=record.failure and replace(record.failure, message=_LEFT_OUT),
            reason=record.reason and cut(record.reason, _LEAN_BYTES),
            resources={name: replace(state, reason=None) for name, state in record.resources.items()},
            remaining=listed(record.remaining, 0),
            receipt=record.receipt
            and Receipt(listed(record.receipt.removed, 0), listed(record.receipt.remaining, 0)),
        )
    elif isinstance(record, JobRun):
        kept = record.but(
            error=record.error and RunError(_LEFT_OUT),
            reason=record.reason and cut(record.reason, _LEAN_BYTES),
            output=None,
            outputs=[],
        )
    elif isinstance(record, Event):
        kept = replace(record, detail=record.detail and dict(_lean_detail(record.detail)))
    return cast(Record, kept)


def _lean_detail(detail: Json) -> Iterator[tuple[str, Any]]:
    for name, value in detail.items():
        if not isinstance(value, dict | list):
            yield name, cut(value, _LEAN_BYTES) if isinstance(value, str) else value


def _packed(record: str) -> str:
    """Compress a long record: it repeats the field names of up to 500 resources."""
    raw = record.encode()
    return record if len(raw) <= _PLAIN_BYTES else base64.b64encode(zlib.compress(raw)).decode()


def _unpacked(record: str) -> str:
    return record if record.startswith("{") else zlib.decompress(base64.b64decode(record)).decode()


def _typed(item: Json, name: str) -> Json:
    """The item with the type of a name in it; one that is older than types has that in the name."""
    if name not in item:
        return item
    old = item[name] if item[name] in (*ActorType,) else ActorType.USER
    return {**item, f"{name}_type": ActorType(item.get(f"{name}_type") or old)}


def stored_fields(record: Any) -> Json:
    """Return the fields of a record as they are stored, with the version of their schema."""
    return {
        **{name.name: _stored(getattr(record, name.name)) for name in fields(record)},
        "schema_version": SCHEMA_VERSION,
    }


def stored_state(state: ResourceState) -> Json:
    """Return the state of one resource as it is stored."""
    return cast(Json, _stored(state))


def _stored(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if is_dataclass(value):
        values = {name.name: _stored(getattr(value, name.name)) for name in fields(value)}
        return {name: inner for name, inner in values.items() if inner is not None}
    if isinstance(value, dict):
        return {name: _stored(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(inner) for inner in value]
    return value


def _fields(record: Any, item: Json, loads: Mapping[str, Callable[[Any], Any]] | None = None) -> Json:
    """Return the fields of a record in an item; fields that this version does not know are left out."""
    found = {name.name: item[name.name] for name in fields(record) if name.name in item}
    return {
        name: loads[name](value) if loads and name in loads and value is not None else value
        for name, value in found.items()
    }


def _readable(item: Json) -> Json:
    """Refuse what a newer version of the service wrote. Records without a version are the oldest."""
    if item.get("schema_version", 0) > SCHEMA_VERSION:
        raise Unavailable("A newer version of the service is being deployed; try again.", retry_after=60)
    return item


def _value(record: Callable[..., Any], **loads: Callable[[Any], Any]) -> Callable[[Json], Any]:
    return lambda stored: record(**_fields(record, stored, loads))


def _each(load: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def loaded(stored: Any) -> Any:
        if isinstance(stored, dict):
            return {name: load(value) for name, value in stored.items()}
        return [load(value) for value in stored]

    return loaded


_Loads = Mapping[str, Callable[[Any], Any]]
_ENVIRONMENT: _Loads = {
    "status": Status,
    "settings": Settings.from_stored,
    "failure": _value(Failure),
    "queue": _value(QueuePosition),
    "resources": _each(_value(ResourceState)),
    "outputs": _value(Outputs),
    "wanted": _value(DesiredState, settings=Settings.from_stored, stage=UpdateStage),
    "remaining": _each(_value(ReceiptEntry)),
    "job_files": _each(lambda stored: _value(JobFile)(_typed(stored, "changed_by"))),
    "receipt": _value(Receipt, removed=_each(_value(ReceiptEntry)), remaining=_each(_value(ReceiptEntry))),
}
_RUN: _Loads = {
    "status": RunStatus,
    "error": _value(RunError),
    "output": _value(RunOutput),
    "outputs": _each(_value(RunOutput)),
}
_EVENT: _Loads = {"changes": _each(_value(FieldChange))}
"""What makes the typed values of stored ones, by field."""


def _due(due_at: str | None) -> Json:
    return {} if due_at is None else {"due_shard": DUE}


def _differences(pointer: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(f"{pointer}/{name}", old.get(name), new.get(name))
    elif old != new:
        yield FieldChange(pointer, old, new)
