"""Conditional changes of job files on moto: If-Match and If-None-Match."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from tests.support.api import Api

OLD, NEW, OTHER = b"print(1)\n", b"print(2)\n", b"print(3)\n"


def matching(body: bytes) -> dict[str, str]:
    return {"If-Match": f'"{sha256(body).hexdigest()}"'}


def send(api: Api, method: str, environment: str, body: bytes | None = None, **headers: str) -> Any:
    return api.call(
        method, f"/environments/{environment}/job/files/helpers.py", raw=body or b"", headers=headers
    )


def with_file(api: Api) -> str:
    environment = api.ready_environment(mode="production", job={"script": "main.py"})["id"]
    assert send(api, "PUT", environment, OLD).status == 201
    return str(environment)


def digest(api: Api, environment: str) -> str | None:
    files = api.call("GET", f"/environments/{environment}/job/files").body["items"]
    return next((file["sha256"] for file in files if file["path"] == "helpers.py"), None)


def events(api: Api, environment: str) -> list[str]:
    items = api.call("GET", f"/environments/{environment}/events").body["items"]
    return [event["action"] for event in items if event["action"].startswith("job_file")]


def test_a_save_replaces_only_the_content_that_was_opened(api: Api) -> None:
    environment = with_file(api)
    assert send(api, "PUT", environment, NEW, **matching(OLD)).status == 200
    refused = send(api, "PUT", environment, OTHER, **matching(OLD))
    assert refused.status == 412
    assert refused.body["code"] == "precondition_failed"
    assert refused.body["detail"].startswith("helpers.py was changed by ana at 2")
    assert digest(api, environment) == sha256(NEW).hexdigest()


def test_a_repeated_save_succeeds_and_is_recorded_once(api: Api) -> None:
    environment = with_file(api)
    for _ in range(2):
        assert send(api, "PUT", environment, NEW, **matching(OLD)).status == 200
    assert events(api, environment) == ["job_file_put", "job_file_put"]


def test_a_new_file_does_not_replace_one_that_exists(api: Api) -> None:
    environment = with_file(api)
    assert send(api, "PUT", environment, NEW, **{"If-None-Match": "*"}).status == 412
    assert digest(api, environment) == sha256(OLD).hexdigest()


def test_a_deletion_spares_a_file_that_somebody_changed(api: Api) -> None:
    environment = with_file(api)
    assert send(api, "DELETE", environment, **matching(NEW)).status == 412
    assert digest(api, environment) == sha256(OLD).hexdigest()
    assert send(api, "DELETE", environment, **matching(OLD)).status == 204
    gone = send(api, "PUT", environment, NEW, **matching(OLD))
    assert (gone.status, gone.body["detail"]) == (412, "helpers.py does not exist, or was deleted.")


def test_a_star_matches_any_file_that_exists(api: Api) -> None:
    environment = with_file(api)
    assert send(api, "PUT", environment, NEW, **{"If-Match": "*"}).status == 200
    assert send(api, "DELETE", environment, **{"If-Match": "*"}).status == 204
    assert send(api, "PUT", environment, NEW, **{"If-Match": "*"}).status == 412
