"""Reset of a job's bookmark over the API."""

from __future__ import annotations

from tests.support.api import Api
from tests.support.moto_runs import JobBookmarks, ask, glue_runs

ENABLE = {"--job-bookmark-option": "job-bookmark-enable"}


def test_a_bookmark_is_enabled_by_an_argument_of_the_run(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    assert ask(api, job, body={"arguments": ENABLE}).status == 202
    assert glue_runs(job)[0]["Arguments"].items() >= ENABLE.items()


def test_a_reset_lets_glue_forget_the_bookmark_of_the_job(api: Api, bookmarks: JobBookmarks) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    answer = api.call("DELETE", f"/jobs/{job}/bookmark")
    assert (answer.status, answer.body["id"], bookmarks.reset) == (200, job, [job])


def test_a_job_without_a_bookmark_can_be_reset(api: Api, bookmarks: JobBookmarks) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    bookmarks.without.add(job)
    assert api.call("DELETE", f"/jobs/{job}/bookmark").status == 200


def test_the_bookmark_of_a_job_of_another_user_is_not_found(api: Api, bookmarks: JobBookmarks) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    assert api.call("DELETE", f"/jobs/{job}/bookmark", owner="bob").status == 404
    assert bookmarks.reset == []


def test_a_reset_needs_a_ready_environment(api: Api, bookmarks: JobBookmarks) -> None:
    environment = api.ready_environment()
    api.call("DELETE", f"/environments/{environment['id']}")
    answer = api.call("DELETE", f"/jobs/{environment['outputs']['job_id']}/bookmark")
    assert (answer.status, answer.body["code"]) == (409, "environment_not_ready")
    assert bookmarks.reset == []
