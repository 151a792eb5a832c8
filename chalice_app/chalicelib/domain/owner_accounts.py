"""What an owner may spend in a period and create in a day, over all their environments, deleted ones too.

The table has one record per owner with the money that is spent and reserved in the current period, and when
environments were created. It changes in the transaction that records, or ends, a run, or that adds an
environment, so a crash can neither lose nor double money, and however many requests come at once, they cannot
overspend.

Periods follow one another from the owner's first creation on. A period that is over is rolled by the first
change that comes after it: what was spent is forgotten, what is reserved is reserved in the new one. So a run
is charged to the period in which it is settled. Limit and length come from the operator at every change; the
record has neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.clock import later, parse, timestamp
from chalicelib.domain.json_types import Json

_DAY_SECONDS = 86400
_NOTHING = "if_not_exists({0}, :nothing)"


@dataclass(frozen=True)
class Allowance:
    """The operator's limits for each owner."""

    budget_micro_usd: int = 5_000_000
    budget_days: int = 30
    creations_per_day: int = 10


@dataclass(frozen=True)
class Account:
    """What is recorded of an owner; `creations` are the times of the last ones, oldest first."""

    owner: str
    period_begins_at: str | None = None
    spent_micro_usd: int = 0
    reserved_micro_usd: int = 0
    creations: tuple[str, ...] = ()

    def at(self, moment: datetime, allowance: Allowance) -> Account:
        """The account at a moment: in the period that is current then, with the last day's creations."""
        day_ago = later(moment, -_DAY_SECONDS)
        account = replace(self, creations=tuple(at for at in self.creations if at > day_ago))
        if self.period_begins_at is None:
            return account
        begins, length = parse(self.period_begins_at), timedelta(days=allowance.budget_days)
        passed = max(0, (moment - begins) // length)
        if passed:
            account = replace(
                account, period_begins_at=timestamp(begins + passed * length), spent_micro_usd=0
            )
        return account

    def period_ends_at(self, allowance: Allowance) -> str | None:
        """When the period ends; None before the owner's first creation."""
        if self.period_begins_at is None:
            return None
        return later(parse(self.period_begins_at), allowance.budget_days * _DAY_SECONDS)

    def available_micro_usd(self, allowance: Allowance) -> int:
        """What another run may cost at most; never below 0, though the operator may lower the limit."""
        return max(0, allowance.budget_micro_usd - self.spent_micro_usd - self.reserved_micro_usd)

    def next_creation_at(self, allowance: Allowance) -> str | None:
        """When the owner may create another environment; None: now."""
        if len(self.creations) < allowance.creations_per_day:
            return None
        return later(parse(self.creations[-allowance.creations_per_day]), _DAY_SECONDS)


@dataclass(frozen=True)
class Update:
    """A change of an account, in the parts of an UpdateItem call."""

    expression: str
    condition: str
    values: Json


def charging(
    account: Account, allowance: Allowance, moment: datetime, *, reserved: int, spent: int, is_admission: bool
) -> Update:
    """Change what is reserved and spent, as it was read; a period that is over is rolled by the same write.

    An admission has the condition that the budget covers it.
    """
    current = account.at(moment, allowance)
    is_rolled = current.period_begins_at != account.period_begins_at or account.period_begins_at is None
    # DynamoDB compares an attribute with a value only, so what is spent and reserved is kept as one number,
    # too. It comes first: the others would not be what they were before for an engine that sets one after the
    # other.
    kept = "reserved_micro_usd" if is_rolled else "committed_micro_usd"
    sets = {
        "committed_micro_usd": f"{_NOTHING.format(kept)} + :committed",
        "reserved_micro_usd": f"{_NOTHING.format('reserved_micro_usd')} + :reserved",
        "spent_micro_usd": ":spent" if is_rolled else f"{_NOTHING.format('spent_micro_usd')} + :spent",
    }
    values: Json = {":committed": reserved + spent, ":reserved": reserved, ":spent": spent, ":nothing": 0}
    if is_rolled:
        sets["period_begins_at"] = ":begins"
        values[":begins"] = current.period_begins_at or timestamp(moment)
    if account.period_begins_at is None:
        conditions = ["attribute_not_exists(period_begins_at)"]
    else:
        conditions = ["period_begins_at = :read"]
        values[":read"] = account.period_begins_at
    if is_admission:
        values[":most"] = most = allowance.budget_micro_usd - reserved - spent
        conditions.append(
            f"(attribute_not_exists({kept}) OR {kept} <= :most)" if most >= 0 else f"{kept} <= :most"
        )
    expression = "SET " + ", ".join(f"{name} = {value}" for name, value in sets.items())
    return Update(expression, " AND ".join(conditions), values)


def counting_creation(account: Account, allowance: Allowance, moment: datetime) -> Update:
    """Count one more creation; the condition does not hold when the owner has had as many as they may."""
    current = account.at(moment, allowance)
    values: Json = {":creations": [*current.creations, timestamp(moment)]}
    if current.next_creation_at(allowance) is not None:
        # Tried all the same: a repeated request, and one of somebody who has an environment, are told that.
        return Update("SET creations = :creations", "attribute_not_exists(pk)", values)
    condition = "attribute_not_exists(creations)"
    if account.creations:
        condition = "creations = :read"
        values[":read"] = list(account.creations)
    values[":now"] = timestamp(moment)
    begins = "period_begins_at = if_not_exists(period_begins_at, :now)"
    return Update(f"SET creations = :creations, {begins}", condition, values)
