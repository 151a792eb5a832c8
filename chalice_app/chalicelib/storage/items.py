"""Items of the DynamoDB table: their keys, and the attributes that the indexes need.

| pk                   | sk                | what                                                         |
|----------------------|-------------------|--------------------------------------------------------------|
| ENV#<id>             | ENV               | the environment                                              |
| ENV#<id>             | RUN#<run id>      | a job run; run ids sort by time                              |
| ENV#<id>             | METRICS#<run id>  | the metrics of an ended run (run_metrics.py)                 |
| ENV#<id>             | QUERY#<query id>  | an Athena query; query ids sort by time                      |
| ENV#<id>             | EXECUTION#<id>    | the query of this execution in Athena, or a mark's execution |
| ENV#<id>             | EVENT#<time>#<n>  | an event of the timeline                                     |
| ENV#<id>             | DRIFT             | the last drift detection (drift_detections.py)               |
| ENV#<id>             | NOTICE#<id>       | a notice that is not delivered yet (outbox.py)               |
| ENV#<id>             | WEBHOOK           | the secrets of the environment's webhook                     |
| OWNER#<owner>        | OWNER             | the lock that limits an owner to one live environment        |
| OWNER#<owner>        | BUDGET            | the owner's spending and creations (owner_accounts.py)       |
| KEY#<digest>         | KEY               | an owner's used Idempotency-Key, with the record it wrote    |
| LEDGER#<date>        | CHARGE#<id>#...   | a charge: one settlement of a run or a query (ledger.py)     |
| CALLER#<owner>       | RATE              | the caller's token bucket (rate_limits.py)                   |
| COHORT#<id>          | COHORT            | a cohort: the sandboxes of a class (cohorts.py)              |
| COHORT#<id>          | OWNERS            | its owners, numbered                                         |
| COHORT#<id>          | MEMBER#<number>   | the result of its last action for one owner                  |
| QUEUE                | QUEUE             | counters of creations, environments and the queue            |

Sparse indexes: `due` (records that need a step, by time), `by_owner`, `by_status` and `by_created`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest
from typing import Any, TypeVar, cast

from chalicelib.clock import parse, sortable_id
from chalicelib.domain.byte_limits import cut
from chalicelib.domain.capacity import QueueCounters
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun, RunError
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Account
from chalicelib.domain.query import Query, QueryError
from chalicelib.domain.receipts import Receipt, listed
from chalicelib.domain.timeline import FieldChange, TimelineEvent
from chalicelib.storage.codec import (
    ENVIRONMENT,
    EVENT,
    QUERY,
    RUN,
    fields_of,
    readable,
    stored,
    stored_fields,
    with_actor_type,
)

DUE = "0"
"""The partition of the index `due` that the tick reads: with nothing due, it costs one query.

Notices have a partition of their own (notice_items.py)."""
QUEUE_KEY = {"pk": "QUEUE", "sk": "QUEUE"}
_PLAIN_BYTES = 50_000
_LEAN_BYTES = 200
_LEFT_OUT = "AWS's message could not be stored."
_SHOWN = ("status", "data", "release", "settings", "expires_at", "frozen", "stopped_by")
"""Fields whose changes the timeline shows. The others follow from them or come from AWS."""


Record = TypeVar("Record")


@dataclass(frozen=True)
class IdempotencyKey:
    """A used Idempotency-Key. `record` is the first version of the item that its request wrote."""

    owner: str
    key: str
    fingerprint: str
    expires_at: str
    record: Json = field(default_factory=dict)


def environment_key(environment_id: str) -> Json:
    """Return the key of an environment."""
    return {"pk": f"ENV#{environment_id}", "sk": "ENV"}


def run_key(environment_id: str, run_id: str) -> Json:
    """Return the key of a run."""
    return {"pk": f"ENV#{environment_id}", "sk": f"RUN#{run_id}"}


def run_metrics_key(environment_id: str, run_id: str) -> Json:
    """Return the key of a run's metrics."""
    return {"pk": f"ENV#{environment_id}", "sk": f"METRICS#{run_id}"}


def query_key(environment_id: str, query_id: str) -> Json:
    """Return the key of a query."""
    return {"pk": f"ENV#{environment_id}", "sk": f"QUERY#{query_id}"}


def execution_key(environment_id: str, execution_id: str) -> Json:
    """Return the key of the item that names the query of an execution in Athena."""
    return {"pk": f"ENV#{environment_id}", "sk": f"EXECUTION#{execution_id}"}


def charged_key(record: JobRun | Query) -> Json:
    """Return the key of a run or a query."""
    return {"pk": f"ENV#{record.environment_id}", "sk": f"{record.KIND}#{record.id}"}


def owner_key(owner: str) -> Json:
    """Return the key of an owner's lock."""
    return {"pk": f"OWNER#{owner}", "sk": "OWNER"}


def account_key(owner: str) -> Json:
    """Return the key of an owner's account."""
    return {"pk": f"OWNER#{owner}", "sk": "BUDGET"}


def rate_key(caller: str) -> Json:
    """Return the key of a caller's token bucket."""
    return {"pk": f"CALLER#{caller}", "sk": "RATE"}


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


