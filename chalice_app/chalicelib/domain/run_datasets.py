"""Datasets of a run: the files that Spark SQL read and wrote, from the query plans in Spark's event log.

A plan has a node for each scan, with its location and the numbers of its metrics (SparkPlanInfo.scala and
DataSourceScanExec.scala of Spark 3.5). The values of metrics come in later events. Reads that are not in a
plan, such as those of RDDs, are not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.byte_limits import LOCATION_BYTES, cut
from chalicelib.domain.json_types import Json

MOST_DATASETS = 50
"""Datasets in the answer: so many that were read, and so many that were written."""
_KEPT_PLAN_NODES, _KEPT_VALUES = 10_000, 1_000_000
_MOST = 10**15
_NAME_BYTES = 300
_SCAN = re.compile(r"Scan (\S+)(?: ([^\s(]+))?\s*")
_PATHS = re.compile(r"\(\d+ paths\)\[(.*)\]", re.DOTALL)
_WRITE = re.compile(r"Execute InsertInto\w+Command ([a-z0-9]+:/[^,]+), ")


@dataclass(frozen=True)
class Dataset:
    """What a run read from a location, or wrote there.

    Numbers are those of the scan or write with the most rows, because a script can read the same files
    several times. They are None if unknown. `table` is the table's name, if the script used it.
    """

    location: str | None
    table: str | None
    format: str | None
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class _Node:
    dataset: Dataset
    rows: int | None
    bytes: int | None
    files: int | None


class PlanReader:
    """Collects the scans and writes of plans, and the values of their metrics."""

    def __init__(self) -> None:
        self._application = 0
        self._reads: dict[tuple[int, int | None, str], _Node] = {}
        self._writes: dict[tuple[int, int | None, str], _Node] = {}
        self._values: dict[tuple[int, int], int] = {}

    def begin(self) -> None:
        """Begin another application, whose metrics have numbers of their own."""
        self._application += 1

    def event(self, event: Json) -> None:
        """Read the plan of a query of Spark SQL, or values that the driver reports.

        Adaptive execution reports the plan of a query several times.
        """
        waiting = [event.get("sparkPlanInfo")]
        while waiting and len(self._reads) + len(self._writes) < _KEPT_PLAN_NODES:
            node = waiting.pop()
            if isinstance(node, dict):
                waiting.extend(_list(node, "children"))
                self._node(node)
        for update in _list(event, "accumUpdates"):
            if isinstance(update, list) and len(update) == 2:
                self._value(*update)

    def stage(self, info: Json) -> None:
        """Read the values of metrics in the information of a stage."""
        for each in _list(info, "Accumulables"):
            if isinstance(each, dict):
                self._value(each.get("ID"), each.get("Value"))

    def read(self) -> list[Dataset]:
        """Return what was read."""
        return self._merged(self._reads)

    def written(self) -> list[Dataset]:
        """Return what was written. Leaves out writes of no known number of rows, which did not end."""
        return [each for each in self._merged(self._writes) if each.rows is not None]

    def _value(self, metric: Any, value: Any) -> None:
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):  # metrics of other kinds
            return
        if isinstance(metric, int) and len(self._values) < _KEPT_VALUES:
            self._values[self._application, metric] = max(0, min(number, _MOST))

    def _node(self, node: Json) -> None:
        name, text = str(node.get("nodeName", "")), str(node.get("simpleString", ""))
        metrics = {
            each.get("name"): each.get("accumulatorId")
            for each in _list(node, "metrics")
            if isinstance(each, dict) and isinstance(each.get("accumulatorId"), int)
        }
        if written := _WRITE.match(text):
            format_ = (*text[written.end() :].split(", ", 2), "", "")[1]  # after static partitions or a flag
            dataset = Dataset(_location(written[1]), None, format_.lower() or None)
            sizes = ("written output", "number of written files")
            self._keep(self._writes, dataset, metrics, sizes)
        elif scan := _SCAN.match(name):
            metadata = node.get("metadata")
            paths = _PATHS.search(str(metadata.get("Location", "")) if isinstance(metadata, dict) else "")
            places = [place for place in (paths[1].split(", ") if paths else []) if place not in ("", "...")]
            format_, table = scan[1].lower(), scan[2]
            sizes = ("size of files read", "number of files read")
            for place in places:
                dataset = Dataset(_location(place), _table(table), format_)
                # The metrics of a scan of several locations are those of all together.
                self._keep(self._reads, dataset, metrics if len(places) == 1 else {}, sizes)
            if not places and format_ == "hive" and table:
                self._keep(self._reads, Dataset(None, _table(table), format_), metrics, sizes)

    def _keep(
        self,
        kept: dict[tuple[int, int | None, str], _Node],
        dataset: Dataset,
        metrics: dict[Any, Any],
        sizes: tuple[str, str],
    ) -> None:
        rows, size, files = (metrics.get(name) for name in ("number of output rows", *sizes))
        key = (self._application, rows, dataset.location or dataset.table or "")
        kept[key] = _Node(dataset, rows, size, files)

    def _merged(self, nodes: dict[tuple[int, int | None, str], _Node]) -> list[Dataset]:
        found: dict[tuple[str | None, str | None], Dataset] = {}
        for dataset in self._measured(nodes):
            key = (dataset.location, None if dataset.location else dataset.table)
            before = found.setdefault(key, dataset)
            if (dataset.rows or 0, dataset.table is not None) > (before.rows or 0, before.table is not None):
                found[key] = replace(dataset, table=dataset.table or before.table)
        named = sorted(found.values(), key=lambda each: (each.location or "", each.table or ""))
        return named[:MOST_DATASETS]

    def _measured(self, nodes: dict[tuple[int, int | None, str], _Node]) -> Iterator[Dataset]:
        for (application, *_), node in nodes.items():
            rows, size, files = (
                self._values.get((application, metric)) if metric is not None else None
                for metric in (node.rows, node.bytes, node.files)
            )
            yield replace(node.dataset, rows=rows, bytes=size, files=files)


def _list(values: Json, name: str) -> list[Any]:
    value = values.get(name)
    return value if isinstance(value, list) else []


def _location(path: str) -> str:
    scheme, separator, rest = path.partition(":/")
    return cut(f"s3:/{rest}" if separator and scheme in ("s3a", "s3n") else path, LOCATION_BYTES)


def _table(identifier: str | None) -> str | None:
    return cut(identifier.removeprefix("spark_catalog."), _NAME_BYTES) if identifier else None
