"""Changes of an environment's settings: what callers may send, what stays as it was made, and what comes out.

A change names the fields that it changes; a field that is null has its default again (RFC 7396), and one that
is as it was is none. Fields of `buckets` and `job` are changed one by one, lists and `arguments` as a whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from chalicelib.domain.json_types import Json
from chalicelib.domain.settings import (
    OWN_JOB,
    BucketNames,
    JobSettings,
    Limits,
    Settings,
    Strict,
    invalid_combinations,
)

_BUCKET = "A bucket of another name would be another bucket, without what is in this one."
_FIXED = {
    "/expires_in_hours": "It says how long a new sandbox lives; send expires_in_hours beside settings.",
    **{f"/buckets/{key}": _BUCKET for key in BucketNames.model_fields},
    "/job/name": "The job's id has that name in it, and its runs go by that.",
    "/job/files_prefix": "The job's files lie there.",
}
"""What cannot be other than it was made, by JSON pointer, and why."""

_BEFORE_ALL = datetime(1969, 12, 31, tzinfo=UTC)
_ENCRYPTIONS = ("cloudwatch_encryption", "job_bookmarks_encryption", "s3_encryption")


def _without_defaults(schema: Json) -> None:
    """What is left out stays as it is; a default would say otherwise."""
    for told in schema["properties"].values():
        told.pop("default", None)


class _Partial(Strict):
    model_config = ConfigDict(json_schema_extra=_without_defaults)


def _partial(model: type[BaseModel], name: str, words: str, **parts: type[BaseModel]) -> Any:
    """A model with the same fields, each of which may be left out, or null; `parts` replace some."""
    hints: dict[str, Any] = get_type_hints(model, include_extras=True)
    fields: Any = {field: (parts.get(field, hints[field]) | None, None) for field in model.model_fields}
    return create_model(name, __base__=_Partial, __doc__=words, **fields)


SettingsChange: Any = _partial(
    Settings,
    "SettingsChange",
    "The settings to change; those that are left out stay, and null is a setting's default again.",
    buckets=_partial(BucketNames, "BucketNamesChange", "The buckets' names, which stay as they are."),
    job=_partial(JobSettings, "JobSettingsChange", "The job's settings to change."),
)
"""A partial `Settings`."""


def changed(
    current: Settings, change: BaseModel, limits: Limits, moment: datetime | None = None
) -> tuple[Settings, list[dict[str, str]]]:
    """Return the settings after a change, and everything that is wrong with it.

    Pointers are those of a body whose `settings` are the change. A new schedule must be due after `moment`,
    which is now unless it is given; one that stays may be over.
    """
    stored = current.model_dump()
    merged = _merged(_opened(current), _news(stored, change.model_dump(exclude_unset=True)))
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
        wrong.append(("/mode", "A sandbox with files of one's own does not become a learning one again."))
    if stored["kms_key"] and not after["kms_key"]:
        wrong.append(("/kms_key", "The data are encrypted with the sandbox's key: without it they are lost."))
    return [{"pointer": pointer, "detail": words} for pointer, words in wrong]


def _opened(settings: Settings) -> Json:
    """What a person has chosen of stored settings: not the defaults, nor what followed from the key."""
    unset = settings.model_copy(update=dict.fromkeys(_ENCRYPTIONS))
    follows = {name: None for name, mode in unset.encryptions().items() if mode == getattr(settings, name)}
    job = settings.job
    if settings.mode == "learning":
        job = job.model_copy(update={"script": None})
    elif job.description == OWN_JOB:
        job = job.model_copy(update={"description": JobSettings().description})
    return settings.model_copy(update={**follows, "job": job}).model_dump(exclude_defaults=True)


def _news(stored: Json, change: Json) -> Json:
    """What of a change is other than it was."""
    news = {
        name: _news(stored[name], value) if name in ("buckets", "job") and value is not None else value
        for name, value in change.items()
    }
    return {name: value for name, value in news.items() if value is None or value != stored[name]}


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
