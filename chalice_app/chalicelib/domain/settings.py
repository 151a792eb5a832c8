"""What a person may choose about their sandbox: the fields, and what must fit together.

Defaults are terraglue's unless they are unsafe; docs/settings.md tells which terraglue variable became what.
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
"""The release's own script (glue_assets/jobs)."""

_SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}"
JOB_FILE = re.compile(f"(?:{_SEGMENT}/){{0,2}}{_SEGMENT}")
"""A job file's path: up to two folders, no hidden ones, no `..`."""
_SCRIPT = rf"(?:{_SEGMENT}/){{0,2}}[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,60}}\.py"
_LIBRARY = rf"{_SCRIPT}|(?:{_SEGMENT}/){{0,2}}[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,59}}\.zip"

# Arguments that Glue reads itself, by AWS's "Using job parameters in AWS Glue jobs"
# (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html). Reserved are
# those that would undo what a run's settings, logs or cost go by; docs/settings.md lists both kinds.
_RESERVED_ARGUMENTS = (
    # internal to Glue
    *("--conf", "--debug", "--mode", "--endpoint", "--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID"),
    # other code than the settings say
    *("--scriptLocation", "--job-language", "--class", "--extra-py-files", "--additional-python-modules"),
    "--python-modules-installer-option",
    # other encryption than the settings say
    *("--encryption-type", "--SECURITY_CONFIGURATION"),
    "--enable-continuous-cloudwatch-log",
)
# Logs where nobody reads them, and the service's own mark: all names that begin so.
_RESERVED_BEGINNINGS = ("--continuous-log-log", "--custom-log", RUN_MARKER.removesuffix("run-id"))


def _in_any_case(name: str) -> str:
    """A pattern for a name in any letter case; JSON Schema's have no flag for that."""
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in name)


_RESERVED = "|".join(
    [
        *map(_in_any_case, _RESERVED_ARGUMENTS),
        *(f"{_in_any_case(name)}[A-Za-z0-9_-]*" for name in _RESERVED_BEGINNINGS),
    ]
)
# A requirement of pip: a name, extras, one version; no URL, no option (https://peps.python.org/pep-0508/).
_PYTHON_MODULE = (
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\[[A-Za-z0-9,_-]{1,64}\])?((==|>=|<=|~=)[A-Za-z0-9.*+!-]{1,32})?"
)
_NAME = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
# What S3 keeps for itself, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3", "-an")

_DESCRIPTION_BYTES = 2048
"""https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html"""
_PARAMETER_BYTES = 4096
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

ArgumentName = Annotated[
    str,
    Matching(
        "--[A-Za-z][A-Za-z0-9_-]{0,126}",
        "must be of the form --NAME, and none that Glue or the service keeps for itself",
        but_not=_RESERVED,
    ),
]


def _told(schema: Json) -> None:
    """pydantic tells the names of a mapping by `patternProperties`, which lets any other name in."""
    [(pattern, value)] = schema.pop("patternProperties").items()
    schema["propertyNames"]["pattern"] = pattern
    schema["additionalProperties"] = value


Arguments = Annotated[
    dict[ArgumentName, Annotated[str, Field(max_length=2048), PLAIN]],
    Field(max_length=40, json_schema_extra=_told),
]
NumberOfWorkers = Annotated[int, Field(ge=2, le=10)]
TimeoutMinutes = Annotated[int, Field(ge=1, le=60)]
BucketName = Annotated[
    str,
    Matching(
        _NAME,
        "must be 1 to 40 of a-z, 0-9 and -, with no - at an end, and not end in "
        f"{', '.join(_RESERVED_ENDINGS)}: S3 keeps those for itself",
        but_not=f".*(?:{'|'.join(_RESERVED_ENDINGS)})",
    ),
]
Script = Annotated[str, Matching(_SCRIPT, "must be the path of a .py file, such as main.py or src/main.py")]
Library = Annotated[str, Matching(_LIBRARY, "must be the path of a .py or .zip file")]
PythonModule = Annotated[
    str, Matching(_PYTHON_MODULE, "must be a package with at most one version, such as pandas==2.2.3")
]
Arn = Annotated[
    str, Field(max_length=256), Matching(r"arn:[A-Za-z0-9:/_+=,.@-]+", "must be an ARN: arn:aws:...")
]
Schedule = Annotated[
    str,
    Field(max_length=100),
    Matching(r"(?:cron|rate)\([A-Za-z0-9 ,*?/#-]+\)", "must be cron(...) or rate(...)"),
]
"""As AWS writes it; what it must be exactly is checked with all that must fit together."""


Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Takes the fields it knows and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BucketNames(Strict):
    """The last parts of the buckets' names, after `terraglue-<environment id>-`."""

    sor: BucketName = "sor"
    sot: BucketName = "sot"
    spec: BucketName = "spec"
    glue_assets: BucketName = "glue-assets"
    athena_results: BucketName = "athena-results"


