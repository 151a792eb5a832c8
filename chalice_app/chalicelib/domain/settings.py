"""Settings of an environment: fields and defaults. `setting_rules` has the rules for combinations.

Defaults are terraglue's unless they are unsafe. docs/settings.md maps terraglue's variables to settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from chalicelib.domain import schedules
from chalicelib.domain.json_types import Json
from chalicelib.domain.patterns import PLAIN, Matching
from chalicelib.domain.pricing import WorkerType
from chalicelib.domain.setting_types import (
    JOB_NAME_PATTERN,
    Arguments,
    Arn,
    BucketName,
    ExtraFile,
    NumberOfWorkers,
    PythonModule,
    Schedule,
    Script,
    TimeoutMinutes,
)

LEARNING_SCRIPT = "sot_ecommerce.py"
"""The release's script (glue_assets/jobs)."""


MOST_JOBS = 5
"""Maximum number of jobs of one environment."""

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of the request models: immutable, rejects unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


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
    """Settings of one Glue job of the environment. `script` and `extra_files` are paths of job files."""

    name: Annotated[
        str,
        Matching(JOB_NAME_PATTERN, "must have 1 to 40 characters of a-z, 0-9 and -, and no - at an end"),
    ] = Field(default="sot-ecommerce-br", description="Name of the job: the last part of its ID.")
    description: Annotated[str, Field(min_length=1, max_length=1024), PLAIN] = Field(
        default="Builds the table tbsot_ecommerce_br, one row per order",
        description="Description of the job.",
    )
    script: Script | None = Field(
        default=None,
        description="Job file to run. Required in production mode, and not allowed in learning mode.",
    )
    extra_files: Annotated[list[ExtraFile], Field(max_length=20)] = Field(
        default=[],
        description=(
            "Job files for each run, in production mode: Glue adds .py, .zip and .whl files to the modules "
            "that the script can import, and copies others into its working directory."
        ),
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
        description="Encryption of the job's logs. If null, SSE-KMS with a KMS key, otherwise DISABLED.",
    )
    job_bookmarks_encryption: Literal["CSE-KMS", "DISABLED"] | None = Field(
        default=None,
        description="Encryption of job bookmarks. If null, CSE-KMS with a KMS key, otherwise DISABLED.",
    )
    s3_encryption: Literal["SSE-KMS", "SSE-S3", "DISABLED"] | None = Field(
        default=None,
        description="Encryption of runs' files in S3. If null, SSE-KMS with a KMS key, otherwise SSE-S3.",
    )
    job: JobSettings = Field(
        default=JobSettings(), description="Settings of the main Glue job, which is the first of `jobs`."
    )
    jobs: Annotated[list[JobSettings], Field(max_length=MOST_JOBS)] = Field(
        default=[],
        description=(
            "Settings of every Glue job; the first is the main job. Send `job` or `jobs`. More than one job "
            "requires production mode. All jobs have the main job's `files_prefix`."
        ),
    )

    @classmethod
    def from_stored(cls, stored: Json) -> Settings:
        """Build stored settings without validation: the rules may be stricter than when they were stored.

        Records from before there were several jobs have no `jobs`.
        """
        buckets = BucketNames.model_construct(**stored["buckets"])
        dumped = (stored["job"], *stored.get("jobs", ())[1:])
        jobs = [JobSettings.model_construct(**job) for job in dumped]
        return cls.model_construct(**{**stored, "buckets": buckets, "job": jobs[0], "jobs": jobs})

    def as_stored(self) -> Json:
        """Return the settings as they are stored: the main job is in `job` only, and `{}` in `jobs`."""
        _, *more = [job.model_dump() for job in self.all_jobs]
        return {
            **self.model_dump(),
            "job": self.all_jobs[0].model_dump(),
            "jobs": [{}, *more] if more else [],
        }

    @property
    def all_jobs(self) -> tuple[JobSettings, ...]:
        """Return the settings of every job, the main job first. A request has `job`, `jobs` or neither."""
        if self.jobs and "job" not in self.model_fields_set:
            return tuple(self.jobs)
        return (self.job, *self.jobs[1:])

    def with_jobs(self, jobs: Sequence[JobSettings]) -> Settings:
        """Return the settings with these jobs. Without a `files_prefix`, they have the main job's."""
        main, *more = jobs
        prefix = {"files_prefix": main.files_prefix}
        more = [
            job if "files_prefix" in job.model_fields_set else job.model_copy(update=prefix) for job in more
        ]
        return self.model_copy(update={"job": main, "jobs": [main, *more]})

    @property
    def has_own_template(self) -> bool:
        """Return whether the stack needs a copy of the release's template (storage/template_copies.py)."""
        jobs = self.all_jobs
        return len(jobs) > 1 or bool(jobs[0].arguments)

    def within(self, limits: Limits) -> Settings:
        """Return the settings with omitted fields capped by the operator's limits."""
        capped = _capped(self, expires_in_hours=limits.expires_in_hours)
        return capped.with_jobs([job.within(limits) for job in self.all_jobs])

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
        jobs = [self._resolved(job) for job in self.all_jobs]
        return self.model_copy(update=self.encryptions()).with_jobs(jobs)

    def _resolved(self, job: JobSettings) -> JobSettings:
        schedule = schedules.parse(job.schedule).text if job.schedule else None
        changes: Json = {"script": job.script or LEARNING_SCRIPT, "schedule": schedule}
        if self.mode == "production" and "description" not in job.model_fields_set:
            changes["description"] = OWN_JOB
        return job.model_copy(update=changes)


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
