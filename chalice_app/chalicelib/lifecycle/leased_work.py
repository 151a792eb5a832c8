"""Slow work on an environment: batch by batch, under its lease, until a deadline."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.lifecycle.transitions import Transitions


class LeasedWork:
    """Runs batches of work and renews the lease in between.

    `environment` is the environment as it was last written. The caller must hold its lease.
    """

    def __init__(self, transitions: Transitions, environment: Environment, deadline: float) -> None:
        self.environment = environment
        self._transitions = transitions
        self._deadline = deadline

    def run(self, batches: Iterable[Json], **when_paused: object) -> bool:
        """Run the batches, each of which yields the fields that record its progress.

        At the deadline, records the progress and `when_paused`, releases the lease, makes the environment due
        at once, and returns False. Returns True when all batches have run.
        """
        for progress in batches:
            if self._transitions.now().timestamp() >= self._deadline:
                self._transitions.postpone(self.environment, 0, **progress, **when_paused)
                return False
            if self._transitions.is_half_over(self.environment):
                self.environment = self._transitions.renew_lease(self.environment, **progress)
        return True
