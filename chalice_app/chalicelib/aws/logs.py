"""CloudWatch Logs client: reads the log stream of a job run's driver, which is named by the run's ID.

According to the documentation, Glue adds `-driver` to the ID, and the number of an executor for the streams
of executors: https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html. Glue has also named
the driver's stream by the ID alone, and those of executors with `_g-` and an ID.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.errors import call_or_none, calling
from chalicelib.clock import timestamp
from chalicelib.domain.byte_limits import LOG_LINE_BYTES, cut
from chalicelib.domain.response_size import MOST_BYTES, wire_bytes

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsResponseTypeDef, OutputLogEventTypeDef

_MISSING = "ResourceNotFoundException"
_DRIVER = "-driver"
_OWN_SUFFIX = re.compile(r"-|_(?!attempt_)")
_IN_STREAM = "\n"
"""Separates the name of a stream, which cannot contain it, from a token."""


# GetLogEvents "can return empty results while there are more log events available through the token". At the
# end of a stream it returns the token that it received
# (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html).
_MAX_CALLS = 5
_LONGEST_LINE_BYTES = MOST_BYTES // 8
"""A control character takes seven bytes in a response."""


@dataclass(frozen=True)
class LogPage:
    """Log lines as (time, text), oldest first. `next` is the token of the next page.

    `is_end` is whether the stream had no more lines. The token is None if the stream does not exist yet.
    """

    lines: list[tuple[str, str]]
    next: str | None
    is_end: bool


class Logs:
    """Reads log streams and deletes log groups. Methods raise `AwsError`."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def page(self, group: str, run: str, token: str | None, limit: int) -> LogPage:
        """Return up to `limit` lines of a run after a token, or from the start. Makes at most eight calls.

        Reads again with a lower limit if the lines are too large for an API response. If the name of the
        stream is not the run's ID, the token contains it.
        """
        stream, _, place = (token or "").rpartition(_IN_STREAM)
        stream = stream or run
        page = self._page(group, stream, place or None, limit)
        if page is None and token is None and (other := self._other_stream(group, run)):
            stream, page = other, self._page(group, other, None, limit)
        if page is None:
            return LogPage([], token, True)
        return page if stream == run else replace(page, next=f"{stream}{_IN_STREAM}{page.next or ''}")

    def _page(self, group: str, stream: str, token: str | None, limit: int) -> LogPage | None:
        for _ in range(_MAX_CALLS):
            response = self._read(group, stream, limit, token, from_head=True)
            if response is None:
                return None
            lines = [_line(event) for event in response["events"]]
            if len(lines) > 1 and wire_bytes(lines) > MOST_BYTES:
                limit = max(1, len(lines) // 4)
                continue
            lines = [(at, cut(text, _LONGEST_LINE_BYTES)) for at, text in lines]
            sent, token = token, response["nextForwardToken"]
            if lines or token == sent:
                return LogPage(lines, token, token == sent)
        return LogPage([], token, False)

    def tail(self, group: str, run: str, lines: int) -> list[str]:
        """Return the last lines of a run without times, each cut to `LOG_LINE_BYTES`."""
        found = self._tail(group, run, lines)
        if found is None and (other := self._other_stream(group, run)):
            found = self._tail(group, other, lines)
        return found or []

    def _tail(self, group: str, stream: str, lines: int) -> list[str] | None:
        found: list[str] = []
        token: str | None = None
        for _ in range(_MAX_CALLS):
            response = self._read(group, stream, lines - len(found), token, from_head=False)
            if response is None:
                return None
            found = [cut(_line(event)[1], LOG_LINE_BYTES) for event in response["events"]] + found
            sent, token = token, response["nextBackwardToken"]
            if len(found) >= lines or token == sent:
                break
        return found

    def remove_groups(self, prefix: str) -> int:
        """Delete every log group with a prefix. Return their number."""
        with calling():
            pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
            names = [group["logGroupName"] for page in pages for group in page["logGroups"]]
        for name in names:
            with calling(ignore={_MISSING}):  # another process may have deleted it
                self._client.delete_log_group(logGroupName=name)
        return len(names)

    def _other_stream(self, group: str, run: str) -> str | None:
        """Return the stream of a run that is not named by the run's ID alone, or None if there is none.

        Prefers the driver's. Excludes those of the run's later attempts, `<run ID>_attempt_<number>`.
        """
        driver = f"{run}{_DRIVER}"
        if driver in self._streams(group, driver):  # the first page can have executors only
            return driver
        own = (name for name in self._streams(group, run) if _OWN_SUFFIX.match(name.removeprefix(run)))
        return next(own, None)

    def _streams(self, group: str, prefix: str) -> list[str]:
        """Return the first 50 streams with a prefix, by name."""
        response = call_or_none(
            lambda: self._client.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix),
            _MISSING,
        )
        return [stream["logStreamName"] for stream in response["logStreams"]] if response else []

    def _read(
        self, group: str, stream: str, limit: int, token: str | None, *, from_head: bool
    ) -> GetLogEventsResponseTypeDef | None:
        """Return one response of GetLogEvents, at most 1 MB, or None if the stream does not exist."""
        more: Any = {"nextToken": token} if token else {}
        return call_or_none(
            lambda: self._client.get_log_events(
                logGroupName=group, logStreamName=stream, startFromHead=from_head, limit=limit, **more
            ),
            _MISSING,
        )


def _line(event: OutputLogEventTypeDef) -> tuple[str, str]:
    at = timestamp(datetime.fromtimestamp(event["timestamp"] / 1000, UTC))
    return at, event["message"].rstrip("\n")
