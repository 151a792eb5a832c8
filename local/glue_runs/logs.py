"""A script's output, line by line, into CloudWatch Logs while it runs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

GROUP = "/aws-glue/jobs"
"""What a run names as its log group; its streams are in `/output` and `/error` below it."""

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_BATCH_EVENTS = 10_000
_BATCH_BYTES = 1_048_576
_EVENT_OVERHEAD = 26
_EVENT_BYTES = 256 * 1024 - _EVENT_OVERHEAD

_logger = logging.getLogger(__name__)


class LogStream:
    """One stream of one run: filled from a pipe by a thread, written out by `flush`."""

    def __init__(self, client: Any, group: str, run_id: str) -> None:
        self._client = client
        self._place = {"logGroupName": group, "logStreamName": run_id}
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None

    def create(self) -> None:
        """Make the stream, and the group if it is missing: a stack may have made it, encrypted and all."""
        errors = self._client.exceptions
        try:
            self._client.create_log_stream(**self._place)
        except errors.ResourceNotFoundException:
            with contextlib.suppress(errors.ResourceAlreadyExistsException):  # by another run meanwhile
                self._client.create_log_group(logGroupName=self._place["logGroupName"])
            self._client.create_log_stream(**self._place)

    def read(self, pipe: IO[bytes]) -> None:
        """Begin to take lines from a pipe."""
        self._reader = threading.Thread(target=self._take, args=(pipe,), daemon=True)
        self._reader.start()

    def write(self, text: str) -> None:
        """Add lines that the script did not write."""
        for line in text.splitlines():
            self._add(line)

    def finish(self, seconds: float) -> None:
        """Wait until the pipe is read to its end, which is when nobody holds it any more, and flush."""
        if self._reader is not None:
            self._reader.join(seconds)
        self.flush()

    def flush(self) -> None:
        """Write out what has come since the last time; what CloudWatch Logs refuses is lost, and logged."""
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

    def _take(self, pipe: IO[bytes]) -> None:
        with pipe:
            # A line may be endless; in UTF-8 a replaced byte takes three.
            for line in iter(lambda: pipe.readline(_EVENT_BYTES // 3), b""):
                self._add(line.decode("utf-8", "replace").rstrip("\r\n"))

    def _add(self, line: str) -> None:
        event = {"timestamp": time.time_ns() // 1_000_000, "message": line or " "}  # no event may be empty
        with self._lock:
            self._events.append(event)

    def _put(self, batch: list[dict[str, Any]]) -> None:
        try:
            self._client.put_log_events(**self._place, logEvents=batch)
        except (BotoCoreError, ClientError):
            _logger.exception("log lines lost: %s", self._place["logStreamName"])
