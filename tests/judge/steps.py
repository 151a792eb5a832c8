"""Steps of the journey: prints each with its time, and what a failed one saw."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator


class Failed(Exception):
    """A step saw something else than it expects. The message shows it."""


class Steps:
    """Prints the steps of one or several threads, in the order in which they end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self.failed: str | None = None
        """Name of the first failed step."""

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run a step. Print its name and its seconds."""
        began = self._clock()
        try:
            yield
        except BaseException:
            self.failed = self.failed or name
            self._print("FAILED", name, began)
            raise
        self._print("ok", name, began)

    def _print(self, result: str, name: str, began: float) -> None:
        now = self._clock()
        print(f"{now - self._began:6.1f} s  {result:6}  {name} ({now - began:.1f} s)", flush=True)


def expect(condition: object, message: str) -> None:
    """Raise `Failed` with the message if the condition is false."""
    if not condition:
        raise Failed(message)
