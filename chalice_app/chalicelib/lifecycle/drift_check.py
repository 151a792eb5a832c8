"""Drift check of a READY environment: its resources may have been deleted or changed outside the service.

A stack event triggers a description of the stack, and a check of every resource if the stack has changed.
Without events, every environment is checked within a day (`look_at`), a limited number per tick. An
environment whose stack or resources are certainly missing becomes FAILED and keeps its other resources. A
retry or an update creates the missing ones again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.aws.cloudformation import Stack
from chalicelib.aws.errors import AwsError, AwsRefused
from chalicelib.clock import later, timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment
from chalicelib.domain.environment_parts import DesiredState
from chalicelib.domain.failures import Failure, failure, stack_deleted
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.lifecycle.transitions import CHECK_SECONDS, Next, Transitions
from chalicelib.observability import logger
from chalicelib.sandbox.missing_resources import MissingResourceFinder
from chalicelib.sandbox.stack import SandboxStacks
from chalicelib.sandbox.template_parameters import camel

_RETRY_SECONDS = 900
_DEFER_SECONDS = 3600


@dataclass
class CheckBudget:
    """The number of environments that one tick may check, so that other records do not wait for them."""

    left: int = 20

    def take(self) -> bool:
        """Take one check from the budget. Return False if none is left."""
        self.left -= 1
        return self.left >= 0


class DriftCheck:
    """The steps of READY."""

    def __init__(
        self,
        transitions: Transitions,
        stacks: SandboxStacks,
        inspector: MissingResourceFinder,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._transitions = transitions
        self._stacks = stacks
        self._inspector = inspector
        self._jitter = jitter

    def step(self, environment: Environment, *, stack_changed: bool, checks: CheckBudget | None) -> Next:
        """READY: check the environment if its check is due, or if an event of its stack has arrived."""
        is_due = environment.look_at is not None and environment.look_at <= timestamp(self._transitions.now())
        if not is_due and not stack_changed:
            return Next.LATER
        if is_due and checks is not None and not checks.take():
            self._check_later(environment, CHECK_SECONDS + _DEFER_SECONDS * self._jitter())
            return Next.LATER
        try:
            return self._check(environment, is_due)
        except AwsError as error:
            # Nothing waits for the check, so it is postponed and the tick continues with other records.
            self._log_failed_check(environment, error)
            self._check_later(environment, _RETRY_SECONDS * (1 + self._jitter()))
            return Next.LATER

    def fail_if_incomplete(self, environment: Environment) -> bool:
        """Make a RESETTING environment FAILED if its stack or one of its resources is missing.

        Returns whether it is FAILED now. Called when AWS refused a step of the reset.
        """
        stack = self._stacks.find(environment)
        if stack is None or stack.is_removed:
            self._transitions.fail_and_keep(environment, stack_deleted(), wanted=None)
            return True
        if not stack.is_complete:
            return False
        missing = self._inspector.find_missing(environment, stack)
        if not missing.found:
            return False
        # The reset may have emptied any of the buckets already.
        buckets = {f"{camel(key)}Bucket": environment.bucket(key) for key in BUCKET_KEYS}
        repair = _repair(environment, {**buckets, **missing.ids})
        self._transitions.fail_and_keep(environment, missing.failure(environment), **repair)
        return True

    def _check(self, environment: Environment, is_due: bool) -> Next:
        stack = self._stacks.find(environment)
        if stack is None or stack.is_removed:
            self._transitions.fail_and_keep(environment, stack_deleted(), wanted=None)
            return Next.AGAIN
        if stack.in_progress:  # an update outside the service
            self._check_later(environment, CHECK_SECONDS)
            return Next.LATER
        if not stack.is_complete:
            cause = _incomplete_stack(environment, stack)
            self._transitions.fail_and_keep(environment, cause, **_repair(environment, {}))
            return Next.AGAIN
        resources = self._stacks.resource_fields(stack)
        if not is_due and resources["resources"] == environment.resources:
            return Next.LATER
        missing = self._inspector.find_missing(environment, stack)
        if missing.found:
            repair = _repair(environment, missing.ids)
            self._transitions.fail_and_keep(environment, missing.failure(environment), **repair, **resources)
            return Next.AGAIN
        for error in missing.errors[:1]:
            self._log_failed_check(environment, error)
        # A refused check would be refused again, so only other errors lead to an early retry.
        if any(not isinstance(error, AwsRefused) for error in missing.errors):
            look_at = self._in(_RETRY_SECONDS * (1 + self._jitter()))
        else:
            look_at = self._transitions.next_drift_check_at()
        self._save(environment, look_at, **resources)
        return Next.LATER

    def _check_later(self, environment: Environment, seconds: float) -> None:
        self._save(environment, self._in(seconds))

    def _save(self, environment: Environment, look_at: str, **changes: object) -> None:
        due_at = expiry.next_check(environment.replace(look_at=look_at))
        self._transitions.save(environment, look_at=look_at, due_at=due_at, **changes)

    def _in(self, seconds: float) -> str:
        return later(self._transitions.now(), seconds)

    def _log_failed_check(self, environment: Environment, error: AwsError) -> None:
        logger.warning(
            "drift check failed", environment_id=environment.id, code=error.code, detail=error.message
        )


def _repair(environment: Environment, missing: dict[str, str]) -> Json:
    """Return the fields that let a retry update the stack to the environment's current settings."""
    return {
        "wanted": DesiredState(
            environment.settings, environment.release, lost=missing, data=environment.data
        ),
        "changes": environment.changes + 1,
        "seeded_files": 0,
    }


def _incomplete_stack(environment: Environment, stack: Stack) -> Failure:
    """Return the `failure` of an environment whose stack an update outside the service left incomplete."""
    message = f"The stack is {stack.status} after a change outside this service."
    cause = failure(None, None, message, environment_id=environment.id)
    fix = "Retry to roll back the change. If that fails, ask an operator to repair the stack."
    return replace(cause, cause="internal", fix=fix)
