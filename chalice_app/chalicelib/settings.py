"""What a person may choose about their sandbox: the fields, and what must fit together.

Defaults are terraglue's unless they are unsafe; docs/settings.md tells which terraglue variable became what.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from chalicelib import schedules
from chalicelib.glue import RUN_MARKER
from chalicelib.pricing import DPU_PER_WORKER

LEARNING_SCRIPT = "sot_ecommerce.py"
"""The release's own script (glue_assets/jobs)."""

JOB_FILE = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}/){0,2}[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")
"""A job file's path: up to two folders, no hidden ones, no `..`."""

_ARGUMENT_NAME = re.compile(r"--[A-Za-z][A-Za-z0-9_-]{0,126}")
# Glue keeps these for itself (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html);
# the others would run another script than the settings say, or send the logs where nobody reads them.
_RESERVED_ARGUMENTS = {
    *("--conf", "--debug", "--mode", "--JOB_NAME", "--scriptLocation", RUN_MARKER),
    *(
        "--extra-py-files",
        "--additional-python-modules",
        "--custom-logGroup-prefix",
        "--custom-logStream-prefix",
    ),
}
_MAX_ARGUMENTS = 40
# A requirement of pip: a name, extras, one version; no URL, no option (https://peps.python.org/pep-0508/).
_PYTHON_MODULE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\[[A-Za-z0-9,_-]{1,64}\])?((==|>=|<=|~=)[A-Za-z0-9.*+!-]{1,32})?"
)
# What S3 keeps for itself, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3", "-an")


def _arguments(value: dict[str, str]) -> dict[str, str]:
    if len(value) > _MAX_ARGUMENTS:
        raise ValueError(f"at most {_MAX_ARGUMENTS} arguments")
    for name, text in value.items():
        if not _ARGUMENT_NAME.fullmatch(name):
            raise ValueError(f"argument {name[:40]!r} is not of the form --NAME")
        if name in _RESERVED_ARGUMENTS:
            raise ValueError(f"argument {name} is reserved")
        if len(text) > 2048:
            raise ValueError(f"the value of {name} must be at most 2,048 characters")
        _plain(text)
    return value


def _worker_type(value: str) -> str:
    if value not in DPU_PER_WORKER:
        raise ValueError(f"worker type must be one of {', '.join(DPU_PER_WORKER)}")
    return value


def _script(value: str) -> str:
    if not JOB_FILE.fullmatch(value) or not value.endswith(".py"):
        raise ValueError("must be the path of a .py file, such as main.py or src/main.py")
    return value


def _library(value: str) -> str:
    if not JOB_FILE.fullmatch(value) or not value.endswith((".py", ".zip")):
        raise ValueError("must be the path of a .py or .zip file")
    return value


def _python_module(value: str) -> str:
    if not _PYTHON_MODULE.fullmatch(value):
        raise ValueError("must be a package with at most one version, such as pandas==2.2.3")
    return value


def _bucket_name(value: str) -> str:
    if value.endswith(_RESERVED_ENDINGS):
        raise ValueError(f"must not end in {', '.join(_RESERVED_ENDINGS)}: S3 keeps those for itself")
    return value


def _plain(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be printable")
    if "{{" in value:  # CloudFormation would put a secret in the place of {{resolve:...}}
        raise ValueError("must not contain {{")
    return value


Arguments = Annotated[dict[str, str], AfterValidator(_arguments)]
WorkerType = Annotated[str, Field(max_length=20), AfterValidator(_worker_type)]
NumberOfWorkers = Annotated[int, Field(ge=2, le=10)]
TimeoutMinutes = Annotated[int, Field(ge=1, le=60)]
BucketName = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"), AfterValidator(_bucket_name)
]


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


