"""`GET /usage`: every view adds up to what the owners' accounts were charged."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.api import Answer, Api
from tests.support.moto_runs import ask, end_in_glue

pytestmark = pytest.mark.usefixtures("runs_end_when_told")

ADMIN = {"owner": "root", "groups": ("admins",)}
SMALL = {"number_of_workers": 2, "timeout_minutes": 10}
VIEWS = ("day", "owner", "environment", "run", "query", "day,owner", "environment,day", "owner,environment")


def usage(api: Api, query: str = "", **who: Any) -> dict[str, Any]:
    answer = api.call("GET", f"/usage{query}", **who)
    assert answer.status == 200, answer.body
    return answer.body


def rows(answer: Answer) -> list[dict[str, str]]:
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    text = answer.body.decode() if isinstance(answer.body, bytes) else answer.body
    return [*csv.DictReader(io.StringIO(text, newline=""))]


def spend(api: Api, owner: str, *seconds: int) -> dict[str, Any]:
    """An environment whose owner has runs of some seconds. Each costs 5 DPU-seconds per second."""
    environment = api.ready_environment(owner)
    job = environment["outputs"]["job_id"]
    for each in seconds:
        asked = ask(api, job, owner=owner, body=SMALL)
        assert asked.status == 202, asked.body
        end_in_glue(job, seconds=each)
        assert api.call("GET", asked.headers["Location"], owner=owner).body["status"] == "SUCCEEDED"
    return environment


@pytest.fixture
def spent(api: Api) -> dict[str, dict[str, Any]]:
    return {"ana": spend(api, "ana", 60, 90, 61), "=bo@school.example": spend(api, "=bo@school.example", 77)}


def micro(amounts: list[float]) -> int:
    return sum(round(amount * 1_000_000) for amount in amounts)


def test_every_view_adds_up_to_the_accounts_and_the_runs(api: Api, spent: dict[str, Any]) -> None:
    accounts = {
        owner: micro([api.call("GET", "/me", owner=owner).body["budget"]["spent_usd"]]) for owner in spent
    }
    for owner, environment in spent.items():
        listed = api.call("GET", f"/jobs/{environment['outputs']['job_id']}/runs", owner=owner).body["items"]
        assert micro([run["cost_usd"] for run in listed]) == accounts[owner]
    for by in VIEWS:
        for owner in spent:
            own, named = (
                usage(api, f"?by={by}", owner=owner),
                usage(api, f"?by={by}&{named_as(owner)}", **ADMIN),
            )
            for body in (own, named):
                assert settled(body) == (0 if by == "query" else accounts[owner]), (by, owner)
        everyone = usage(api, f"?by={by}", **ADMIN)
        assert settled(everyone) == (0 if by == "query" else sum(accounts.values())), by
        shown = {item["owner"] for item in everyone["items"]}
        assert shown == (set() if by == "query" else {None} if by == "day" else {*spent}), by


def named_as(owner: str) -> str:
    return urlencode({"owner": owner})


def settled(body: dict[str, Any]) -> int:
    total = micro([body["totals"]["settled_usd"]])
    assert micro([item["settled_usd"] for item in body["items"]]) == total
    return total


def test_a_view_shows_what_it_adds_up_by(api: Api, spent: dict[str, Any]) -> None:
    ana = spent["ana"]
    body = usage(api, "?by=run")
    assert [(i["environment_id"], i["job_id"], i["runs"]) for i in body["items"]] == [
        (ana["id"], ana["outputs"]["job_id"], 1)
    ] * 3
    assert sorted(item["dpu_seconds"] for item in body["items"]) == [300.0, 305.0, 450.0]
    assert {item["estimated_kms_usd"] for item in body["items"]} == {None}
    [day] = usage(api)["items"]
    assert (day["owner"], day["environment_id"], day["runs"], day["dpu_seconds"]) == (None, None, 3, 1055.0)
    assert day["day"] == api.app.service().clock().date().isoformat()
    assert usage(api, "?by=environment&kind=query")["items"] == []
    assert {rule["basis"] for rule in body["rules"]} == {"settled", "estimated"}


def test_users_see_their_own_usage_only(api: Api, spent: dict[str, Any]) -> None:
    assert usage(api, "?by=owner&owner=ana", owner="bo")["items"] == []
    assert usage(api, "?by=run", owner="bo")["items"] == []
    assert {item["owner"] for item in usage(api, "?by=owner")["items"]} == {"ana"}


def test_csv_has_the_fields_of_the_json_and_no_formulas(api: Api, spent: dict[str, Any]) -> None:
    accept = {"Accept": "text/csv"}
    for by in VIEWS:
        found = rows(api.call("GET", f"/usage?by={by}", headers=accept, **ADMIN))
        items = usage(api, f"?by={by}&kind=run", **ADMIN)["items"]
        if by == "query":
            continue
        assert micro([float(row["settled_usd"]) for row in found]) == micro([i["settled_usd"] for i in items])
        assert [*found[0]] and {*found[0]} == {*items[0]}
    owners = rows(api.call("GET", "/usage?by=owner", headers=accept, **ADMIN))
    assert [row["owner"] for row in owners] == ["'=bo@school.example", "ana"]
    assert owners[1]["settled_usd"] == f"{usage(api)['totals']['settled_usd']:.6f}"
    assert owners[1]["run_id"] == ""
    some = rows(api.call("GET", "/usage?by=owner&fields=settled_usd,owner", headers=accept, **ADMIN))
    assert [[*row] for row in some] == [["owner", "settled_usd"]] * 2


def test_pages_of_runs_follow_each_other_in_json_and_csv(api: Api, spent: dict[str, Any]) -> None:
    found, cursor = [], ""
    while cursor is not None:
        page = usage(api, f"?by=run&limit=1{cursor and '&cursor='}{cursor}", **ADMIN)
        found += [item["run_id"] for item in page["items"]]
        cursor = page["next"]
    assert len({*found}) == len(found) == 4
    listed, link = [], "/usage?by=run&limit=3"
    while link:
        answer = api.call("GET", link, headers={"Accept": "text/csv"}, **ADMIN)
        listed += [row["run_id"] for row in rows(answer)]
        link = answer.headers.get("Link", "").partition(">")[0][1:]
    assert listed == found
    assert api.call("GET", f"/usage?by=run&cursor={page['next'] or 'x'}", **ADMIN).status == 400


WRONG = [
    ("from=2026-01-01&to=2026-01-01", "to", "after 2026-01-01"),
    ("from=2026-01-01&to=2026-04-04", "to", "at most 92 days"),
    ("from=2026-02-30", "from", "a date that exists"),
    ("from=yesterday", "from", "a date such as"),
    ("from=0001-01-01", "from", "a date such as"),
    ("by=week", "by", "one or more of day"),
    ("by=day,day", "by", "not repeat"),
    ("by=run,day", "by", "stand alone"),
    ("kind=lunch", "kind", "'run' or 'query'"),
    ("limit=5001", "limit", "at most 5000"),
    ("begin=2026-01-01", "begin", "Unknown parameter"),
]


@pytest.mark.parametrize("by", ["day", "owner", "environment,day", "run"])
def test_a_page_reads_a_limited_number_of_charges(
    api: Api, spent: dict[str, Any], by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Estimates grow from request to request, so the clock stands still, days later.
    today = api.app.service().clock()
    now = today + timedelta(days=3, hours=12)
    monkeypatch.setattr(api.app.service().usage, "_clock", lambda: now)
    asked = f"?by={by}&from={today.date() - timedelta(days=1)}&to={now.date() + timedelta(days=1)}"
    whole = usage(api, asked, **ADMIN)["totals"]
    monkeypatch.setattr("chalicelib.services.usage.MOST_CHARGES", 3)
    pages = [usage(api, asked, **ADMIN)]
    while cursor := pages[-1]["next"]:
        pages.append(usage(api, f"{asked}&cursor={cursor}", **ADMIN))

    assert [page["totals"]["runs"] for page in pages] == [3, 1]
    assert micro([page["totals"]["settled_usd"] for page in pages]) == micro([whole["settled_usd"]])
    for name in ("estimated_kms_usd", "estimated_s3_usd"):
        found = [page["totals"][name] for page in pages]
        # Each page rounds its fractions of a microdollar.
        assert found == [None, None] if whole[name] is None else abs(micro([*found, -whole[name]])) <= 1, name


def test_exactly_the_documented_dimensions_are_accepted(api: Api) -> None:
    parameters = api.contract.document["paths"]["/usage"]["get"]["parameters"]
    [documented] = [each["schema"]["enum"] for each in parameters if each["name"] == "by"]
    names = ("day", "owner", "environment", "run", "query")
    tried = [",".join(each) for count in (1, 2, 3) for each in product(names, repeat=count)]
    accepted = [by for by in tried if api.call("GET", f"/usage?by={by}", **ADMIN).status == 200]
    assert sorted(accepted) == sorted(documented)


def test_wrong_parameters_are_refused(api: Api) -> None:
    for query, parameter, words in WRONG:
        answer = api.call("GET", f"/usage?{query}")
        assert answer.status == 422, query
        [problem] = answer.body["errors"]
        assert problem["parameter"] == parameter and words in problem["detail"], query


def test_estimates_grow_with_the_life_of_an_environment(api: Api) -> None:
    environment = api.ready_environment()
    now = api.app.service().clock
    ready_at = now()
    api.app.service().usage._clock = lambda: ready_at + timedelta(days=3, hours=12)
    begin = ready_at.date().isoformat()
    end = (ready_at.date() + timedelta(days=10)).isoformat()
    body = usage(api, f"?by=environment&from={begin}&to={end}")
    [item] = body["items"]
    assert item["environment_id"] == environment["id"]
    assert item["settled_usd"] == 0
    assert item["estimated_kms_usd"] == pytest.approx(84 / 730, abs=1e-4)
    assert body["totals"]["estimated_kms_usd"] == item["estimated_kms_usd"]
    days = usage(api, f"?from={begin}&to={end}")["items"]
    assert sum(day["estimated_kms_usd"] for day in days) == pytest.approx(item["estimated_kms_usd"], abs=1e-5)
    assert len(days) in (4, 5)
