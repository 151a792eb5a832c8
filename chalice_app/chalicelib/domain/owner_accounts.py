"""Owner accounts: the budget of each owner per period, and their creations per day.

An account covers all environments of its owner, including deleted ones. The record has the money that is
spent and reserved in the current period, and the times of creations. It changes in the transaction that adds
or ends a run or adds an environment. So a crash cannot lose or duplicate money, and concurrent requests
cannot overspend.

The first period starts at the owner's first creation, and each next one when the previous one ends. The first
change after the end of a period starts the next one: it resets the spent money and keeps the reserved money.
So a run is charged to the period in which it is settled. The operator's configuration, and not the record,
has the limit and the length of a period.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.clock import later, parse, timestamp

_DAY_SECONDS = 86400


@dataclass(frozen=True)
class Allowance:
    """The operator's limits for each owner."""

    budget_micro_usd: int = 5_000_000
    budget_days: int = 30
    creations_per_day: int = 10


@dataclass(frozen=True)
class Account:
    """The account of one owner.

    `creations` are the times of the last creations, oldest first. `warned_percent` is the highest percentage
    of the budget that the owner was warned of in the period, or 0 (budget_warnings.py).
    """

    owner: str
    period_begins_at: str | None = None
    spent_micro_usd: int = 0
    reserved_micro_usd: int = 0
    warned_percent: int = 0
    creations: tuple[str, ...] = ()

    def at(self, moment: datetime, allowance: Allowance) -> Account:
        """Return the account at a moment: in its current period, with the creations of the last day."""
        day_ago = later(moment, -_DAY_SECONDS)
        account = replace(self, creations=tuple(at for at in self.creations if at > day_ago))
        if self.period_begins_at is None:
            return account
        begins, length = parse(self.period_begins_at), timedelta(days=allowance.budget_days)
        passed = max(0, (moment - begins) // length)
        if passed:
            begins_at = timestamp(begins + passed * length)
            account = replace(account, period_begins_at=begins_at, spent_micro_usd=0, warned_percent=0)
        return account

    def period_ends_at(self, allowance: Allowance) -> str | None:
        """Return when the period ends, or None before the owner's first creation."""
        if self.period_begins_at is None:
            return None
        return later(parse(self.period_begins_at), allowance.budget_days * _DAY_SECONDS)

    def available_micro_usd(self, allowance: Allowance) -> int:
        """Return the maximum cost of another run, at least 0 even if the operator lowered the budget."""
        return max(0, allowance.budget_micro_usd - self.spent_micro_usd - self.reserved_micro_usd)

    def is_used_up(self, allowance: Allowance) -> bool:
        """Return whether the spent money has reached the budget. Reserved money may be released again."""
        return self.spent_micro_usd >= max(1, allowance.budget_micro_usd)

    def next_creation_at(self, allowance: Allowance) -> str | None:
        """Return when the owner may create another environment, or None if they may now."""
        if len(self.creations) < allowance.creations_per_day:
            return None
        return later(parse(self.creations[-allowance.creations_per_day]), _DAY_SECONDS)
