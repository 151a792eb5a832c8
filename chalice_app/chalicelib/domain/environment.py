"""An environment: one user's sandbox, its status and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from chalicelib.domain.failures import Failure
from chalicelib.domain.receipts import Receipt, ReceiptEntry
from chalicelib.domain.settings import LEARNING_SCRIPT, Settings
from chalicelib.domain.timeline import ActorType


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


class UpdateStage(StrEnum):
    """How far an update is; lifecycle/update.py has the steps."""

    LOOK = "look"
    EXECUTE = "execute"
    SEED = "seed"


@dataclass(frozen=True)
class DesiredState:
    """What an UPDATING environment is to become, and how far that is.

    `rollbacks` counts the attempts to roll back a failed update. `lost` maps the logical IDs of resources
    that were deleted by hand, and are created again, to physical IDs; None if this is not a repair.
    """

    settings: Settings
    release: str
    stage: UpdateStage = UpdateStage.LOOK
    rollbacks: int = 0
    lost: dict[str, str] | None = None


@dataclass(frozen=True)
class QueuePosition:
    """Position in the queue, from 1, and the estimated start of the creation if it is known."""

    position: int
    begins_at: str | None = None


@dataclass(frozen=True)
class ResourceState:
    """State of one stack resource. `order` sorts states: see `aws.cloudformation.resource_state`."""

    type: str
    status: str
    order: str
    reason: str | None = None


@dataclass(frozen=True)
class Outputs:
    """Names and ARNs of what the stack created, and links to the AWS console."""

    buckets: dict[str, str]
    databases: dict[str, str]
    job_id: str
    role_arn: str
    log_groups: dict[str, str]
    athena_workgroup: str | None = None
    kms_key_arn: str | None = None
    security_configuration: str | None = None
    console: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobFile:
    """A job file. `content` is the ID of the bytes that a user put; None for a file of the release."""

    size_bytes: int
    sha256: str
    changed_by: str
    changed_at: str
    changed_by_type: ActorType = ActorType.USER
    content: str | None = None


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
    settings: Settings
    created_at: str
    updated_at: str
    expires_at: str
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
    attempts: int = 0
    due_at: str | None = None
    lease_until: str | None = None
    next_run_at: str | None = None
    run_skipped: str | None = None
    receipt: Receipt | None = None
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
        if self.wanted is None:
            return self
        return self.but(settings=self.wanted.settings, release=self.wanted.release)

    @property
    def job_id(self) -> str:
        """The id of its job, which is the Glue job's name."""
        return f"{self.name}-{self.settings.job.name}"

    @property
    def sot_database(self) -> str:
        """The catalog database that the job writes to, as the template names it."""
        return self.database("sot")

    def database(self, name: str) -> str:
        """The catalog's name of one of its databases, as the template names it."""
        return f"terraglue_{self.id}_{name}"

    def bucket(self, key: str) -> str:
        """The bucket behind one of the keys of `outputs.buckets`, as the template names it."""
        return f"{self.name}-{getattr(self.settings.buckets, key)}"

    @property
    def role_name(self) -> str:
        """The name of the role that the job runs with, as the template names it, or the one brought."""
        existing = self.settings.role_arn
        return existing.rpartition("/")[2] if existing else f"{self.name}-glue-job"

    @property
    def max_concurrent_runs(self) -> int:
        """How many runs of its job Glue lets go on at once.

        One in a learning sandbox, whatever its setting: each run of the release's job replaces the same
        partition, and two at once would leave the rows of both.
        """
        return self.settings.job.max_concurrent_runs if self.settings.mode == "production" else 1

    @property
    def script(self) -> str:
        """Path of the job file that the job runs."""
        return self.settings.job.script or LEARNING_SCRIPT

    @property
    def files_of_run(self) -> list[str]:
        """Paths of the job files that a run needs."""
        return [self.script, *self.settings.job.extra_files]

    def job_file_key(self, path: str) -> str:
        """Where a job file is in the bucket `glue_assets`."""
        return f"{self.settings.job.files_prefix}{path}"

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
