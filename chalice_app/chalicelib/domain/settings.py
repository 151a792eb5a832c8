"""Settings of an environment: fields, defaults and the rules for combinations.

Defaults are terraglue's unless they are unsafe. docs/settings.md maps terraglue's variables to settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from chalicelib.clock import now
from chalicelib.domain import schedules
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import RUN_MARKER
from chalicelib.domain.patterns import PLAIN, Matching
from chalicelib.domain.pricing import WorkerType

LEARNING_SCRIPT = "sot_ecommerce.py"
"""The release's script (glue_assets/jobs)."""

_SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}"
JOB_FILE = re.compile(f"(?:{_SEGMENT}/){{0,2}}{_SEGMENT}")
"""Path of a job file: up to two folders, without hidden folders and `..`."""
_SCRIPT = rf"(?:{_SEGMENT}/){{0,2}}[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,60}}\.py"
_LIBRARY = rf"{_SCRIPT}|(?:{_SEGMENT}/){{0,2}}[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,59}}\.zip"

# Arguments that Glue itself reads, from AWS's "Using job parameters in AWS Glue jobs"
# (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html). Those that would
# override the settings, logs or cost of a run are reserved. docs/settings.md lists both kinds.
_RESERVED_ARGUMENTS = (
    # internal to Glue
    *("--conf", "--debug", "--mode", "--endpoint", "--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID"),
    # override the code that the settings define
    *("--scriptLocation", "--job-language", "--class", "--extra-py-files", "--additional-python-modules"),
    "--python-modules-installer-option",
    # override the encryption that the settings define
    *("--encryption-type", "--SECURITY_CONFIGURATION"),
    "--enable-continuous-cloudwatch-log",
)
# Prefixes of reserved names: other log groups, and the marker of the service.
_RESERVED_BEGINNINGS = ("--continuous-log-log", "--custom-log", RUN_MARKER.removesuffix("run-id"))


def _in_any_case(name: str) -> str:
    """Return a pattern for a name in any letter case, because JSON Schema has no flag for it."""
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in name)


_RESERVED = "|".join(
    [
        *map(_in_any_case, _RESERVED_ARGUMENTS),
        *(f"{_in_any_case(name)}[A-Za-z0-9_-]*" for name in _RESERVED_BEGINNINGS),
    ]
)
# A pip requirement: a name, extras and one version, without URLs and options
# (https://peps.python.org/pep-0508/).
_PYTHON_MODULE = (
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\[[A-Za-z0-9,_-]{1,64}\])?((==|>=|<=|~=)[A-Za-z0-9.*+!-]{1,32})?"
)
_NAME = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
# Suffixes that S3 reserves, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3", "-an")

_DESCRIPTION_BYTES = 2048
"""https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html"""
_PARAMETER_BYTES = 4096
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

ArgumentName = Annotated[
    str,
    Matching(
        "--[A-Za-z][A-Za-z0-9_-]{0,126}",
        "must have the form --NAME and must not be reserved by Glue or this service",
        but_not=_RESERVED,
    ),
]


def _restrict_names(schema: Json) -> None:
    """Replace pydantic's `patternProperties`, which allows any other name, with `propertyNames`."""
    [(pattern, value)] = schema.pop("patternProperties").items()
    schema["propertyNames"]["pattern"] = pattern
    schema["additionalProperties"] = value


