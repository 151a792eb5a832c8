"""Metrics of job runs: found in Spark's event log in the sandbox, and stored once the run has ended.

Glue copies the log of a run every 30 seconds to `--spark-event-logs-path`, for which each run has a folder
(`Environment.event_logs_prefix`): https://docs.aws.amazon.com/glue/latest/dg/monitor-spark-ui-jobs.html.
AWS does not document the names of the files: they are assumed to be Spark's. Spark writes one file per
application, `<application>` or `<application>.inprogress`. With rolling logs, it
writes a folder `eventlog_v2_<application>` with the files `events_<number>_<application>`
(https://spark.apache.org/docs/3.5.6/monitoring.html#applying-compaction-on-rolling-event-log-files).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from chalicelib.aws.errors import AwsError
from chalicelib.aws.s3 import Buckets
from chalicelib.clock import parse
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.run_metrics import EventLog, RunMetrics
from chalicelib.observability import logger
from chalicelib.storage.run_metrics import StoredMetrics

_MOST_BYTES = 512 * 1024 * 1024
_MOST_SECONDS = 15.0
"""Limits of one reading. API Gateway ends a request after 29 s, which includes the other calls."""
_LONGEST_LINE = 4 * 1024 * 1024
_CLOCKS_APART_MS = 60_000
_ROLLED = re.compile(r"events_(\d+)_(.+)")
_COMPRESSED = (".zstd", ".lz4", ".lzf", ".snappy")

NO_LOG = (
    "There is no Spark event log of this run. Glue writes it about 30 seconds after Spark has started; a run "
    "that ends before, or that does not use Spark, has none."
)
COMPRESSED = "The event log is compressed. Remove spark.eventLog.compress from the script to get metrics."
UNREADABLE = "The event log cannot be read: the bucket or its key may be missing, or the sandbox is deleted."


@dataclass(frozen=True)
class Measured:
    """Metrics of a run, or the reason why there are none."""

    run: JobRun
    metrics: RunMetrics | None
    is_truncated: bool = False
    reason: str | None = None


class RunMetricsReader:
    """Reads the metrics of runs, with the rights of their sandbox."""

    def __init__(
        self,
        stored: StoredMetrics,
        buckets_of: Callable[[Environment], Buckets],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stored = stored
        self._buckets_of = buckets_of
        self._monotonic = monotonic

    def read(self, run: JobRun, environment: Environment) -> Measured:
        """Return the metrics of a run. Those of an ended run are computed once."""
        if run.status.is_final and (found := self._stored.get(run)):
            return Measured(run, *found)
        if environment.outputs is None:
            return Measured(run, None, reason=NO_LOG if run.glue_run_id is None else UNREADABLE)
        try:
            buckets, bucket = self._buckets_of(environment), environment.bucket("glue_assets")
            keys = [key for key, _ in buckets.listing(bucket, environment.event_logs_prefix(run.id))]
            logs = _applications(keys, run)
            if not logs:
                compressed = any(key.endswith(_COMPRESSED) for key in keys)
                return Measured(run, None, reason=COMPRESSED if compressed else NO_LOG)
            reading = _Reading(buckets, bucket, self._monotonic)
            for log in logs:
                reading.application(log)
        except AwsError as error:
            logger.warning("event log not readable", run_id=run.id, code=error.code, detail=error.message)
            return Measured(run, None, reason=UNREADABLE)
        measured = Measured(run, reading.log.metrics(), reading.is_truncated)
        if run.status.is_final and not reading.is_out_of_time and measured.metrics:
            self._stored.put(run, measured.metrics, measured.is_truncated)
        return measured


class _Reading:
    """One reading of the logs of a run, within the limits."""

    def __init__(self, buckets: Buckets, bucket: str, monotonic: Callable[[], float]) -> None:
        self._buckets = buckets
        self._bucket = bucket
        self._monotonic = monotonic
        self._until = monotonic() + _MOST_SECONDS
        self._left = _MOST_BYTES
        self._is_full = False
        self.is_out_of_time = False
        self.log = EventLog()

    @property
    def is_truncated(self) -> bool:
        """Return whether a part of the logs was not read."""
        return self._is_full or self.is_out_of_time or self.log.is_cut

    def application(self, keys: list[str]) -> None:
        """Read the files of one application."""
        self.log.begin()
        for key in keys:
            for line in self._lines(key):
                self.log.read(line)

    def _lines(self, key: str) -> Iterator[bytes]:
        """Yield the lines of an object. Leaves out lines that are too long."""
        rest = b""
        for chunk in self._buckets.chunks(self._bucket, key):
            self._left -= len(chunk)
            self._is_full = self._is_full or self._left < 0
            self.is_out_of_time = self.is_out_of_time or self._monotonic() > self._until
            if self._is_full or self.is_out_of_time:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
            rest = rest if len(rest) <= _LONGEST_LINE else b"-"
        yield rest


def _applications(keys: list[str], run: JobRun) -> list[list[str]]:
    """Return the files of each application of the newest attempt, in the order of their events.

    An application's ID ends with its start in milliseconds, which tells the attempts apart. Glue can write
    the same log to its two places: that of the console, and that of Spark's history server.
    """
    since = int(parse(run.started_at).timestamp() * 1000) - _CLOCKS_APART_MS if run.started_at else 0
    parts = sorted(part for key in keys if (part := _part(key)))
    found: list[tuple[int, list[str]]] = []
    for (started, _, _), group in groupby(parts, key=lambda part: part[:3]):
        if started >= since and not (found and found[-1][0] == started):
            # The copy of a log in progress can remain beside the whole log, whose name sorts before it.
            numbered = {number: key for *_, number, key in reversed(list(group))}
            found.append((started, [key for _, key in sorted(numbered.items())]))
    return [files for _, files in found]


def _part(key: str) -> tuple[int, str, str, int, str] | None:
    folder, _, name = key.rpartition("/")
    name = name.removesuffix(".inprogress")
    if name.endswith(_COMPRESSED) or name.startswith("appstatus_"):
        return None
    rolled = _ROLLED.fullmatch(name)
    application = (rolled[2].removesuffix(".compact") if rolled else name).partition(".")[0]
    digits = re.search(r"(\d{13})(?:_\d+)?$", application)
    if digits is None:
        return None
    return (int(digits[1]), application, folder, int(rolled[1]) if rolled else 0, key)
