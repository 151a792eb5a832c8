"""Calls of functions, the types of their arguments, and SQL that fails as Trino does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from local.athena.errors import QueryFailed, unsupported
from local.athena.hive import literal, split

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NULL = '"NULL"'
ZONED = 'STRUCT(instant TIMESTAMP WITH TIME ZONE, "zone" VARCHAR)'
"""A timestamp with time zone. DuckDB's own type has no zone."""

_TRINO = {
    **{"VARCHAR": "varchar", "BLOB": "varbinary", "FLOAT": "real", "HUGEINT": "bigint", "JSON": "json"},
    **{"INTERVAL": "interval day to second", NULL: "unknown", "UBIGINT": "bigint", "UINTEGER": "bigint"},
    ZONED: "timestamp(3) with time zone",
    "TIMESTAMP": "timestamp(3)",
}


class TypesNeeded(Exception):
    """The SQL of a call depends on the types of its arguments, which are unknown yet."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        super().__init__(arguments)
        self.arguments = arguments


@dataclass(frozen=True)
class Call:
    """A call of a function with arguments in DuckDB's SQL.

    `over` is what follows an aggregate function: its FILTER and OVER. `distinct` is `DISTINCT ` for
    aggregates of distinct values. `place` is `line 1:8`. `types_of` returns the DuckDB types of SQL
    expressions and raises `TypesNeeded`.
    """

    name: str
    args: tuple[str, ...]
    place: str
    types_of: Callable[[tuple[str, ...]], tuple[str, ...]]
    over: str = ""
    distinct: str = ""
    order: str = ""
    nulls: str = ""

    @property
    def types(self) -> tuple[str, ...]:
        """The DuckDB types of the arguments."""
        return self.types_of(self.args)

    def constant(self, place: int, what: str) -> str:
        """Return the text of an argument that must be a literal. Raises `QueryFailed`."""
        text = self.args[place]
        if not re.fullmatch(r"'(?:[^']|'')*'", text):
            raise unsupported(f"{self.name} with a {what} that is not a literal")
        return text[1:-1].replace("''", "'")

    def refuse(self) -> QueryFailed:
        """Return Trino's error for arguments of other types."""
        given = ", ".join(map(trino_type, self.types))
        return QueryFailed(
            f"FUNCTION_NOT_FOUND: {self.place}: Unexpected parameters ({given}) for function {self.name}"
        )


Template = str | Callable[[Call], str]
"""SQL with `{0}` for an argument, `{*}` for all, and `{over}` for FILTER and OVER; or what returns SQL."""


def trino_type(kind: str) -> str:
    """Return the name of a DuckDB type in Trino."""
    if kind in _TRINO:
        return _TRINO[kind]
    if kind.endswith("[]"):
        return f"array({trino_type(kind[:-2])})"
    if match := re.fullmatch(r"MAP\((.*)\)", kind):
        return f"map({', '.join(trino_type(part.strip()) for part in _parts(match[1]))})"
    if match := re.fullmatch(r"STRUCT\((.*)\)", kind):
        fields = (re.fullmatch(r'\s*("(?:[^"]|"")*"|\S+) (.*)', part) for part in _parts(match[1]))
        return f"row({', '.join(f'{f[1]} {trino_type(f[2])}' for f in fields if f)})".replace('"', "")
    if match := re.fullmatch(r"TUPLE\((.*)\)", kind):
        return f"row({', '.join(trino_type(part.strip()) for part in _parts(match[1]))})"
    return kind.lower()


def _parts(text: str) -> list[str]:
    return split(text.replace("<", "\0").replace(">", "\1"))


def decimal(kind: str) -> tuple[int, int] | None:
    """Return precision and scale of a decimal or a whole number. Return None for other types."""
    if match := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind):
        return int(match[1]), int(match[2])
    sizes = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 19}
    return (sizes[kind], 0) if kind in sizes else None


def is_number(kind: str) -> bool:
    """Return whether a type is a number."""
    return kind in (*WHOLE, "DOUBLE", "FLOAT", "UBIGINT") or kind.startswith("DECIMAL")


def guarded(value: str, condition: str, message: str) -> str:
    """Return SQL for `value`, or for an error with a message in SQL if the condition is false.

    DuckDB's error() cannot be used: TRY does not take it, because it is volatile. A failed cast is not, and
    as the place in a list of nulls it does not change the type.
    """
    failure = f"[NULL][CAST({message} AS BIGINT)]"
    return f"CASE WHEN ({condition}) IS NOT FALSE THEN {value} ELSE {failure} END"


def message(name: str, text: str) -> str:
    """Return the SQL of a message with the name of the error."""
    return literal(f"!{name}: {text}")
