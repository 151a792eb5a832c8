"""Notifications of an environment: who gets them, and the secret that signs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.clock import Clock, later, now, timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.json_types import Json
from chalicelib.domain.requests import NotificationsRequest, WebhookRequest
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.domain.webhooks import InvalidUrl, Webhook, WebhookPolicy, WebhookSecret
from chalicelib.errors import EnvironmentNotLive, InvalidCombination
from chalicelib.services.optimistic_writes import repeat_if_stale
from chalicelib.storage.store import Store

OVERLAP_SECONDS = 24 * 3600
"""How long the previous secret also signs after a rotation."""


@dataclass(frozen=True)
class NewWebhook:
    """The webhook of a new environment, and the actions that write its secret with the environment."""

    webhook: Webhook | None = None
    actions: tuple[Json, ...] = ()


class Notifications:
    """Sets and removes the webhooks of environments. `visible` reads one that a caller may see."""

    def __init__(
        self,
        store: Store,
        policy: WebhookPolicy,
        visible: Callable[[Caller, str], Environment],
        *,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._policy = policy
        self._visible = visible
        self._clock = clock

    def invalid(self, request: NotificationsRequest | None) -> list[dict[str, str]]:
        """Return what is wrong with the webhook's URL, which depends on the operator's policy."""
        if request is None or request.webhook is None:
            return []
        try:
            self._policy.target(request.webhook.url)
        except InvalidUrl as error:
            detail = f"{str(error)[:1].upper()}{str(error)[1:]}."
            return [{"pointer": "/notifications/webhook/url", "detail": detail}]
        return []

    def of_new(self, environment_id: str, request: NotificationsRequest | None) -> NewWebhook:
        """Return the webhook that a new environment starts with."""
        if request is None or request.webhook is None:
            return NewWebhook()
        secret = WebhookSecret.new()
        webhook = Webhook(request.webhook.url, [*request.webhook.events], secret.id)
        return NewWebhook(webhook, (self._store.outbox.put_secret(environment_id, secret),))

    def change(
        self, caller: Caller, environment_id: str, request: NotificationsRequest, request_id: str
    ) -> tuple[Environment, str | None]:
        """Set or remove the webhook of an environment. Return the environment and the new secret, if any.

        A webhook gets a new secret when it is new, its URL changes, or the request rotates it. Raises
        `InvalidCombination`, and `EnvironmentNotLive` if the environment is being deleted.
        """
        if wrong := self.invalid(request):
            raise InvalidCombination(wrong)

        def read_and_write() -> tuple[Environment, str | None]:
            environment = self._visible(caller, environment_id)
            if environment.delete_requested or environment.status is Status.DELETED:
                raise EnvironmentNotLive(
                    f"The environment is {environment.condition}. Its notifications cannot be changed."
                )
            secret = self._new_secret(environment, request.webhook)
            webhook = _webhook(environment.webhook, request.webhook, secret)
            if webhook == environment.webhook:
                return environment, None
            is_same = environment.webhook and webhook and environment.webhook.url == webhook.url
            after = environment.replace(webhook=webhook, delivery=environment.delivery if is_same else None)
            also = [self._store.outbox.put_secret(environment_id, secret)] if secret or not webhook else []
            event = self._event(caller, request_id, webhook, is_new_secret=secret is not None)
            saved = self._store.save_environment(environment, after, event, also=also)
            return saved, secret.secret if secret else None

        return repeat_if_stale(read_and_write, "environment")

    def secret_of(self, created: Environment) -> str | None:
        """Return the secret that the request which created this record got, unless there is a newer one.

        A repeated request returns it again, because its caller may never have received the first response.
        """
        if created.webhook is None:
            return None
        secret = self._store.outbox.secret(created.id)
        return secret.secret if secret and secret.id == created.webhook.secret_id else None

    def _new_secret(self, environment: Environment, wanted: WebhookRequest | None) -> WebhookSecret | None:
        old = environment.webhook
        if wanted is None:
            return None
        if old is None or old.url != wanted.url:
            return WebhookSecret.new()
        if not wanted.rotate_secret:
            return None
        previous = self._store.outbox.secret(environment.id)
        until = later(self._clock(), OVERLAP_SECONDS)
        return WebhookSecret.new(previous.secret if previous else None, until)

    def _event(
        self, caller: Caller, request_id: str, webhook: Webhook | None, *, is_new_secret: bool
    ) -> TimelineEvent:
        """Return the event of a change. It names the host only, because a URL can contain a secret."""
        detail: Json = {"webhook": None}
        if webhook is not None:
            host = self._policy.target(webhook.url).host
            detail = {"webhook": host, "events": webhook.events, "new_secret": is_new_secret}
        return TimelineEvent(
            timestamp(self._clock()), caller.owner, "notifications_changed", request_id, detail
        )


def _webhook(
    old: Webhook | None, wanted: WebhookRequest | None, secret: WebhookSecret | None
) -> Webhook | None:
    """Return the webhook after a request. One that was disabled is enabled again."""
    if wanted is None:
        return None
    secret_id = secret.id if secret else old.secret_id if old else ""
    return Webhook(wanted.url, [*wanted.events], secret_id)
