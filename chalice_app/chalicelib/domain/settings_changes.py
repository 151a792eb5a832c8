"""Changes of an environment's settings: the request model, the fixed fields, and the resulting settings.

A change lists the fields to change. Null restores the default (RFC 7396). An unchanged value is ignored.
Fields of `buckets` and `job` change one by one, lists and `arguments` as a whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from chalicelib.domain.json_types import Json
from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import OWN_JOB, BucketNames, JobSettings, Limits, Settings, Strict

_BUCKET = "Cannot be changed: a new bucket would not contain this one's data."
_FIXED = {
    "/expires_in_hours": (
        "Applies only at creation. To change the expiration, send expires_in_hours at the top level."
    ),
    **{f"/buckets/{key}": _BUCKET for key in BucketNames.model_fields},
    "/job/name": "Cannot be changed: the job ID, used by its runs, contains it.",
    "/job/files_prefix": "Cannot be changed: the job files are stored under it.",
}
"""Error messages of the fields that cannot be changed, by JSON pointer."""

_BEFORE_ALL = datetime(1969, 12, 31, tzinfo=UTC)
_ENCRYPTIONS = ("cloudwatch_encryption", "job_bookmarks_encryption", "s3_encryption")


def _without_defaults(schema: Json) -> None:
    """Remove the defaults from the schema, because an omitted field is not changed."""
    for field in schema["properties"].values():
        field.pop("default", None)


class _Partial(Strict):
    model_config = ConfigDict(json_schema_extra=_without_defaults)


def _partial(model: type[BaseModel], name: str, words: str, **parts: type[BaseModel]) -> Any:
    """Return a model with the same fields, all optional and nullable. `parts` replaces types of fields."""
    hints: dict[str, Any] = get_type_hints(model, include_extras=True)
    fields: Any = {
        name: (parts.get(name, hints[name]) | None, Field(default=None, description=field.description))
        for name, field in model.model_fields.items()
    }
    return create_model(name, __base__=_Partial, __doc__=words, **fields)


SettingsChange: Any = _partial(
    Settings,
    "SettingsChange",
    "Settings to change. Omitted settings stay; null restores a default.",
    buckets=_partial(BucketNames, "BucketNamesChange", "Names of the buckets, which cannot be changed."),
    job=_partial(
        JobSettings,
        "JobSettingsChange",
        "Settings of the job to change.",
    ),
)
"""Model of `Settings` in which every field is optional."""


def changed(
    current: Settings, change: BaseModel, limits: Limits, moment: datetime | None = None
) -> tuple[Settings, list[dict[str, str]]]:
    """Return the settings after a change, and its errors.

    The errors' pointers are for a body with the change in `settings`. A new schedule must be due after
    `moment`, by default now. An unchanged schedule may be over.
    """
    stored = current.model_dump()
    merged = _merged(_chosen(current), _differing(stored, change.model_dump(exclude_unset=True)))
    settings = Settings.model_validate(merged)
    settings = settings.model_copy(update={"job": settings.job.within(limits)})
    if settings.job.schedule == current.job.schedule:
        moment = _BEFORE_ALL
    wrong = [
        *_unchangeable(stored, settings.model_dump()),
        *(
            invalid
            for invalid in invalid_combinations(settings, limits, moment)
            if invalid["pointer"] not in _FIXED
        ),
    ]
    if wrong:
        return current, [{**each, "pointer": f"/settings{each['pointer']}"} for each in wrong]
    return settings.resolved(), []


def _unchangeable(stored: Json, after: Json) -> list[dict[str, str]]:
    wrong = [
        (pointer, words) for pointer, words in _FIXED.items() if _at(stored, pointer) != _at(after, pointer)
    ]
    if stored["mode"] == "production" and after["mode"] == "learning":
        wrong.append(("/mode", "A production environment cannot return to learning mode."))
    if stored["kms_key"] and not after["kms_key"]:
        wrong.append(("/kms_key", "Cannot be changed: the environment's data is encrypted with its key."))
    return [{"pointer": pointer, "detail": words} for pointer, words in wrong]


def _chosen(settings: Settings) -> Json:
    """Return what the user chose: stored settings without defaults and without modes that follow the key."""
    unset = settings.model_copy(update=dict.fromkeys(_ENCRYPTIONS))
    follows = {name: None for name, mode in unset.encryptions().items() if mode == getattr(settings, name)}
    job = settings.job
    if settings.mode == "learning":
        job = job.model_copy(update={"script": None})
    elif job.description == OWN_JOB:
        job = job.model_copy(update={"description": JobSettings().description})
    return settings.model_copy(update={**follows, "job": job}).model_dump(exclude_defaults=True)


def _differing(stored: Json, change: Json) -> Json:
    """Return the fields of a change that differ from the stored settings or are null."""
    differing = {
        name: _differing(stored[name], value) if name in ("buckets", "job") and value is not None else value
        for name, value in change.items()
    }
    return {name: value for name, value in differing.items() if value is None or value != stored[name]}


def _merged(settings: Json, change: Json) -> Json:
    merged = dict(settings)
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        elif name in ("buckets", "job"):
            merged[name] = _merged(merged.get(name, {}), value)
        else:
            merged[name] = value
    return merged


def _at(settings: Json, pointer: str) -> Any:
    value: Any = settings
    for name in pointer.split("/")[1:]:
        value = value[name]
    return value
