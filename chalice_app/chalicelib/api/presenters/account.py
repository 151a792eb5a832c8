"""Presenter of the caller's account."""

from __future__ import annotations

from typing import get_args

from chalicelib.api import responses
from chalicelib.config import Config
from chalicelib.domain.caller import Caller
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.pricing import WorkerType, usd
from chalicelib.domain.settings import Limits


def me_body(
    caller: Caller, account: Account, live: responses.Environment | None, config: Config
) -> responses.Me:
    """Return the body of the caller's account. `account` must be up to date, `live` is their environment."""
    return responses.Me(
        owner=caller.owner,
        is_admin=caller.is_admin,
        environment=live,
        budget=_budget(account, config.allowance),
        creations=responses.Creations(
            limit=config.allowance.creations_per_day,
            used=len(account.creations),
            next_at=account.next_creation_at(config.allowance),
        ),
        limits=_limits(config.allowance, config.limits),
        worker_prices=[
            responses.WorkerPrice(
                worker_type=worker_type, usd_per_hour=float(config.prices.of_worker_hour(worker_type))
            )
            for worker_type in get_args(WorkerType)
        ],
    )


def _budget(account: Account, allowance: Allowance) -> responses.OwnerBudget:
    return responses.OwnerBudget(
        limit_usd=usd(allowance.budget_micro_usd),
        spent_usd=usd(account.spent_micro_usd),
        reserved_usd=usd(account.reserved_micro_usd),
        available_usd=usd(account.available_micro_usd(allowance)),
        period_begins_at=account.period_begins_at,
        period_ends_at=account.period_ends_at(allowance),
    )


def _limits(allowance: Allowance, limits: Limits) -> responses.Limits:
    return responses.Limits(
        environments=1,
        budget_usd=usd(allowance.budget_micro_usd),
        budget_days=allowance.budget_days,
        creations_per_day=allowance.creations_per_day,
        expires_in_hours=limits.expires_in_hours,
        number_of_workers=limits.number_of_workers,
        timeout_minutes=limits.timeout_minutes,
        role_arns=list(limits.role_arns),
        kms_key_arns=list(limits.kms_key_arns),
    )
