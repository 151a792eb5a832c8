"""Parts of an environment's record: its target, its resources, its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.settings import Settings
from chalicelib.domain.timeline import ActorType


class UpdateStage(StrEnum):
    """Stage of an update. lifecycle/update.py has the steps."""

    LOOK = "look"
    EXECUTE = "execute"
    SEED = "seed"


@dataclass(frozen=True)
class DesiredState:
    """Settings, release and data set to which an environment changes, and the stage of its stack's update.

    An UPDATING environment has one, and a RESETTING one until the drift of its stack is reverted.

    `rollbacks` counts the attempts to roll back a failed update. `lost` maps the logical IDs of resources
    that were deleted outside the service, and are recreated, to physical IDs. It is None without a repair.
    `reverts_drift` is whether properties that were changed outside the service are reverted too.
    """

    settings: Settings
    release: str
    stage: UpdateStage = UpdateStage.LOOK
    rollbacks: int = 0
    lost: dict[str, str] | None = None
    data: str | None = None
    reverts_drift: bool = False


@dataclass(frozen=True)
class QueuePosition:
    """Position in the queue, from 1, and the estimated start of creation, or None if it is unknown."""

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
    """A job file. `content` is the ID of a user's upload, or None for a file of the release."""

    size_bytes: int
    sha256: str
    changed_by: str
    changed_at: str
    changed_by_type: ActorType = ActorType.USER
    content: str | None = None


@dataclass(frozen=True)
class Frozen:
    """A freeze: since when, by whom and why. Nothing of the environment runs, and nothing changes.

    The service freezes an environment because of its owner's budget. `stopped_at` is when all that was
    active had ended, or None until then.
    """

    since: str
    by: str
    by_type: ActorType
    reason: str
    stopped_at: str | None = None

    @property
    def is_by_budget(self) -> bool:
        """Return whether the budget froze the environment, and not an admin."""
        return self.by_type is ActorType.SERVICE
