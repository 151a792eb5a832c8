"""The tree of errors in the docstring of `chalicelib.errors`."""

from __future__ import annotations

import re

from chalicelib import errors
from chalicelib.errors import ServiceError


def test_the_tree_has_every_error_below_its_base_with_its_status() -> None:
    tree: list[tuple[int, str]] = []
    described: dict[str, tuple[str | None, int | None]] = {}
    for indent, name, rest in re.findall(r"^( {4,})(\w+)\b(.*)$", errors.__doc__ or "", re.MULTILINE):
        tree = [(depth, base) for depth, base in tree if depth < len(indent)]
        status = re.match(r" +(\d{3})\b", rest)
        described[name] = (tree[-1][1] if tree else None, int(status[1]) if status else None)
        tree.append((len(indent), name))
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    actual = {
        kind.__name__: (kind.__base__.__name__, kind.status)
        for kind in kinds
        if issubclass(kind, ServiceError) and kind is not ServiceError and kind.__base__
    }
    assert {name: described.get(name) for name in actual} == actual