class JobSettings(Strict):
    """How the sandbox's Glue job is set up. `script` and `extra_files` are paths of job files."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")] = "sot-ecommerce-br"
    description: Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_plain)] = (
        "Builds the table tbsot_ecommerce_br, one row per order"
    )
    script: Annotated[str, AfterValidator(_script)] | None = None
    extra_files: Annotated[list[Annotated[str, AfterValidator(_library)]], Field(max_length=20)] = []
    python_modules: Annotated[list[Annotated[str, AfterValidator(_python_module)]], Field(max_length=20)] = []
    files_prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{1,40}/){1,3}$")] = "jobs/"
    glue_version: Literal["5.0", "5.1"] = "5.1"
    worker_type: WorkerType = "G.1X"
    number_of_workers: NumberOfWorkers = 5
    timeout_minutes: TimeoutMinutes = 15
    max_retries: Annotated[int, Field(ge=0, le=3)] = 0
    max_concurrent_runs: Annotated[int, Field(ge=1, le=5)] = 1
    schedule: Annotated[str, Field(max_length=100), AfterValidator(schedules.cron)] | None = None
    arguments: Arguments = {}


class Settings(Strict):
    """What a person may choose about their sandbox; encryptions that are not given follow from the key."""

    mode: Literal["learning", "production"] = "learning"
    expires_in_hours: Annotated[int, Field(ge=1, le=720)] = 72
    upload_data: bool = True
    block_public_access: bool = True
    buckets: BucketNames = BucketNames()
    athena_workgroup: bool = True
    athena_workgroup_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None
    kms_key: bool = True
    kms_key_rotation: bool = True
    kms_key_arn: Annotated[str, Field(max_length=256)] | None = None
    iam_role: bool = True
    role_arn: Annotated[str, Field(max_length=256)] | None = None
    security_configuration: bool = True
    cloudwatch_encryption: Literal["SSE-KMS", "DISABLED"] | None = None
    job_bookmarks_encryption: Literal["CSE-KMS", "DISABLED"] | None = None
    s3_encryption: Literal["SSE-KMS", "SSE-S3", "DISABLED"] | None = None
    job: JobSettings = JobSettings()

    @property
    def has_key(self) -> bool:
        """Whether there is a KMS key, of its own or brought."""
        return self.kms_key or self.kms_key_arn is not None

    def resolved(self) -> Settings:
        """The same with nothing left open: what is stored and shown."""
        key = self.has_key and self.security_configuration
        modes = {
            "cloudwatch_encryption": self.cloudwatch_encryption or ("SSE-KMS" if key else "DISABLED"),
            "job_bookmarks_encryption": self.job_bookmarks_encryption or ("CSE-KMS" if key else "DISABLED"),
            "s3_encryption": self.s3_encryption or ("SSE-KMS" if key else "SSE-S3"),
        }
        job = self.job.model_copy(update={"script": self.job.script or LEARNING_SCRIPT})
        return self.model_copy(update={**modes, "job": job})


class Limits(NamedTuple):
    """What the operator allows: ceilings, and the ARNs that a sandbox may bring."""

    expires_in_hours: int = 720
    number_of_workers: int = 10
    timeout_minutes: int = 60
    role_arns: tuple[str, ...] = ()
    kms_key_arns: tuple[str, ...] = ()


def misfits(settings: Settings, limits: Limits) -> list[dict[str, str]]:
    """All that does not fit together, as `pointer` and `detail`; empty when everything does."""
    wrong: list[tuple[str, str]] = [*_brought(settings, limits), *_encryption(settings), *_job(settings)]
    if settings.athena_workgroup_name is not None and not settings.athena_workgroup:
        wrong.append(("/athena_workgroup_name", "There is no workgroup to name: athena_workgroup is false."))
    names: dict[str, str] = {}
    for key, name in settings.buckets:
        if name in names:
            wrong.append((f"/buckets/{key}", f"The bucket {names[name]} has that name already."))
        names.setdefault(name, key)
    ceilings = (
        ("/expires_in_hours", settings.expires_in_hours, limits.expires_in_hours),
        ("/job/number_of_workers", settings.job.number_of_workers, limits.number_of_workers),
        ("/job/timeout_minutes", settings.job.timeout_minutes, limits.timeout_minutes),
    )
    wrong += [
        (pointer, f"The operator allows at most {most}.") for pointer, value, most in ceilings if value > most
    ]
    return [{"pointer": pointer, "detail": detail} for pointer, detail in wrong]


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
