"""Delivery of notices, on an in-memory DynamoDB."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import Table
from chalicelib.aws.sns import Topic
from chalicelib.clock import timestamp
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.notices import KINDS
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.domain.webhooks import Webhook, WebhookPolicy, WebhookSecret
from chalicelib.notifications.deliverer import Deliverer
from chalicelib.notifications.delivery import NoticeDelivery
from chalicelib.notifications.https_client import HttpsClient, Response
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import environment

START = datetime(2026, 1, 1, tzinfo=UTC)
SILENT = Response(error="No response within 10 seconds.", is_silent=True)


class Client(HttpsClient):
    """Answers as a test says, and keeps what was sent."""

    def __init__(self) -> None:
        super().__init__(WebhookPolicy())
        self.answer: Callable[[str], Response] = lambda _: Response(200)
        self.sent: list[tuple[str, str, Any]] = []

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        self.sent.append((url, headers["webhook-id"], json.loads(body)))
        return self.answer(url)


class Sns:
    def __init__(self) -> None:
        self.fails = False
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        if self.fails:
            raise ClientError({"Error": {"Code": "KMSAccessDenied", "Message": ""}}, "Publish")
        self.published.append(message)


class Post:
    """The service's outbox, topic and webhooks, with a clock of its own."""

    def __init__(self, *, with_topic: bool = False) -> None:
        self.at = START
        self.dynamodb = FastDynamoDb(INDEXES)
        dynamodb: Any = self.dynamodb
        self.store = Store(Table(dynamodb, "table"), Capacity(99, 99))
        self.client, self.sns = Client(), Sns()
        topic = Topic(self.sns, "arn") if with_topic else None
        delivery = NoticeDelivery(self.store, topic, self.client, clock=self.now, jitter=lambda: 1.0)
        self.deliverer = Deliverer(self.store, delivery, self.client, clock=self.now)

    def now(self) -> datetime:
        return self.at

    def environment(
        self, number: int, host: str | None = "hooks.example.com", events: tuple[str, ...] = KINDS
    ) -> Environment:
        moment = timestamp(self.at)
        secret = WebhookSecret.new()
        webhook = host and Webhook(f"https://{host}/{number}", [*events], secret.id)
        made = environment(
            number, owner=f"o{number}", webhook=webhook or None, created_at=moment, updated_at=moment
        ).replace(admitted_at=moment)
        also = [self.store.outbox.put_secret(made.id, secret)] if webhook else []
        self.store.add_environment(made, TimelineEvent(moment, "ana", "requested"), None, also)
        return made

    def move(self, made: Environment, status: Status) -> Environment:
        self.at += timedelta(seconds=1)
        detail = {"from": str(made.status), "to": str(status), "why": "it is so"}
        event = TimelineEvent.by_service(timestamp(self.at), "status_changed", detail)
        return self.store.save_environment(made, made.replace(status=status), event)

    def deliver(self, after: float = 0) -> int:
        self.at += timedelta(seconds=after)
        return self.deliverer.deliver(seconds=50)

    def notices(self) -> list[str]:
        return sorted(item["kind"]["S"] for key, item in self.dynamodb.items.items() if "NOTICE#" in key[1])

    def actions(self, made: Environment) -> list[str]:
        return [event.action for event in self.store.events(made.id, limit=100).items]


def current(post: Post, made: Environment) -> Environment:
    found = post.store.environment(made.id)
    assert found is not None
    return found


def test_a_notice_is_delivered_once_and_leaves_the_outbox() -> None:
    post = Post(with_topic=True)
    made = post.move(post.environment(1), Status.READY)
    assert post.notices() == ["environment.ready"]
    post.deliver()
    post.deliver(after=3600)
    [(url, notice_id, body)] = post.client.sent
    assert url == "https://hooks.example.com/1"
    assert body == {
        "id": notice_id,
        "type": "environment.ready",
        "timestamp": "2026-01-01T00:00:01.000Z",
        "data": {"environment_id": made.id, "owner": "o1", "status": "READY", "why": "it is so"},
    }
    [published] = post.sns.published
    assert json.loads(published["Message"]) == body
    assert {name: value["StringValue"] for name, value in published["MessageAttributes"].items()} == {
        "event": "environment.ready",
        "owner": "o1",
        "environment": made.id,
    }
    assert post.notices() == []
    shown = current(post, made).delivery
    assert shown and (shown.status, shown.error, shown.failing_since) == (200, None, None)


def test_nobody_who_did_not_ask_is_notified() -> None:
    post = Post()
    post.move(post.environment(1, host=None), Status.READY)
    post.move(post.environment(2, events=("run.ended",)), Status.READY)
    post.deliver()
    assert (post.client.sent, post.notices()) == ([], [])


def test_a_failed_delivery_is_repeated_with_growing_delays_for_a_day_and_then_given_up() -> None:
    post = Post()
    made = post.move(post.environment(1), Status.READY)
    post.client.answer = lambda _: Response(503)
    attempts = []
    for minute in range(25 * 60):
        if post.deliver(after=60 if minute else 0):
            attempts.append(minute)
    assert attempts[:6] == [0, 1, 3, 7, 15, 31]
    assert attempts[-1] in (1440, 1441)
    assert 15 < len(attempts) < 25
    assert len({notice_id for _, notice_id, _ in post.client.sent}) == 1
    assert len({json.dumps(body) for _, _, body in post.client.sent}) == 1
    assert post.notices() == []
    [event] = [
        each for each in post.store.events(made.id, limit=9).items if each.action == "notice_undelivered"
    ]
    assert event.detail and event.detail["why"] == "The webhook answered 503."
    shown = current(post, made).delivery
    assert shown and (shown.status, shown.failing_since) == (503, "2026-01-01T00:00:01.000Z")


