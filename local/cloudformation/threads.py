"""Runners of stack operations: threads in real time, or any other implementation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

_CLOSE_SECONDS = 10.0


class Runner(Protocol):
    """Runs operations and lets time pass for them."""

    def start(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Start some work. Return a function that waits for its end within other work."""

    def wait(self, seconds: float) -> None:
        """Let some seconds pass for the calling work."""

    def close(self) -> None:
        """End all waits, as the server stops."""


class Threads(Runner):
    """A thread for each operation."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Start some work in a thread. Return the thread's `join`."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._lock:
            thread.start()
            self._threads = [*self._alive(), thread]
        return thread.join

    def wait(self, seconds: float) -> None:
        """Sleep until the time has passed or the server stops."""
        if seconds > 0:
            self._closed.wait(seconds)

    def close(self) -> None:
        """End all sleeps, and wait up to 10 seconds until the operations have ended."""
        self._closed.set()
        deadline = time.monotonic() + _CLOSE_SECONDS
        while (alive := self._alive()) and (seconds := deadline - time.monotonic()) > 0:
            alive[0].join(seconds)

    def _alive(self) -> list[threading.Thread]:
        return [thread for thread in self._threads if thread.is_alive()]
