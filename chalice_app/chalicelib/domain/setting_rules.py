"""Rules for combinations of settings, and the limits that the operator sets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib.clock import now
from chalicelib.domain import schedules
from chalicelib.domain.settings import Limits, Settings

_DESCRIPTION_BYTES = 2048
"""https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html"""
_PARAMETER_BYTES = 4096
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""


def invalid_combinations(
    settings: Settings, limits: Limits, moment: datetime | None = None
) -> list[dict[str, str]]:
    """Return the errors of settings whose fields are valid alone, each with `pointer` and `detail`.

    A schedule must be due after `moment`, by default now.
    """
    settings = settings.within(limits)
    wrong = [
        *_existing_arns(settings, limits),
        *_encryption(settings),
        *_job(settings),
        *_lengths(settings),
        *_schedule(settings.job.schedule, moment or now()),
    ]
    if settings.athena_workgroup_name is not None and not settings.athena_workgroup:
        wrong.append(("/athena_workgroup_name", "Requires athena_workgroup to be true."))
    names: dict[str, str] = {}
    for key, name in settings.buckets:
        if name in names:
            wrong.append((f"/buckets/{key}", f"The bucket {names[name]} has the same name."))
        names.setdefault(name, key)
    ceilings = {
        "/expires_in_hours": (settings.expires_in_hours, limits.expires_in_hours),
        "/job/number_of_workers": (settings.job.number_of_workers, limits.number_of_workers),
        "/job/timeout_minutes": (settings.job.timeout_minutes, limits.timeout_minutes),
    }
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


def _schedule(schedule: str | None, moment: datetime) -> list[tuple[str, str]]:
    if schedule is None:
        return []
    try:
        is_over = schedules.parse(schedule).next(moment) is None
    except ValueError as error:
        words = str(error)
        return [("/job/schedule", f"{words[:1].upper()}{words[1:]}.")]
    return (
        [("/job/schedule", "The schedule never runs again: all its times are in the past.")]
        if is_over
        else []
    )


def _lengths(settings: Settings) -> list[tuple[str, str]]:
    """Check lengths in bytes, which a schema cannot express."""
    wrong = []
    job = settings.job
    if len(job.description.encode()) > _DESCRIPTION_BYTES:
        wrong.append(("/job/description", f"Must be at most {_DESCRIPTION_BYTES} bytes long in UTF-8."))
    folder = f"s3://terraglue-##########-{settings.buckets.glue_assets}/{job.files_prefix}"
    size = len(",".join(folder + path for path in job.extra_files))
    if size > _PARAMETER_BYTES:
        words = f"The files' S3 locations have {size} bytes; the maximum is {_PARAMETER_BYTES}. Use a .zip."
        wrong.append(("/job/extra_files", words))
    return wrong


def _job(settings: Settings) -> list[tuple[str, str]]:
    job = settings.job
    if settings.mode == "production":
        if job.script is None:
            return [("/job/script", "Required in production mode: the path of the job file to run.")]
        return (
            [("/job/extra_files", "Must not contain the job's main script.")]
            if job.script in job.extra_files
            else []
        )
    words = "Not allowed in learning mode, which runs the release's job. Set mode to production."
    given = (("/job/script", job.script), ("/job/extra_files", job.extra_files))
    return [(pointer, words) for pointer, value in given if value]
