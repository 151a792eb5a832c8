"""Usage: charges and estimates, added up by owner, environment, day, run or query.

What was settled and what is estimated are never added together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from chalicelib.domain.charge import Charge
from chalicelib.domain.estimates import Estimate


class Dimension(StrEnum):
    """What usage is added up by."""

    DAY = "day"
    OWNER = "owner"
    ENVIRONMENT = "environment"
    RUN = "run"
    QUERY = "query"


class Kind(StrEnum):
    """What was charged."""

    RUN = "run"
    QUERY = "query"


@dataclass(frozen=True)
class View:
    """One way to add up the usage of some days: from `begin`, before `end`.

    Its items are in the order of `by`. `kind` is None for runs and queries.
    """

    begin: date
    end: date
    by: tuple[Dimension, ...]
    kind: Kind | None = None

    @property
    def is_listing(self) -> bool:
        """Return whether each run or query has an item of its own. Nothing is estimated for these."""
        return Dimension.RUN in self.by or Dimension.QUERY in self.by

    @property
    def charged_kind(self) -> Kind | None:
        """Return the kind of the charges in this view, or None for all."""
        if Dimension.RUN in self.by:
            return Kind.RUN
        return Kind.QUERY if Dimension.QUERY in self.by else self.kind

    def group(self, charge: Charge) -> Group | None:
        """Return the group of a charge, or None if the view does not have it."""
        if self.charged_kind not in (None, charge.kind):
            return None
        return self._group(charge.day, charge.owner, charge.environment_id, charge)

    def group_of(self, estimate: Estimate) -> Group:
        """Return the group of an estimate."""
        return self._group(estimate.day, estimate.owner, estimate.environment_id)

    def _group(self, day: str, owner: str, environment_id: str, charge: Charge | None = None) -> Group:
        # A run belongs to one environment, and an environment to one owner.
        has_environment = Dimension.ENVIRONMENT in self.by or self.is_listing
        return Group(
            day=day if Dimension.DAY in self.by or self.is_listing else None,
            owner=owner if Dimension.OWNER in self.by or has_environment else None,
            environment_id=environment_id if has_environment else None,
            job_id=charge.job_id if charge and self.is_listing else None,
            run_id=charge.id if charge and Dimension.RUN in self.by else None,
            query_id=charge.id if charge and Dimension.QUERY in self.by else None,
        )


@dataclass(frozen=True)
class Group:
    """What an item adds up. A field is None if the view does not distinguish it."""

    day: str | None = None
    owner: str | None = None
    environment_id: str | None = None
    job_id: str | None = None
    run_id: str | None = None
    query_id: str | None = None


@dataclass
class Amounts:
    """Sums of charges and estimates. A run that was charged twice counts once."""

    runs: set[tuple[str, ...]] = field(default_factory=set)
    queries: set[tuple[str, ...]] = field(default_factory=set)
    dpu_seconds: Decimal = Decimal(0)
    scanned_bytes: int = 0
    glue_micro_usd: int = 0
    athena_micro_usd: int = 0
    kms_micro_usd: Decimal = Decimal(0)
    s3_micro_usd: Decimal = Decimal(0)

    @property
    def settled_micro_usd(self) -> int:
        """Return what the accounts of the owners were charged."""
        return self.glue_micro_usd + self.athena_micro_usd

    def add(self, charge: Charge) -> None:
        """Add a charge."""
        if charge.kind == Kind.RUN:
            self.runs.add(charge.of)
            self.dpu_seconds += Decimal(str(charge.dpu_seconds))
            self.glue_micro_usd += charge.cost_micro_usd
        else:
            self.queries.add(charge.of)
            self.scanned_bytes += charge.scanned_bytes
            self.athena_micro_usd += charge.cost_micro_usd

    def add_estimate(self, estimate: Estimate) -> None:
        """Add an estimate."""
        self.kms_micro_usd += estimate.kms_micro_usd
        self.s3_micro_usd += estimate.s3_micro_usd


@dataclass(frozen=True)
class UsagePage:
    """One page of usage. `next` is the position of the next page, or None.

    `is_complete` is False if estimates leave out the oldest environments.
    """

    items: Sequence[tuple[Group, Amounts]]
    totals: Amounts
    next: dict[str, str] | None
    is_estimated: bool
    is_complete: bool = True


def days(begin: date, end: date) -> list[str]:
    """Return the dates from `begin` before `end`."""
    return [(begin + timedelta(days=n)).isoformat() for n in range((end - begin).days)]
