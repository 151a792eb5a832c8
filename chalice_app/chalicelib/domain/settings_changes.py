"""Changes of an environment's settings: the request model, the fixed fields, and the resulting settings.

A change lists the fields to change. Null restores the default (RFC 7396). An unchanged value is ignored.
Fields of `buckets` and `job` change one by one, lists such as `jobs`, and `arguments`, as a whole.
"""

from __future__ import annotations

import re
from datetime import datetime
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
        "Settings of the main job to change.",
    ),
)
"""Model of `Settings` in which every field is optional."""


def changed(
    current: Settings, change: BaseModel, limits: Limits, moment: datetime | None = None
) -> tuple[Settings, list[dict[str, str]]]:
    """Return the settings after a change, and its errors.

    The errors' pointers are for a body with the change in `settings`. A new schedule must be due after
    `moment`, by default now. An unchanged schedule may be over. `jobs` replaces all jobs.
    """
    stored = current.model_dump()
    differing = _differing(stored, change.model_dump(exclude_unset=True))
    if "job" in differing and "jobs" in differing:
        words = "Send job, which changes the main job, or jobs, which replaces all jobs."
        return current, [{"pointer": "/settings/jobs", "detail": words}]
    chosen = _chosen(current)
    jobs = _changed_jobs(chosen.pop("jobs"), stored["job"], differing)
    main = "/jobs/0" if differing.pop("jobs", None) else "/job"
    differing.pop("job", None)
    settings = Settings.model_validate({**_merged(chosen, differing), "jobs": jobs})
    settings = settings.with_jobs([job.within(limits) for job in settings.all_jobs])
    wrong = [
        *_unchangeable(stored, settings.model_dump()),
        *(
            invalid
            for invalid in invalid_combinations(settings, limits, moment, before=current)
            if invalid["pointer"] not in _FIXED
        ),
    ]
    if wrong:
        pointers = [re.sub("^/job/", f"{main}/", each["pointer"]) for each in wrong]
        return current, [
            {**each, "pointer": f"/settings{pointer}"} for each, pointer in zip(wrong, pointers, strict=True)
        ]
    return settings.resolved(), []


def _changed_jobs(jobs: list[Json], main: Json, change: Json) -> list[Json]:
    """Return the chosen settings of all jobs after a change of `job`, of `jobs` or of neither."""
    if "job" in change:
        return [{} if change["job"] is None else _merged(jobs[0], change["job"]), *jobs[1:]]
    if "jobs" not in change:
        return jobs
    if not change["jobs"]:  # the default: only the main job
        return jobs[:1]
    kept = {name: main[name] for name in ("name", "files_prefix")}
    return [{**kept, **change["jobs"][0]}, *change["jobs"][1:]]


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
    chosen = settings.model_copy(update=follows).model_dump(exclude_defaults=True, exclude={"job", "jobs"})
    return {**chosen, "jobs": [_chosen_job(job, settings.mode) for job in settings.all_jobs]}


def _chosen_job(job: JobSettings, mode: str) -> Json:
    if mode == "learning":
        job = job.model_copy(update={"script": None})
    elif job.description == OWN_JOB:
        job = job.model_copy(update={"description": JobSettings().description})
    return job.model_dump(exclude_defaults=True)


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
