"""Error records of a frame and of the frames that it comes from."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..utils import callsite
from .rows import union


@dataclass
class Errors:
    """Error records, by the stage that found them. A stage is counted once, when its number is needed."""

    stages: tuple[DataFrame, ...] = ()
    is_own: bool = False
    counts: dict[int, int] = field(default_factory=dict)

    def of_next_stage(self, errors: DataFrame | None, info: str) -> Errors:
        """Return the errors after a stage that had these."""
        if errors is None:
            return Errors(self.stages, False, self.counts)
        shaped = errors.select(
            F.struct(
                F.struct(F.lit(callsite()).alias("site"), F.lit(info).alias("info")).alias("callsite"),
                "msg",
                "stackTrace",
                "input",
                F.length("input").cast("long").alias("bytesread"),
                F.lit("").alias("source"),
                "dynamicRecord",
            ).alias("error")
        )
        return Errors((*self.stages, shaped), True, self.counts)

    def with_those_of(self, other: Errors) -> Errors:
        """Return the errors of two frames."""
        stages = (*self.stages, *(stage for stage in other.stages if stage not in self.stages))
        return Errors(stages, False, {})

    def total(self) -> int:
        """Return the number of errors of all stages."""
        return sum(map(self._count, range(len(self.stages))))

    def of_stage(self) -> int:
        """Return the number of errors of the last stage."""
        return self._count(len(self.stages) - 1) if self.is_own else 0

    def frame(self) -> DataFrame | None:
        """Return all errors, or None if no stage can have any."""
        if not self.stages:
            return None
        return functools.reduce(union, self.stages)

    def check(self, stage_threshold: int, total_threshold: int) -> None:
        """Raise an exception if there are more errors than a threshold. Zero is no threshold."""
        if stage_threshold and self.of_stage() > stage_threshold:
            raise RuntimeError(_too_many(self.of_stage(), "this stage", stage_threshold, self.stages[-1:]))
        if total_threshold and self.total() > total_threshold:
            raise RuntimeError(_too_many(self.total(), "all stages", total_threshold, self.stages))

    def _count(self, index: int) -> int:
        if index not in self.counts:
            self.counts[index] = self.stages[index].count()
        return self.counts[index]


def _too_many(number: int, where: str, threshold: int, stages: Sequence[DataFrame]) -> str:
    first = next((row for stage in stages for row in stage.select("error.msg").take(1)), None)
    return (
        f"{number} errors in {where}, more than the threshold {threshold}. First: {first[0] if first else ''}"
    )
