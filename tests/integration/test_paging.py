"""Lists in pages: nothing is left out or told twice while things come and go; a cursor is for one list."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from tests.integration.conftest import Api

ADMIN: dict[str, Any] = {"owner": "root", "groups": ("admins",)}


def ask(api: Api, *owners: str) -> None:
    for owner in owners:
        assert api.call("POST", "/environments", owner=owner).status == 202
        time.sleep(0.002)  # created_at is in milliseconds


def page(api: Api, path: str, cursor: str | None = None, **caller: Any) -> tuple[list[str], str | None]:
    answer = api.call("GET", path + (f"&cursor={cursor}" if cursor else ""), **caller)
    assert answer.status == 200, answer.body
    return [item["owner"] for item in answer.body["items"]], answer.body["next"]


def test_what_comes_in_between_shifts_no_page(api: Api) -> None:
    ask(api, "ana", "ben", "cleo", "dan")
    first, cursor = page(api, "/environments?limit=2", **ADMIN)
    ask(api, "eve", "fay")
    second, cursor = page(api, "/environments?limit=2", cursor, **ADMIN)
    assert (first, second) == (["dan", "cleo"], ["ben", "ana"])
    assert cursor is None or page(api, "/environments?limit=2", cursor, **ADMIN) == ([], None)


def test_what_changes_its_status_in_between_is_not_told_twice(api: Api) -> None:
    ask(api, "ana", "ben", "cleo")
    first, cursor = page(api, "/environments?limit=1&status=CREATING", **ADMIN)
    cleo = api.call("GET", "/environments", owner="cleo").body["items"][0]["id"]
    api.stack_event(cleo)
    rest, cursor = page(api, "/environments?limit=9&status=CREATING", cursor, **ADMIN)
    assert (first, rest, cursor) == (["cleo"], ["ben", "ana"], None)
    assert page(api, "/environments?limit=9&status=READY", **ADMIN) == (["cleo"], None)


def test_filters_go_together(api: Api) -> None:
    ask(api, "ana", "ben")
    both = "/environments?limit=9&owner=ben&status=CREATING"
    assert page(api, both, **ADMIN) == (["ben"], None)
    assert page(api, "/environments?limit=9&owner=ben&status=READY", **ADMIN) == ([], None)
    assert page(api, "/environments?limit=9&owner=nobody", **ADMIN) == ([], None)
    assert page(api, both, owner="ana") == ([], None)


@pytest.mark.parametrize(
    ("path", "caller"),
    [
        ("/environments?limit=1&status=READY", ADMIN),  # another filter
        ("/environments?limit=1", {"owner": "ana"}),  # another caller
        ("/environments?limit=1", {"owner": "root"}),  # the same, no longer an admin
        ("/jobs/terraglue-aaaaaaaaaa-x/runs?limit=1", ADMIN),  # another list
    ],
)
def test_a_cursor_is_good_for_its_list_and_caller_alone(api: Api, path: str, caller: dict[str, Any]) -> None:
    ask(api, "ana", "ben")
    _, cursor = page(api, "/environments?limit=1", **ADMIN)
    answer = api.call("GET", f"{path}&cursor={cursor}", **caller)
    assert (answer.status, answer.body["code"]) == (400, "bad_cursor")


def test_a_cursor_that_was_tampered_with_is_refused_wherever_it_was(api: Api) -> None:
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


def test_a_cursor_tells_nothing_and_stays_the_same(api: Api) -> None:
    ask(api, "ana", "ben")
    cursors = {page(api, "/environments?limit=1", **ADMIN)[1] for _ in range(3)}
    [cursor] = cursors
    assert b"ENV" not in base64.urlsafe_b64decode(f"{cursor}===")
