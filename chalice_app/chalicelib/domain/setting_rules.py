"""Rules for combinations of settings, and the limits that the operator sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from chalicelib.clock import now
from chalicelib.domain import schedules
from chalicelib.domain.settings import JobSettings, Limits, Settings

_DESCRIPTION_BYTES = 2048
"""https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html"""
_PARAMETER_BYTES = 4096
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
_JOBS_BYTES = 64 * 1024
"""Several jobs together are not larger than one job from the largest request, so records hold them."""
_BEFORE_ALL = datetime(1969, 12, 31, tzinfo=UTC)


def invalid_combinations(
    settings: Settings, limits: Limits, moment: datetime | None = None, *, before: Settings | None = None
) -> list[dict[str, str]]:
    """Return the errors of settings whose fields are valid alone, each with `pointer` and `detail`.

    A schedule must be due after `moment`, by default now. A job that had the same schedule `before` keeps it.
    """
    main = "/jobs/0" if settings.jobs and "job" not in settings.model_fields_set else "/job"
    wrong = _differing_main_jobs(settings)
    settings = settings.within(limits)
    jobs = {main if not n else f"/jobs/{n}": job for n, job in enumerate(settings.all_jobs)}
    kept = {(job.name, job.schedule) for job in before.all_jobs} if before else set()
    wrong += [*_existing_arns(settings, limits), *_encryption(settings), *_jobs(settings, jobs)]
    for at, job in jobs.items():
        wrong += _job(settings, job, at)
        wrong += _lengths(settings, job, at)
        since = _BEFORE_ALL if (job.name, job.schedule) in kept else moment or now()
        wrong += _schedule(job.schedule, since, at)
    if settings.athena_workgroup_name is not None and not settings.athena_workgroup:
        wrong.append(("/athena_workgroup_name", "Requires athena_workgroup to be true."))
    names: dict[str, str] = {}
    for key, name in settings.buckets:
        if name in names:
            wrong.append((f"/buckets/{key}", f"The bucket {names[name]} has the same name."))
        names.setdefault(name, key)
    ceilings = {
        "/expires_in_hours": (settings.expires_in_hours, limits.expires_in_hours),
    }
    for at, job in jobs.items():
        ceilings[f"{at}/number_of_workers"] = job.number_of_workers, limits.number_of_workers
        ceilings[f"{at}/timeout_minutes"] = job.timeout_minutes, limits.timeout_minutes
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in wrong]
    return [*errors, *above_ceilings(ceilings)]


def above_ceilings(values: Mapping[str, tuple[int | None, int]]) -> list[dict[str, str]]:
    """Return the errors of values above their ceiling, from (value or None, ceiling) by pointer."""
    return [
        {"pointer": pointer, "detail": f"The operator allows at most {most}."}
        for pointer, (value, most) in values.items()
        if value is not None and value > most
    ]


def _existing_arns(settings: Settings, limits: Limits) -> list[tuple[str, str]]:
    wrong = []
    for flag, pointer, arn, allowed in (
        ("iam_role", "/role_arn", settings.role_arn, limits.role_arns),
        ("kms_key", "/kms_key_arn", settings.kms_key_arn, limits.kms_key_arns),
    ):
        is_made = getattr(settings, flag)
        if is_made and arn is not None:
            wrong.append((pointer, f"Set {flag} to false to use an existing ARN."))
        elif arn is not None and arn not in allowed:
            wrong.append((pointer, "The operator does not share this ARN. GET /me lists the shared ones."))
    if not settings.iam_role and settings.role_arn is None:
        wrong.append(("/role_arn", "Required if iam_role is false."))
    if not settings.kms_key and "kms_key_rotation" in settings.model_fields_set:
        wrong.append(("/kms_key_rotation", "Requires kms_key to be true."))
    return wrong


def _encryption(settings: Settings) -> list[tuple[str, str]]:
    wrong = []
    for name in ("cloudwatch_encryption", "job_bookmarks_encryption", "s3_encryption"):
        mode = getattr(settings, name)
        if mode is not None and not settings.security_configuration:
            wrong.append((f"/{name}", "Requires security_configuration to be true."))
        elif mode is not None and mode.endswith("-KMS") and not settings.has_key:
            wrong.append((f"/{name}", f"{mode} requires a KMS key: set kms_key to true or send kms_key_arn."))
    return wrong


def _differing_main_jobs(settings: Settings) -> list[tuple[str, str]]:
    """Check that `job`, if it is given with `jobs`, is the first of them, as in responses."""
    if settings.jobs and "job" in settings.model_fields_set and settings.job != settings.jobs[0]:
        return [("/jobs", "Send job or jobs: job is the first of jobs.")]
    return []


def _jobs(settings: Settings, jobs: Mapping[str, JobSettings]) -> list[tuple[str, str]]:
    """Check the jobs of an environment with several."""
    if len(jobs) == 1:
        return []
    wrong = []
    if settings.mode != "production":
        wrong.append(("/jobs", "Several jobs require production mode: the release has one job."))
    size = len(json.dumps([job.model_dump() for job in jobs.values()], ensure_ascii=False).encode())
    if size > _JOBS_BYTES:
        words = f"The jobs have {size} bytes as JSON; the maximum is {_JOBS_BYTES}. Use shorter arguments."
        wrong.append(("/jobs", words))
    names: set[str] = set()
    for at, job in jobs.items():
        if job.name in names:
            wrong.append((f"{at}/name", f"Another job has the name {job.name}."))
        names.add(job.name)
        if job.files_prefix != settings.job.files_prefix:
            wrong.append((f"{at}/files_prefix", "Must be the main job's: all jobs share the job files."))
    return wrong


def _schedule(schedule: str | None, moment: datetime, at: str) -> list[tuple[str, str]]:
    if schedule is None:
        return []
    try:
        is_over = schedules.parse(schedule).next(moment) is None
    except ValueError as error:
        words = str(error)
        return [(f"{at}/schedule", f"{words[:1].upper()}{words[1:]}.")]
    words = "The schedule never runs again: all its times are in the past."
    return [(f"{at}/schedule", words)] if is_over else []


def _lengths(settings: Settings, job: JobSettings, at: str) -> list[tuple[str, str]]:
    """Check lengths in bytes, which a schema cannot express."""
    wrong = []
    if len(job.description.encode()) > _DESCRIPTION_BYTES:
        wrong.append((f"{at}/description", f"Must be at most {_DESCRIPTION_BYTES} bytes long in UTF-8."))
    folder = f"s3://terraglue-##########-{settings.buckets.glue_assets}/{job.files_prefix}"
    size = len(",".join(folder + path for path in job.extra_files))
    if size > _PARAMETER_BYTES:
        words = f"The files' S3 locations have {size} bytes; the maximum is {_PARAMETER_BYTES}. Use a .zip."
        wrong.append((f"{at}/extra_files", words))
    return wrong


def _job(settings: Settings, job: JobSettings, at: str) -> list[tuple[str, str]]:
    if settings.mode == "production":
        if job.script is None:
            return [(f"{at}/script", "Required in production mode: the path of the job file to run.")]
        return (
            [(f"{at}/extra_files", "Must not contain the job's main script.")]
            if job.script in job.extra_files
            else []
        )
    words = "Not allowed in learning mode, which runs the release's job. Set mode to production."
    given = ((f"{at}/script", job.script), (f"{at}/extra_files", job.extra_files))
    return [(pointer, words) for pointer, value in given if value]
