"""Properties in WITH of CREATE TABLE AS and UNLOAD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.athena.errors import QueryFailed
from local.athena.statements.tokens import Words

Properties = Mapping[str, Any]


def properties(words: Words) -> Properties:
    """Read properties such as `(format = 'ORC', partitioned_by = ARRAY['day'])`."""
    found: dict[str, Any] = {}
    words.expect("(")
    while True:
        name = words.name()
        words.expect("=")
        found[name] = _value(words)
        if not words.accept(","):
            words.expect(")")
            return found


def check(found: Properties, kinds: Mapping[str, type]) -> None:
    """Raise `QueryFailed` for an unknown property, or a value of another type."""
    for name, value in found.items():
        if name not in kinds:
            raise QueryFailed(
                "INVALID_TABLE_PROPERTY: line 1:1: Catalog 'awsdatacatalog' table property "
                f"'{name}' does not exist"
            )
        if not isinstance(value, kinds[name]):
            raise QueryFailed(
                "INVALID_TABLE_PROPERTY: line 1:1: Invalid value for catalog 'awsdatacatalog' table "
                f"property '{name}': Cannot convert [{value}] to {kinds[name].__name__}"
            )


def _value(words: Words) -> Any:
    if words.accept("ARRAY"):
        found: list[str] = []
        words.expect("[")
        while not words.accept("]"):
            found.append(words.string())
            words.accept(",")
        return found
    if words.peek().startswith("'"):
        return words.string()
    for text, value in (("TRUE", True), ("FALSE", False)):
        if words.accept(text):
            return value
    if words.peek().isdecimal():
        return int(words.take().text)
    raise words.mismatch("<expression>")
