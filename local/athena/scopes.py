"""Scopes of names: an expression has one type within a scope."""

from __future__ import annotations

import re

from sqlglot import exp

Scope = tuple[int, str]
"""The number of a SELECT and the calls with a lambda around an expression: what a name means there."""


def scope_of(node: exp.Expression) -> Scope:
    """Return the scope of an expression."""
    select = node.find_ancestor(exp.Select)
    calls = []
    inner = node.find_ancestor(exp.Lambda)
    while inner is not None and inner.parent is not None:
        calls.append(inner.parent.sql())  # by text: a call in GROUP BY is the same as in the columns
        inner = inner.find_ancestor(exp.Lambda)
    return (select.meta.get("number", -1) if select else -1), " in ".join(calls)


def literal_type(value: str) -> str:
    """Return the type of a literal, or "" for other expressions."""
    if re.fullmatch(r"\d{1,9}", value):
        return "INTEGER"
    return "VARCHAR" if re.fullmatch(r"'(?:[^']|'')*'", value) else ""
