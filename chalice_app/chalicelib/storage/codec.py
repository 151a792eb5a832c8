"""Values of records as DynamoDB stores them, and back: plain JSON on one side, dataclasses on the other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

from pydantic import BaseModel

from chalicelib.domain.cohort import CohortAction, CohortStatus, CohortTask, MemberFailure, Outcome
from chalicelib.domain.environment import Status
from chalicelib.domain.environment_parts import (
    DesiredState,
    Frozen,
    JobFile,
    Outputs,
    QueuePosition,
    ResourceState,
    UpdateStage,
)
from chalicelib.domain.failures import Failure
from chalicelib.domain.job_run import RunError, RunOutput, RunStatus
from chalicelib.domain.json_types import Json
from chalicelib.domain.query import QueryError, QueryOrigin, QueryStatus
from chalicelib.domain.receipts import Receipt, ReceiptEntry
from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import ActorType, FieldChange
from chalicelib.domain.webhooks import Delivery, Webhook
from chalicelib.errors import Unavailable

Reader = Callable[[Any], Any]
"""Converts a stored value to its type."""
Readers = Mapping[str, Reader]

SCHEMA_VERSION = 1
"""Version of the schema of every record.

Increase it if the previous version of the service could not read the new records.
"""


def stored_fields(record: Any) -> Json:
    """Return the fields of a record as they are stored, with the version of their schema."""
    return {
        **{name.name: stored(getattr(record, name.name)) for name in fields(record)},
        "schema_version": SCHEMA_VERSION,
    }


def stored_state(state: ResourceState) -> Json:
    """Return the state of one resource as it is stored."""
    return cast(Json, stored(state))


def stored(value: Any) -> Any:
    """Return a value as it is stored. Fields that are None are left out of nested values."""
    if isinstance(value, Settings):
        return value.as_stored()
    if isinstance(value, BaseModel):
        return value.model_dump()
    if is_dataclass(value):
        values = {name.name: stored(getattr(value, name.name)) for name in fields(value)}
        return {name: inner for name, inner in values.items() if inner is not None}
    if isinstance(value, dict):
        return {name: stored(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [stored(inner) for inner in value]
    return value


def fields_of(record: Any, item: Json, readers: Readers | None = None) -> Json:
    """Return the fields of a record that an item has, as typed values. Unknown fields are ignored."""
    found = {name: item[name] for name in _names(record) if name in item}
    for name, read in (readers or {}).items():
        if found.get(name) is not None:
            found[name] = read(found[name])
    return found


@functools.cache
def _names(record: Any) -> tuple[str, ...]:
    """Return the names of a record's fields. An environment has a record for each resource of its stack."""
    return tuple(name.name for name in fields(record))


def readable(item: Json) -> Json:
    """Return the item. Raises `Unavailable` if a newer version of the service wrote it."""
    if item.get("schema_version", 0) > SCHEMA_VERSION:
        raise Unavailable("A newer version of the service is being deployed. Retry.", retry_after=60)
    return item


def _value(record: Callable[..., Any], **readers: Reader) -> Reader:
    return lambda value: record(**fields_of(record, value, readers))


def _each(read: Reader) -> Reader:
    def read_each(values: Any) -> Any:
        if isinstance(values, dict):
            return {name: read(value) for name, value in values.items()}
        return [read(value) for value in values]

    return read_each


ENVIRONMENT: Readers = {
    "status": Status,
    "settings": Settings.from_stored,
    "failure": _value(Failure),
    "queue": _value(QueuePosition),
    "resources": _each(_value(ResourceState)),
    "outputs": _value(Outputs),
    "wanted": _value(DesiredState, settings=Settings.from_stored, stage=UpdateStage),
    "remaining": _each(_value(ReceiptEntry)),
    "job_files": _each(lambda value: _value(JobFile)(with_actor_type(value, "changed_by"))),
    "frozen": lambda value: _value(Frozen)({**value, "by_type": ActorType(value["by_type"])}),
    "webhook": _value(Webhook),
    "delivery": _value(Delivery),
    "receipt": _value(Receipt, removed=_each(_value(ReceiptEntry)), remaining=_each(_value(ReceiptEntry))),
}
RUN: Readers = {
    "status": RunStatus,
    "error": _value(RunError),
    "output": _value(RunOutput),
    "outputs": _each(_value(RunOutput)),
}
QUERY: Readers = {"status": QueryStatus, "origin": QueryOrigin, "error": _value(QueryError)}
COHORT: Readers = {
    "status": CohortStatus,
    "settings": Settings.from_stored,
    "task": _value(CohortTask, action=CohortAction),
    "failures": _each(_value(MemberFailure)),
}
MEMBER: Readers = {"outcome": Outcome}
EVENT: Readers = {"changes": _each(_value(FieldChange))}
"""Readers of typed fields, by record."""


def with_actor_type(item: Json, name: str) -> Json:
    """Return the item with an actor's type. Old records have none, so it follows from the name."""
    if name not in item:
        return item
    old = item[name] if item[name] in (*ActorType,) else ActorType.USER
    return {**item, f"{name}_type": ActorType(item.get(f"{name}_type") or old)}
