"""Cohorts: the requests about them, and their work in the tick."""

from __future__ import annotations

from chalicelib.services.cohort_checks import CohortChecks
from chalicelib.services.cohort_members import CohortMembers
from chalicelib.services.cohort_plans import CohortPlans
from chalicelib.services.cohort_work import CohortWork
from chalicelib.services.cohorts import Cohorts
from chalicelib.services.data_sets import DataSets
from chalicelib.wiring.environments import writes
from chalicelib.wiring.shared import Shared


def cohorts(shared: Shared) -> Cohorts:
    """Return what handles requests about cohorts."""
    checks = CohortChecks(shared.config, DataSets(shared.releases))
    plans = CohortPlans(shared.config, shared.store, _members(shared))
    return Cohorts(shared.config, shared.store, checks, plans, clock=shared.clock)


def work(shared: Shared) -> CohortWork:
    """Return what the tick does for cohorts."""
    return CohortWork(
        shared.store, _members(shared), lease_seconds=shared.config.lease_seconds, clock=shared.clock
    )


def _members(shared: Shared) -> CohortMembers:
    return CohortMembers(shared.config, shared.store, writes(shared))
