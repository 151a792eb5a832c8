"""What callers may send beside settings: the models that validate requests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from chalicelib.changes import SettingsChange
from chalicelib.pricing import WorkerType
from chalicelib.records import Json, Status
from chalicelib.settings import Arguments, NumberOfWorkers, Strict, TimeoutMinutes
from chalicelib.texts import Matching


class RunRequest(Strict):
    """What one run of the job does otherwise than the job's settings say."""

    arguments: Arguments = Field(default_factory=dict)
    worker_type: WorkerType | None = None
    number_of_workers: NumberOfWorkers | None = None
    timeout_minutes: TimeoutMinutes | None = None


def _without_default(schema: Json) -> None:
    """What is left out is not changed; the default only keeps null out of the type."""
    del schema["default"]


class EnvironmentChange(Strict):
    """What to change about an environment: `expires_in_hours` counts from now.

    `settings` are those that change, and `release` is the one to go to; both need a READY environment.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    expires_in_hours: Annotated[int, Field(ge=1, le=720, json_schema_extra=_without_default)] = 72
    settings: Annotated[SettingsChange, Field(json_schema_extra=_without_default)] = SettingsChange()
    release: Annotated[
        str,
        Matching(
            "latest|[A-Za-z0-9.+-]{1,64}-[0-9a-f]{12}", "must be latest, or the id of one of GET /releases"
        ),
        Field(json_schema_extra=_without_default),
    ] = "latest"

    @model_validator(mode="before")
    @classmethod
    def _something(cls, value: Any) -> Any:
        if value == {}:
            raise ValueError("Say what to change.")
        return value


class NoQuery(Strict):
    """No parameter at all: one that is not known must not be taken for one that had its effect."""


class PageQuery(Strict):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=2048)] | None = None


class EnvironmentsQuery(PageQuery):
    """Which environments, and which page of them."""

    status: Status | None = None
    owner: Annotated[str, Field(min_length=1, max_length=128)] | None = None

    @field_validator("status", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if value is not None and value not in list(Status):
            raise ValueError(f"status must be one of {', '.join(Status)}")
        return value


class RowsQuery(Strict):
    """How many rows of a table."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20


class LogsQuery(Strict):
    """Which log stream of a run, and from where on."""

    stream: Literal["output", "error"] = "output"
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str, Field(max_length=2048)] | None = None
