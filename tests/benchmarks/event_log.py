"""Stages and tasks of a Spark application, from its event log."""

from __future__ import annotations

import heapq
import json
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IGNORED_SECONDS = 1.0
"""Tasks below it do not count as skewed, because they are mostly start-up."""
SKEW = 4.0
ALONE_SECONDS = 2.0
RESULT_BYTES = 10 * 2**20
"""Spark broadcasts tables up to this size, which pass through the driver."""
COLLECTING = ("collect at", "toPandas at", "toLocalIterator at", "head at", "take at", "count at")


@dataclass(frozen=True)
class Task:
    """A successful task: its seconds, its CPU seconds, and when it began and ended."""

    seconds: float
    cpu: float
    began: float
    ended: float
    result_bytes: int


@dataclass(frozen=True)
class Stage:
    """A completed stage. Its name says where it was requested."""

    number: int
    name: str
    tasks: tuple[Task, ...]

    @property
    def longest(self) -> float:
        """The seconds of the longest task."""
        return max(task.seconds for task in self.tasks)

    @property
    def median(self) -> float:
        """The median of the tasks' seconds."""
        return statistics.median(task.seconds for task in self.tasks)

    @property
    def skew(self) -> float:
        """The longest task as a multiple of the median, or 1 if it is too short to count."""
        return self.longest / max(self.median, 0.001) if self.longest > IGNORED_SECONDS else 1.0


@dataclass(frozen=True)
class Application:
    """An application. `seconds` is its time from start to end."""

    seconds: float
    stages: tuple[Stage, ...]

    @property
    def cpu(self) -> float:
        """The CPU seconds of all tasks."""
        return sum(task.cpu for stage in self.stages for task in stage.tasks)

    @property
    def task_seconds(self) -> float:
        """The seconds of all tasks."""
        return sum(task.seconds for stage in self.stages for task in stage.tasks)

    @property
    def idle(self) -> float:
        """The seconds in which no task ran, such as the start and work of the driver."""
        busy, end = 0.0, 0.0
        for task in sorted((t for s in self.stages for t in s.tasks), key=lambda task: task.began):
            busy += max(0.0, task.ended - max(task.began, end))
            end = max(end, task.ended)
        return self.seconds - busy

    def seconds_with(self, slots: int) -> float:
        """Reckon the seconds of tasks, so many at a time and stage after stage, from their CPU seconds."""
        return sum(makespan([task.cpu for task in stage.tasks], slots) for stage in self.stages)


def makespan(seconds: Iterable[float], slots: int) -> float:
    """Return when the last of some tasks ends, if each starts in their order in the next free slot."""
    free = [0.0] * slots
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def problems(stages: Sequence[Stage]) -> list[str]:
    """Return what would not scale out."""
    found = []
    for stage in stages:
        place = f"stage {stage.number} ({stage.name}, {len(stage.tasks)} tasks)"
        if len(stage.tasks) == 1 and stage.longest > ALONE_SECONDS:
            found.append(f"{place}: its only task takes {stage.longest:.1f} s")
        if stage.skew > SKEW:
            found.append(
                f"{place}: the longest task takes {stage.longest:.1f} s, {stage.skew:.1f} x the median"
            )
        returned = sum(task.result_bytes for task in stage.tasks)
        if returned > RESULT_BYTES:
            found.append(f"{place}: {returned / 2**20:.0f} MB go to the driver")
        if stage.name.startswith(COLLECTING):
            found.append(f"{place}: rows or a count go to the driver in between")
    return found


def read(folder: Path) -> Application:
    """Read the only event log of a folder."""
    (log,) = [path for path in folder.iterdir() if not path.name.startswith(".")]
    tasks: dict[int, list[Task]] = {}
    stages: list[dict[str, Any]] = []
    began = ended = 0.0
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            match event["Event"]:
                case "SparkListenerApplicationStart":
                    began = event["Timestamp"] / 1000
                case "SparkListenerApplicationEnd":
                    ended = event["Timestamp"] / 1000
                case "SparkListenerTaskEnd" if event["Task End Reason"]["Reason"] == "Success":
                    tasks.setdefault(event["Stage ID"], []).append(_task(event))
                case "SparkListenerStageCompleted":
                    stages.append(event["Stage Info"])
    found = [
        Stage(info["Stage ID"], _name(info["Stage Name"]), tuple(tasks[info["Stage ID"]]))
        for info in stages
        if tasks.get(info["Stage ID"])
    ]
    return Application(ended - began, tuple(found))


def _name(name: str) -> str:
    """Return the name of a stage without the folder of its script."""
    return re.sub(r" /\S*/", " ", name)


def _task(event: Any) -> Task:
    info, metrics = event["Task Info"], event["Task Metrics"]
    began, ended = info["Launch Time"] / 1000, info["Finish Time"] / 1000
    return Task(ended - began, metrics["Executor CPU Time"] / 1e9, began, ended, metrics["Result Size"])
