"""Who carries out the operations on stacks: threads, while real time passes, unless told otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


class Runner(Protocol):
    """Carries out work, and lets time pass for it."""

    def start(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Begin some work; gives what waits, within other work, for its end."""

    def wait(self, seconds: float) -> None:
        """Let some seconds pass for the work that calls this."""

    def close(self) -> None:
        """Wait no more: the server is about to stop."""


class Threads(Runner):
    """A thread for each piece of work; they end with the process."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def start(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Begin some work in a thread; gives its `join`."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread.join

    def wait(self, seconds: float) -> None:
        """Sleep, or less when the server is about to stop."""
        if seconds > 0:
            self._closed.wait(seconds)

    def close(self) -> None:
        """Let all who sleep go on."""
        self._closed.set()
