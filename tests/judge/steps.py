"""Steps of the judge: prints each with its time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator


class Failed(Exception):
    """A step saw something unexpected. The message shows it."""


class Steps:
    """Runs steps and prints their names and times."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run a step. Print its name, its seconds, and those since the start."""
        began = self._clock()
        try:
            yield
        except BaseException:
            self._print("FAILED", name, began)
            raise
        self._print("ok", name, began)

    def _print(self, result: str, name: str, began: float) -> None:
        now = self._clock()
        print(f"{now - self._began:5.1f} s  {result:6}  {name} ({now - began:.1f} s)", flush=True)


def expect(condition: object, message: str) -> None:
    """Raise `Failed` with the message if the condition is false."""
    if not condition:
        raise Failed(message)