OWN_JOB = "Runs the sandbox's own script"
"""The description of a production job that was given none: what the default says is the release's job."""


class JobSettings(Strict):
    """How the sandbox's Glue job is set up. `script` and `extra_files` are paths of job files."""

    name: Annotated[str, Matching(_NAME, "must be 1 to 40 of a-z, 0-9 and -, with no - at an end")] = (
        "sot-ecommerce-br"
    )
    description: Annotated[str, Field(min_length=1, max_length=1024), PLAIN] = (
        "Builds the table tbsot_ecommerce_br, one row per order"
    )
    script: Script | None = None
    extra_files: Annotated[list[Library], Field(max_length=20)] = []
    python_modules: Annotated[list[PythonModule], Field(max_length=20)] = []
    files_prefix: Annotated[
        str, Matching("([A-Za-z0-9_-]{1,40}/){1,3}", "must be one to three folders, such as jobs/")
    ] = "jobs/"
    glue_version: Literal["5.0", "5.1"] = "5.1"
    worker_type: WorkerType = "G.1X"
    number_of_workers: NumberOfWorkers = 5
    timeout_minutes: TimeoutMinutes = 15
    max_retries: Annotated[int, Field(ge=0, le=3)] = 0
    max_concurrent_runs: Annotated[int, Field(ge=1, le=5)] = 1
    schedule: Schedule | None = None
    arguments: Arguments = {}

    def within(self, limits: Limits) -> JobSettings:
        """The same with the defaults that were left out capped by what the operator allows."""
        return _capped(
            self, number_of_workers=limits.number_of_workers, timeout_minutes=limits.timeout_minutes
        )


