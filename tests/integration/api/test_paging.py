"""Pagination while items are added and removed."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from tests.support.api import Api

ADMIN: dict[str, Any] = {"owner": "root", "groups": ("admins",)}


def ask(api: Api, *owners: str) -> None:
    for owner in owners:
        assert api.call("POST", "/environments", owner=owner).status == 202
        time.sleep(0.002)  # created_at is in milliseconds


def page(api: Api, path: str, cursor: str | None = None, **caller: Any) -> tuple[list[str], str | None]:
    answer = api.call("GET", path + (f"&cursor={cursor}" if cursor else ""), **caller)
    assert answer.status == 200, answer.body
    return [item["owner"] for item in answer.body["items"]], answer.body["next"]


def test_items_added_between_pages_shift_no_page(api: Api) -> None:
    ask(api, "ana", "ben", "cleo", "dan")
    first, cursor = page(api, "/environments?limit=2", **ADMIN)
    ask(api, "eve", "fay")
    second, cursor = page(api, "/environments?limit=2", cursor, **ADMIN)
    assert (first, second) == (["dan", "cleo"], ["ben", "ana"])
    assert cursor is None or page(api, "/environments?limit=2", cursor, **ADMIN) == ([], None)


def test_an_item_whose_status_changes_between_pages_is_returned_once(api: Api) -> None:
    ask(api, "ana", "ben", "cleo")
    first, cursor = page(api, "/environments?limit=1&status=CREATING", **ADMIN)
    cleo = api.call("GET", "/environments", owner="cleo").body["items"][0]["id"]
    api.stack_event(cleo)
    rest, cursor = page(api, "/environments?limit=9&status=CREATING", cursor, **ADMIN)
    assert (first, rest, cursor) == (["cleo"], ["ben", "ana"], None)
    assert page(api, "/environments?limit=9&status=READY", **ADMIN) == (["cleo"], None)


def test_filters_can_be_combined(api: Api) -> None:
    ask(api, "ana", "ben")
    both = "/environments?limit=9&owner=ben&status=CREATING"
    assert page(api, both, **ADMIN) == (["ben"], None)
    assert page(api, "/environments?limit=9&owner=ben&status=READY", **ADMIN) == ([], None)
    assert page(api, "/environments?limit=9&owner=nobody", **ADMIN) == ([], None)
    assert page(api, both, owner="ana") == ([], None)


def test_jobs_are_listed_with_their_environments(api: Api) -> None:
    ask(api, "ana", "ben", "cleo")
    found = api.call("GET", "/environments?limit=9", **ADMIN).body["items"]
    cleo, ben, ana = (f"terraglue-{each['id']}-sot-ecommerce-br" for each in found)

    def jobs(query: str = "", **caller: Any) -> tuple[list[str], str | None]:
        answer = api.call("GET", f"/jobs{query}", **caller)
        assert answer.status == 200, answer.body
        return [job["id"] for job in answer.body["items"]], answer.body["next"]

    assert jobs(owner="ana") == ([ana], None)
    assert jobs(**ADMIN) == ([cleo, ben, ana], None)
    first, cursor = jobs("?limit=2", **ADMIN)
    assert first == [cleo, ben] and cursor is not None
    assert jobs(f"?limit=2&cursor={cursor}", **ADMIN)[0] == [ana]
    assert jobs("?owner=ben", **ADMIN) == ([ben], None)
    assert jobs(f"?environment={found[1]['id']}", **ADMIN) == ([ben], None)
    assert jobs(f"?environment={found[1]['id']}", owner="ana") == ([], None)
    assert jobs(f"?environment={found[1]['id']}&owner=ana", **ADMIN) == ([], None)
    assert jobs("?environment=aaaaaaaaaa", **ADMIN) == ([], None)
    assert api.call("GET", "/jobs?environment=x", owner="ana").status == 422
    shown = api.call("GET", "/jobs", owner="ana").body["items"]
    assert shown == [api.call("GET", f"/jobs/{ana}", owner="ana").body]


def test_a_deleted_environment_has_no_job(api: Api) -> None:
    environment = api.ready_environment("ana")["id"]
    assert len(api.call("GET", "/jobs").body["items"]) == 1
    api.call("DELETE", f"/environments/{environment}")
    api.stack_event(environment)
    assert api.call("GET", "/jobs").body == {"items": [], "next": None}
    assert api.call("GET", f"/jobs?environment={environment}").body["items"] == []


@pytest.mark.parametrize(
    ("path", "caller"),
    [
        ("/environments?limit=1&status=READY", ADMIN),  # another filter
        ("/environments?limit=1", {"owner": "ana"}),  # another caller
        ("/environments?limit=1", {"owner": "root"}),  # the same, no longer an admin
        ("/jobs/terraglue-aaaaaaaaaa-x/runs?limit=1", ADMIN),  # another list
    ],
)
def test_a_cursor_is_valid_for_its_list_and_caller_only(api: Api, path: str, caller: dict[str, Any]) -> None:
    ask(api, "ana", "ben")
    _, cursor = page(api, "/environments?limit=1", **ADMIN)
    answer = api.call("GET", f"{path}&cursor={cursor}", **caller)
    assert (answer.status, answer.body["code"]) == (400, "bad_cursor")


def test_a_modified_cursor_is_rejected_whichever_part_was_changed(api: Api) -> None:
    ask(api, "ana", "ben")
    _, cursor = page(api, "/environments?limit=1", **ADMIN)
    assert cursor is not None
    for place in range(0, len(cursor), 7):
        other = "A" if cursor[place] != "A" else "B"
        changed = cursor[:place] + other + cursor[place + 1 :]
        answer = api.call("GET", f"/environments?limit=1&cursor={changed}", **ADMIN)
        assert (answer.status, answer.body["code"]) == (400, "bad_cursor"), place
    for changed in (f"{cursor}%3D", f"{cursor}=", cursor[:-1] + chr(ord(cursor[-1]) ^ 1), cursor[4:]):
        answer = api.call("GET", f"/environments?limit=1&cursor={changed}", **ADMIN)
        assert (answer.status, answer.body["code"]) == (400, "bad_cursor"), changed


def test_a_cursor_is_opaque_and_stable(api: Api) -> None:
    ask(api, "ana", "ben")
    cursors = {page(api, "/environments?limit=1", **ADMIN)[1] for _ in range(3)}
    [cursor] = cursors
    assert b"ENV" not in base64.urlsafe_b64decode(f"{cursor}===")


def forged(api: Api, place: dict[str, str], *scope: str | bool | None) -> str:
    """A cursor forged with the service's secret."""
    made = api.app.service().cursors.encode(place, scope)
    assert made is not None
    return str(made)


