"""Metrics of a run: what its stages and tasks did, from Spark's event log.

The log has one JSON object per line (JsonProtocol.scala of Spark 3.5). It is the user's own file, so every
value in it is checked, and the number of stages and tasks that are kept is limited.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import groupby
from statistics import median
from typing import Any

from chalicelib.domain.byte_limits import cut
from chalicelib.domain.json_types import Json
from chalicelib.domain.run_datasets import Dataset, PlanReader

MOST_STAGES = 100
"""Stages in the answer, the longest ones."""
NAME_BYTES = 200
_KEPT_STAGES, _KEPT_TASKS = 10_000, 2_000_000
_MOST = 10**15
_EVENT = re.compile(
    rb'\s*\{"Event":"(?:org\.apache\.spark\.sql\.execution\.ui\.)?SparkListener(ApplicationStart|ApplicationEnd'
    rb'|StageSubmitted|StageCompleted|TaskEnd|SQLExecutionStart|SQLAdaptiveExecutionUpdate|DriverAccumUpdates)"'
)


@dataclass(frozen=True)
class Amounts:
    """Sums over tasks."""

    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0
    shuffle_rows_read: int = 0
    shuffle_bytes_read: int = 0
    shuffle_rows_written: int = 0
    shuffle_bytes_written: int = 0
    spilled_bytes: int = 0
    task_seconds: float = 0.0
    cpu_seconds: float = 0.0
    gc_seconds: float = 0.0
    failed_tasks: int = 0


@dataclass(frozen=True)
class StageMetrics:
    """One attempt of a stage. Times are in milliseconds since 1970.

    `skew` is the longest task over the median.
    """

    id: int
    attempt: int
    name: str
    tasks: int
    started_ms: int | None
    ended_ms: int | None
    seconds: float | None
    is_failed: bool
    largest_task_seconds: float | None
    median_task_seconds: float | None
    skew: float | None
    amounts: Amounts


@dataclass(frozen=True)
class RunMetrics:
    """Metrics of a run. `skewed_stage` is the one whose largest task exceeds the median by the most time."""

    stage_count: int
    task_count: int
    application_seconds: float
    driver_seconds: float
    longest_stage: int | None
    skewed_stage: int | None
    skew: float | None
    totals: Amounts
    stages: list[StageMetrics] = field(default_factory=list)
    reads: list[Dataset] | None = None
    writes: list[Dataset] | None = None

    @classmethod
    def from_stored(cls, stored: Json) -> RunMetrics:
        """Return the metrics that `dataclasses.asdict` made a dictionary of."""
        stages = [
            StageMetrics(**{**stage, "amounts": Amounts(**stage["amounts"])}) for stage in stored["stages"]
        ]
        known = [name for name in ("reads", "writes") if stored.get(name) is not None]
        datasets = {name: [Dataset(**each) for each in stored[name]] for name in known}
        return cls(**{**stored, "totals": Amounts(**stored["totals"]), "stages": stages, **datasets})


@dataclass
class _Stage:
    name: str = ""
    tasks: int = 0
    started: int | None = None
    ended: int | None = None
    is_failed: bool = False
    durations: array[int] = field(default_factory=lambda: array("q"))
    sums: dict[str, int] = field(default_factory=dict)


class EventLog:
    """Reads the lines of event logs and sums up what they say. Ignores lines that it does not understand."""

    def __init__(self) -> None:
        self._application = 0
        self._stages: dict[tuple[int, int, int], _Stage] = {}
        self._spans: list[tuple[int, int]] = []
        self._tasks = 0
        self._plans = PlanReader()
        self.is_cut = False

    def begin(self) -> None:
        """Begin the log of another application of the run."""
        self._application += 1
        self._plans.begin()
        self._spans.append((0, 0))

    def read(self, line: bytes) -> None:
        """Read a line."""
        if not (match := _EVENT.match(line)):
            return
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):  # the last line of an active run, or not a line of Spark
            return
        if not self._spans:
            self.begin()
        kind, moment = match[1].decode(), _whole(event, "Timestamp")
        if kind == "TaskEnd":
            self._task_ended(event)
        elif kind.startswith("Stage"):
            self._stage(_object(event, "Stage Info"))
        elif kind.startswith("Application"):
            self._saw(moment)
        else:
            self._plans.event(event)

    def metrics(self) -> RunMetrics:
        """Return the metrics of what was read."""
        shown = [_shown(key, stage) for key, stage in sorted(self._stages.items())]
        longest = max(shown, key=lambda stage: stage.seconds or 0, default=None)
        skewed = max(
            (stage for stage in shown if stage.skew is not None),
            key=lambda stage: (stage.largest_task_seconds or 0) - (stage.median_task_seconds or 0),
            default=None,
        )
        kept = sorted(shown, key=lambda stage: stage.seconds or 0, reverse=True)[:MOST_STAGES]
        whole = sum(end - start for start, end in self._spans)
        spans = [
            (stage.started, stage.ended)
            for stage in self._stages.values()
            if stage.started is not None and stage.ended is not None
        ]
        return RunMetrics(
            stage_count=len(shown),
            task_count=self._tasks,
            application_seconds=whole / 1000,
            driver_seconds=max(0, whole - _covered(spans)) / 1000,
            longest_stage=longest.id if longest else None,
            skewed_stage=skewed.id if skewed else None,
            skew=skewed.skew if skewed else None,
            totals=_total(stage.amounts for stage in shown),
            stages=sorted(kept, key=lambda stage: (stage.id, stage.attempt)),
            reads=self._plans.read(),
            writes=self._plans.written(),
        )

    def _saw(self, moment: int) -> None:
        start, end = self._spans[-1]
        if moment:
            self._spans[-1] = (min(start or moment, moment), max(end, moment))

    def _of(self, info: Json) -> _Stage | None:
        key = (self._application, _whole(info, "Stage ID"), _whole(info, "Stage Attempt ID"))
        if key not in self._stages and len(self._stages) >= _KEPT_STAGES:
            self.is_cut = True
            return None
        return self._stages.setdefault(key, _Stage())

    def _stage(self, info: Json) -> None:
        if (stage := self._of(info)) is None:
            return
        stage.name = cut(str(info.get("Stage Name", "")), NAME_BYTES)
        stage.tasks = _whole(info, "Number of Tasks")
        stage.started = _whole(info, "Submission Time") or stage.started
        stage.ended = _whole(info, "Completion Time") or stage.ended
        stage.is_failed = bool(info.get("Failure Reason"))
        self._plans.stage(info)
        self._saw(stage.started or 0)
        self._saw(stage.ended or 0)

    def _task_ended(self, event: Json) -> None:
        if (stage := self._of(event)) is None:
            return
        self._tasks += 1
        info, metrics = _object(event, "Task Info"), _object(event, "Task Metrics")
        start, end = _whole(info, "Launch Time"), _whole(info, "Finish Time")
        self._saw(end)
        is_failed = _object(event, "Task End Reason").get("Reason") != "Success"
        if not is_failed and self._tasks <= _KEPT_TASKS:
            stage.durations.append(max(0, end - start))
        for name, value in _amounts(metrics, is_failed):
            stage.sums[name] = stage.sums.get(name, 0) + value


def no_metrics() -> RunMetrics:
    """Return the metrics of a run without an event log."""
    return EventLog().metrics()


def _amounts(metrics: Json, is_failed: bool) -> Iterator[tuple[str, int]]:
    read, written = _object(metrics, "Input Metrics"), _object(metrics, "Output Metrics")
    fetched, shuffled = _object(metrics, "Shuffle Read Metrics"), _object(metrics, "Shuffle Write Metrics")
    yield "task_ms", _whole(metrics, "Executor Run Time")
    yield "cpu_ns", _whole(metrics, "Executor CPU Time")
    yield "gc_ms", _whole(metrics, "JVM GC Time")
    yield "spilled_bytes", _whole(metrics, "Disk Bytes Spilled")
    yield "failed_tasks", int(is_failed)
    if is_failed:  # Spark runs the task again, and discards what it read and wrote
        return
    yield "rows_read", _whole(read, "Records Read")
    yield "bytes_read", _whole(read, "Bytes Read")
    yield "rows_written", _whole(written, "Records Written")
    yield "bytes_written", _whole(written, "Bytes Written")
    yield "shuffle_rows_read", _whole(fetched, "Total Records Read")
    yield "shuffle_bytes_read", _whole(fetched, "Remote Bytes Read") + _whole(fetched, "Local Bytes Read")
    yield "shuffle_rows_written", _whole(shuffled, "Shuffle Records Written")
    yield "shuffle_bytes_written", _whole(shuffled, "Shuffle Bytes Written")


def _shown(key: tuple[int, int, int], stage: _Stage) -> StageMetrics:
    times = stage.durations
    largest, middle = (max(times), float(median(times))) if times else (None, None)
    skew = None
    if len(times) > 1 and largest is not None and middle is not None:
        skew = round(largest / max(middle, 1.0), 2)
    sums = dict(stage.sums)
    is_timed = stage.started is not None and stage.ended is not None
    return StageMetrics(
        id=key[1],
        attempt=key[2],
        name=stage.name,
        tasks=stage.tasks,
        started_ms=stage.started,
        ended_ms=stage.ended,
        seconds=max(0, (stage.ended or 0) - (stage.started or 0)) / 1000 if is_timed else None,
        is_failed=stage.is_failed,
        largest_task_seconds=None if largest is None else largest / 1000,
        median_task_seconds=None if middle is None else middle / 1000,
        skew=skew,
        amounts=Amounts(
            task_seconds=sums.pop("task_ms", 0) / 1000,
            cpu_seconds=round(sums.pop("cpu_ns", 0) / 1e9, 3),
            gc_seconds=sums.pop("gc_ms", 0) / 1000,
            **sums,
        ),
    )


def _total(amounts: Iterable[Amounts]) -> Amounts:
    every = list(amounts)
    sums: dict[str, Any] = {
        name.name: sum(getattr(each, name.name) for each in every) for name in fields(Amounts)
    }
    rounded: dict[str, Any] = {
        name: round(value, 3) if isinstance(value, float) else value for name, value in sums.items()
    }
    return Amounts(**rounded)


def _covered(spans: Iterable[tuple[int, int]]) -> int:
    """Return the length of the union of some spans of time."""
    covered = reached = 0
    for start, ends in groupby(sorted(spans), key=lambda span: span[0]):
        end = max(end for _, end in ends)
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def _object(values: Any, name: str) -> Json:
    value = values.get(name) if isinstance(values, dict) else None
    return value if isinstance(value, dict) else {}


def _whole(values: Json, name: str) -> int:
    value = values.get(name)
    return min(value, _MOST) if isinstance(value, int) and value > 0 else 0
