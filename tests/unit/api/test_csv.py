"""CSV text of response bodies."""

from __future__ import annotations

from chalicelib.api.presenters.cohorts import members_csv
from chalicelib.api.responses import CohortMember, MemberLinks
from chalicelib.domain.cohort import Outcome


def test_money_has_six_decimals_and_no_exponent() -> None:
    member = CohortMember(
        owner="=pia",
        outcome=Outcome.DONE,
        code=None,
        detail=None,
        environment_id=None,
        status=None,
        is_frozen=False,
        expires_at=None,
        spent_usd=0.000003,
        job_id=None,
        links=MemberLinks(environment=None, runs=None),
    )
    header, row = members_csv([member]).splitlines()
    assert header.startswith("owner,environment_id,status,is_frozen,expires_at,spent_usd,")
    assert row == "'=pia,,,false,,0.000003,,,,DONE,,"
