"""Columns in DDL: names, Hive types and comments."""

from __future__ import annotations

import re
from typing import Any

from local.athena.errors import QueryFailed, Refused
from local.athena.hive import parse_type
from local.athena.statements.tokens import Words

Json = dict[str, Any]

_AFTER_TYPE = ("COMMENT", "FIRST", "AFTER")
_OPEN, _CLOSE = ("(", "<"), (")", ">")


def columns(words: Words) -> list[Json]:
    """Read columns in brackets. Raises `Refused` for unknown types and repeated names."""
    words.expect("(")
    found: list[Json] = []
    while True:
        found.append(column(words))
        name = found[-1]["Name"]
        if any(other["Name"] == name for other in found[:-1]):
            raise Refused(f"FAILED: SemanticException [Error 10036]: Duplicate column name: {name}")
        if not words.accept(","):
            words.expect(")")
            return found


def column(words: Words) -> Json:
    """Read a column. Raises `Refused` for an unknown type."""
    found = {"Name": words.name(), "Type": _type(words)}
    if words.accept("COMMENT"):
        found["Comment"] = words.string()
    return found


def _type(words: Words) -> str:
    """Read a type, and return it as the catalog stores it: in lower case and without blanks."""
    start = words.mismatch("<type>")
    text, depth = "", 0
    while not words.is_done and (depth or words.peek() not in (",", ")", *_AFTER_TYPE)):
        token = words.take().text
        depth += (token in _OPEN) - (token in _CLOSE)
        text += token.strip("`")
    kind = re.sub(r"\binteger\b", "int", text.lower())
    try:
        parse_type(kind)
    except (QueryFailed, IndexError, ValueError) as error:
        raise start from error
    return kind
