"""The records of the service: environments, job runs, timeline events."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Json = dict[str, Any]

JOB_ID = re.compile(r"terraglue-([a-z2-7]{10})-([a-z0-9][a-z0-9-]{0,63})")
ENVIRONMENT_ID = re.compile(r"[a-z2-7]{10}")
RUN_ID = re.compile(r"[a-z2-7]{16}")
RUN_MARKER = "--terraglue-run-id"
"""The job argument that identifies a run: StartJobRun has no request token."""


class ActorType(StrEnum):
    """Who did something. A user may have any name, also one of these."""

    USER = "user"
    SERVICE = "service"
    SCHEDULE = "schedule"
    RELEASE = "release"


class Status(StrEnum):
    """Where an environment is in its life (the picture is in docs/architecture.md)."""

    QUEUED = "QUEUED"
    CREATING = "CREATING"
    SEEDING = "SEEDING"
    READY = "READY"
    UPDATING = "UPDATING"
    RESETTING = "RESETTING"
    DELETING = "DELETING"
    DELETED = "DELETED"
    FAILED = "FAILED"


class RunStatus(StrEnum):
    """Where a job run is; from STARTING on these are Glue's own states."""

    PENDING = "PENDING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    STOPPED = "STOPPED"
    ERROR = "ERROR"

    @property
    def is_final(self) -> bool:
        """Nothing more will happen to a run in this state."""
        return self in _FINAL_RUN_STATES


_FINAL_RUN_STATES = frozenset(
    {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.STOPPED, RunStatus.ERROR}
)


@dataclass(frozen=True)
class Environment:
    """One person's sandbox: what is wanted, and the last that is known of it.

    Grain: one per environment id, for ever (DELETED ones keep their receipt). Money is in millionths of a
    dollar, and that of this environment alone: what may be spent is the owner's account's matter
    (accounts.py). `due_at` is when reconcile must look at it again even if no event comes; None: never.
    `resources` maps a logical id to type, status, reason and the order of its last event; it is written by
    events, field by field, and so is not covered by `version`, nor are the two amounts of money.
    `admitted_at` is since when it counts as one that is built or exists (capacity.py); before, `queue` is its
    place, as `position` and `begins_at`. `creations` counts the attempts to build it. `clean_up` says that
    what a failed one has left, the stack `stack_id` or the one of its name, is still to be looked for and
    removed. `look_at` is when a READY one is next compared with what AWS has (upkeep.py).
    `warnings_due` are the warnings before its end that are still to come, in hours before it.
    `wanted` is what an UPDATING one is to become: its `settings` and `release`, how far that is (`stage`, see
    updating.py), how often its way back was tried (`rollbacks`), and what was deleted by hand and is created
    again (`lost`, physical ids by logical ids); a retry of a FAILED one goes on with it. `changes` counts
    such wishes, and is part of their change sets' names. `is_emptied` says that a RESETTING one has lost all
    that was to go. `next_run_at` is when its schedule starts a run, while it is READY; `run_skipped` is why
    it started none the last time.
    `removed` counts, by type, what was removed so far that no stack removes; `remaining` is what the stacks
    of failed attempts have left, as the receipt lists it.
    `job_files` maps the path of a job file to its size in bytes, its sha256 and who put it there when:
    `changed_by` is a user, or the release by its `changed_by_type`; `content`, of one that a user has put, is
    what its bytes go by (live_files.py).
    """

    id: str
    owner: str
    status: Status
    release: str
    settings: Json
    created_at: str
    updated_at: str
    expires_at: str
    version: int = 1
    delete_requested: bool = False
    reason: str | None = None
    failure: Json | None = None
    admitted_at: str | None = None
    queue: Json | None = None
    creations: int = 1
    stack_id: str | None = None
    clean_up: bool = False
    look_at: str | None = None
    warnings_due: list[int] = field(default_factory=list)
    total_resources: int = 0
    resources: dict[str, Json] = field(default_factory=dict)
    outputs: Json | None = None
    seeded_files: int = 0
    changes: int = 0
    wanted: Json | None = None
    is_emptied: bool = False
    removed: dict[str, int] = field(default_factory=dict)
    remaining: list[Json] = field(default_factory=list)
    job_files: dict[str, Json] = field(default_factory=dict)
    attempts: int = 0
    due_at: str | None = None
    lease_until: str | None = None
    next_run_at: str | None = None
    run_skipped: str | None = None
    receipt: Json | None = None
    ready_at: str | None = None
    deleted_at: str | None = None
    reserved_micro_usd: int = 0
    spent_micro_usd: int = 0

    @property
    def name(self) -> str:
        """The name of its stack, and the prefix of everything in it."""
        return f"terraglue-{self.id}"

    @property
    def goal(self) -> Environment:
        """What an UPDATING one is to become."""
        wanted = self.wanted or {"settings": self.settings, "release": self.release}
        return self.but(settings=wanted["settings"], release=wanted["release"])

    @property
    def job_id(self) -> str:
        """The id of its job, which is the Glue job's name."""
        return f"{self.name}-{self.settings['job']['name']}"

    @property
    def sot_database(self) -> str:
        """The catalog database that the job writes to, as the template names it."""
        return self.database("sot")

    def database(self, name: str) -> str:
        """The catalog's name of one of its databases, as the template names it."""
        return f"terraglue_{self.id}_{name}"

    def bucket(self, key: str) -> str:
        """The bucket behind one of the keys of `outputs.buckets`, as the template names it."""
        return f"{self.name}-{self.settings['buckets'][key]}"

    @property
    def role_name(self) -> str:
        """The name of the role that the job runs with, as the template names it, or the one brought."""
        brought: str | None = self.settings["role_arn"]
        return brought.rpartition("/")[2] if brought else f"{self.name}-glue-job"

    @property
    def max_concurrent_runs(self) -> int:
        """How many runs of its job Glue lets go on at once.

        One in a learning sandbox, whatever its setting: each run of the release's job replaces the same
        partition, and two at once would leave the rows of both.
        """
        most: int = self.settings["job"]["max_concurrent_runs"]
        return most if self.settings["mode"] == "production" else 1

    def job_file_key(self, path: str) -> str:
        """Where a job file is in the bucket `glue_assets`."""
        return f"{self.settings['job']['files_prefix']}{path}"

    def job_file_uri(self, path: str) -> str:
        """The same for Glue."""
        return f"s3://{self.bucket('glue_assets')}/{self.job_file_key(path)}"

    @property
    def condition(self) -> str:
        """Its status in words for callers: a delete that was asked for may not have begun yet."""
        is_going = self.delete_requested and self.status is not Status.DELETED
        return "being deleted" if is_going else str(self.status)

    def but(self, **changes: Any) -> Environment:
        """The same environment with some fields changed."""
        return replace(self, **changes)


