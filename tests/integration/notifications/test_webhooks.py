"""Webhooks of environments, from the request that sets them to the receiver."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.notifications.deliverer import Deliverer
from chalicelib.notifications.delivery import NoticeDelivery
from tests.support.api import Api
from tests.support.deployed import records
from tests.support.receivers import Receiver, receiver

URL = "https://hooks.example.com/terraglue"
WEBHOOK: dict[str, Any] = {"notifications": {"webhook": {"url": URL}}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as made:
        yield made


@pytest.fixture
def post(api: Api, server: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Deliver what is due, to a receiver on this machine."""
    monkeypatch.setenv("WEBHOOK_PORTS", str(server.port))
    monkeypatch.setenv("WEBHOOK_NETWORKS", "127.0.0.0/8")
    service, client = api.app.service(), server.client()
    store = service.environments._store
    delivery = NoticeDelivery(store, None, client, clock=service.clock)
    notices = Deliverer(store, delivery, client, clock=service.clock)
    deliverable = dataclasses.replace(service, notices=notices)
    original, api.app.service = api.app.service, lambda: deliverable
    yield lambda: deliverable.notices.deliver(seconds=10)
    api.app.service = original


def shown(api: Api, environment_id: str) -> Any:
    return api.call("GET", f"/environments/{environment_id}").body["notifications"]["webhook"]


def verified(request: bytes, secret: str) -> dict[str, Any]:
    """Verify a request as a receiver does by the specification of Standard Webhooks, and return its body."""
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    assert f"v1,{expected}" in headers["webhook-signature"].split()
    found: dict[str, Any] = json.loads(body)
    assert found["id"] == headers["webhook-id"]
    return found


def test_a_receiver_gets_signed_events_of_an_environment(api: Api, server: Receiver, post: Any) -> None:
    asked = api.call("POST", "/environments", body={"notifications": {"webhook": {"url": server.url()}}}).body
    secret = asked["notifications"]["webhook"]["secret"]
    assert secret.startswith("whsec_")
    assert shown(api, asked["id"])["secret"] is None
    api.stack_event(asked["id"])
    api.call("DELETE", f"/environments/{asked['id']}")
    for _ in range(3):
        api.stack_event(asked["id"])
    assert post() == 2
    bodies = [verified(request, secret) for request in server.requests]
    assert sorted(body["type"] for body in bodies) == ["environment.deleted", "environment.ready"]
    assert {body["data"]["environment_id"] for body in bodies} == {asked["id"]}
    # The webhook is of no further use.
    gone = api.call("GET", f"/environments/{asked['id']}").body
    assert (gone["status"], gone["notifications"]["webhook"]) == ("DELETED", None)
    assert server.url() not in str(records()) and secret not in str(records())


def test_the_environment_shows_the_last_delivery(api: Api, server: Receiver, post: Any) -> None:
    asked = api.call("POST", "/environments", body={"notifications": {"webhook": {"url": server.url()}}}).body
    assert shown(api, asked["id"])["delivery"] is None
    server.responds(b"HTTP/1.1 500 Oh no\r\n\r\n")
    api.stack_event(asked["id"])
    post()
    failing = shown(api, asked["id"])["delivery"]
    assert (failing["ok"], failing["status"], failing["failing_since"]) == (False, 500, failing["at"])


