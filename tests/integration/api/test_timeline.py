"""The timeline of an environment: each event with its actor, time and request."""

from __future__ import annotations

from tests.support.api import Api


def actions(api: Api, environment_id: str, **kwargs: object) -> list[str]:
    answer = api.call("GET", f"/environments/{environment_id}/events?limit=100", **kwargs)  # type: ignore[arg-type]
    assert answer.status == 200, answer.body
    return [event["action"] for event in answer.body["items"]]


def test_all_events_are_listed_newest_first(api: Api) -> None:
    environment = api.ready_environment()["id"]
    answer = api.call("GET", f"/environments/{environment}/events")
    items = answer.body["items"]
    assert [item["action"] for item in items] == ["status_changed"] * 3 + ["requested"]
    assert [item["detail"]["to"] for item in items[:3]] == ["READY", "SEEDING", "CREATING"]
    assert [item["changes"] for item in items[:3]] == [
        [{"pointer": "/status", "old": "SEEDING", "new": "READY"}],
        [{"pointer": "/status", "old": "CREATING", "new": "SEEDING"}],
        [{"pointer": "/status", "old": "QUEUED", "new": "CREATING"}],
    ]
    assert items[-1]["actor"] == "ana"
    assert items[-1]["detail"]["mode"] == "learning"
    assert [item["actor"] for item in items[:3]] == ["service"] * 3
    assert not any(item["as_admin"] for item in items)
    assert sorted((item["at"] for item in items), reverse=True) == [item["at"] for item in items]


def test_an_admins_action_for_an_owner_is_recorded(api: Api) -> None:
    environment = api.ready_environment()["id"]
    assert api.call("DELETE", f"/environments/{environment}", owner="root", groups=("admins",)).status == 202
    items = api.call("GET", f"/environments/{environment}/events?limit=100").body["items"]
    [deleted] = [item for item in items if item["action"] == "delete_requested"]
    assert (deleted["actor"], deleted["as_admin"]) == ("root", True)
    assert deleted["request_id"]


def test_new_entries_do_not_shift_a_page(api: Api) -> None:
    environment = api.ready_environment()["id"]
    path = f"/environments/{environment}/events?limit=2"
    first = api.call("GET", path).body
    api.call("DELETE", f"/environments/{environment}")
    second = api.call("GET", f"{path}&cursor={first['next']}").body
    seen = [item["detail"].get("to", "requested") for item in first["items"] + second["items"]]
    assert seen == ["READY", "SEEDING", "CREATING", "requested"]


def test_only_the_owner_and_admins_read_the_timeline(api: Api) -> None:
    environment = api.ready_environment()["id"]
    assert api.call("GET", f"/environments/{environment}/events", owner="ben").status == 404
    assert api.call("GET", f"/environments/{environment}/events", owner=None).status == 401
    assert actions(api, environment, owner="root", groups=("admins",))


def test_a_cursor_of_one_list_is_rejected_by_another(api: Api) -> None:
    ana, ben = api.ready_environment()["id"], api.ready_environment("ben")["id"]
    cursor = api.call("GET", f"/environments/{ana}/events?limit=1").body["next"]
    answer = api.call("GET", f"/environments/{ben}/events?cursor={cursor}", owner="ben")
    assert (answer.status, answer.body["code"]) == (400, "bad_cursor")
    changed = f"{'B' if cursor[0] == 'A' else 'A'}{cursor[1:]}"
    answer = api.call("GET", f"/environments/{ana}/events?cursor={changed}")
    assert (answer.status, answer.body["code"]) == (400, "bad_cursor")