def charged_item(record: JobRun | Query) -> Json:
    """Return the item of a run or a query."""
    return {**charged_key(record), **_due(record.due_at), **stored_fields(record)}


def event_item(environment_id: str, owner: str, event: TimelineEvent) -> Json:
    """Return the item of a timeline event."""
    number = sortable_id(parse(event.at))[9:]
    key = {"pk": f"ENV#{environment_id}", "sk": f"EVENT#{event.at}#{number}"}
    return {**key, **stored_fields(event), "owner": owner}


def idempotency_key(owner: str, key: str) -> Json:
    """Return the key of an owner's Idempotency-Key: a digest, because both may contain any separator."""
    digest = hashlib.sha256(json.dumps([owner, key]).encode()).hexdigest()
    return {"pk": f"KEY#{digest}", "sk": "KEY"}


def used_key_item(used: IdempotencyKey) -> Json:
    """Return the item of a used key. DynamoDB removes it some time after it expires."""
    # As in the table, an absent attribute stands for None.
    record = {name: value for name, value in used.record.items() if value is not None}
    return {
        **idempotency_key(used.owner, used.key),
        "ttl": int(parse(used.expires_at).timestamp()),
        **stored_fields(used),
        "record": _packed(json.dumps(record, ensure_ascii=False)),
    }


def environment(item: Json) -> Environment:
    """Return the environment of an item. Raises `Unavailable` if a newer version of the service wrote it."""
    return Environment(**fields_of(Environment, readable(item), ENVIRONMENT))


def run(item: Json) -> JobRun:
    """Return the job run of an item. Raises `Unavailable` as `environment` does."""
    item = readable(item)
    return JobRun(
        **fields_of(JobRun, with_actor_type(with_actor_type(item, "requested_by"), "stopped_by"), RUN)
    )


def query(item: Json) -> Query:
    """Return the query of an item. Raises `Unavailable` as `environment` does."""
    return Query(**fields_of(Query, readable(item), QUERY))


def event(item: Json) -> TimelineEvent:
    """Return the timeline event of an item."""
    return TimelineEvent(**fields_of(TimelineEvent, with_actor_type(item, "actor"), EVENT))


def used_key(item: Json) -> IdempotencyKey:
    """Return the used key of an item. Items of the version that stored responses have no record."""
    record = json.loads(_unpacked(item["record"])) if "record" in item else {}
    return IdempotencyKey(**{**fields_of(IdempotencyKey, item), "record": record})


def account(owner: str, item: Json) -> Account:
    """Return an owner's account. An empty item means that the owner never had an environment."""
    known = {**fields_of(Account, item), "owner": owner}
    return Account(**{**known, "creations": tuple(item.get("creations", ()))})


def counters(item: Json) -> QueueCounters:
    """Return the counters of the queue. An empty item means that there never was an environment."""
    return QueueCounters(
        creating=frozenset(item.get("creating", ())),
        live=item.get("live", 0),
        waiting=item.get("waiting", 0),
        seconds=[value for name, value in item.items() if name.startswith("seconds_")],
    )


def changes(old: Any, new: Any) -> Json:
    """Return the fields that differ between two states of a record, except the version."""
    return {
        name.name: stored(getattr(new, name.name))
        for name in fields(old)
        if name.name != "version" and getattr(old, name.name) != getattr(new, name.name)
    }


def with_changes(event: TimelineEvent, old: Any, new: Any) -> TimelineEvent:
    """Return the event with the values before and after of the fields that it changed."""
    found = [
        change
        for name in _SHOWN
        if hasattr(old, name)
        for change in _differences(f"/{name}", stored(getattr(old, name)), stored(getattr(new, name)))
    ]
    return replace(event, changes=found)


def lean(record: Record) -> Record:
    """Return the record without texts from outside the service, which may be too large to store.

    Everything that callers requested and that the life cycle depends on is kept.
    """
    kept: Any = record
    if isinstance(record, Environment):
        kept = record.replace(
            failure=record.failure and replace(record.failure, message=_LEFT_OUT),
            reason=record.reason and cut(record.reason, _LEAN_BYTES),
            resources={name: replace(state, reason=None) for name, state in record.resources.items()},
            remaining=listed(record.remaining, 0),
            receipt=record.receipt
            and Receipt(listed(record.receipt.removed, 0), listed(record.receipt.remaining, 0)),
        )
    elif isinstance(record, JobRun):
        kept = record.replace(
            error=record.error and RunError(_LEFT_OUT),
            reason=record.reason and cut(record.reason, _LEAN_BYTES),
            output=None,
            outputs=[],
        )
    elif isinstance(record, Query):
        kept = record.replace(error=record.error and QueryError(_LEFT_OUT))
    elif isinstance(record, TimelineEvent):
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


def _due(due_at: str | None) -> Json:
    return {} if due_at is None else {"due_shard": DUE}


def _are_objects(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _differences(pointer: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(f"{pointer}/{name}", old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and _are_objects(old) and _are_objects(new):
        for index, (before, after) in enumerate(zip_longest(old, new)):
            yield from _differences(f"{pointer}/{index}", before, after)
    elif old != new:
        yield FieldChange(pointer, old, new)
