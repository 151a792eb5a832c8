"""Requests about environments. `lifecycle/` carries them out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from chalicelib.aws.dynamodb import Page
from chalicelib.aws.errors import AwsError
from chalicelib.clock import Clock, environment_id, now, timestamp
from chalicelib.config import Config
from chalicelib.domain import expiry
from chalicelib.domain.caller import Caller
from chalicelib.domain.capacity import QueueCounters
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import ENVIRONMENT_ID
from chalicelib.domain.owner_accounts import Account
from chalicelib.domain.requests import EnvironmentChange, NotificationsRequest
from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import Settings
from chalicelib.domain.settings_changes import changed
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.errors import Forbidden, InvalidCombination, NotFound
from chalicelib.lifecycle.reconcile import Reconciler
from chalicelib.services import requested_changes
from chalicelib.services.data_sets import DataSets
from chalicelib.services.environment_writes import REQUEST_SECONDS, EnvironmentWrites
from chalicelib.services.idempotency import Created, IdempotentRequest
from chalicelib.services.new_environment import new_environment
from chalicelib.services.notifications import Notifications
from chalicelib.services.readiness import require_not_frozen, require_ready
from chalicelib.storage.releases import Releases
from chalicelib.storage.store import Store


class Environments:
    """Creates, shows, changes and deletes environments."""

    def __init__(
        self,
        config: Config,
        store: Store,
        releases: Releases,
        reconciler: Reconciler,
        *,
        clock: Clock = now,
        new_id: Callable[[], str] = environment_id,
    ) -> None:
        self._config = config
        self._store = store
        self._data_sets = DataSets(releases)
        self._reconciler = reconciler
        self.notifications = Notifications(store, config.webhooks, self.visible, clock=clock)
        self._writes = EnvironmentWrites(config, store, reconciler, self.visible, clock)
        self._clock = clock
        self._new_id = new_id

    def create(
        self,
        request: IdempotentRequest,
        settings: Settings,
        data: str | None = None,
        notifications: NotificationsRequest | None = None,
    ) -> Created[Environment]:
        """Record a new environment for the caller, with the newest release of a data set; start creating it.

        Raises `EnvironmentExists` if the caller has a live one, `TooManyCreations` if they may not create
        another today, and `InvalidCombination` for settings that do not fit together or that the operator
        does not allow, or an unknown data set.
        """
        return self._writes.once(request, lambda: self._create(request, settings, data, notifications))

    def _create(
        self,
        request: IdempotentRequest,
        settings: Settings,
        data: str | None,
        notifications: NotificationsRequest | None,
    ) -> Environment:
        wrong = invalid_combinations(settings, self._config.limits, self._clock())
        wrong += self.notifications.invalid(notifications)
        release = self._data_sets.newest(data)
        if wrong or release is None:
            raise InvalidCombination([*wrong, *([] if release else [self._data_sets.unknown()])])
        settings = settings.within(self._config.limits).resolved()
        moment = self._clock()
        notified = self.notifications.of_new(new_id := self._new_id(), notifications)
        environment = new_environment(
            new_id, request.caller.owner, settings, release.id, data, moment=moment
        ).replace(webhook=notified.webhook)
        event = TimelineEvent(
            environment.created_at,
            request.caller.owner,
            "requested",
            request.request_id,
            settings.as_stored() | ({} if data is None else {"data": data}),
        )
        return self._writes.create(request, environment, event, notified.actions)

    def visible(self, caller: Caller, environment_id: str) -> Environment:
        """Return an environment that the caller may see. Raises `NotFound`."""
        known = ENVIRONMENT_ID.fullmatch(environment_id) is not None
        environment = self._store.environment(environment_id) if known else None
        if environment is None or not caller.may_see(environment.owner):
            raise NotFound("The environment does not exist or belongs to another owner.")
        return environment

    def page(
        self,
        caller: Caller,
        *,
        owner: str | None,
        status: Status | None,
        limit: int,
        start: Json | None,
        frozen: bool | None = None,
    ) -> Page[Environment]:
        """Return a page of the caller's environments, newest first. Admins see those of every owner."""
        owner = None if owner is None else self._config.owner(owner)
        if not caller.is_admin:
            if owner not in (None, caller.owner):
                return Page([], None)
            owner = caller.owner
        page = self._store.environments(owner=owner, status=status, limit=limit, start=start)
        return Page([item for item in page.items if frozen in (None, item.frozen is not None)], page.next)

    def timeline(
        self, caller: Caller, environment_id: str, *, limit: int, start: Json | None
    ) -> Page[TimelineEvent]:
        """Return a page of an environment's timeline, newest first. Raises `NotFound`.

        Every event has the environment's owner, so the environment is read only if the page is empty.
        """
        known = ENVIRONMENT_ID.fullmatch(environment_id) is not None
        page = self._store.events(environment_id, limit=limit, start=start) if known else Page([], None)
        if not page.items:
            self.visible(caller, environment_id)
        if not all(caller.may_see(event.owner) for event in page.items):
            raise NotFound("The environment does not exist or belongs to another owner.")
        return page

    def live(self, caller: Caller) -> Environment | None:
        """Return the caller's live environment, or None."""
        environment_id = self._store.live_environment_id(caller.owner)
        return self._store.environment(environment_id) if environment_id else None

    def mine(self, caller: Caller) -> tuple[Environment | None, Account]:
        """Return the caller's live environment, or None, and their budget and creations as of now."""
        environment_id, account = self._store.owner_records(caller.owner)
        live = self._store.environment(environment_id) if environment_id else None
        return live, account.at(self._clock(), self._config.allowance)

    def delete(self, caller: Caller, environment_id: str, request_id: str) -> tuple[Environment, bool]:
        """Request the deletion of an environment and start it.

        Returns the environment, and False if it was deleted already.
        """
        environment = self._writes.change(
            caller, environment_id, request_id, "delete_requested", requested_changes.request_deletion
        )
        if environment.status is Status.DELETED:
            return environment, False
        self._writes.start(environment)
        return self.visible(caller, environment_id), True

    def retry(self, request: IdempotentRequest, environment_id: str) -> Created[Environment]:
        """Start a FAILED environment again under the same ID.

        What the failed attempt left is removed first; a complete stack is kept. Another attempt counts as a
        creation. Raises `EnvironmentNotFailed` and `TooManyCreations`.
        """

        def in_queue(environment: Environment, moment: datetime, counters: QueueCounters) -> Environment:
            position = counters.next_position(self._config.capacity, moment)
            return requested_changes.retry_in_queue(environment, moment, position)

        return self._writes.change_once(
            request, environment_id, "retry_requested", requested_changes.retry, in_queue
        )

    def extend(self, caller: Caller, environment_id: str, hours: int, request_id: str) -> Environment:
        """Set the expiration of an environment to some hours from now.

        Raises `InvalidCombination` above the operator's maximum, which counts from now,
        `EnvironmentNotLive` if the environment is being deleted or is deleted, and `EnvironmentFrozen` for
        callers who are no admins.
        """
        if wrong := self._above_maximum(hours):
            raise InvalidCombination(wrong)

        def extend(environment: Environment, moment: datetime) -> Environment:
            if not caller.is_admin:
                require_not_frozen(environment)
            return requested_changes.extend(environment, moment, hours)

        return self._writes.change(caller, environment_id, request_id, "extended", extend)

    def change(
        self, caller: Caller, environment_id: str, change: EnvironmentChange, request_id: str
    ) -> tuple[Environment, bool]:
        """Request other settings, another release, data set or expiration, and start the update.

        The environment must be READY, or FAILED because resources were deleted by hand: the update creates
        those again. Returns the environment, and False if no update is needed. Raises `EnvironmentNotReady`
        and `InvalidCombination`.
        """
        given = change.model_fields_set
        if given == {"expires_in_hours"}:
            return self.extend(caller, environment_id, change.expires_in_hours, request_id), False
        if "notifications" in given:
            together = "Send notifications in a request without other changes."
            raise InvalidCombination([{"pointer": "/notifications", "detail": together}])
        above = self._above_maximum(change.expires_in_hours) if "expires_in_hours" in given else []

        def update(environment: Environment, moment: datetime) -> Environment:
            require_not_frozen(environment)
            if not requested_changes.is_repairable(environment):
                require_ready(environment, "to be changed")
            settings, invalid = changed(environment.settings, change.settings, self._config.limits, moment)
            data, release, unknown = self._data_sets.requested(environment, change)
            if wrong := [*unknown, *above, *invalid]:
                raise InvalidCombination(wrong)
            if "expires_in_hours" in given:
                environment = environment.replace(**expiry.ending_in(change.expires_in_hours, moment))
                environment = environment.replace(due_at=expiry.next_check(environment))
            return requested_changes.update(environment, moment, settings, release, data)

        detail = change.model_dump(mode="json", exclude_unset=True)
        environment = self._writes.change(
            caller, environment_id, request_id, "change_requested", update, detail=detail
        )
        if environment.status is not Status.UPDATING:
            return environment, False
        self._writes.start(environment)
        return self.visible(caller, environment_id), True

    def reset(self, request: IdempotentRequest, environment_id: str) -> Created[Environment]:
        """Start to reset a READY environment to its release. Raises `EnvironmentNotReady`."""
        return self._writes.change_once(request, environment_id, "reset_requested", requested_changes.reset)

    def freeze(self, request: IdempotentRequest, environment_id: str, reason: str) -> Created[Environment]:
        """Freeze an environment. Raises `Forbidden` for its owner, and `EnvironmentNotLive`."""
        self._require_admin(request.caller, environment_id)
        by = request.caller.owner
        freeze = partial(requested_changes.freeze, by=by, reason=reason)
        return self._writes.change_once(request, environment_id, "frozen", freeze)

    def thaw(self, request: IdempotentRequest, environment_id: str) -> Created[Environment]:
        """Thaw an environment. Raises as `freeze`, and `BudgetExceeded` if the budget froze it."""
        self._require_admin(request.caller, environment_id)

        def thaw(environment: Environment, moment: datetime) -> Environment:
            account, allowance = self._store.account(environment.owner), self._config.allowance
            return requested_changes.thaw(environment, moment, account, allowance)

        return self._writes.change_once(request, environment_id, "thawed", thaw)

    def _require_admin(self, caller: Caller, environment_id: str) -> None:
        self.visible(caller, environment_id)
        if not caller.is_admin:
            raise Forbidden("Only admins can freeze and thaw environments.")

    def request_drift_check(self, environment_id: str) -> None:
        """Make a READY environment due for a comparison with AWS: a resource seems to be missing."""
        with suppress(AwsError):
            self._store.request_drift_check(environment_id, timestamp(self._clock()))

    def reconcile_now(self, environment_id: str) -> None:
        """Take the steps that are due now instead of at the next tick."""
        with suppress(AwsError):
            self._reconciler.reconcile(environment_id, seconds=REQUEST_SECONDS)

    def _above_maximum(self, hours: int) -> list[dict[str, str]]:
        maximum = self._config.limits.expires_in_hours
        if 1 <= hours <= maximum:
            return []
        detail = f"The operator allows 1 to {maximum} hours from now."
        return [{"pointer": "/expires_in_hours", "detail": detail}]
