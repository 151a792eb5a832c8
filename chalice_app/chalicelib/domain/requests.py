"""What callers may send beside settings: the models that validate requests."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from chalicelib.domain.json_types import Json
from chalicelib.domain.patterns import Matching
from chalicelib.domain.pricing import WorkerType
from chalicelib.domain.settings import Arguments, NumberOfWorkers, Strict, TimeoutMinutes
from chalicelib.domain.settings_changes import SettingsChange


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
