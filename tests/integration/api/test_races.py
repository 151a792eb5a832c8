"""Concurrent requests over real HTTP: one environment per user, one response and one run per key."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from tests.support.api import Answer, Api
from tests.support.size import sized

CROWD = sized(40, 200)


def all_at_once(url: str, requests: list[tuple[str, str, Any, dict[str, str]]]) -> list[Answer]:
    """Send requests (method, path, body, headers) at the same moment. Return the responses in that order."""
    start = threading.Barrier(len(requests))
    answers: list[Answer | None] = [None] * len(requests)

    def send(number: int) -> None:
        method, path, body, headers = requests[number]
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        connection.connect()
        start.wait()
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        answers[number] = Answer(response.status, dict(response.headers), json.loads(response.read()))
        connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer is not None]


def bearer(api: Api, owner: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.issuer.token(owner)}", **headers}


def stacks() -> list[str]:
    pages = boto3.client("cloudformation").get_paginator("describe_stacks").paginate()
    return [stack["StackName"] for page in pages for stack in page["Stacks"]]


def test_many_concurrent_requests_of_one_user_create_one_stack(api: Api, url: str) -> None:
    answers = all_at_once(url, [("POST", "/environments", {}, bearer(api, "ana"))] * CROWD)
    assert Counter(answer.status for answer in answers) == {202: 1, 409: CROWD - 1}
    [accepted] = [answer.body for answer in answers if answer.status == 202]
    assert stacks() == [f"terraglue-{accepted['id']}"]
    links = {answer.body["environment"] for answer in answers if answer.status == 409}
    assert links == {f"/environments/{accepted['id']}"}


def test_two_hundred_concurrent_users_get_two_hundred_environments(api: Api, url: str) -> None:
    people = [f"person-{number}" for number in range(CROWD)]
    answers = all_at_once(url, [("POST", "/environments", {}, bearer(api, who)) for who in people])
    assert Counter(answer.status for answer in answers) == {202: CROWD}
    assert [answer.body["owner"] for answer in answers] == people
    assert len({answer.body["id"] for answer in answers}) == CROWD


@pytest.mark.parametrize("times", [20])
def test_concurrent_requests_with_one_key_create_one_environment(api: Api, url: str, times: int) -> None:
    request = (
        "POST",
        "/environments",
        {"expires_in_hours": 5},
        bearer(api, "ana", **{"Idempotency-Key": "k"}),
    )
    answers = all_at_once(url, [request] * times)
    assert {answer.status for answer in answers} == {202}
    assert len({json.dumps(answer.body, sort_keys=True) for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == times - 1
    assert len(stacks()) == 1


@pytest.mark.parametrize("times", [20])
def test_concurrent_requests_with_one_key_start_one_run(api: Api, url: str, times: int) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    body, headers = {"timeout_minutes": 1}, bearer(api, "ana", **{"Idempotency-Key": "k"})
    answers = all_at_once(url, [("POST", f"/jobs/{job}/runs", body, headers)] * times)
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len(boto3.client("glue").get_job_runs(JobName=job)["JobRuns"]) == 1


def test_a_key_repeats_accepted_responses_only(api: Api) -> None:
    key = {"Idempotency-Key": "k"}
    job = api.ready_environment()["outputs"]["job_id"]
    dear = {"worker_type": "G.8X", "number_of_workers": 10, "timeout_minutes": 60}
    assert api.call("POST", f"/jobs/{job}/runs", body=dear, headers=key).body["code"] == "budget_exceeded"
    # The request was rejected without effect, so its key is free, also for a corrected body.
    cheap = {"timeout_minutes": 1, "number_of_workers": 2}
    accepted = api.call("POST", f"/jobs/{job}/runs", body=cheap, headers=key)
    assert accepted.status == 202
    again = api.call("POST", f"/jobs/{job}/runs", body=cheap, headers=key)
    assert (again.status, again.body["id"]) == (202, accepted.body["id"])
    other = api.call("POST", f"/jobs/{job}/runs", body=dear, headers=key)
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
