"""Usage: what owners were charged, and what their environments cost by estimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from chalicelib.clock import Clock, now, parse
from chalicelib.config import Config
from chalicelib.domain import estimates
from chalicelib.domain.caller import Caller
from chalicelib.domain.charge import Charge
from chalicelib.domain.estimates import Estimate, Life
from chalicelib.domain.json_types import Json
from chalicelib.domain.usage import Amounts, Group, UsagePage, View, days
from chalicelib.storage.ledger import charge_key
from chalicelib.storage.releases import Releases
from chalicelib.storage.store import Store

MOST_CHARGES = 20_000
"""Charges that one page reads, about 6 MB: a few seconds of Lambda. The rest is for the next page."""
MOST_LIVES = 2_000
"""Environments of all owners that one page estimates, the newest first."""
_OWN_PAGE = 25
_LATE_DAYS = 2
"""How long after its end a run can still be charged: Glue reports what it bills later."""
_NOTHING: Json = {}


@dataclass(frozen=True)
class Scope:
    """Environments whose usage is shown: those in `lives`, or all if `charged` is None."""

    lives: Sequence[Life]
    charged: Sequence[Life] | None
    is_complete: bool = True


class Usage:
    """Adds up charges and estimates."""

    def __init__(self, config: Config, store: Store, releases: Releases, *, clock: Clock = now) -> None:
        self._config = config
        self._store = store
        self._releases = releases
        self._clock = clock

    def period(self, caller: Caller, owner: str | None) -> tuple[date, date]:
        """Return the default days: those of the owner's budget period, or of the month without an owner."""
        moment = self._clock()
        tomorrow = moment.date() + timedelta(days=1)
        owner = self._owner(caller, owner)
        if owner is None or not caller.may_see(owner):
            return moment.date().replace(day=1), tomorrow
        begins_at = self._store.account(owner).at(moment, self._config.allowance).period_begins_at
        return (parse(begins_at).date() if begins_at else moment.date()), tomorrow

    def page(
        self, caller: Caller, view: View, *, owner: str | None, limit: int, start: Json | None
    ) -> UsagePage:
        """Return one page of usage: the caller's, or for admins that of an owner or of all.

        A page of runs or queries has at most `limit` items. Another one ends with the day on which it has
        `limit` items. Each reads at most `MOST_CHARGES`.
        """
        owner = self._owner(caller, owner)
        if owner is not None and not caller.may_see(owner):
            return UsagePage([], Amounts(), None, is_estimated=False)
        begin = date.fromisoformat(start["day"]) if start else view.begin
        rest = replace(view, begin=begin)
        is_estimated = not view.is_listing and view.kind is None
        scope = self._scope(owner, rest, is_estimated)
        if view.is_listing:
            return self._listing(rest, scope, limit, start or _NOTHING)
        return self._sums(rest, scope, limit, is_estimated, start or _NOTHING)

    def _listing(self, view: View, scope: Scope, limit: int, start: Json) -> UsagePage:
        items: dict[Group, Amounts] = {}
        totals, last, following = Amounts(), None, None
        for number, charge in enumerate(self._charges(view, scope, start.get("after"))):
            group = view.group(charge)
            if last and group not in items and (len(items) == limit or number >= MOST_CHARGES):
                following = {"day": last.day, "after": charge_key(last)}
                break
            last = charge
            if group is not None:
                items.setdefault(group, Amounts()).add(charge)
                totals.add(charge)
        return UsagePage([*items.items()], totals, following, is_estimated=False)

    def _sums(self, view: View, scope: Scope, limit: int, is_estimated: bool, start: Json) -> UsagePage:
        items: dict[Group, Amounts] = {}
        totals, read = Amounts(), 0
        by_day: dict[str, list[Estimate]] = {}
        for estimate in self._estimates(view, scope) if is_estimated else ():
            by_day.setdefault(estimate.day, []).append(estimate)
        following: dict[str, str] | None = None
        after, last = start.get("after"), None
        for day in days(view.begin, view.end):
            if len(items) >= limit or read >= MOST_CHARGES:
                following = {"day": day}
                break
            for charge in self._charges_of(day, scope, after):
                if last and read >= MOST_CHARGES and charge.of != last.of:  # a run stays on one page
                    following = {"day": day, "after": charge_key(last)}
                    break
                read, last = read + 1, charge
                if (group := view.group(charge)) is not None:
                    items.setdefault(group, Amounts()).add(charge)
                    totals.add(charge)
            if following:  # the page with the day's last charge estimates it
                break
            after = None
            for estimate in by_day.get(day, ()):
                items.setdefault(view.group_of(estimate), Amounts()).add_estimate(estimate)
                totals.add_estimate(estimate)
        return UsagePage(
            sorted(items.items(), key=lambda item: [getattr(item[0], name) or "" for name in _ORDER]),
            totals,
            following,
            is_estimated,
            scope.is_complete,
        )

    def _charges(self, view: View, scope: Scope, after: str | None) -> Iterator[Charge]:
        for day in days(view.begin, view.end):
            yield from self._charges_of(day, scope, after)
            after = None

    def _charges_of(self, day: str, scope: Scope, after: str | None = None) -> Iterator[Charge]:
        """Yield the charges of a day in the order of their keys, those up to `after` left out."""
        if scope.charged is None:
            yield from self._store.ledger.charges(day, after=after)
            return
        resumed = after.split("#")[1] if after else ""
        for life in scope.charged:
            if life.id >= resumed and life.created_at[:10] <= day <= _last_charged(life):
                place = after if life.id == resumed else None
                yield from self._store.ledger.charges(day, life.id, after=place)

    def _estimates(self, view: View, scope: Scope) -> Iterator[Estimate]:
        moment = self._clock()
        for life in scope.lives:
            found = self._releases.find(life.release)
            data_bytes = found.data_bytes if found else 0
            yield from estimates.of_days(
                life, data_bytes, self._config.storage_prices, view.begin, view.end, moment
            )

    def _scope(self, owner: str | None, view: View, is_estimated: bool) -> Scope:
        if owner is not None:
            lives = sorted(self._own(owner, view), key=lambda life: life.id)
            return Scope(lives, lives)
        lives, is_complete = self._store.lives(MOST_LIVES) if is_estimated else ([], True)
        return Scope(lives, None, is_complete)

    def _own(self, owner: str, view: View) -> Iterator[Life]:
        """Yield the environments of an owner that existed, or were charged, in the days of a view."""
        begin, end = view.begin.isoformat(), view.end.isoformat()
        # An owner has one environment at a time, so older ones than the first of these are over by then.
        oldest, start = (view.begin - timedelta(days=_LATE_DAYS)).isoformat(), None
        while True:
            page = self._store.environments(owner=owner, status=None, limit=_OWN_PAGE, start=start)
            for life in map(Life.of, page.items):
                is_over = life.deleted_at is not None and life.deleted_at < begin
                if life.created_at < end and (not is_over or _last_charged(life) >= begin):
                    yield life
            start = page.next
            if start is None or (page.items and page.items[-1].created_at < oldest):
                return

    def _owner(self, caller: Caller, owner: str | None) -> str | None:
        if owner is not None:
            return self._config.owner(owner)
        return None if caller.is_admin else caller.owner


_ORDER = ("day", "owner", "environment_id")


def _last_charged(life: Life) -> str:
    """Return the last day on which an environment can have charges, or an empty string.

    Clocks of workers differ, so a charge can be a little later than the last one that was recorded.
    """
    return (parse(life.charged_at) + timedelta(hours=1)).date().isoformat() if life.charged_at else ""