Arguments = Annotated[
    dict[ArgumentName, Annotated[str, Field(max_length=2048), PLAIN]],
    Field(max_length=40, json_schema_extra=_restrict_names),
]
NumberOfWorkers = Annotated[int, Field(ge=2, le=10)]
TimeoutMinutes = Annotated[int, Field(ge=1, le=60)]
BucketName = Annotated[
    str,
    Matching(
        _NAME,
        "must have 1 to 40 characters of a-z, 0-9 and -, and no - at an end, and must not end in "
        f"{', '.join(_RESERVED_ENDINGS)}, which S3 reserves",
        but_not=f".*(?:{'|'.join(_RESERVED_ENDINGS)})",
    ),
]
Script = Annotated[str, Matching(_SCRIPT, "must be the path of a .py file, such as main.py or src/main.py")]
Library = Annotated[str, Matching(_LIBRARY, "must be the path of a .py or .zip file")]
PythonModule = Annotated[
    str, Matching(_PYTHON_MODULE, "must be a package with at most one version, such as pandas==2.2.3")
]
Arn = Annotated[
    str, Field(max_length=256), Matching(r"arn:[A-Za-z0-9:/_+=,.@-]+", "must be an ARN, such as arn:aws:...")
]
Schedule = Annotated[
    str,
    Field(max_length=100),
    Matching(r"(?:cron|rate)\([A-Za-z0-9 ,*?/#-]+\)", "must be cron(...) or rate(...)"),
]
"""A schedule in AWS's syntax. `invalid_combinations` validates it fully."""


Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of the request models: immutable, rejects unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BucketNames(Strict):
    """Last parts of the bucket names, after `terraglue-<environment ID>-`."""

    sor: BucketName = Field(default="sor", description="Bucket of the source data (SoR).")
    sot: BucketName = Field(default="sot", description="Bucket of the job's tables (SoT).")
    spec: BucketName = Field(default="spec", description="Bucket for specialized tables (Spec).")
    glue_assets: BucketName = Field(
        default="glue-assets", description="Bucket of the job's scripts and libraries."
    )
    athena_results: BucketName = Field(
        default="athena-results", description="Bucket of Athena's query results."
    )


OWN_JOB = "Runs the sandbox's own script"
"""Default description of a production job. The default of the field describes the release's job."""


class JobSettings(Strict):
    """Settings of the environment's Glue job. `script` and `extra_files` are paths of job files."""

    name: Annotated[
        str,
        Matching(_NAME, "must have 1 to 40 characters of a-z, 0-9 and -, and no - at an end"),
    ] = Field(default="sot-ecommerce-br", description="Name of the job: the last part of its ID.")
    description: Annotated[str, Field(min_length=1, max_length=1024), PLAIN] = Field(
        default="Builds the table tbsot_ecommerce_br, one row per order",
        description="Description of the job.",
    )
    script: Script | None = Field(
        default=None,
        description="Job file to run. Required in production mode, and not allowed in learning mode.",
    )
    extra_files: Annotated[list[Library], Field(max_length=20)] = Field(
        default=[], description="Job files that the script can import, in production mode."
    )
    python_modules: Annotated[list[PythonModule], Field(max_length=20)] = Field(
        default=[], description="Python packages that Glue installs for a run, with an optional version."
    )
    files_prefix: Annotated[
        str, Matching("([A-Za-z0-9_-]{1,40}/){1,3}", "must be one to three folders, such as jobs/")
    ] = Field(default="jobs/", description="Folders of the job files in their bucket.")
    glue_version: Literal["5.0", "5.1"] = Field(default="5.1", description="Glue version.")
    worker_type: WorkerType = Field(default="G.1X", description="Type of the workers.")
    number_of_workers: NumberOfWorkers = Field(default=5, description="Number of workers of a run.")
    timeout_minutes: TimeoutMinutes = Field(default=15, description="Timeout of a run in minutes.")
    max_retries: Annotated[int, Field(ge=0, le=3)] = Field(
        default=0, description="Retries of a run that fails. Each attempt is reserved in the budget."
    )
    max_concurrent_runs: Annotated[int, Field(ge=1, le=5)] = Field(
        default=1, description="Maximum number of runs at the same time. Learning mode always has 1."
    )
    schedule: Schedule | None = Field(
        default=None, description="Schedule in UTC, as cron(...) or rate(...), at most every 5 minutes."
    )
    arguments: Arguments = Field(default={}, description="Arguments of the script by name, such as `--DATE`.")

    def within(self, limits: Limits) -> JobSettings:
        """Return the settings with omitted fields capped by the operator's limits."""
        return _capped(
            self, number_of_workers=limits.number_of_workers, timeout_minutes=limits.timeout_minutes
        )


