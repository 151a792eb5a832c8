"""A READY environment is looked at again: what it needs may have been deleted, or changed, by hand.

An event of its stack makes the service describe the stack, and all its resources if it is another than it
was. Without an event, each environment is compared with AWS within a day (`look_at`), a few in a minute. What
is certainly gone makes it FAILED, with what is left of it as it is; a retry, or a change, brings it back.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.aws.cloudformation import Stack
from chalicelib.aws.errors import AwsError, AwsRefused
from chalicelib.clock import later, timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import DesiredState, Environment
from chalicelib.domain.failures import Failure, failure, stack_deleted
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.lifecycle.transitions import LOOK_AGAIN_SECONDS, Moves
from chalicelib.observability import logger
from chalicelib.sandbox.missing_resources import Inspector
from chalicelib.sandbox.provisioning import Provisioning
from chalicelib.sandbox.template_parameters import camel

_DOUBT_SECONDS = 900
_DEFER_SECONDS = 3600


@dataclass
class Looks:
    """How many environments may be compared with AWS in one tick, so that others do not wait for them."""

    left: int = 20

    def take(self) -> bool:
        """Whether one more may be."""
        self.left -= 1
        return self.left >= 0


class Upkeep:
    """The steps of READY; each says whether another step may follow now."""

    def __init__(
        self,
        moves: Moves,
        provisioning: Provisioning,
        inspector: Inspector,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._moves = moves
        self._provisioning = provisioning
        self._inspector = inspector
        self._jitter = jitter

    def step(self, environment: Environment, *, is_told: bool, looks: Looks | None) -> bool:
        """READY: compare it with AWS when that is due, or an event of its stack has come (`is_told`)."""
        is_due = environment.look_at is not None and environment.look_at <= timestamp(self._moves.now())
        if not is_due and not is_told:
            return False
        if is_due and looks is not None and not looks.take():
            self._look_later(environment, LOOK_AGAIN_SECONDS + _DEFER_SECONDS * self._jitter())
            return False
        try:
            return self._compare(environment, is_due)
        except AwsError as error:
            # Nobody knows whether something is gone, and nobody waits for this: later, and others go on.
            logger.warning(
                "look failed", environment_id=environment.id, code=error.code, detail=error.message
            )
            self._look_later(environment, _DOUBT_SECONDS * (1 + self._jitter()))
            return False

    def end_if_lost(self, environment: Environment) -> bool:
        """Let a RESETTING one, whose step AWS refused, be FAILED if its stack, or a part of it, is gone."""
        stack = self._provisioning.look(environment)
        if stack is None or stack.is_removed:
            self._moves.lose(environment, stack_deleted(), wanted=None)
            return True
        losses = self._inspector.losses(environment, stack) if stack.is_complete else None
        if losses is None or not losses.found:
            return False
        # A reset may have emptied any of them already.
        buckets = {f"{camel(key)}Bucket": environment.bucket(key) for key in BUCKET_KEYS}
        wanted = mending(environment, {**buckets, **losses.ids})
        self._moves.lose(environment, losses.failure(environment), **wanted)
        return True

    def _compare(self, environment: Environment, is_due: bool) -> bool:
        stack = self._provisioning.look(environment)
        if stack is None or stack.is_removed:
            self._moves.lose(environment, stack_deleted(), wanted=None)
            return True
        if stack.in_progress:  # somebody else's update
            self._look_later(environment, LOOK_AGAIN_SECONDS)
            return False
        if not stack.is_complete:
            self._moves.lose(environment, _unfinished(environment, stack), **mending(environment, {}))
            return True
        shown = self._provisioning.whole(environment, stack)
        if not is_due and shown["resources"] == environment.resources:
            return False
        losses = self._inspector.losses(environment, stack)
        if losses.found:
            self._moves.lose(
                environment, losses.failure(environment), **mending(environment, losses.ids), **shown
            )
            return True
        for doubt in losses.doubts[:1]:
            logger.warning(
                "look failed", environment_id=environment.id, code=doubt.code, detail=doubt.message
            )
        # One that is denied will be denied in a minute, too.
        is_open = any(not isinstance(doubt, AwsRefused) for doubt in losses.doubts)
        look_at = None if not is_open else self._in(_DOUBT_SECONDS * (1 + self._jitter()))
        self._save(environment, look_at or self._moves.next_look_at(), **shown)
        return False

    def _look_later(self, environment: Environment, seconds: float) -> None:
        self._save(environment, self._in(seconds))

    def _save(self, environment: Environment, look_at: str, **changes: object) -> None:
        due_at = expiry.next_look(environment.but(look_at=look_at))
        self._moves.save(environment, look_at=look_at, due_at=due_at, **changes)

    def _in(self, seconds: float) -> str:
        return later(self._moves.now(), seconds)


def mending(environment: Environment, lost: dict[str, str]) -> Json:
    """The fields by which a retry updates the stack to what the environment should be already."""
    return {
        "wanted": DesiredState(environment.settings, environment.release, lost=lost),
        "changes": environment.changes + 1,
        "seeded_files": 0,
    }


def _unfinished(environment: Environment, stack: Stack) -> Failure:
    """The `failure` of an environment whose stack somebody else could not update."""
    words = f"The stack is {stack.status} after a change by somebody else."
    told = failure(None, None, words, environment_id=environment.id)
    fix = "Retry: the change is taken back. If that fails, an operator must see to the stack."
    return replace(told, cause="internal", fix=fix)
