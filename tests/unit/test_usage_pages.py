"""Pages of usage: where a page of sums ends."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamodb_values import serialize
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.charge import charge_of
from chalicelib.domain.usage import Dimension, View
from chalicelib.storage.ledger import charge_item
from chalicelib.wiring import build
from tests.support import fake_account, records

DAY = date(2026, 1, 1)


def test_charges_of_a_run_are_on_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is charged on two pages would count twice. Environments can have runs of the same ID."""
    account = fake_account.account()
    for number in (1, 2):
        run = records.run(records.environment(number)).replace(completed_at=f"{DAY}T00:50:00.000Z")
        once = run.replace(cost_micro_usd=400, charged_micro_usd=400, version=run.version + 1)
        twice = once.replace(cost_micro_usd=500)
        for old, new in ((run, once), (once, twice)):
            charge: Any = charge_of(old, new, f"{DAY}T00:50:00.000Z")
            account.dynamodb.put(serialize(charge_item(charge)))
    service = build(fake_account.config(Capacity(9, 9)), clock=account.clock, session=account)  # type: ignore[arg-type]
    view = View(DAY, DAY + timedelta(days=1), (Dimension.ENVIRONMENT,))
    whole = service.usage.page(Caller("root", is_admin=True), view, owner=None, limit=100, start=None).totals
    assert (len(whole.runs), whole.glue_micro_usd) == (2, 1000)

    monkeypatch.setattr("chalicelib.services.usage.MOST_CHARGES", 1)
    pages, start = [], None
    while not pages or start:
        page = service.usage.page(Caller("root", is_admin=True), view, owner=None, limit=100, start=start)
        pages.append([(len(sums.runs), sums.glue_micro_usd) for _, sums in page.items if sums.runs])
        start = page.next
    assert pages == [[(1, 500)], [(1, 500)]]
