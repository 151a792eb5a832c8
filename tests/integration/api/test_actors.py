"""Actors in the timeline: users whose names equal those of the service, the schedule or the release."""

from __future__ import annotations

import pytest

from chalicelib.domain.timeline import ActorType, TimelineEvent
from chalicelib.sandbox.seeding import uploaded_files
from chalicelib.storage import items
from tests.support.api import Api
from tests.support.moto_runs import end_in_glue

pytestmark = pytest.mark.usefixtures("runs_end_when_told")


@pytest.mark.parametrize("name", ["service", "schedule", "release", "user"])
def test_an_admin_with_the_name_of_another_actor_is_shown_as_an_admin(api: Api, name: str) -> None:
    path = f"/environments/{api.ready_environment()['id']}"
    assert api.call("PATCH", path, owner=name, groups=("admins",), body={"expires_in_hours": 5}).status == 200
    told = api.call("GET", f"{path}/events").body["items"]
    extended, service, asked = told[0], told[1], told[-1]
    assert (extended["actor"], extended["actor_type"], extended["as_admin"]) == (name, "user", True)
    assert (service["actor"], service["actor_type"], service["as_admin"]) == ("service", "service", False)
    assert (asked["actor"], asked["actor_type"], asked["as_admin"]) == ("ana", "user", False)


def test_runs_show_whether_the_schedule_or_a_user_with_its_name_requested_them(api: Api) -> None:
    environment = api.ready_environment("schedule", job={"schedule": "rate(1 hour)", "timeout_minutes": 2})
    job = environment["outputs"]["job_id"]
    asked = api.call("POST", f"/jobs/{job}/runs", owner="schedule", body={"timeout_minutes": 1}).body
    assert (asked["requested_by"], asked["requested_by_type"]) == ("schedule", "user")
    end_in_glue(job)
    service = api.app.service()
    store, path = service.environments._store, f"/jobs/{job}/runs/{asked['id']}"
    assert api.call("GET", path, owner="schedule").body["status"] == "SUCCEEDED"
    record = store.environment(environment["id"])
    past = "2026-01-01T00:00:00.000Z"
    store.save_environment(record, record.replace(next_run_at=past, due_at=past))
    service.events.tick(seconds=10)
    runs = api.call("GET", f"/jobs/{job}/runs", owner="schedule").body["items"]
    types = {run["requested_by_type"] for run in runs if run["id"] != asked["id"]}
    assert types == {"schedule"} and {run["requested_by"] for run in runs} == {"schedule"}


def test_runs_show_whether_the_service_or_a_user_with_its_name_stopped_them(api: Api) -> None:
    environment = api.ready_environment("service")
    job = environment["outputs"]["job_id"]
    body = {"timeout_minutes": 1}
    first, second = (api.call("POST", f"/jobs/{job}/runs", owner="service", body=body).body for _ in range(2))
    api.call("DELETE", f"/jobs/{job}/runs/{second['id']}", owner="service")
    api.call("DELETE", f"/environments/{environment['id']}", owner="service")
    stopped = {
        run["id"]: (run["stopped_by"], run["stopped_by_type"])
        for run in api.call("GET", f"/jobs/{job}/runs", owner="service").body["items"]
    }
    assert stopped == {first["id"]: ("service", "service"), second["id"]: ("service", "user")}


def test_a_file_of_a_user_named_release_shows_a_user(api: Api) -> None:
    production = {"mode": "production", "job": {"script": "main.py"}}
    environment = api.ready_environment("release", **production)
    path = f"/environments/{environment['id']}/job/files"
    python = {"Content-Type": "text/x-python"}
    put = api.call("PUT", f"{path}/main.py", owner="release", raw=b"print(1)", headers=python)
    assert (put.body["changed_by"], put.body["changed_by_type"]) == ("release", "user")
    files = api.call("GET", path, owner="release").body["items"]
    assert {file["path"]: file["changed_by_type"] for file in files} == {
        "main.py": "user",
        "sot_ecommerce.py": "release",
    }
    record = api.app.service().job_files.listing(
        api.app.service().authenticator.caller(f"Bearer {api.issuer.token('release')}"), environment["id"]
    )
    assert set(uploaded_files(record)) == {"main.py"}, "an upgrade leaves it as it is"


def test_entries_without_actor_types_take_them_from_the_name() -> None:
    item = items.event_item(
        "abcdefgh23", "ana", TimelineEvent("2026-01-01T00:00:00.000Z", "service", "expired")
    )
    del item["actor_type"]
    assert items.event(item).actor_type == ActorType.SERVICE
    assert items.event({**item, "actor": "ana"}).actor_type == ActorType.USER
