"""Laziness: a cold start imports and builds only what its invocation uses (docs/decisions/0035)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Generic, TypeVar

Made = TypeVar("Made")


class Once(Generic[Made]):
    """Makes an object at the first call. Other threads, as in the local server, wait for it."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: Made | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Made:
        """Return the object."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def cache_clear(self) -> None:
        """Make a new object at the next call, as a new process would."""
        self._made = None


def imported(module: str, name: str) -> Callable[..., Any]:
    """Return a function that imports a function of a module when it is called, and calls it."""

    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(import_module(module), name)(*arguments, **options)

    return call
