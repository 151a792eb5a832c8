"""Job bookmarks of S3 sources.

https://docs.aws.amazon.com/glue/latest/dg/monitor-continuations.html: `Job.init` reads the state, a source
with a `transformation_ctx` skips the files it has processed, by path and modification time, and `Job.commit`
saves the state of all sources at once. The emulator writes the state into a file before the run and reads the
file after the run, successful or not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .files import File

VARIABLE = "GLUE_JOB_BOOKMARK"
"""Environment variable with the path of the state's file."""

OPTIONS = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")

Seen = dict[str, list[int]]
"""Modification time and size of the processed files, by path."""


class Bookmark:
    """State of the job's sources, by `transformation_ctx`."""

    def __init__(self, option: str, path: Path, state: Mapping[str, Any]) -> None:
        self._option = option
        self._path = path
        self._processed: dict[str, Seen] = dict(state.get("sources", {}))
        until = state.get("until")
        self._until: dict[str, Seen] | None = None if until is None else dict(until)
        self._new: dict[str, Seen] = {}

    def unprocessed(self, context: str, files: Sequence[File], limit: int = 0) -> list[File]:
        """Return the files that the source `context` has not processed. Remember them for `commit`.

        At most `limit` files are returned, unless it is 0.
        """
        processed = self._processed.get(context, {})
        found = [file for file in files if processed.get(file.path) != [file.modified, file.size]]
        if self._until is not None:
            until = self._until.get(context, {})
            found = [file for file in found if until.get(file.path) == [file.modified, file.size]]
        found = found[:limit] if limit else found
        new = self._new.setdefault(context, {})
        new.update({file.path: [file.modified, file.size] for file in found})
        return found

    def commit(self) -> None:
        """Save the state of all sources. A paused bookmark does not change."""
        if self._option != "job-bookmark-enable":
            return
        for context, new in self._new.items():
            self._processed[context] = self._processed.get(context, {}) | new
        self._new = {}
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps({"sources": self._processed, "is_committed": True}), encoding="utf-8")
        draft.replace(self._path)


def start(arguments: Mapping[str, str]) -> Bookmark | None:
    """Return the bookmark of the job, or None if its arguments do not enable bookmarks."""
    option = arguments.get("--job-bookmark-option") or OPTIONS[-1]
    if option not in OPTIONS:
        raise ValueError(f"--job-bookmark-option must be one of {', '.join(OPTIONS)}.")
    if option == OPTIONS[-1] or VARIABLE not in os.environ:
        return None
    path = Path(os.environ[VARIABLE])
    return Bookmark(option, path, json.loads(path.read_text(encoding="utf-8")))


_active: list[Bookmark] = []


def activate(bookmark: Bookmark | None) -> None:
    """Use a bookmark for all sources from now on."""
    _active[:] = [bookmark] if bookmark else []


def active() -> Bookmark | None:
    """Return the bookmark in use."""
    return _active[0] if _active else None