BUCKET_KEYS = ("sor", "sot", "spec", "glue_assets", "athena_results")


@dataclass(frozen=True)
class JobRun:
    """One run of an environment's job. Grain: one per accepted request to run it.

    `start_attempts` counts the StartJobRun calls that may have reached Glue; it is raised before each one, so
    that a run whose caller died is looked for before it is started again. `stopped_by` has wanted it stopped,
    since `stop_requested_at`. `requested_by_type` and `stopped_by_type` say what kind of actor each name is.
    `price_per_dpu_hour_usd` is what its worst cost was reserved at, and so what it is settled at. Its lines
    are in the log groups `log_prefix`/output and `log_prefix`/error. `outputs` are the tables that it has
    written, and `output` the first of them.
    """

    id: str
    environment_id: str
    owner: str
    job_id: str
    status: RunStatus
    arguments: dict[str, str]
    worker_type: str
    number_of_workers: int
    timeout_minutes: int
    requested_by: str
    requested_at: str
    max_cost_micro_usd: int
    log_prefix: str
    max_retries: int = 0
    price_per_dpu_hour_usd: str | None = None
    version: int = 1
    start_attempts: int = 0
    due_at: str | None = None
    reason: str | None = None
    glue_run_id: str | None = None
    stopped_by: str | None = None
    stop_requested_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    execution_seconds: int | None = None
    dpu_seconds: float | None = None
    cost_micro_usd: int | None = None
    error: Json | None = None
    output: Json | None = None
    outputs: list[Json] = field(default_factory=list)
    requested_by_type: str = ActorType.USER
    stopped_by_type: str | None = None

    def but(self, **changes: Any) -> JobRun:
        """The same run with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Event:
    """One line of an environment's timeline: who did what, when, in which request, and what it changed.

    `changes` are (`pointer`, `old`, `new`) of what callers see of the environment or, where `detail` has
    a `run_id`, of that run; `owner` is the environment's. The store fills both in from the records.
    """

    at: str
    actor: str
    action: str
    request_id: str | None = None
    detail: Json | None = None
    changes: list[Json] = field(default_factory=list)
    owner: str = ""
    actor_type: str = ActorType.USER

    @classmethod
    def by_service(cls, at: str, action: str, detail: Json | None = None) -> Event:
        """What nobody has asked for by a request."""
        return cls(at, ActorType.SERVICE, action, detail=detail, actor_type=ActorType.SERVICE)


def environment_of_job(job_id: str) -> str | None:
    """The environment id inside a job id; None when it is not one of ours."""
    match = JOB_ID.fullmatch(job_id)
    return match[1] if match else None


def environment_of_stack(stack: str) -> str | None:
    """The environment id inside a stack's name or ARN; None when the stack is not one of ours."""
    name = stack.split("/")[1] if stack.startswith("arn:") and stack.count("/") >= 2 else stack
    prefix, _, environment_id = name.partition("-")
    return (
        environment_id if prefix == "terraglue" and ENVIRONMENT_ID.fullmatch(environment_id or "") else None
    )
