"""CloudWatch Logs client: reads the log streams of job runs, one stream per run, named by its ID.

https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
"""

from __future__ import annotations

from dataclasses import dataclass
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

    def page(self, group: str, stream: str, token: str | None, limit: int) -> LogPage:
        """Return up to `limit` lines after a token, or from the start. Makes at most five calls.

        Reads again with a lower limit if the lines are too large for an API response.
        """
        for _ in range(_MAX_CALLS):
            response = self._read(group, stream, limit, token, from_head=True)
            if response is None:
                return LogPage([], token, True)
            lines = [_line(event) for event in response["events"]]
            if len(lines) > 1 and wire_bytes(lines) > MOST_BYTES:
                limit = max(1, len(lines) // 4)
                continue
            lines = [(at, cut(text, _LONGEST_LINE_BYTES)) for at, text in lines]
            sent, token = token, response["nextForwardToken"]
            if lines or token == sent:
                return LogPage(lines, token, token == sent)
        return LogPage([], token, False)

    def tail(self, group: str, stream: str, lines: int) -> list[str]:
        """Return the last lines of a stream without times, each cut to `LOG_LINE_BYTES`."""
        found: list[str] = []
        token: str | None = None
        for _ in range(_MAX_CALLS):
            response = self._read(group, stream, lines - len(found), token, from_head=False)
            if response is None:
                break
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
