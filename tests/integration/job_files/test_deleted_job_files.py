"""DELETE of job files on moto."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from chalicelib.domain.caller import Caller
from chalicelib.errors import JobFileInUse, NotFound
from tests.support.api import Api

SCRIPT = b"print(1)\n"


@pytest.fixture
def environment(api: Api) -> str:
    """An environment whose script and library are uploaded."""
    made = api.ready_environment(mode="production", job={"script": "main.py", "extra_files": ["lib.py"]})
    for path in ("main.py", "lib.py", "src/old.py"):
        assert call(api, made["id"], "PUT", path, raw=SCRIPT).status == 201
    return str(made["id"])


def call(api: Api, environment_id: str, method: str, path: str, **kwargs: Any) -> Any:
    return api.call(method, f"/environments/{environment_id}/job/files/{path}", **kwargs)


def keys(environment_id: str) -> set[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=f"terraglue-{environment_id}-glue-assets")
    return {item["Key"] for item in listed["Contents"]}


def paths(api: Api, environment_id: str) -> list[str]:
    listed = api.call("GET", f"/environments/{environment_id}/job/files").body["items"]
    return [file["path"] for file in listed]


def test_a_deleted_file_is_gone_from_the_list_and_from_the_bucket(api: Api, environment: str) -> None:
    before = next(
        file["sha256"]
        for file in api.call("GET", f"/environments/{environment}/job/files").body["items"]
        if file["path"] == "src/old.py"
    )
    answer = call(api, environment, "DELETE", "src/old.py")
    assert (answer.status, answer.body) == (204, None)
    assert paths(api, environment) == ["lib.py", "main.py", "sot_ecommerce.py"]
    assert not [key for key in keys(environment) if key.endswith("old.py")]
    assert call(api, environment, "GET", "src/old.py").status == 404
    event = api.call("GET", f"/environments/{environment}/events").body["items"][0]
    assert (event["action"], event["actor"]) == ("job_file_deleted", "ana")
    assert event["detail"] == {"path": "src/old.py", "sha256": None, "before": before}


def test_a_repeated_deletion_is_not_found(api: Api, environment: str) -> None:
    assert call(api, environment, "DELETE", "src/old.py").status == 204
    assert call(api, environment, "DELETE", "src/old.py").status == 404
    assert call(api, environment, "DELETE", "never.py").status == 404


@pytest.mark.parametrize(
    ("path", "words"),
    [("main.py", "main.py is the script of the job"), ("lib.py", "lib.py is an extra file of the job")],
)
def test_a_file_that_a_job_names_cannot_be_deleted(api: Api, environment: str, path: str, words: str) -> None:
    answer = call(api, environment, "DELETE", path)
    assert (answer.status, answer.body["code"]) == (409, "job_file_in_use")
    assert answer.body["detail"].startswith(words)
    assert "PATCH" in answer.body["detail"]
    assert path in paths(api, environment)


def test_learning_mode_and_other_users_delete_nothing(api: Api) -> None:
    made = api.ready_environment()["id"]
    answer = call(api, made, "DELETE", "sot_ecommerce.py")
    assert (answer.status, answer.body["code"]) == (409, "learning_mode")
    assert call(api, made, "DELETE", "sot_ecommerce.py", owner="ben").status == 404


def test_a_deleted_file_can_be_uploaded_again(api: Api, environment: str) -> None:
    call(api, environment, "DELETE", "src/old.py")
    assert call(api, environment, "PUT", "src/old.py", raw=b"x = 2\n").status == 201
    service = api.app.service()
    found = service.environments.visible(Caller("ana", is_admin=False), environment)
    service.job_files._live.settle(found)
    key = {"Bucket": f"terraglue-{environment}-glue-assets", "Key": "jobs/src/old.py"}
    assert boto3.client("s3").get_object(**key)["Body"].read() == b"x = 2\n"


def test_a_change_of_the_settings_between_read_and_write_is_seen(api: Api, environment: str) -> None:
    """The script of the job changes to the file while another request deletes it."""
    service, caller = api.app.service(), Caller("ana", is_admin=False)
    writes, store = service.job_files._writes, service.job_files._writes._store
    job = {"script": "src/old.py"}

    class Interrupted:
        """Lets another request change the settings before the first write."""

        def __init__(self) -> None:
            self.is_first = True

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def save_environment(self, old: Any, new: Any, *more: Any) -> Any:
            if self.is_first:
                self.is_first = False
                changed = old.settings.job.model_copy(update=job)
                settings = old.settings.model_copy(update={"job": changed})
                store.save_environment(old, old.replace(settings=settings))
            return store.save_environment(old, new, *more)

    writes._store = Interrupted()
    try:
        with pytest.raises(JobFileInUse):
            service.job_files.remove(caller, environment, "src/old.py", "request")
    finally:
        writes._store = store
    assert "src/old.py" in paths(api, environment)


def test_concurrent_deletions_leave_nothing(api: Api, environment: str) -> None:
    service, caller = api.app.service(), Caller("ana", is_admin=False)
    service.job_files.remove(caller, environment, "src/old.py", "request")
    with pytest.raises(NotFound):
        service.job_files.remove(caller, environment, "src/old.py", "request")
