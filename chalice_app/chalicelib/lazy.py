"""Laziness: a cold start imports and builds only what its invocation uses (docs/decisions/0035)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

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


def lazily(make: Callable[[], Made]) -> Made:
    """Return an object that stands for the one that `make` returns, and makes it when it is first used."""
    return cast(Made, _Lazy(make))


_making = threading.RLock()
"""One lock for all objects: making one can make others, in any order."""


class _Lazy:
    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Any]) -> None:
        object.__setattr__(self, "_make", make)

    def __getattr__(self, name: str) -> Any:
        return getattr(_made(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_made(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_made(self), name)


def _made(lazy: _Lazy) -> Any:
    try:
        return object.__getattribute__(lazy, "_made")
    except AttributeError:
        pass
    with _making:
        try:
            return object.__getattribute__(lazy, "_made")
        except AttributeError:
            made = object.__getattribute__(lazy, "_make")()
            object.__setattr__(lazy, "_made", made)
            return made
