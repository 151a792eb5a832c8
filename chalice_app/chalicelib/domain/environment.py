"""Environment: the record of one user's sandbox and its status."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from chalicelib.domain.environment_parts import (
    DesiredState,
    Frozen,
    JobFile,
    Outputs,
    QueuePosition,
    ResourceState,
)
from chalicelib.domain.failures import Failure
from chalicelib.domain.receipts import Receipt, ReceiptEntry
from chalicelib.domain.setting_types import PYTHON_ENDINGS
from chalicelib.domain.settings import LEARNING_SCRIPT, JobSettings, Settings
from chalicelib.domain.webhooks import Delivery, Webhook


class Status(StrEnum):
    """State of an environment."""

    QUEUED = "QUEUED"
    CREATING = "CREATING"
    SEEDING = "SEEDING"
    READY = "READY"
    UPDATING = "UPDATING"
    RESETTING = "RESETTING"
    DELETING = "DELETING"
    DELETED = "DELETED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Environment:
    """The record of one user's sandbox: its desired state and its last known state.

    Grain: one per environment ID. Records are never deleted: a DELETED environment keeps its receipt.

    - `data`: the data set of its releases, or None for the default.
    - `version`: counts the writes. Events write `resources` without it, and runs their amounts of money and
      `charged_at`.
    - `admitted_at`: since when the environment uses capacity (capacity.py). Before, `queue` is its position.
    - `creations`: number of attempts to create it.
    - `clean_up`: the stack of a failed attempt, `stack_id` or the one of its name, must still be deleted.
    - `look_at`: when a READY environment is next compared with the resources in AWS.
    - `warnings_due`: the warnings that are not sent yet, in hours before the expiration.
    - `resources`: the state of each resource by logical ID.
    - `changes`: number of requested updates, which is part of the names of their change sets.
    - `wanted`: the target of an UPDATING environment. A retry of a FAILED one continues with it.
    - `is_emptied`: a RESETTING environment has lost all the data that a reset deletes.
    - `removed`: number of deleted resources that belong to no stack, by type.
    - `remaining`: what the stacks of failed attempts left, as entries of the receipt.
    - `job_files`: the job files by path.
    - `removed_files`: paths of deleted job files whose objects in S3 may still exist.
    - `transition_since`: since when the service works on the status. Waiting for runs to end does not count.
    - `due_at`: when reconcile must process it again even if no event arrives, or None for never.
    - `next_run_at`: when the main job's schedule starts the next run of a READY environment.
    - `next_runs`: the same of the other jobs, by job name.
    - `skipped_runs`: why the schedule did not start the last run, by job name.
    - `cohort`: ID of the cohort that created it, or None.
    - `frozen`: since when nothing of the environment may run, or None.
    - `webhook`, `delivery`: where notices go, and the last attempt to deliver one.
    - `freeze_check_at`: when the service next compares the budget, and stops what runs although it is frozen.
    - `credentials_until`: when the last credentials that users have for the sandbox expire, or None.
    - `active_queries`: number of queries that have not ended. It changes with the queries, without `version`.
    - `queries_imported_until`: queries that users started in AWS before this time are recorded.
    - `reserved_micro_usd`, `spent_micro_usd`: money of this environment in millionths of a dollar. The
      owner's budget is in owner_accounts.py.
    - `charged_at`: the time of the last charge in the ledger.
    """

    id: str
    owner: str
    status: Status
    release: str
    settings: Settings
    created_at: str
    updated_at: str
    expires_at: str
    data: str | None = None
    version: int = 1
    delete_requested: bool = False
    reason: str | None = None
    failure: Failure | None = None
    admitted_at: str | None = None
    queue: QueuePosition | None = None
    creations: int = 1
    stack_id: str | None = None
    clean_up: bool = False
    look_at: str | None = None
    warnings_due: list[int] = field(default_factory=list)
    total_resources: int = 0
    resources: dict[str, ResourceState] = field(default_factory=dict)
    outputs: Outputs | None = None
    seeded_files: int = 0
    changes: int = 0
    wanted: DesiredState | None = None
    is_emptied: bool = False
    removed: dict[str, int] = field(default_factory=dict)
    remaining: list[ReceiptEntry] = field(default_factory=list)
    job_files: dict[str, JobFile] = field(default_factory=dict)
    removed_files: list[str] = field(default_factory=list)
    attempts: int = 0
    transition_since: str | None = None
    due_at: str | None = None
    lease_until: str | None = None
    next_run_at: str | None = None
    next_runs: dict[str, str] = field(default_factory=dict)
    skipped_runs: dict[str, str] = field(default_factory=dict)
    cohort: str | None = None
    frozen: Frozen | None = None
    webhook: Webhook | None = None
    delivery: Delivery | None = None
    freeze_check_at: str | None = None
    credentials_until: str | None = None
    active_queries: int = 0
    queries_imported_until: str | None = None
    receipt: Receipt | None = None
    ready_at: str | None = None
    deleted_at: str | None = None
    reserved_micro_usd: int = 0
    spent_micro_usd: int = 0
    charged_at: str | None = None

    @property
    def name(self) -> str:
        """Return the stack's name, which is also the prefix of its resources' names."""
        return f"terraglue-{self.id}"

    @property
    def in_transition_since(self) -> str | None:
        """Return since when the service works towards the next status, or None if nothing is to be done."""
        if self.status is Status.QUEUED:
            return self.admitted_at
        if self.status in (Status.READY, Status.DELETED) or (
            self.status is Status.FAILED and not self.clean_up
        ):
            return None
        return self.transition_since

    @property
    def as_desired(self) -> Environment:
        """Return the environment with the desired settings, release and data set."""
        if self.wanted is None:
            return self
        wanted = self.wanted
        return self.replace(settings=wanted.settings, release=wanted.release, data=wanted.data)

    @property
    def job_id(self) -> str:
        """Return the ID of the main job."""
        return self.id_of(self.settings.job)

    @property
    def jobs(self) -> dict[str, JobSettings]:
        """Return the settings of every job by its ID, the main job first."""
        return {self.id_of(job): job for job in self.settings.all_jobs}

    def id_of(self, job: JobSettings) -> str:
        """Return the ID of a job, which is the Glue job's name."""
        return f"{self.name}-{job.name}"

    @property
    def sot_database(self) -> str:
        """Return the name of the catalog database that the job writes to, as in the template."""
        return self.database("sot")

    def database(self, name: str) -> str:
        """Return the name of a catalog database, as in the template."""
        return f"terraglue_{self.id}_{name}"

    def bucket(self, key: str) -> str:
        """Return the name of a bucket by its key in `outputs.buckets`, as in the template."""
        return f"{self.name}-{getattr(self.settings.buckets, key)}"

    @property
    def role_name(self) -> str:
        """Return the name of the job's role: an existing one, or the stack's, as in the template."""
        existing = self.settings.role_arn
        return existing.rpartition("/")[2] if existing else f"{self.name}-glue-job"

    def max_concurrent_runs(self, job: JobSettings) -> int:
        """Return the maximum number of concurrent runs of a job.

        It is 1 in learning mode, regardless of the setting: each run of the release's job replaces the same
        partition, and two at the same time would leave the rows of both.
        """
        return job.max_concurrent_runs if self.settings.mode == "production" else 1

    def script(self, job: JobSettings) -> str:
        """Return the path of the job file that a job runs."""
        return job.script or LEARNING_SCRIPT

    def job(self, job_id: str) -> JobSettings | None:
        """Return the settings of a job, or None if the environment does not have it."""
        return self.jobs.get(job_id)

    def next_run_of(self, job: JobSettings) -> str | None:
        """Return when a job's schedule starts its next run, or None."""
        return self.next_run_at if job.name == self.settings.job.name else self.next_runs.get(job.name)

    def files_of_run(self, job: JobSettings) -> list[str]:
        """Return the paths of the job files that a run of a job needs."""
        return [self.script(job), *job.extra_files]

    def python_files(self, job: JobSettings, *more: str) -> str:
        """Return the value of a job's `--extra-py-files`: its own files, and more URIs."""
        own = [self.job_file_uri(path) for path in job.extra_files if path.endswith(PYTHON_ENDINGS)]
        return ",".join([*own, *more])

    def other_files(self, job: JobSettings) -> str:
        """Return the value of a job's `--extra-files`."""
        return ",".join(
            self.job_file_uri(path) for path in job.extra_files if not path.endswith(PYTHON_ENDINGS)
        )

    def job_file_key(self, path: str) -> str:
        """Return the key of a job file in the bucket `glue_assets`."""
        return f"{self.settings.job.files_prefix}{path}"

    def job_file_uri(self, path: str) -> str:
        """Return the S3 URI of a job file."""
        return f"s3://{self.bucket('glue_assets')}/{self.job_file_key(path)}"

    def event_logs_prefix(self, run_id: str) -> str:
        """Return the folder of a run's Spark event logs in the bucket `glue_assets`.

        The job's role may write there (glue_assets/modules/iam.yaml).
        """
        return f"sparkHistoryLogs/{run_id}/"

    @property
    def is_ready(self) -> bool:
        """Return whether the environment is READY and not about to be deleted."""
        return self.status is Status.READY and not self.delete_requested

    @property
    def condition(self) -> str:
        """Return the status for messages: `being deleted` as soon as a deletion is requested."""
        is_going = self.delete_requested and self.status is not Status.DELETED
        return "being deleted" if is_going else str(self.status)

    def replace(self, **changes: Any) -> Environment:
        """Return a copy of the environment with some fields replaced."""
        return replace(self, **changes)
