"""Models of requests other than the settings of a new environment."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from chalicelib.domain.cohort import MOST_OWNERS
from chalicelib.domain.json_types import Json
from chalicelib.domain.notices import KINDS, Kind
from chalicelib.domain.patterns import Matching
from chalicelib.domain.pricing import WorkerType
from chalicelib.domain.setting_types import Arguments, DataSet, NumberOfWorkers, TimeoutMinutes
from chalicelib.domain.settings import Settings, Strict
from chalicelib.domain.settings_changes import SettingsChange
from chalicelib.domain.webhooks import MOST_URL_CHARACTERS


class WebhookRequest(Strict):
    """A webhook: an HTTPS URL that gets a signed request for each event."""

    url: Annotated[str, Field(min_length=1, max_length=MOST_URL_CHARACTERS)] = Field(
        description="HTTPS URL with a public host name.",
        examples=["https://hooks.example.com/terraglue"],
    )
    events: Annotated[list[Kind], Field(min_length=1, max_length=len(KINDS))] = Field(
        default_factory=lambda: [*KINDS], description="Events to send. All by default."
    )
    rotate_secret: bool = Field(
        default=False,
        description="Create a new secret for the same URL. The old one also signs for 24 hours.",
    )


class NotificationsRequest(Strict):
    """Notifications of an environment."""

    webhook: WebhookRequest | None = Field(description="The webhook, or null to remove it.")


_DAY = "20[2-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = _DAY + r"T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,3})?Z"


class EnvironmentRequest(Settings):
    """A new environment: its settings, its data set and its notifications."""

    data: DataSet | None = Field(
        default=None,
        description="Data set from `GET /data-sets`, or null for the default. The environment has its newest "
        "release.",
    )
    notifications: NotificationsRequest | None = Field(
        default=None, description="Who is notified of events. Null for nobody."
    )

    @model_serializer(mode="wrap")
    def _without_unused(self, dump: SerializerFunctionWrapHandler) -> Json:
        """Leave out `notifications` if there are none, because earlier versions made fingerprints without."""
        dumped: Json = dump(self)
        if dumped.get("notifications") is None:
            dumped.pop("notifications", None)
        return dumped

    @property
    def settings(self) -> Settings:
        """Return the settings, in which the omitted fields are not set."""
        values = {name: getattr(self, name) for name in Settings.model_fields}
        return Settings.model_construct(self.model_fields_set & values.keys(), **values)


Owner = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": 128})]
"""Name of an owner. cohort_checks.py validates it, together with duplicates."""


class CohortRequest(Strict):
    """A cohort: one environment for each owner, all with the same settings."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="Name of the cohort.")
    owners: Annotated[list[Owner], Field(min_length=1, max_length=MOST_OWNERS)] = Field(
        description="Owners: values of the claim that `owner` of environments has. They need no account yet.",
    )
    settings: Settings = Field(default_factory=Settings, description="Settings of all environments.")
    data: DataSet | None = Field(
        default=None,
        description="Data set from `GET /data-sets`, or null for the default. All get its newest release.",
    )
    expires_at: Annotated[str, Matching(_TIME, "must be a time in UTC like 2026-12-18T17:00:00Z")] | None = (
        Field(
            default=None,
            description="When all environments expire, instead of `settings.expires_in_hours` after each is "
            "created.",
        )
    )
    dry_run: bool = Field(default=False, description="Only return what the request would do.")


class CohortActionRequest(Strict):
    """An action for all members of a cohort."""

    hours: Annotated[int, Field(ge=1, le=720)] | None = Field(
        default=None, description="For `extend`: hours from now until the environments expire."
    )
    reason: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="For `freeze`: why. The owners see it."
    )
    dry_run: bool = Field(default=False, description="Only return what the request would do.")


class CohortChange(Strict):
    """Members to add and to remove."""

    add: Annotated[list[Owner], Field(max_length=MOST_OWNERS)] = Field(
        default_factory=list, description="Owners to add."
    )
    remove: Annotated[list[Owner], Field(max_length=MOST_OWNERS)] = Field(
        default_factory=list, description="Owners to remove. Their environments stay."
    )


class FreezeRequest(Strict):
    """A freeze of an environment."""

    reason: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="Why the environment is frozen. Its owner sees it."
    )


MOST_CREDENTIALS_SECONDS = 3600
"""One hour, the limit of AWS for a role that assumes another one, as a function's does (role chaining):
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining"""


class CredentialsRequest(Strict):
    """A request for credentials."""

    duration_seconds: int = Field(
        default=MOST_CREDENTIALS_SECONDS,
        ge=900,
        le=MOST_CREDENTIALS_SECONDS,
        description="How long the credentials are valid. With less than the default, AWS may refuse a "
        "console sign-in link.",
    )


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
    """Changes of an environment: its expiration, settings, data set or release."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    expires_in_hours: Annotated[int, Field(ge=1, le=720, json_schema_extra=_without_default)] = Field(
        default=72, description="Hours from now until the service deletes the environment."
    )
    settings: Annotated[SettingsChange, Field(json_schema_extra=_without_default)] = Field(
        default=SettingsChange(),
        description="Settings to change. The environment must be READY, or FAILED with a deleted resource.",
    )
    data: Annotated[DataSet | None, Field(json_schema_extra=_without_default)] = Field(
        default=None,
        description="Data set from `GET /data-sets`, or null for the default. Without `release`, another "
        "data set means its newest release. The environment must be READY, or FAILED with a deleted "
        "resource.",
    )
    notifications: Annotated[NotificationsRequest, Field(json_schema_extra=_without_default)] = Field(
        default=NotificationsRequest(webhook=None),
        description="Notifications to set, in a request without other changes.",
    )
    release: Annotated[
        str,
        Matching(
            "latest|[A-Za-z0-9.+-]{1,64}-[0-9a-f]{12}", "must be latest or a release ID from GET /releases"
        ),
        Field(json_schema_extra=_without_default),
    ] = Field(
        default="latest",
        description="Release to update to: its ID, or `latest` for the newest one of the environment's data "
        "set. The environment must be READY, or FAILED with a deleted resource.",
    )

    @model_validator(mode="before")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if value == {}:
            raise ValueError("Must have at least one field.")
        return value
