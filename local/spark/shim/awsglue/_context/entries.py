"""`create_data_frame.from_catalog(...)` and the like: methods of a context under two names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ..utils import unsupported


class Entries:
    """Functions as attributes. Other names raise an error with the name."""

    def __init__(self, name: str, **functions: Callable[..., Any]) -> None:
        self._name = name
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        unsupported(f"{self._name}.{name}")
