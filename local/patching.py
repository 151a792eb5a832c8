"""Methods of moto's classes replaced by ours, and put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_ABSENT = object()


def replace_methods(owner: type, methods: Mapping[str, Any]) -> Callable[[], None]:
    """Set the methods on the class; gives what puts back those that were there and takes away the others."""
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
