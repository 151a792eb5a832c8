"""How CloudWatch Logs is asked, for the streams that Glue writes: one for each run, named by it.

https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.errors import calling
from chalicelib.clock import timestamp
from chalicelib.domain.byte_limits import LOG_LINE_BYTES, cut
from chalicelib.domain.response_size import MOST_BYTES, wire_bytes

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsResponseTypeDef, OutputLogEventTypeDef

_MISSING = "ResourceNotFoundException"


# GetLogEvents "can return empty results while there are more log events available through the token"; the end
# is where it returns the token that it was sent
# (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html).
_CALLS = 5
_LONGEST_LINE_BYTES = MOST_BYTES // 8
"""A control character takes seven bytes in an answer."""


@dataclass(frozen=True)
class LogPage:
    """Some log lines (time, text), oldest first, and the token to go on from.

    `is_end` says that there were no more lines then. The token is None where there is no stream (yet).
    """

    lines: list[tuple[str, str]]
    next: str | None
    is_end: bool


class Logs:
    """Reads the log streams of job runs and removes log groups; errors come out as `AwsError`."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def page(self, group: str, stream: str, token: str | None, limit: int) -> LogPage:
        """The lines after a token, or from the start: the first that are found in a few calls.

        Fewer lines than `limit` are read again if those would be too large for an answer.
        """
        for _ in range(_CALLS):
            answer = self._read(group, stream, limit, token, from_head=True)
            if answer is None:
                return LogPage([], token, True)
            lines = [_line(event) for event in answer["events"]]
            if len(lines) > 1 and wire_bytes(lines) > MOST_BYTES:
                limit = max(1, len(lines) // 4)
                continue
            lines = [(at, cut(text, _LONGEST_LINE_BYTES)) for at, text in lines]
            sent, token = token, answer["nextForwardToken"]
            if lines or token == sent:
                return LogPage(lines, token, token == sent)
        return LogPage([], token, False)

    def tail(self, group: str, stream: str, lines: int) -> list[str]:
        """The last lines of a stream, without their times, each cut to what a record keeps."""
        found: list[str] = []
        token: str | None = None
        for _ in range(_CALLS):
            answer = self._read(group, stream, lines - len(found), token, from_head=False)
            if answer is None:
                break
            found = [cut(_line(event)[1], LOG_LINE_BYTES) for event in answer["events"]] + found
            sent, token = token, answer["nextBackwardToken"]
            if len(found) >= lines or token == sent:
                break
        return found

    def remove_groups(self, prefix: str) -> int:
        """Remove every log group below a prefix; returns how many there were."""
        with calling():
            pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
            names = [group["logGroupName"] for page in pages for group in page["logGroups"]]
        for name in names:
            with calling(_MISSING):  # somebody else may be faster
                self._client.delete_log_group(logGroupName=name)
        return len(names)

    def _read(
        self, group: str, stream: str, limit: int, token: str | None, *, from_head: bool
    ) -> GetLogEventsResponseTypeDef | None:
        """One answer, of 1 MB at most; None when there is no such stream."""
        more: Any = {"nextToken": token} if token else {}
        with calling(_MISSING):
            return self._client.get_log_events(
                logGroupName=group, logStreamName=stream, startFromHead=from_head, limit=limit, **more
            )
        return None


def _line(event: OutputLogEventTypeDef) -> tuple[str, str]:
    at = timestamp(datetime.fromtimestamp(event["timestamp"] / 1000, UTC))
    return at, event["message"].rstrip("\n")
