"""Scheduled triggers: an activated one starts its jobs when their minute comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import schedules
from local.glue_runs.state import Refused, now

_SECONDS = 1.0
_MINUTE = timedelta(minutes=1)
_HANDED_ON = ("JobName", "Arguments", "Timeout", "SecurityConfiguration")

_logger = logging.getLogger(__name__)


class Triggers:
    """Looks once a second whether a minute has begun, and in each at every trigger.

    Their schedules are known to be valid: CreateTrigger takes no other (api.py).
    """

    def __init__(
        self,
        clients: Callable[[str], Any],
        start: Callable[[dict[str, Any]], Any],
        *,
        clock: Callable[[], datetime] = now,
        seconds: float = _SECONDS,
    ) -> None:
        self._clients = clients
        self._start = start
        self._clock = clock
        self._seconds = seconds
        self._looked = _minute(clock())
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="triggers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Start nothing more."""
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closed.wait(self._seconds):
            current = _minute(self._clock())
            if current > self._looked:
                passed = int((current - self._looked) / _MINUTE)  # more than one after the laptop has slept
                try:
                    self._look([current - _MINUTE * back for back in range(passed)])
                except (BotoCoreError, ClientError):
                    _logger.exception("triggers not read")
                self._looked = current

    def _look(self, minutes: list[datetime]) -> None:
        """Start what is due in any of the minutes, once."""
        for page in self._clients("glue").get_paginator("get_triggers").paginate():
            for trigger in page["Triggers"]:
                is_on = trigger["Type"] == "SCHEDULED" and trigger.get("State") == "ACTIVATED"
                if is_on and any(map(schedules.parse(trigger["Schedule"]).matches, minutes)):
                    for action in trigger["Actions"]:
                        self._begin(trigger["Name"], action)

    def _begin(self, trigger: str, action: dict[str, Any]) -> None:
        wanted: dict[str, Any] = {key: action[key] for key in _HANDED_ON if key in action}
        try:
            self._start(wanted | {"TriggerName": trigger})
        except Refused as refused:
            _logger.warning("trigger %s could not start %s: %s", trigger, action.get("JobName"), refused)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