def test_a_repeated_request_returns_the_secret_again_until_it_is_rotated(api: Api) -> None:
    key = {"Idempotency-Key": "one"}
    first = api.call("POST", "/environments", body=WEBHOOK, headers=key)
    again = api.call("POST", "/environments", body=WEBHOOK, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    secret = first.body["notifications"]["webhook"]["secret"]
    assert again.body["notifications"]["webhook"]["secret"] == secret
    path = f"/environments/{first.body['id']}"
    rotated = {"webhook": {"url": URL, "rotate_secret": True}}
    new = api.call("PATCH", path, body={"notifications": rotated}).body["notifications"]["webhook"]["secret"]
    assert new not in (None, secret)
    late = api.call("POST", "/environments", body=WEBHOOK, headers=key)
    assert late.body["notifications"]["webhook"]["secret"] is None


def test_a_secret_is_in_its_own_record_only(api: Api) -> None:
    asked = api.call("POST", "/environments", body=WEBHOOK, headers={"Idempotency-Key": "one"}).body
    secret = asked["notifications"]["webhook"]["secret"]
    assert [item["sk"] for item in records() if secret in str(item)] == ["WEBHOOK"]
    events = api.call("GET", f"/environments/{asked['id']}/events").body["items"]
    assert URL not in str(events)


def test_a_webhook_is_changed_rotated_and_removed(api: Api) -> None:
    asked = api.call("POST", "/environments").body
    path = f"/environments/{asked['id']}"
    assert asked["notifications"] == {"webhook": None}

    def change(**webhook: Any) -> Any:
        sent = {"notifications": {"webhook": webhook or None}}
        answer = api.call("PATCH", path, body=sent)
        assert answer.status == 200, answer.body
        return answer.body["notifications"]["webhook"]

    first = change(url=URL, events=["run.ended"])
    assert (first["url"], first["events"]) == (URL, ["run.ended"])
    assert first["secret"]
    assert change(url=URL, events=["run.ended"])["secret"] is None
    assert change(url=URL, events=["environment.ready"])["secret"] is None
    assert change(url=URL, rotate_secret=True)["secret"] not in (None, first["secret"])
    assert change(url=URL + "/other")["secret"]
    assert change() is None
    assert not [item for item in records() if item["sk"] == "WEBHOOK"]
    events = api.call("GET", f"{path}/events").body["items"]
    details = [event["detail"] for event in events if event["action"] == "notifications_changed"]
    assert details[0] == {"webhook": None}
    assert details[-1] == {"webhook": "hooks.example.com", "events": ["run.ended"], "new_secret": True}
    assert len(details) == 5


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"notifications": {"webhook": {"url": "http://hooks.example.com/"}}}, "/notifications/webhook/url"),
        ({"notifications": {"webhook": {"url": "https://169.254.169.254/"}}}, "/notifications/webhook/url"),
        ({"notifications": {"webhook": {"url": URL, "events": []}}}, "/notifications/webhook/events"),
        ({"notifications": {"webhook": {"url": URL, "events": ["no"]}}}, "/notifications/webhook/events/0"),
        ({"notifications": {"webhook": {"url": URL, "secret": "x"}}}, "/notifications/webhook/secret"),
        ({"notifications": {}}, "/notifications/webhook"),
    ],
)
def test_an_invalid_webhook_is_rejected(api: Api, body: dict[str, Any], pointer: str) -> None:
    refused = api.call("POST", "/environments", body=body)
    assert (refused.status, [each["pointer"] for each in refused.body["errors"]]) == (422, [pointer])
    asked = api.call("POST", "/environments").body
    refused = api.call("PATCH", f"/environments/{asked['id']}", body=body)
    assert (refused.status, [each["pointer"] for each in refused.body["errors"]]) == (422, [pointer])


def test_notifications_are_changed_in_a_request_of_their_own(api: Api) -> None:
    environment = api.ready_environment()
    path = f"/environments/{environment['id']}"
    refused = api.call("PATCH", path, body={**WEBHOOK, "expires_in_hours": 5})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/notifications")
    assert api.call("PATCH", path, owner="ben", body=WEBHOOK).status == 404
    api.call("DELETE", path)
    assert api.call("PATCH", path, body=WEBHOOK).status == 409


def test_the_operators_topic_gets_every_event(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="terraglue-notifications")["TopicArn"]
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    # A subscription that filters by the message's attributes.
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps({"event": ["environment.ready"], "owner": ["ana"]})},
    )
    monkeypatch.setenv("NOTIFICATIONS_TOPIC_ARN", topic)
    api.app.service.cache_clear()
    environment = api.ready_environment()
    api.ready_environment("ben")
    assert api.app.service().notices.deliver(seconds=10) == 2
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    [message] = [json.loads(json.loads(each["Body"])["Message"]) for each in messages]
    assert message["type"] == "environment.ready"
    assert message["data"] == {
        "environment_id": environment["id"],
        "owner": "ana",
        "status": "READY",
        "why": "data and scripts copied",
    }
