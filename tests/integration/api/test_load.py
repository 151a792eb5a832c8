"""Many users at once: only promised responses, and every accepted command is recorded."""

from __future__ import annotations

from tests.support import load, load_account
from tests.support.api import Api
from tests.support.size import sized

USERS = sized(20, 60)
SECONDS = sized(6, 30)
KINDS = {"create", "run", "extend", "upload"}


def test_users_at_once_get_promised_responses_and_nothing_is_lost(api: Api, url: str) -> None:
    service = api.app.service()
    tokens = {f"user-{number}": api.issuer.token(f"user-{number}") for number in range(USERS)}
    with load_account.sandboxes():
        ticker = load_account.Ticker(service)
        report = load.use(url, tokens, api.contract.document, SECONDS, strict=True, seed=1, kinds=KINDS)
        state = load_account.settled(service, ticker)
    assert report.wrong == []
    assert load.lost(report.accepted, state) == []
    assert load_account.violations(state, service) == []
    assert {command.kind for command in report.accepted} >= KINDS, report.statuses
    assert report.statuses["poll 304"] > 0
