"""Helpers that replace, restore and lazily load parts of moto."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_ABSENT = object()


def replace_methods(owner: type | types.ModuleType, methods: Mapping[str, Any]) -> Callable[[], None]:
    """Replace methods of a class or a module. Return a function that restores the originals."""
    before = {name: vars(owner).get(name, _ABSENT) for name in methods}
    for name, method in methods.items():
        setattr(owner, name, method)

    def restore() -> None:
        for name, method in before.items():
            if method is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, method)

    return restore


@contextlib.contextmanager
def loaded_when_called(module: str, *names: str) -> Iterator[None]:
    """Within the context, load a module only when one of the named classes is called.

    Imports of these classes return functions that import the module on their first call.
    """
    if module in sys.modules:
        yield
        return
    stand_in = types.ModuleType(module)
    vars(stand_in).update({name: functools.partial(_call, module, name) for name in names})
    sys.modules[module] = stand_in
    try:
        yield
    finally:
        del sys.modules[module]


def _call(module: str, name: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(importlib.import_module(module), name)(*args, **kwargs)
