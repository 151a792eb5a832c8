"""Runners of stack operations: threads in real time, or any other implementation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


class Runner(Protocol):
    """Runs operations and lets time pass for them."""

    def start(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Start some work. Return a function that waits for its end within other work."""

    def wait(self, seconds: float) -> None:
        """Let some seconds pass for the calling work."""

    def close(self) -> None:
        """End all waits, as the server stops."""


class Threads(Runner):
    """A thread for each operation. Threads end with the process."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def start(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Start some work in a thread. Return the thread's `join`."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread.join

    def wait(self, seconds: float) -> None:
        """Sleep until the time has passed or the server stops."""
        if seconds > 0:
            self._closed.wait(seconds)

    def close(self) -> None:
        """End all sleeps."""
        self._closed.set()
