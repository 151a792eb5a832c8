"""Job bookmarks: what the sources of a job have processed, by version.

https://docs.aws.amazon.com/glue/latest/dg/monitor-continuations.html: a run reads the newest version, and
`job.commit` saves a new one, even if the run fails afterwards. moto has no bookmarks.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from local.glue_runs.arguments import BOOKMARK_OPTION, BOOKMARK_OPTIONS
from local.glue_runs.state import Refused, Run

Json = dict[str, Any]

VARIABLE = "GLUE_JOB_BOOKMARK"
"""Environment variable of the script with the path of the state's file, which the local awsglue reads."""

_FILE = "bookmark.json"
_FROM, _TO = "--job-bookmark-from", "--job-bookmark-to"


@dataclass(frozen=True)
class _Version:
    number: int
    run: Run
    previous: str
    sources: Json


@dataclass
class _History:
    """Versions of one job. A job that is deleted and created again has a new history."""

    created: datetime
    versions: list[_Version]
    number: int = 0


class Bookmarks:
    """The bookmarks of all jobs."""

    def __init__(self, job: Callable[[str], Json]) -> None:
        """Keep bookmarks of jobs. `job` returns a job, or raises `Refused` if it does not exist."""
        self._job = job
        self._histories: dict[str, _History] = {}
        self._lock = threading.Lock()

    def prepare(self, run: Run, folder: Path) -> dict[str, str]:
        """Write the state for a run into its folder. Return the environment variables of its script."""
        disabled = BOOKMARK_OPTIONS[-1]
        if run.spec.arguments.get(BOOKMARK_OPTION, disabled) == disabled:
            return {}
        with self._lock:
            state = self._state(self._history(run.spec.job), run.spec.arguments)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / _FILE
        file.write_text(json.dumps(state), encoding="utf-8")
        return {VARIABLE: str(file)}

    def collect(self, run: Run, folder: Path) -> None:
        """Save the state that the script of a run has committed into its folder, if any."""
        file = folder / _FILE
        if not file.exists():
            return
        state = json.loads(file.read_text(encoding="utf-8"))
        if not state.get("is_committed"):
            return
        with self._lock, contextlib.suppress(Refused):  # the job may have been deleted meanwhile
            history = self._history(run.spec.job)
            previous = history.versions[-1].run.id if history.versions else ""
            history.number += 1
            history.versions.append(_Version(history.number, run, previous, state["sources"]))

    def get_job_bookmark(self, request: Json) -> Json:
        """GetJobBookmark."""
        name, run_id = request["JobName"], request.get("RunId")
        with self._lock:
            versions = self._history(name).versions
            found = [version for version in versions if run_id in (None, version.run.id)]
            if not found:
                raise Refused("EntityNotFoundException", f"Continuation for job {name} not found")
            return {"JobBookmarkEntry": _entry(name, found[-1])}

    def reset_job_bookmark(self, request: Json) -> Json:
        """ResetJobBookmark. With a run, the bookmark is again what it was after that run."""
        name, run_id = request["JobName"], request.get("RunId")
        with self._lock:
            history = self._history(name)
            if not history.versions:
                raise Refused("EntityNotFoundException", f"Continuation for job {name} not found")
            last = history.versions[-1]
            kept = _until(history, run_id) if run_id else []
            history.versions = kept
            history.number += 1
            entry = {"Version": history.number, "JobBookmark": json.dumps(kept[-1].sources if kept else {})}
            return {"JobBookmarkEntry": _entry(name, last) | entry}

    def _history(self, name: str) -> _History:
        created = self._job(name)["CreatedOn"]
        history = self._histories.get(name)
        if history is None or history.created != created:
            history = self._histories[name] = _History(created, [])
        return history

    def _state(self, history: _History, arguments: Mapping[str, str]) -> Json:
        """Return the state for a run: the newest, or the range of a paused bookmark.

        The range excludes what was processed until the run `--job-bookmark-from`, and what was not processed
        until the run `--job-bookmark-to`.
        """
        begin, end = arguments.get(_FROM), arguments.get(_TO)
        if bool(begin) != bool(end):
            raise Refused("InvalidInputException", f"{_FROM} and {_TO} must be given together.")
        if begin and end:
            before, until = _until(history, begin), _until(history, end)
            return {"sources": before[-1].sources, "until": until[-1].sources}
        return {"sources": history.versions[-1].sources if history.versions else {}}


def _until(history: _History, run_id: str) -> list[_Version]:
    """Return the versions until a run."""
    for index, version in enumerate(history.versions):
        if version.run.id == run_id:
            return history.versions[: index + 1]
    raise Refused("EntityNotFoundException", f"The job bookmark has no version of the run {run_id}.")


def _entry(job: str, version: _Version) -> Json:
    return {
        "JobName": job,
        "Version": version.number,
        "Run": version.number,
        "Attempt": version.run.attempt,
        "PreviousRunId": version.previous,
        "RunId": version.run.id,
        "JobBookmark": json.dumps(version.sources),
    }
