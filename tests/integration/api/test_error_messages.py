"""Error messages and explanations in responses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Api


def test_a_deleted_environment_is_not_described_as_being_deleted(api: Api) -> None:
    environment = api.ready_environment()
    path, job = f"/environments/{environment['id']}", environment["outputs"]["job_id"]
    api.call("DELETE", path)
    for answer in (
        api.call("PATCH", path, body={"expires_in_hours": 5}),
        api.call("POST", f"{path}/reset"),
        api.call("POST", f"{path}/retry"),
        api.call("POST", f"/jobs/{job}/runs"),
        api.call("GET", f"{path}/tables"),
    ):
        going = answer.body["detail"]
        assert answer.status == 409
        assert "being deleted" in going or "DELETING" in going or "DELETED" in going, going
        assert "READY;" not in going, going
    api.stack_event(environment["id"])
    assert api.call("GET", path).body["status"] == "DELETED"
    for answer in (
        api.call("PATCH", path, body={"expires_in_hours": 5}),
        api.call("PATCH", path, body={"release": "latest"}),
        api.call("POST", f"{path}/reset"),
        api.call("POST", f"{path}/retry"),
        api.call("POST", f"/jobs/{job}/runs"),
        api.call("GET", f"{path}/tables"),
    ):
        assert (answer.status, "is DELETED" in answer.body["detail"]) == (409, True), answer.body


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=0", [("limit", "Must be at least 1.")]),
        ("colour=red", [("colour", "Unknown parameter. Check the spelling or remove it.")]),
        (
            "limit=x&colour=a",
            [
                ("limit", "Must be an integer."),
                ("colour", "Unknown parameter. Check the spelling or remove it."),
            ],
        ),
        ("limit=1&limit=2", [("limit", "Send this parameter only once.")]),
        ("owner=", [("owner", "Must have at least 1 character(s).")]),
    ],
)
def test_an_invalid_parameter_is_described_as_a_parameter(
    api: Api, query: str, expected: list[tuple[str, str]]
) -> None:
    answer = api.call("GET", f"/environments?{query}")
    assert (answer.status, answer.body["code"]) == (422, "invalid_fields")
    assert [(error["parameter"], error["detail"]) for error in answer.body["errors"]] == expected
    assert all("pointer" not in error for error in answer.body["errors"])
    many = len(expected) > 1
    assert answer.body["detail"] == (
        f"{len(expected)} parameters are invalid." if many else "One parameter is invalid."
    )


@pytest.mark.parametrize("key", ["x" * 256, "a b", "", "\t", "é"])
def test_an_invalid_header_is_named(api: Api, key: str) -> None:
    answer = api.call("POST", "/environments", headers={"Idempotency-Key": key})
    assert answer.status == 422
    assert answer.body["errors"][0]["parameter"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b"{", 1, 2),
        (b'{"a": 1,\n "b": }', 2, 7),
        (b'{\n"a": 1\n"b": 2}', 3, 1),
        (b"[1, 2", 1, 6),
        (b'{"a": tru}', 1, 7),
        (b"nonsense", 1, 1),
        (b'{}\n{"a": 1}', 2, 1),
        (b'{"a":\n "\xff"}', 2, 3),
    ],
)
def test_invalid_json_returns_line_and_column(api: Api, raw: bytes, line: int, column: int) -> None:
    answer = api.call("POST", "/environments", raw=raw)
    assert (answer.status, answer.body["code"]) == (400, "invalid_json")
    assert (answer.body["line"], answer.body["column"]) == (line, column), answer.body
    assert f"Line {line}, column {column}: " in answer.body["detail"]


def names(value: Any) -> set[str]:
    """The field names in a JSON value, at any depth."""
    if isinstance(value, list):
        return set().union(*map(names, value))
    if isinstance(value, dict):
        return set(value) | set().union(*map(names, value.values()))
    return set()


def test_the_timeline_shows_amounts_in_dollars(api: Api) -> None:
    environment = api.ready_environment()
    job, path = environment["outputs"]["job_id"], f"/environments/{environment['id']}"
    run = api.call("POST", f"/jobs/{job}/runs", body={"number_of_workers": 2, "timeout_minutes": 3}).body
    for _ in range(3):  # moto advances and ends the run when it is described
        api.call("GET", run["links"]["self"])
    events = api.call("GET", f"{path}/events?limit=100").body
    assert not [name for name in names(events) if "micro" in name]
    [asked] = [event["detail"] for event in events["items"] if event["action"] == "run_requested"]
    assert asked["max_cost_usd"] == run["max_cost_usd"] > 0
    [ended] = [event["detail"] for event in events["items"] if event["action"] == "run_ended"]
    assert ended["cost_usd"] == api.call("GET", run["links"]["self"]).body["cost_usd"]


def test_a_custom_job_is_not_described_as_building_the_releases_table(api: Api) -> None:
    environment = api.ready_environment(mode="production", job={"script": "main.py"})
    job = api.call("GET", f"/jobs/{environment['outputs']['job_id']}").body
    assert job["description"] == "Runs the sandbox's own script"
    learning = api.ready_environment("ben")
    job = api.call("GET", f"/jobs/{learning['outputs']['job_id']}", owner="ben").body
    assert job["description"].startswith("Builds the table tbsot_ecommerce_br")
    own = api.ready_environment("cleo", mode="production", job={"script": "main.py", "description": "Mine"})
    assert own["settings"]["job"]["description"] == "Mine"


def test_a_path_that_is_too_deep_is_rejected_with_the_rule(api: Api) -> None:
    environment = api.ready_environment(mode="production", job={"script": "main.py"})
    files = f"/environments/{environment['id']}/job/files"
    assert api.call("PUT", f"{files}/a/b/c/d/e/f/g/main.py", raw=b"").status == 201
    answer = api.call("PUT", f"{files}/a/b/c/d/e/f/g/h/main.py", raw=b"")
    assert (answer.status, answer.body["code"]) == (422, "invalid_fields")
    [wrong] = answer.body["errors"]
    assert (wrong["parameter"], "at most 7 folders" in wrong["detail"]) == ("path", True)
    assert api.call("PUT", f"{files}/a/b/c/d/e/f/g/h/main.py", raw=b"", owner="ben").status == 404
