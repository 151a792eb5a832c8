"""Log streams of job runs: sends a script's output to CloudWatch Logs while it runs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

GROUP = "/aws-glue/jobs"
"""Default log group prefix of a run. Its streams are in `/output` and `/error` below it."""

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_BATCH_EVENTS = 10_000
_BATCH_BYTES = 1_048_576
_EVENT_OVERHEAD = 26
_EVENT_BYTES = 256 * 1024 - _EVENT_OVERHEAD

_logger = logging.getLogger(__name__)


class LogStream:
    """A log stream of a run. A thread fills it from a pipe, and `flush` sends the lines.

    `edit` changes each line, for example to shorten paths.
    """

    def __init__(
        self, client: Any, group: str, run_id: str, edit: Callable[[str], str] = lambda line: line
    ) -> None:
        self._client = client
        self._edit = edit
        self._place = {"logGroupName": group, "logStreamName": run_id}
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None

    def create(self) -> None:
        """Create the stream, and its group if missing. The stack may have created an encrypted group."""
        errors = self._client.exceptions
        try:
            self._client.create_log_stream(**self._place)
        except errors.ResourceNotFoundException:
            with contextlib.suppress(errors.ResourceAlreadyExistsException):  # created by a concurrent run
                self._client.create_log_group(logGroupName=self._place["logGroupName"])
            self._client.create_log_stream(**self._place)

    def read(self, pipe: IO[bytes], after: str | None = None) -> None:
        """Start to read lines from a pipe. With `after`, drop those up to the line with this text."""
        self._reader = threading.Thread(target=self._take, args=(pipe, after), daemon=True)
        self._reader.start()

    def write(self, text: str) -> None:
        """Add lines that do not come from the script."""
        for line in text.splitlines():
            self._add(line)

    def finish(self, seconds: float) -> None:
        """Wait until every writer has closed the pipe, then flush."""
        if self._reader is not None:
            self._reader.join(seconds)
        self.flush()

    def flush(self) -> None:
        """Send the new lines. Lines that CloudWatch Logs rejects are dropped, with a log message."""
        with self._lock:
            events, self._events = self._events, []
        batch: list[dict[str, Any]] = []
        size = 0
        for event in events:
            weight = len(event["message"].encode()) + _EVENT_OVERHEAD
            if batch and (len(batch) == _BATCH_EVENTS or size + weight > _BATCH_BYTES):
                self._put(batch)
                batch, size = [], 0
            batch.append(event)
            size += weight
        if batch:
            self._put(batch)

    def _take(self, pipe: IO[bytes], after: str | None) -> None:
        with pipe:
            if after is not None:
                next((line for line in iter(pipe.readline, b"") if line.strip() == after.encode()), None)
            # Limits the length of a line; a replaced byte takes three bytes in UTF-8.
            for line in iter(lambda: pipe.readline(_EVENT_BYTES // 3), b""):
                self._add(line.decode("utf-8", "replace").rstrip("\r\n"))

    def _add(self, line: str) -> None:
        message = self._edit(line) or " "  # events must not be empty
        event = {"timestamp": time.time_ns() // 1_000_000, "message": message}
        with self._lock:
            self._events.append(event)

    def _put(self, batch: list[dict[str, Any]]) -> None:
        try:
            self._client.put_log_events(**self._place, logEvents=batch)
        except (BotoCoreError, ClientError):
            _logger.exception("log lines lost: %s", self._place["logStreamName"])
