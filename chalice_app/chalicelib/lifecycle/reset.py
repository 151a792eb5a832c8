"""Reset of an environment: RESETTING.

A reset restores the sandbox of a creation with the current settings. First, `update.py` updates the stack by
a drift-aware change set, which reverts what was changed or deleted by hand. Afterwards, the buckets contain
only the release's files, without uploaded job files and without old versions, and the Data Catalog contains
only its tables. The key, role, workgroup and budget stay, as do the records and logs of runs.
"""

from __future__ import annotations

from chalicelib.domain.environment import Environment
from chalicelib.lifecycle.active_work import ActiveWork
from chalicelib.lifecycle.creation import Creation
from chalicelib.lifecycle.leased_work import LeasedWork
from chalicelib.lifecycle.transitions import RUNS_STOP_SECONDS, Next, Transitions
from chalicelib.sandbox.reset_cleanup import ResetCleanup


class Reset:
    """The steps of RESETTING."""

    def __init__(
        self, transitions: Transitions, active: ActiveWork, clearing: ResetCleanup, creation: Creation
    ) -> None:
        self._transitions = transitions
        self._active = active
        self._clearing = clearing
        self._creation = creation

    def step(self, environment: Environment, deadline: float) -> Next:
        """RESETTING: stop the runs, clear the sandbox, and seed it again."""
        if environment.is_emptied:
            return self._creation.seed(environment, deadline)
        leased = self._transitions.acquire_lease(environment)
        if leased is None:
            return Next.LATER
        if not self._active.stop_all(leased):  # a run that is stopping can still write
            self._transitions.postpone(leased, RUNS_STOP_SECONDS)
            return Next.LATER
        work = LeasedWork(self._transitions, leased, deadline)
        if not work.run({} for _ in self._clearing.clear(leased)):
            return Next.AGAIN
        self._transitions.postpone(
            work.environment, 0, is_emptied=True, seeded_files=0, attempts=0, reason=None
        )
        return Next.AGAIN