@pytest.mark.parametrize("to", ["mine", "theirs"])
def test_a_forged_cursor_does_not_bypass_ownership(api: Api, to: str) -> None:
    mine, theirs = api.ready_environment("ana"), api.ready_environment("ben")
    job = theirs["outputs"]["job_id"]
    assert api.call("POST", f"/jobs/{job}/runs", owner="ben").status == 202
    pk = f"ENV#{(mine if to == 'mine' else theirs)['id']}"
    lists = {
        f"/environments/{theirs['id']}/events": ("events", "ana", False, theirs["id"]),
        f"/jobs/{job}/runs": ("runs", "ana", False, job),
    }
    for path, scope in lists.items():
        for sk in ("EVENT#9", "EVENT#0", "RUN#z", "RUN#2"):
            cursor = forged(api, {"pk": pk, "sk": sk}, *scope)
            answer = api.call("GET", f"{path}?cursor={cursor}")
            assert answer.status in (400, 404), (path, sk, answer.body)
    scope = ("logs", "ana", False, job, "2" * 16, "output")
    cursor = forged(api, {"token": "f/1"}, *scope)
    assert api.call("GET", f"/jobs/{job}/runs/{'2' * 16}/logs?cursor={cursor}").status == 404


def test_an_exhausted_cursor_still_requires_its_owner(api: Api) -> None:
    mine = api.ready_environment("ana")
    for path, kind, name in (
        (f"/environments/{mine['id']}/events", "events", mine["id"]),
        (f"/jobs/{mine['outputs']['job_id']}/runs", "runs", mine["outputs"]["job_id"]),
    ):
        end = {"pk": f"ENV#{mine['id']}", "sk": "EVENT#0" if kind == "events" else "RUN#0"}
        own = api.call("GET", f"{path}?cursor={forged(api, end, kind, 'ana', False, name)}")
        assert (own.status, own.body["items"]) == (200, [])
        assert (
            api.call("GET", f"{path}?cursor={forged(api, end, kind, 'ben', False, name)}", owner="ben").status
            == 404
        )


def test_an_impossible_run_id_is_not_found(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    for name in ("x" * 3000, "%00", "RUN%23", "A" * 16):
        for path in (f"/jobs/{job}/runs/{name}", f"/jobs/{job}/runs/{name}/logs"):
            assert api.call("GET", path).status == 404


def test_every_list_returns_the_requested_fields_only(api: Api) -> None:
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    api.call("POST", f"/jobs/{job}/runs")
    own = f"/environments/{environment['id']}"
    for path, names in (
        ("/environments", ("id", "links")),
        ("/jobs", ("id", "links")),
        (f"/jobs/{job}/runs", ("id", "status")),
        (f"{own}/events", ("at", "action")),
    ):
        response = api.client.http.get(
            f"{path}?limit=1&fields={','.join(names)}",
            headers={"Authorization": f"Bearer {api.issuer.token('ana')}"},
        )
        body = response.json_body
        assert [set(item) for item in body["items"]] == [set(names)], path
        assert set(body) == {"items", "next"}
        refused = api.call("GET", f"{path}?fields=nope")
        assert (refused.status, refused.body["errors"][0]["parameter"]) == (422, "fields")
