"""Construction of cohorts: of what handles their requests, and of their work in the tick."""

from __future__ import annotations

from chalicelib.clock import Clock
from chalicelib.config import Config
from chalicelib.services.cohort_checks import CohortChecks
from chalicelib.services.cohort_members import CohortMembers
from chalicelib.services.cohort_plans import CohortPlans
from chalicelib.services.cohort_work import CohortWork
from chalicelib.services.cohorts import Cohorts
from chalicelib.services.data_sets import DataSets
from chalicelib.services.environment_writes import EnvironmentWrites
from chalicelib.storage.releases import Releases
from chalicelib.storage.store import Store


def build_cohorts(
    config: Config, store: Store, releases: Releases, writes: EnvironmentWrites, clock: Clock
) -> tuple[Cohorts, CohortWork]:
    """Build what handles the requests about cohorts, and what the tick calls."""
    members = CohortMembers(config, store, writes)
    checks, plans = CohortChecks(config, DataSets(releases)), CohortPlans(config, store, members)
    work = CohortWork(store, members, lease_seconds=config.lease_seconds, clock=clock)
    return Cohorts(config, store, checks, plans, clock=clock), work