class Settings(Strict):
    """What a person may choose about their sandbox; encryptions that are not given follow from the key."""

    mode: Literal["learning", "production"] = "learning"
    expires_in_hours: Annotated[int, Field(ge=1, le=720)] = 72
    upload_data: bool = True
    block_public_access: bool = True
    buckets: BucketNames = BucketNames()
    athena_workgroup: bool = True
    athena_workgroup_name: (
        Annotated[
            str,
            Matching("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "must be 1 to 64 of letters, digits, ., _ and -"),
        ]
        | None
    ) = None
    kms_key: bool = True
    kms_key_rotation: bool = True
    kms_key_arn: Arn | None = None
    iam_role: bool = True
    role_arn: Arn | None = None
    security_configuration: bool = True
    cloudwatch_encryption: Literal["SSE-KMS", "DISABLED"] | None = None
    job_bookmarks_encryption: Literal["CSE-KMS", "DISABLED"] | None = None
    s3_encryption: Literal["SSE-KMS", "SSE-S3", "DISABLED"] | None = None
    job: JobSettings = JobSettings()

    @classmethod
    def from_stored(cls, stored: Json) -> Settings:
        """Build settings of a record without validation: rules may be stricter than when they were stored."""
        buckets = BucketNames.model_construct(**stored["buckets"])
        return cls.model_construct(
            **{**stored, "buckets": buckets, "job": JobSettings.model_construct(**stored["job"])}
        )

    def within(self, limits: Limits) -> Settings:
        """The same with the defaults that were left out capped by what the operator allows."""
        job = self.job.within(limits)
        return _capped(self, expires_in_hours=limits.expires_in_hours).model_copy(update={"job": job})

    @property
    def has_key(self) -> bool:
        """Whether there is a KMS key, of its own or brought."""
        return self.kms_key or self.kms_key_arn is not None

    def encryptions(self) -> dict[str, str]:
        """The three modes of encryption, which follow from the key where they are left open."""
        key = self.has_key and self.security_configuration
        return {
            "cloudwatch_encryption": self.cloudwatch_encryption or ("SSE-KMS" if key else "DISABLED"),
            "job_bookmarks_encryption": self.job_bookmarks_encryption or ("CSE-KMS" if key else "DISABLED"),
            "s3_encryption": self.s3_encryption or ("SSE-KMS" if key else "SSE-S3"),
        }

    def resolved(self) -> Settings:
        """Return the settings with every field set, as they are stored and shown."""
        schedule = schedules.parse(self.job.schedule).text if self.job.schedule else None
        job = self.job.model_copy(update={"script": self.job.script or LEARNING_SCRIPT, "schedule": schedule})
        if self.mode == "production" and "description" not in self.job.model_fields_set:
            job = job.model_copy(update={"description": OWN_JOB})
        return self.model_copy(update={**self.encryptions(), "job": job})


class Limits(NamedTuple):
    """What the operator allows: ceilings, and the ARNs that a sandbox may bring."""

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
    """All that does not fit together, as `pointer` and `detail`; empty when everything does.

    A schedule must be due after `moment`, which is now unless it is given.
    """
    settings = settings.within(limits)
    wrong = [
        *_brought(settings, limits),
        *_encryption(settings),
        *_job(settings),
        *_lengths(settings),
        *_schedule(settings.job.schedule, moment or now()),
    ]
    if settings.athena_workgroup_name is not None and not settings.athena_workgroup:
        wrong.append(("/athena_workgroup_name", "There is no workgroup to name: athena_workgroup is false."))
    names: dict[str, str] = {}
    for key, name in settings.buckets:
        if name in names:
            wrong.append((f"/buckets/{key}", f"The bucket {names[name]} has that name already."))
        names.setdefault(name, key)
    ceilings = {
        "/expires_in_hours": (settings.expires_in_hours, limits.expires_in_hours),
        "/job/number_of_workers": (settings.job.number_of_workers, limits.number_of_workers),
        "/job/timeout_minutes": (settings.job.timeout_minutes, limits.timeout_minutes),
    }
    told = [{"pointer": pointer, "detail": detail} for pointer, detail in wrong]
    return [*told, *above_ceilings(ceilings)]


def above_ceilings(values: Mapping[str, tuple[int | None, int]]) -> list[dict[str, str]]:
    """What is above the most that the operator allows, of (value or None, most) by pointer."""
    return [
        {"pointer": pointer, "detail": f"The operator allows at most {most}."}
        for pointer, (value, most) in values.items()
        if value is not None and value > most
    ]


def _brought(settings: Settings, limits: Limits) -> list[tuple[str, str]]:
    wrong = []
    for flag, pointer, arn, allowed in (
        ("iam_role", "/role_arn", settings.role_arn, limits.role_arns),
        ("kms_key", "/kms_key_arn", settings.kms_key_arn, limits.kms_key_arns),
    ):
        is_made = getattr(settings, flag)
        if is_made and arn is not None:
            wrong.append((pointer, f"Set {flag} to false to bring one."))
        elif arn is not None and arn not in allowed:
            wrong.append((pointer, "It is not one that the operator shares; GET /me lists those."))
    if not settings.iam_role and settings.role_arn is None:
        wrong.append(("/role_arn", "The job needs a role: bring one, or leave iam_role true."))
    if not settings.kms_key and "kms_key_rotation" in settings.model_fields_set:
        wrong.append(("/kms_key_rotation", "There is no key to rotate: kms_key is false."))
    return wrong


def _encryption(settings: Settings) -> list[tuple[str, str]]:
    wrong = []
    for name in ("cloudwatch_encryption", "job_bookmarks_encryption", "s3_encryption"):
        mode = getattr(settings, name)
        if mode is not None and not settings.security_configuration:
            wrong.append((f"/{name}", "There is no security configuration: security_configuration is false."))
        elif mode is not None and mode.endswith("-KMS") and not settings.has_key:
            wrong.append((f"/{name}", f"{mode} needs a key: kms_key is false and there is no kms_key_arn."))
    return wrong


def _schedule(schedule: str | None, moment: datetime) -> list[tuple[str, str]]:
    if schedule is None:
        return []
    try:
        is_over = schedules.parse(schedule).next(moment) is None
    except ValueError as error:
        words = str(error)
        return [("/job/schedule", f"{words[:1].upper()}{words[1:]}.")]
    return [("/job/schedule", "It is never due again: all its times are past.")] if is_over else []


def _lengths(settings: Settings) -> list[tuple[str, str]]:
    """What is too long in bytes, which a schema cannot say."""
    wrong = []
    job = settings.job
    if len(job.description.encode()) > _DESCRIPTION_BYTES:
        wrong.append(("/job/description", f"Must be at most {_DESCRIPTION_BYTES} bytes long in UTF-8."))
    folder = f"s3://terraglue-##########-{settings.buckets.glue_assets}/{job.files_prefix}"
    size = len(",".join(folder + path for path in job.extra_files))
    if size > _PARAMETER_BYTES:
        words = f"Their locations have {size} bytes; at most {_PARAMETER_BYTES} are possible. Use a .zip."
        wrong.append(("/job/extra_files", words))
    return wrong


def _job(settings: Settings) -> list[tuple[str, str]]:
    job = settings.job
    if settings.mode == "production":
        if job.script is None:
            return [("/job/script", "A production sandbox runs your own script: say which job file it is.")]
        return (
            [("/job/extra_files", "The script itself is one of them.")]
            if job.script in job.extra_files
            else []
        )
    words = "A learning sandbox runs the release's job; set mode to production."
    given = (("/job/script", job.script), ("/job/extra_files", job.extra_files))
    return [(pointer, words) for pointer, value in given if value]
