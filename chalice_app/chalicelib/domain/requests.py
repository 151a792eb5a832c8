"""Models of requests other than the settings of a new environment."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from chalicelib.domain.json_types import Json
from chalicelib.domain.patterns import Matching
from chalicelib.domain.pricing import WorkerType
from chalicelib.domain.setting_types import Arguments, NumberOfWorkers, TimeoutMinutes
from chalicelib.domain.settings import Strict
from chalicelib.domain.settings_changes import SettingsChange


class RunRequest(Strict):
    """Settings of one run. Omitted fields have the job's settings."""

    arguments: Arguments = Field(
        default_factory=dict, description="Arguments of the script, added to those of the job."
    )
    worker_type: WorkerType | None = Field(default=None, description="Type of the workers.")
    number_of_workers: NumberOfWorkers | None = Field(default=None, description="Number of workers.")
    timeout_minutes: TimeoutMinutes | None = Field(default=None, description="Timeout in minutes.")


def _without_default(schema: Json) -> None:
    """Remove the default from the schema: an omitted field is not changed.

    The default in the model only keeps null out of the type.
    """
    del schema["default"]


class EnvironmentChange(Strict):
    """Changes of an environment: its expiration, settings or release."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    expires_in_hours: Annotated[int, Field(ge=1, le=720, json_schema_extra=_without_default)] = Field(
        default=72, description="Hours from now until the service deletes the environment."
    )
    settings: Annotated[SettingsChange, Field(json_schema_extra=_without_default)] = Field(
        default=SettingsChange(),
        description="Settings to change. The environment must be READY, or FAILED with a deleted resource.",
    )
    release: Annotated[
        str,
        Matching(
            "latest|[A-Za-z0-9.+-]{1,64}-[0-9a-f]{12}", "must be latest or a release ID from GET /releases"
        ),
        Field(json_schema_extra=_without_default),
    ] = Field(
        default="latest",
        description="Release to update to: its ID, or `latest`. The environment must be READY, "
        "or FAILED with a deleted resource.",
    )

    @model_validator(mode="before")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if value == {}:
            raise ValueError("Must have at least one field.")
        return value