class Settings(Strict):
    """Settings of an environment. Encryption modes that are null follow from the KMS key."""

    mode: Literal["learning", "production"] = Field(
        default="learning", description="`learning` runs the release's job, `production` your own script."
    )
    expires_in_hours: Annotated[int, Field(ge=1, le=720)] = Field(
        default=72, description="Hours from creation until the service deletes the environment."
    )
    upload_data: bool = Field(default=True, description="Copy the release's data into the SoR bucket.")
    block_public_access: bool = Field(default=True, description="Block public access to the buckets.")
    buckets: BucketNames = Field(default=BucketNames(), description="Names of the buckets.")
    athena_workgroup: bool = Field(default=True, description="Create an Athena workgroup.")
    athena_workgroup_name: (
        Annotated[
            str,
            Matching("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "must have 1 to 64 letters, digits, ., _ and -"),
        ]
        | None
    ) = Field(
        default=None,
        description="Last part of the workgroup's name, after `terraglue-<environment ID>-`; or null.",
    )
    kms_key: bool = Field(default=True, description="Create a KMS key for the environment's data and logs.")
    kms_key_rotation: bool = Field(default=True, description="Rotate the created KMS key every year.")
    kms_key_arn: Arn | None = Field(
        default=None,
        description="ARN of an existing KMS key that the operator shares. Requires `kms_key: false`.",
    )
    iam_role: bool = Field(default=True, description="Create an IAM role for the job.")
    role_arn: Arn | None = Field(
        default=None,
        description="ARN of an existing IAM role that the operator shares. Requires `iam_role: false`.",
    )
    security_configuration: bool = Field(
        default=True, description="Create a Glue security configuration, which encrypts what runs write."
    )
    cloudwatch_encryption: Literal["SSE-KMS", "DISABLED"] | None = Field(
        default=None,
        description="Encryption of the job's logs. Null: SSE-KMS with a KMS key, otherwise DISABLED.",
    )
    job_bookmarks_encryption: Literal["CSE-KMS", "DISABLED"] | None = Field(
        default=None,
        description="Encryption of job bookmarks. Null: CSE-KMS with a KMS key, otherwise DISABLED.",
    )
    s3_encryption: Literal["SSE-KMS", "SSE-S3", "DISABLED"] | None = Field(
        default=None,
        description="Encryption of runs' files in S3. Null: SSE-KMS with a KMS key, otherwise SSE-S3.",
    )
    job: JobSettings = Field(default=JobSettings(), description="Settings of the Glue job.")

    @classmethod
    def from_stored(cls, stored: Json) -> Settings:
        """Build stored settings without validation: the rules may be stricter than when they were stored."""
        buckets = BucketNames.model_construct(**stored["buckets"])
        return cls.model_construct(
            **{**stored, "buckets": buckets, "job": JobSettings.model_construct(**stored["job"])}
        )

    def within(self, limits: Limits) -> Settings:
        """Return the settings with omitted fields capped by the operator's limits."""
        job = self.job.within(limits)
        return _capped(self, expires_in_hours=limits.expires_in_hours).model_copy(update={"job": job})

    @property
    def has_key(self) -> bool:
        """Return whether there is a KMS key, created or existing."""
        return self.kms_key or self.kms_key_arn is not None

    def encryptions(self) -> dict[str, str]:
        """Return the three encryption modes. A mode that is None follows from the key."""
        key = self.has_key and self.security_configuration
        return {
            "cloudwatch_encryption": self.cloudwatch_encryption or ("SSE-KMS" if key else "DISABLED"),
            "job_bookmarks_encryption": self.job_bookmarks_encryption or ("CSE-KMS" if key else "DISABLED"),
            "s3_encryption": self.s3_encryption or ("SSE-KMS" if key else "SSE-S3"),
        }

    def resolved(self) -> Settings:
        """Return the settings with every field set, as the record and the API have them."""
        schedule = schedules.parse(self.job.schedule).text if self.job.schedule else None
        job = self.job.model_copy(update={"script": self.job.script or LEARNING_SCRIPT, "schedule": schedule})
        if self.mode == "production" and "description" not in self.job.model_fields_set:
            job = job.model_copy(update={"description": OWN_JOB})
        return self.model_copy(update={**self.encryptions(), "job": job})


class Limits(NamedTuple):
    """The operator's limits: ceilings, and the existing ARNs that an environment may use."""

    expires_in_hours: int = 720
    number_of_workers: int = 10
    timeout_minutes: int = 60
    role_arns: tuple[str, ...] = ()
    kms_key_arns: tuple[str, ...] = ()


def _capped(settings: Model, **most: int) -> Model:
    left_out = {name: value for name, value in most.items() if name not in settings.model_fields_set}
    return settings.model_copy(
        update={name: min(getattr(settings, name), value) for name, value in left_out.items()}
    )


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
