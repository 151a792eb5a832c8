"""Warnings when an owner has spent parts of their budget.

Only spent money counts: a reservation is usually much higher than the cost of its run. An account records the
highest percentage that its owner was warned of in the period (`Account.warned_percent`), so that each warning
is sent once. If the operator raises the limit, a percentage that is no longer reached is warned of again.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.owner_accounts import Account, Allowance

PERCENTS = (50, 80, 100)


@dataclass(frozen=True)
class BudgetWarning:
    """The owner has spent `percent` of the budget. Of several reached at once, it is the highest."""

    percent: int
    spent_micro_usd: int
    limit_micro_usd: int


def threshold_micro_usd(percent: int, allowance: Allowance) -> int:
    """Return the money that is a percentage of the budget, rounded up, at least a millionth of a dollar."""
    return max(1, -(-allowance.budget_micro_usd * percent // 100))


def reached_percent(spent_micro_usd: int, allowance: Allowance) -> int:
    """Return the highest percentage that some spent money reaches, or 0."""
    return max(
        (percent for percent in PERCENTS if spent_micro_usd >= threshold_micro_usd(percent, allowance)),
        default=0,
    )


def warning(account: Account, allowance: Allowance, spent: int) -> BudgetWarning | None:
    """Return the warning that is due when an account in its current period spends more, or None."""
    warned = min(account.warned_percent, reached_percent(account.spent_micro_usd, allowance))
    after = account.spent_micro_usd + spent
    percent = reached_percent(after, allowance)
    return BudgetWarning(percent, after, allowance.budget_micro_usd) if percent > warned else None


def same_warning(account: Account, allowance: Allowance, spent: int) -> tuple[int, int | None]:
    """Return the range of money spent before for which `warning` returns the same.

    Settlements at the same time do not conflict within these bounds. The most is None above all thresholds. A
    warning contains the spent money, so both are the account's if there is one.
    """
    if warning(account, allowance, spent):
        return account.spent_micro_usd, account.spent_micro_usd
    least, most = 0, None
    for threshold in (threshold_micro_usd(percent, allowance) for percent in PERCENTS):
        for bound in (threshold, threshold - spent):
            if bound <= account.spent_micro_usd:
                least = max(least, bound)
            else:
                most = bound - 1 if most is None else min(most, bound - 1)
    return least, most
