"""Updates of an owner's account: UpdateItem expressions for money, warnings and creations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.clock import timestamp
from chalicelib.domain.budget_warnings import BudgetWarning, same_warning, warning
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Account, Allowance

_OR_ZERO = "if_not_exists({0}, :nothing)"


@dataclass(frozen=True)
class AccountUpdate:
    """A change of an account, as the elements of an UpdateItem call, and the warning that it causes."""

    expression: str
    condition: str
    values: Json
    warning: BudgetWarning | None = None


def charging(
    account: Account, allowance: Allowance, moment: datetime, *, reserved: int, spent: int, is_new_run: bool
) -> AccountUpdate:
    """Return the update that adds to the reserved and the spent money of an account.

    The same write starts a new period if the account's period is over, and records the warning that spending
    causes. The update requires that the period is the one in `account`, and, for a new run, that the budget
    covers it. If money is spent, it also requires that the spent money and the last warning lead to the same
    warning as those in `account`, so that of several settlements at once exactly one causes a warning.
    """
    current = account.at(moment, allowance)
    is_rolled = current.period_begins_at != account.period_begins_at or account.period_begins_at is None
    # A condition of DynamoDB cannot add two attributes, so the record also has the sum of both. The sum comes
    # first, because an engine that sets attributes one by one would otherwise read the changed ones.
    kept = "reserved_micro_usd" if is_rolled else "committed_micro_usd"
    sets = {
        "committed_micro_usd": f"{_OR_ZERO.format(kept)} + :committed",
        "reserved_micro_usd": f"{_OR_ZERO.format('reserved_micro_usd')} + :reserved",
        "spent_micro_usd": ":spent" if is_rolled else f"{_OR_ZERO.format('spent_micro_usd')} + :spent",
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
    due = warning(current, allowance, spent) if spent else None
    if spent and not is_rolled:
        conditions += _same_warning(account, allowance, spent, values)
    if due or is_rolled:
        sets["warned_percent"], values[":warned"] = ":warned", due.percent if due else 0
    if is_new_run:
        values[":most"] = most = allowance.budget_micro_usd - reserved - spent
        conditions.append(
            f"(attribute_not_exists({kept}) OR {kept} <= :most)" if most >= 0 else f"{kept} <= :most"
        )
    expression = "SET " + ", ".join(f"{name} = {value}" for name, value in sets.items())
    return AccountUpdate(expression, " AND ".join(conditions), values, due)


def _same_warning(account: Account, allowance: Allowance, spent: int, values: Json) -> list[str]:
    """Return the conditions under which a settlement causes the same warning, and add their values."""
    least, most = same_warning(account, allowance, spent)
    values[":read_warned"] = account.warned_percent
    conditions = [_as_read("warned_percent", "=", ":read_warned", account.warned_percent == 0)]
    if least > 0:
        values[":least_spent"] = least
        conditions.append("spent_micro_usd >= :least_spent")
    if most is not None:
        values[":most_spent"] = most
        conditions.append(_as_read("spent_micro_usd", "<=", ":most_spent", least <= 0))
    return conditions


def _as_read(name: str, operator: str, value: str, may_be_absent: bool) -> str:
    """Return the condition on an attribute, whose absence stands for 0."""
    condition = f"{name} {operator} {value}"
    return f"(attribute_not_exists({name}) OR {condition})" if may_be_absent else condition


def counting_creation(account: Account, allowance: Allowance, moment: datetime) -> AccountUpdate:
    """Return the update that adds a creation. Its condition fails if the daily limit is reached."""
    current = account.at(moment, allowance)
    values: Json = {":creations": [*current.creations, timestamp(moment)]}
    if current.next_creation_at(allowance) is not None:
        # The transaction still runs: its other conditions detect a repeated request or an existing
        # environment.
        return AccountUpdate("SET creations = :creations", "attribute_not_exists(pk)", values)
    condition = "attribute_not_exists(creations)"
    if account.creations:
        condition = "creations = :read"
        values[":read"] = list(account.creations)
    values[":now"] = timestamp(moment)
    begins = "period_begins_at = if_not_exists(period_begins_at, :now)"
    return AccountUpdate(f"SET creations = :creations, {begins}", condition, values)
