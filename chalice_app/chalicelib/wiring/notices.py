"""Delivery of notices."""

from __future__ import annotations

from chalicelib.aws.client_options import PATIENT
from chalicelib.aws.sns import Topic
from chalicelib.notifications.deliverer import Deliverer
from chalicelib.notifications.delivery import NoticeDelivery
from chalicelib.notifications.https_client import HttpsClient
from chalicelib.wiring.shared import Shared


def deliverer(shared: Shared) -> Deliverer:
    """Return what delivers the notices that are due."""
    arn = shared.config.notifications_topic_arn
    topic = Topic(shared.client("sns", PATIENT), arn) if arn else None
    client = HttpsClient(shared.config.webhooks)
    delivery = NoticeDelivery(shared.store, topic, client, clock=shared.clock)
    return Deliverer(shared.store, delivery, client, clock=shared.clock)
