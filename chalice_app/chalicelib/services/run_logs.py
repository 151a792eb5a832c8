"""Logs of job runs, page by page."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.aws.errors import AwsRefused
from chalicelib.aws.logs import Logs
from chalicelib.clock import Clock, later, parse, timestamp
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.json_types import Json
from chalicelib.errors import BadCursor

_START: Json = {"attempt": None, "token": None}
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 3.0
"""Seconds between two reads for a follower. An account may call GetLogEvents 25 times in a second:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
_LATE_LINES_SECONDS = 5
"""Glue sends the log of a run every few seconds, and once more after the run ended."""


@dataclass(frozen=True)
class RunLogs:
    """Lines of a run's log, as (time, message), and the place of the next ones.

    A place is the ID of an attempt in Glue and a token; both are None before Glue starts the first attempt.
    `next` is None if the run ended and every line was read.
    """

    lines: list[tuple[str, str]]
    next: Json | None


@dataclass(frozen=True)
class LogRequest:
    """The next lines of a log: after a place, at most `limit`, and how many seconds to wait for them."""

    stream: str
    limit: int
    place: Json | None
    wait: int = 0


class RunLogReader:
    """Reads the logs of runs."""

    def __init__(
        self,
        logs: Logs,
        clock: Clock,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = logs
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic

    def follow(self, run: Callable[[], JobRun], wanted: LogRequest) -> RunLogs:
        """Return the lines after a place; wait up to some seconds for lines or for the end of the run.

        `run` reads the run. Raises `BadCursor` as `read` does.
        """
        stream, limit = wanted.stream, wanted.limit
        until, pause = self._monotonic() + wanted.wait, _FIRST_PAUSE
        found = self.read(run(), stream=stream, limit=limit, place=wanted.place)
        while not found.lines and found.next is not None and (left := until - self._monotonic()) > 0:
            self._sleep(min(pause, left))
            pause = min(pause + 1, _LONGEST_PAUSE)
            found = self.read(run(), stream=stream, limit=limit, place=found.next)
        return found

    def read(self, run: JobRun, *, stream: str, limit: int, place: Json | None) -> RunLogs:
        """Return the lines of a run's log after a place, by default the start of the newest attempt.

        Raises `BadCursor` if the place is older than a day: then CloudWatch Logs does not know it.
        """
        place = place or _START
        attempt, token = place["attempt"] or run.glue_run_id, place["token"]
        if attempt is None:
            return RunLogs([], None if run.status.is_final else _START)
        try:
            page = self._logs.page(f"{run.log_prefix}/{stream}", attempt, token, limit)
        except AwsRefused as refused:
            if token is None or refused.code != "InvalidParameterException":
                raise
            raise BadCursor("The cursor has expired after a day. Start again without it.") from refused
        if page.is_end and attempt != run.glue_run_id:
            return RunLogs(page.lines, {"attempt": run.glue_run_id, "token": None})
        if page.is_end and run.status.is_final and self._has_settled(run):
            return RunLogs(page.lines, None)
        return RunLogs(page.lines, {"attempt": attempt, "token": page.next})

    def _has_settled(self, run: JobRun) -> bool:
        """Return whether CloudWatch Logs has the last lines of an ended run, which arrive a little later."""
        return run.completed_at is None or later(parse(run.completed_at), _LATE_LINES_SECONDS) <= timestamp(
            self._clock()
        )
