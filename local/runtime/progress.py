"""Progress output: updates one line on a terminal, otherwise prints line by line."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TextIO, TypeVar

from local.runtime.processes import Failed

Result = TypeVar("Result")

_CHANGE_SECONDS = 0.4
_REPEAT_SECONDS = 1.5
_POLL_SECONDS = 0.05


class Progress:
    """Progress of a running task."""

    def __init__(
        self,
        out: TextIO = sys.stdout,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._out = out
        self._sleep = sleep
        self._clock = clock
        self._in_place = out.isatty()
        self._last_text = ""
        self._last_time = clock() - _REPEAT_SECONDS
        self._is_open = False

    def say(self, text: str = "") -> None:
        """Print permanent lines."""
        self._clear()
        print(text, file=self._out, flush=True)
        self._last_time = self._clock()

    def update(self, text: str, since: float | None = None) -> None:
        """Show the current state. `since` adds the elapsed seconds."""
        now = self._clock()
        pause = _CHANGE_SECONDS if text != self._last_text else _REPEAT_SECONDS
        if not self._in_place and now - self._last_time < pause:
            return
        line = f"  {text}" if since is None else f"  {text} ({now - since:.0f} s)"
        if self._in_place:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{line[:width]}", end="", file=self._out, flush=True)
            self._is_open = True
        else:
            print(line, file=self._out, flush=True)
        self._last_text, self._last_time = text, now

    def until(self, done: Callable[[], bool], what: str, seconds: float, poll: float = _POLL_SECONDS) -> None:
        """Wait until `done()` and show `what` with the elapsed time. Raises `Failed` after `seconds`."""
        began = self._clock()
        while not done():
            if self._clock() - began > seconds:
                raise Failed(f"Timed out after {seconds:.0f} s: {what}.")
            self.update(what, since=began)
            self._sleep(poll)

    def watch(
        self, describe: Callable[[], str], done: Callable[[], bool], seconds: float, poll: float
    ) -> None:
        """Show the text of `describe()` until `done()`. Raises `Failed` after `seconds`."""
        began = self._clock()
        while True:
            seen = describe()
            if done():
                return
            if self._clock() - began > seconds:
                raise Failed(f"Timed out after {seconds:.0f} s. Last state: {seen}.")
            self.update(seen, since=began)
            self._sleep(poll)

    def result(self, future: Future[Result], what: str, seconds: float) -> Result:
        """Return the result of a future, showing `what` meanwhile."""
        self.until(future.done, what, seconds)
        return future.result()

    def _clear(self) -> None:
        if self._is_open:
            print("\r\x1b[K", end="", file=self._out)
            self._is_open = False
