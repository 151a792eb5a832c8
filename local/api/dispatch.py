"""Delivers events and schedules to the app's handlers, as EventBridge and Lambda do in the cloud.

Every handler with an event pattern gets a rule with that pattern and its own queue. A thread polls the queue
and calls the handler. If the handler raises, its event is delivered again, as for an asynchronous Lambda
invocation. Rules and queues are named after the handlers, so a restarted process continues with the waiting
events.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Chalice, CloudWatchEventConfig, Rate, ScheduledEventConfig
from chalice.local import LambdaContext

from local.aws.clients import ACCOUNT
from local.setup import event_patterns
from local.setup.bootstrap import Clients

MAX_ATTEMPTS = 3
"""Attempts of an asynchronous Lambda invocation: one call and two retries."""

# A killed process leaves its last poll open in the emulator's SQS, and that poll may still receive an event.
# Short polls (`wait_seconds`) and a short visibility timeout keep the delay small.
_VISIBILITY_SECONDS = 10
_CONCURRENT_EVENTS = 4
_AFTER_ERROR_SECONDS = 1.0
_LAMBDA_SECONDS = 900
_UNITS = {Rate.MINUTES: 60, Rate.HOURS: 3600, Rate.DAYS: 86400}

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subscription:
    """A handler and its event pattern."""

    name: str
    pattern: dict[str, Any]
    handler: Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True)
class Schedule:
    """A handler and the seconds between its calls."""

    name: str
    seconds: float
    handler: Callable[[dict[str, Any], Any], Any]


def subscriptions(app: Chalice, region: str) -> list[Subscription]:
    """Return the app's handlers of EventBridge events."""
    return [
        Subscription(
            source.name,
            event_patterns.packaged(source.name, source.event_pattern, region),
            app.handler_map[source.name],
        )
        for source in app.event_sources
        if isinstance(source, CloudWatchEventConfig)
    ]


def schedules(app: Chalice, seconds: float | None = None) -> list[Schedule]:
    """Return the app's scheduled handlers. `seconds` replaces their own rates."""
    return [
        Schedule(source.name, seconds or _rate_seconds(source), app.handler_map[source.name])
        for source in app.event_sources
        if isinstance(source, ScheduledEventConfig)
    ]


class Dispatcher:
    """Calls the app's handlers from threads of this process until it is closed."""

    def __init__(
        self,
        app: Chalice,
        clients: Clients,
        region: str,
        *,
        tick_seconds: float | None = None,
        retry_seconds: int = 2,
        wait_seconds: int = 2,
    ) -> None:
        self._sqs = clients("sqs")
        self._events = clients("events")
        self._region = region
        self._retry_seconds = retry_seconds
        self._wait_seconds = wait_seconds
        self._subscriptions = subscriptions(app, region)
        self._schedules = schedules(app, tick_seconds)
        unsupported = {type(source).__name__ for source in app.event_sources} - {
            CloudWatchEventConfig.__name__,
            ScheduledEventConfig.__name__,
        }
        if unsupported:
            raise NotImplementedError(f"The dispatcher does not support {', '.join(sorted(unsupported))}.")
        self._closed = threading.Event()

    def start(self) -> None:
        """Create missing rules and queues, then start to deliver."""
        for subscription in self._subscriptions:
            queue = self._subscribe(subscription)
            self._thread(self._poll, subscription, queue)
        for schedule in self._schedules:
            self._thread(self._tick, schedule)

    def close(self) -> None:
        """Stop receiving events. An interrupted event is delivered again after a restart."""
        self._closed.set()

    def _subscribe(self, subscription: Subscription) -> str:
        name = f"terraglue-{subscription.name}"
        queue: str = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        self._events.put_rule(Name=name, EventPattern=json.dumps(subscription.pattern))
        target = {"Id": "queue", "Arn": f"arn:aws:sqs:{self._region}:{ACCOUNT}:{name}"}
        self._events.put_targets(Rule=name, Targets=[target])
        return queue

    def _poll(self, subscription: Subscription, queue: str) -> None:
        room = threading.Semaphore(_CONCURRENT_EVENTS)
        while not self._closed.is_set():
            room.acquire()
            try:
                message = self._receive(queue)
            except (BotoCoreError, ClientError):
                _logger.exception("queue unavailable")
                message = None
                self._closed.wait(_AFTER_ERROR_SECONDS)
            if message is None:
                room.release()
            else:
                self._thread(self._handle, subscription, queue, message, room)

    def _receive(self, queue: str) -> dict[str, Any] | None:
        messages: list[dict[str, Any]] = self._sqs.receive_message(
            QueueUrl=queue,
            WaitTimeSeconds=self._wait_seconds,
            VisibilityTimeout=_VISIBILITY_SECONDS,
            AttributeNames=["ApproximateReceiveCount"],
        ).get("Messages", [])
        return messages[0] if messages else None

    def _handle(
        self, subscription: Subscription, queue: str, message: dict[str, Any], room: threading.Semaphore
    ) -> None:
        attempt = int(message["Attributes"]["ApproximateReceiveCount"])
        receipt = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
        try:
            event = {"account": ACCOUNT, **json.loads(message["Body"])}  # moto omits the account
            is_done = _call(subscription.name, subscription.handler, event)
            if is_done or attempt >= MAX_ATTEMPTS:
                if not is_done:
                    _logger.error("event dropped: handler %s, attempt %d", subscription.name, attempt)
                self._sqs.delete_message(**receipt)
            else:
                self._sqs.change_message_visibility(
                    **receipt, VisibilityTimeout=self._retry_seconds * attempt
                )
        except (BotoCoreError, ClientError):
            _logger.exception("queue unavailable")  # the event is delivered again
        finally:
            room.release()

    def _tick(self, schedule: Schedule) -> None:
        while not self._closed.is_set():
            _call(schedule.name, schedule.handler, self._scheduled_event(schedule))
            self._closed.wait(schedule.seconds)

    def _scheduled_event(self, schedule: Schedule) -> dict[str, Any]:
        """Return the event of a schedule.

        https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-eventbridge-scheduler.html
        """
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "region": self._region,
            "resources": [f"arn:aws:events:{self._region}:{ACCOUNT}:rule/terraglue-{schedule.name}"],
            "detail": {},
        }

    def _thread(self, target: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()


def _call(name: str, handler: Callable[[dict[str, Any], Any], Any], event: dict[str, Any]) -> bool:
    """Call a handler as Lambda does. Return whether it succeeded."""
    context = LambdaContext(name, memory_size=512, max_runtime_ms=_LAMBDA_SECONDS * 1000)
    try:
        handler(event, context)
    except Exception:  # as Lambda does, log any failure of the handler and retry
        _logger.exception("handler failed: %s", name)
        return False
    return True


def _rate_seconds(source: ScheduledEventConfig) -> float:
    expression = source.schedule_expression
    if not isinstance(expression, Rate):
        raise NotImplementedError(f"The schedule of '{source.name}' is not a supported Rate(...).")
    return float(expression.value * _UNITS[expression.unit])