def test_a_topic_that_fails_does_not_repeat_the_webhooks_request_to_the_topic_s_subscribers() -> None:
    post = Post(with_topic=True)
    post.move(post.environment(1), Status.READY)
    post.client.answer = lambda _: Response(500)
    post.deliver()
    post.client.answer = lambda _: Response(200)
    post.deliver(after=60)
    assert (len(post.sns.published), len(post.client.sent), post.notices()) == (1, 2, [])


def test_a_topic_that_fails_is_tried_again() -> None:
    post = Post(with_topic=True)
    post.move(post.environment(1, host=None), Status.READY)
    post.sns.fails = True
    post.deliver()
    assert post.notices() == ["environment.ready"]
    post.sns.fails = False
    post.deliver(after=60)
    assert (len(post.sns.published), post.notices()) == (1, [])


def test_410_gone_disables_the_webhook() -> None:
    post = Post()
    made = post.move(post.environment(1), Status.READY)
    post.client.answer = lambda _: Response(410)
    post.deliver()
    gone = current(post, made)
    assert gone.webhook and gone.webhook.disabled_at == timestamp(post.at)
    assert post.actions(made)[0] == "webhook_disabled"
    post.move(gone, Status.FAILED)
    post.deliver(after=60)
    assert (len(post.client.sent), post.notices()) == (1, [])


def test_the_notice_of_a_deleted_environment_is_sent_and_then_the_webhook_is_forgotten() -> None:
    post = Post()
    made = post.environment(1)
    post.client.answer = lambda _: Response(500)
    post.move(post.move(made, Status.READY), Status.DELETED)
    post.deliver()
    assert post.notices() == ["environment.deleted", "environment.ready"]
    post.client.answer = lambda _: Response(200)
    post.deliver(after=120)
    assert {body["type"] for _, _, body in post.client.sent} == {"environment.deleted", "environment.ready"}
    assert post.notices() == []
    assert current(post, made).webhook is None
    assert post.store.outbox.secret(made.id) is None


def test_a_slow_host_does_not_delay_the_notices_of_others() -> None:
    """Of forty notices for a host that does not answer, two are tried at a time, and the rest postponed."""
    post = Post()
    for number in range(40):
        post.move(post.environment(number, "slow.example.com"), Status.READY)
    for number in range(40, 60):
        post.move(post.environment(number, f"h{number}.example.com"), Status.READY)
    others, active, most = threading.Event(), Counter[str](), Counter[str]()
    lock = threading.Lock()
    served: list[str] = []

    def answer(url: str) -> Response:
        host = "slow" if "slow" in url else "other"
        with lock:
            active[host] += 1
            most[host] = max(most[host], active[host])
        if host == "slow":
            assert others.wait(10)  # until every other notice is delivered
        with lock:
            active[host] -= 1
            if host == "other":
                served.append(url)
                if len(served) == 20:
                    others.set()
        return SILENT if host == "slow" else Response(200)

    post.client.answer = answer
    assert post.deliver() == 60
    assert len(served) == 20
    assert most["slow"] == 2
    assert sum("slow" in url for url, _, _ in post.client.sent) <= 4
    assert len(post.notices()) == 40  # still due


@pytest.mark.parametrize("call", range(12))
def test_a_process_that_is_killed_at_any_call_loses_no_notice(call: int) -> None:
    class Killed(BaseException):
        pass

    for before in (True, False):
        post = Post(with_topic=True)
        made = post.move(post.environment(1), Status.READY)
        calls = 0

        def dies(function: Any, before: bool = before) -> Any:
            def called(*args: Any, **kwargs: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == call + 1 and before:
                    raise Killed
                result = function(*args, **kwargs)
                if calls == call + 1:
                    raise Killed
                return result

            return called

        healthy = [
            (post.dynamodb, "get_item"),
            (post.dynamodb, "batch_get_item"),
            (post.dynamodb, "query"),
            (post.dynamodb, "update_item"),
            (post.dynamodb, "transact_write_items"),
            (post.sns, "publish"),
            (post.client, "post"),
        ]
        for owner, name in healthy:
            setattr(owner, name, dies(getattr(owner, name)))
        with contextlib.suppress(Killed):
            post.deliver()
        assert calls  # it got that far, or had ended
        for owner, name in healthy:
            delattr(owner, name)
        post.deliver(after=3600)
        post.deliver(after=3600)
        assert [each[2]["type"] for each in post.client.sent][:1] == ["environment.ready"]
        assert 1 <= len(post.client.sent) <= 2 and 1 <= len(post.sns.published) <= 2
        assert len({notice_id for _, notice_id, _ in post.client.sent}) == 1
        assert post.notices() == []
        assert current(post, made).delivery


def test_two_processes_share_the_work() -> None:
    post = Post()
    for number in range(30):
        post.move(post.environment(number, f"h{number}.example.com"), Status.READY)
    threads = [threading.Thread(target=post.deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    post.deliver(after=120)
    assert sorted(Counter(url for url, _, _ in post.client.sent).values()) == [1] * 30
    assert post.notices() == []
