"""Presenter of cohorts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from chalicelib.api import responses
from chalicelib.api.csv_text import csv_text, money, no_formula
from chalicelib.api.presenters.polling import poll_after
from chalicelib.config import Config
from chalicelib.domain.cohort import Cohort, CohortStatus, Member, Outcome
from chalicelib.domain.environment import Environment
from chalicelib.domain.pricing import usd
from chalicelib.services.cohort_checks import owner_warnings
from chalicelib.services.cohort_plans import COST_RULE, CohortPlan

_LEAST_POLL_SECONDS = 10
"""The tick counts once a minute, so more frequent requests would see nothing new."""


def cohort_body(
    cohort: Cohort, base: str, config: Config, moment: datetime | None = None
) -> responses.Cohort:
    """Return the body of a cohort. `moment` is now, or None if it was just written."""
    is_settled = cohort.status is CohortStatus.SETTLED
    poll = None if is_settled else max(_LEAST_POLL_SECONDS, poll_after(cohort.updated_at, moment))
    task, link = cohort.task, f"{base}/cohorts/{cohort.id}"
    return responses.Cohort(
        id=cohort.id,
        name=cohort.name,
        status=cohort.status,
        action=responses.CohortTask(
            action=task.action, by=task.by, at=task.at, hours=task.hours, reason=task.reason
        ),
        members=cohort.members,
        outcomes=cohort.outcomes,
        environments=cohort.statuses,
        frozen=cohort.frozen,
        failures=[responses.CohortFailure(**asdict(each)) for each in cohort.failures],
        counted_at=cohort.counted_at,
        poll_after_seconds=poll,
        warnings=owner_warnings(config),
        settings=cohort.settings,
        data=cohort.data,
        release=cohort.release,
        expires_at=cohort.expires_at,
        created_by=cohort.created_by,
        created_at=cohort.created_at,
        updated_at=cohort.updated_at,
        links=responses.CohortLinks(self=link, members=f"{link}/members"),
    )


def member_body(
    member: Member, environment: Environment | None, base: str, task_number: int
) -> responses.CohortMember:
    """Return the body of a member, for the action with this number."""
    is_current = member.task == task_number
    return responses.CohortMember(
        owner=member.owner,
        outcome=member.outcome if is_current else Outcome.PENDING,
        code=member.code if is_current else None,
        detail=member.detail if is_current else None,
        environment_id=member.environment_id,
        status=str(environment.status) if environment else None,
        is_frozen=environment is not None and environment.frozen is not None,
        expires_at=environment.expires_at if environment else None,
        spent_usd=usd(environment.spent_micro_usd) if environment else 0,
        job_id=environment.job_id if environment else None,
        links=responses.MemberLinks(
            environment=f"{base}/environments/{environment.id}" if environment else None,
            runs=f"{base}/jobs/{environment.job_id}/runs" if environment else None,
        ),
    )


def members_csv(members: Iterable[responses.CohortMember]) -> str:
    """Return members as CSV: who has what."""
    header = (
        *("owner", "environment_id", "status", "is_frozen", "expires_at", "spent_usd", "job_id"),
        *("environment", "runs", "outcome", "code", "detail"),
    )
    rows = [
        (
            *(no_formula(each.owner), each.environment_id, each.status, str(each.is_frozen).lower()),
            *(each.expires_at, money(each.spent_usd), each.job_id, each.links.environment, each.links.runs),
            *(each.outcome.value, each.code, each.detail),
        )
        for each in members
    ]
    return csv_text(header, rows)


def plan_body(plan: CohortPlan, config: Config) -> responses.CohortPlan:
    """Return the body of a dry run."""
    return responses.CohortPlan(
        action=plan.cohort.task.action,
        outcomes=dict(Counter(each.outcome for each in plan.members)),
        max_cost_usd=usd(plan.max_cost_micro_usd),
        cost_rule=COST_RULE,
        queue=responses.PlannedQueue(
            environments=plan.live,
            most_environments=config.capacity.environments,
            most_creating=config.capacity.creating,
            would_wait=plan.would_wait,
            last_starts_at=plan.starts_at,
        ),
        warnings=owner_warnings(config),
        members=[responses.PlannedMember(**asdict(each)) for each in plan.members],
    )
