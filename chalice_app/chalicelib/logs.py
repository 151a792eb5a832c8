"""How CloudWatch Logs is asked, for the streams that Glue writes: one for each run, named by it.

https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws_errors import AwsRefused, calling
from chalicelib.clock import timestamp
from chalicelib.errors import BadCursor

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import OutputLogEventTypeDef

_MISSING = "ResourceNotFoundException"


@dataclass(frozen=True)
class LogPage:
    """Some log lines (time, text), oldest first, and the token to go on from."""

    lines: list[tuple[str, str]]
    next: str | None


class Logs:
    """Reads the log streams of job runs and removes log groups; errors come out as `AwsError`."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def page(self, group: str, glue_run_id: str, token: str | None, limit: int) -> LogPage:
        """The lines after a token, or from the start; a stream that does not exist yet has none.

        Raises `BadCursor` for a token that CloudWatch does not take any more: they expire after 24 hours.
        """
        try:
            return self._read(group, glue_run_id, limit, token, from_head=True)
        except AwsRefused as refused:
            if token is not None and refused.code == "InvalidParameterException":
                raise BadCursor("The cursor has expired; read the log from its start.") from refused
            raise

    def tail(self, group: str, glue_run_id: str, lines: int) -> list[str]:
        """The last lines of a stream, without their times."""
        return [text for _, text in self._read(group, glue_run_id, lines, None, from_head=False).lines]

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
        self, group: str, glue_run_id: str, limit: int, token: str | None, *, from_head: bool
    ) -> LogPage:
        more: Any = {"nextToken": token} if token else {}
        with calling(_MISSING):
            page = self._client.get_log_events(
                logGroupName=group,
                logStreamName=glue_run_id,
                startFromHead=from_head,
                limit=limit,
                **more,
            )
            return LogPage([_line(event) for event in page["events"]], page.get("nextForwardToken"))
        return LogPage([], token)


def _line(event: OutputLogEventTypeDef) -> tuple[str, str]:
    at = timestamp(datetime.fromtimestamp(event["timestamp"] / 1000, UTC))
    return at, event["message"].rstrip("\n")
