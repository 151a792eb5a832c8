"""Delivery of events and schedules to a small app's handlers through moto's EventBridge and SQS."""

import functools
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.app import Chalice, CloudWatchEvent, Cron, Rate, SNSEvent
from moto.server import ThreadedMotoServer

from local.api.dispatch import MAX_ATTEMPTS, Dispatcher
from local.aws import clients


@pytest.fixture
def make_client() -> Iterator[Callable[[str], Any]]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    urllib.request.urlopen(f"{url}/moto-api/reset", data=b"").close()  # the last test's polls may go on
    yield functools.partial(clients.client, endpoint=url)
    server.stop()


def put_event(make_client: Callable[[str], Any], source: str, detail: dict[str, Any]) -> None:
    entry = {"Source": source, "DetailType": "Test", "Detail": json.dumps(detail)}
    assert make_client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def app_with(pattern: dict[str, Any], handler: Callable[[CloudWatchEvent], None]) -> Chalice:
    app = Chalice(app_name="small", configure_logs=False)
    app.on_cw_event(pattern, name="listener")(handler)
    return app


def test_a_handler_receives_matching_events_in_lambdas_format(
    make_client: Callable[[str], Any],
) -> None:
    seen: list[CloudWatchEvent] = []
    dispatcher = Dispatcher(app_with({"source": ["shop"]}, seen.append), make_client, "us-east-1")
    dispatcher.start()
    put_event(make_client, "elsewhere", {"n": 1})
    put_event(make_client, "shop", {"n": 2})
    eventually(lambda: len(seen) == 1)
    dispatcher.close()
    assert (seen[0].source, seen[0].detail_type, seen[0].detail) == ("shop", "Test", {"n": 2})
    assert (seen[0].account, seen[0].region) == ("123456789012", "us-east-1")
    assert seen[0].context.function_name == "listener"


def test_a_failed_handler_receives_its_event_a_limited_number_of_times(
    make_client: Callable[[str], Any],
) -> None:
    attempts: list[int] = []

    def fails(event: CloudWatchEvent) -> None:
        attempts.append(event.detail["n"])
        raise ValueError("not today")

    dispatcher = Dispatcher(app_with({"source": ["shop"]}, fails), make_client, "us-east-1", retry_seconds=1)
    dispatcher.start()
    put_event(make_client, "shop", {"n": 7})
    eventually(lambda: len(attempts) == MAX_ATTEMPTS)
    sqs = make_client("sqs")
    queue = sqs.get_queue_url(QueueName="terraglue-listener")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    eventually(
        lambda: (
            set(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"].values())
            == {"0"}
        )
    )
    dispatcher.close()
    assert attempts == [7, 7, 7]


def test_a_slow_handler_delays_no_other_event(make_client: Callable[[str], Any]) -> None:
    seen: list[int] = []
    go_on = threading.Event()

    def first_is_slow(event: CloudWatchEvent) -> None:
        if event.detail["n"] == 0:
            go_on.wait(20)
        seen.append(event.detail["n"])

    dispatcher = Dispatcher(app_with({"source": ["shop"]}, first_is_slow), make_client, "us-east-1")
    dispatcher.start()
    for n in range(3):
        put_event(make_client, "shop", {"n": n})
    eventually(lambda: sorted(seen) == [1, 2])
    go_on.set()
    eventually(lambda: len(seen) == 3)
    dispatcher.close()


def test_a_restarted_process_continues_with_the_queued_events(make_client: Callable[[str], Any]) -> None:
    seen: list[int] = []
    app = app_with({"source": ["shop"]}, lambda event: seen.append(event.detail["n"]))
    before = Dispatcher(app, make_client, "us-east-1", wait_seconds=1)
    before.start()
    before.close()
    time.sleep(1.5)  # until its last poll has ended
    put_event(make_client, "shop", {"n": 1})
    after = Dispatcher(app, make_client, "us-east-1")
    after.start()
    eventually(lambda: seen == [1])
    after.close()
    assert len(make_client("events").list_rules()["Rules"]) == 1


def test_a_schedule_is_called_at_once_and_again(make_client: Callable[[str], Any]) -> None:
    app = Chalice(app_name="small", configure_logs=False)
    seen: list[CloudWatchEvent] = []
    app.schedule(Rate(1, unit=Rate.MINUTES), name="tick")(seen.append)
    dispatcher = Dispatcher(app, make_client, "us-east-1", tick_seconds=0.05)
    dispatcher.start()
    eventually(lambda: len(seen) >= 3)
    dispatcher.close()
    assert (seen[0].source, seen[0].detail_type) == ("aws.events", "Scheduled Event")


def test_unsupported_targets_are_rejected(make_client: Callable[[str], Any]) -> None:
    by_cron = Chalice(app_name="small", configure_logs=False)
    by_cron.schedule(Cron(0, 6, "*", "*", "?", "*"), name="nightly")(lambda event: None)
    with pytest.raises(NotImplementedError, match="nightly"):
        Dispatcher(by_cron, make_client, "us-east-1")

    by_topic = Chalice(app_name="small", configure_logs=False)

    def on_message(event: SNSEvent) -> None:
        pass

    by_topic.on_sns_message("topic")(on_message)
    with pytest.raises(NotImplementedError, match="SNSEventConfig"):
        Dispatcher(by_topic, make_client, "us-east-1")
