"""Delivery of one notice: to the operator's topic and to the webhook of its environment.

Each notice is delivered at least once. An attempt claims the notice first: it makes it due after the longest
time that an attempt takes, so a notice whose process dies is due again. Then it sends, and then it removes
the notice or postpones it. Attempts follow each other with growing delays for a day.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.aws.errors import AwsError
from chalicelib.aws.sns import Topic
from chalicelib.clock import Clock, later, now, parse, timestamp
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.notices import Notice
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.domain.webhooks import Delivery, Webhook
from chalicelib.errors import StaleRecord
from chalicelib.notifications.https_client import HttpsClient, Response
from chalicelib.notifications.signatures import signed_headers
from chalicelib.observability import logger
from chalicelib.storage import metrics
from chalicelib.storage.store import Store

CLAIM_SECONDS = 60
"""How long one process has for an attempt: several times what it takes."""
MOST_HOURS = 24
"""How long a notice is tried."""
_FIRST_DELAY_SECONDS = 60
_MOST_DELAY_SECONDS = 2 * 3600
_GONE = 410
_DISABLE_TRIES = 5

SKIPPED = Response(error="The host did not answer another request.", is_silent=True)


def webhook_for(environment: Environment | None, notice: Notice) -> Webhook | None:
    """Return the webhook that gets a notice, or None."""
    webhook = environment.webhook if environment else None
    if webhook is None or webhook.disabled_at is not None or notice.kind not in webhook.events:
        return None
    return webhook


@dataclass(frozen=True)
class Attempt:
    """What an attempt left: the environment with the last delivery, and whether its host did not answer."""

    environment: Environment | None
    is_silent: bool


class NoticeDelivery:
    """Delivers notices, one at a time."""

    def __init__(
        self,
        store: Store,
        topic: Topic | None,
        client: HttpsClient,
        *,
        clock: Clock = now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._outbox = store.outbox
        self._topic = topic
        self._client = client
        self._clock = clock
        self._jitter = jitter

    def attempt(self, notice: Notice, environment: Environment | None, *, skips: bool = False) -> Attempt:
        """Try to deliver a notice.

        With `skips`, the webhook's host did not answer another request before, and is not called. Raises
        `StaleRecord` if another process has claimed the notice, and `AwsError`.
        """
        claimed = self._outbox.save(
            notice, notice.replace(attempts=notice.attempts + 1, due_at=later(self._clock(), CLAIM_SECONDS))
        )
        sent = claimed.replace(published=claimed.published or self._publish(claimed))
        webhook, response = webhook_for(environment, claimed), None
        if environment is not None and webhook is not None:
            response = SKIPPED if skips else self._post(claimed, webhook)
            environment = self._record(environment, webhook, response)
        if sent.published and (response is None or response.is_success or response.status == _GONE):
            self._finish(claimed, environment)
        else:
            self._postpone(claimed, sent, response)
        return Attempt(environment, response is not None and response.is_silent)

    def _publish(self, notice: Notice) -> bool:
        """Publish to the operator's topic. Return whether nothing is left to publish."""
        if self._topic is None:
            return True
        attributes = {"event": notice.kind, "owner": notice.owner, "environment": notice.environment_id}
        try:
            self._topic.publish(notice.body, attributes)
        except AwsError as error:
            logger.error("notice not published", notice_id=notice.id, code=error.code, detail=error.message)
            return False
        return True

    def _post(self, notice: Notice, webhook: Webhook) -> Response:
        secret = self._outbox.secret(notice.environment_id)
        if secret is None:
            return Response(error="The secret of the webhook is missing. Set the webhook again.")
        moment, body = self._clock(), notice.body.encode()
        headers = signed_headers(notice.id, int(moment.timestamp()), body, secret.in_use(timestamp(moment)))
        return self._client.post(webhook.url, headers, body)

    def _record(self, environment: Environment, webhook: Webhook, response: Response) -> Environment:
        """Show the attempt in the environment. The life cycle does not use it, so a failure is ignored."""
        moment, before = timestamp(self._clock()), environment.delivery
        since = (before.failing_since if before else None) or moment
        delivery = Delivery(
            at=moment,
            url=webhook.url,
            status=response.status,
            error=response.error,
            failing_since=None if response.is_success else since,
        )
        try:
            self._outbox.record_delivery(environment.id, delivery)
        except AwsError as error:
            logger.warning("delivery not recorded", environment_id=environment.id, detail=str(error))
        if response.status == _GONE:
            self._disable(environment.id, webhook)
        return environment.replace(delivery=delivery)

    def _disable(self, environment_id: str, webhook: Webhook) -> None:
        """Send no more notices to a webhook that has answered 410 Gone. Raises `StaleRecord`."""
        for attempt in range(1, _DISABLE_TRIES + 1):
            environment = self._store.environment(environment_id)
            if environment is None or environment.webhook != webhook:
                return
            moment = timestamp(self._clock())
            disabled = Webhook(webhook.url, webhook.events, webhook.secret_id, disabled_at=moment)
            event = TimelineEvent.by_service(moment, "webhook_disabled", {"why": "It answered 410 Gone."})
            try:
                self._store.save_environment(environment, environment.replace(webhook=disabled), event)
            except StaleRecord:
                if attempt == _DISABLE_TRIES:
                    raise
            else:
                return

    def _finish(self, notice: Notice, environment: Environment | None) -> None:
        metrics.notice_delivered()
        if environment is not None:
            self._outbox.forget_webhook(environment, notice)
        self._outbox.remove(notice)

    def _postpone(self, claimed: Notice, sent: Notice, response: Response | None) -> None:
        """Make the notice due again, or give it up."""
        moment, last = self._clock(), parse(claimed.at) + timedelta(hours=MOST_HOURS)
        if moment < last:
            self._outbox.save(claimed, sent.replace(due_at=timestamp(self._next(claimed, moment, last))))
            return
        why = "The topic of the operator did not accept it."
        if response is not None and not response.is_success:
            why = response.error or f"The webhook answered {response.status}."
        detail: Json = {"notice_id": claimed.id, "event": claimed.kind, "why": why}
        logger.error("notice given up", environment_id=claimed.environment_id, **detail)
        metrics.notice_given_up()
        event = TimelineEvent.by_service(timestamp(moment), "notice_undelivered", detail)
        self._outbox.give_up(claimed, event)

    def _next(self, notice: Notice, moment: datetime, last: datetime) -> datetime:
        """Return the time of the next attempt: after a doubling delay with jitter, the last after a day."""
        longest = min(_MOST_DELAY_SECONDS, _FIRST_DELAY_SECONDS << min(notice.attempts - 1, 10))
        return min(last, moment + timedelta(seconds=longest * (0.5 + self._jitter() / 2)))
