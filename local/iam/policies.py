"""Evaluation of IAM policies: whether documents allow or deny an action on a resource.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import functools
import json
import re
from enum import Enum
from typing import Any
from urllib.parse import unquote

from local.iam.checks import Context, Json, PermissionCheck


class Verdict(Enum):
    """Result of the evaluation of a set of documents."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


def verdict(documents: list[Json], check: PermissionCheck) -> Verdict:
    """Evaluate the documents together. A denial takes precedence.

    Raises `NotImplementedError` for an unsupported condition operator.
    """
    context = {key.lower(): value for key, value in check.context.items()}
    found = Verdict.SILENT
    for document in documents:
        for statement in listed(document.get("Statement", [])):
            if _applies(statement, check, context):
                if statement["Effect"] == "Deny":
                    return Verdict.DENIED
                found = Verdict.ALLOWED
    return found


def parsed(value: str | Json) -> Json:
    """Return a document as JSON, which callers must not modify. moto stores some documents URL-encoded."""
    return _loaded(value) if isinstance(value, str) else value


@functools.lru_cache(maxsize=256)
def _loaded(text: str) -> Json:
    loaded: Json = json.loads(unquote(text) if "%22" in text else text)
    return loaded


def listed(value: Any) -> list[Any]:
    """Return a list unchanged, and any other value in a list."""
    return value if isinstance(value, list) else [value]


def _applies(statement: Json, check: PermissionCheck, context: Context) -> bool:
    return (
        _named(statement, "Action", check.action, {})
        and _named(statement, "Resource", check.resource, context)
        and all(
            _holds(operator, context.get(key.lower()), listed(values), context)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, values in pairs.items()
        )
    )


def _named(statement: Json, element: str, value: str, context: Context) -> bool:
    for name, is_named in ((element, True), (f"Not{element}", False)):
        if name in statement:
            return _any_like(listed(statement[name]), value, context, element == "Action") is is_named
    return False


def _any_like(patterns: list[str], value: str, context: Context, ignore_case: bool = False) -> bool:
    return any(_like(pattern, value, context, ignore_case) for pattern in patterns)


def _like(pattern: str, value: str, context: Context, ignore_case: bool = False) -> bool:
    variables: tuple[tuple[str, str], ...] = ()
    if "${" in pattern:
        variables = tuple((key, item) for key, item in context.items() if isinstance(item, str))
    regex = _regex(pattern, variables, ignore_case)
    return regex is not None and regex.fullmatch(value) is not None


@functools.lru_cache(maxsize=4096)
def _regex(pattern: str, variables: tuple[tuple[str, str], ...], ignore_case: bool) -> re.Pattern[str] | None:
    """Compile a pattern with `*`, `?` and `${key}`. Return None if the context has no such key."""
    known = {"*": "*", "?": "?", "$": "$", **dict(variables)}
    parts = []
    for number, part in enumerate(re.split(r"\$\{([^}]*)\}", pattern)):
        if number % 2:
            if part.lower() not in known:
                return None
            parts.append(re.escape(known[part.lower()]))
        else:
            parts.append(re.escape(part).replace(r"\*", ".*").replace(r"\?", "."))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _holds(operator: str, actual: Any, expected: list[Any], context: Context) -> bool:
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in expected]
    quantifier, _, plain = operator.rpartition(":")
    base = plain.removesuffix("IfExists")
    if base == "Null":
        return (actual is None) == (wanted == ["true"])
    test = _NEGATIVE.get(base) or base
    if test not in _TESTS:
        raise NotImplementedError(f"The AWS emulator does not support the condition operator {operator}.")
    if actual is None:
        return plain.endswith("IfExists") or quantifier == "ForAllValues" or base in _NEGATIVE

    def one(value: str) -> bool:
        return _TESTS[test](wanted, value, context) is (base not in _NEGATIVE)

    values = listed(actual)
    return all(map(one, values)) if quantifier == "ForAllValues" else any(map(one, values))


def _equal(wanted: list[str], value: str, context: Context) -> bool:
    return _any_like([re.sub(r"[*?](?!\})", r"${\g<0>}", item) for item in wanted], value, context)


def _equal_ignoring_case(wanted: list[str], value: str, context: Context) -> bool:
    return _equal([item.lower() for item in wanted], value.lower(), context)


def _similar(wanted: list[str], value: str, context: Context) -> bool:
    return _any_like(wanted, value, context)


_TESTS = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_ignoring_case,
    "Bool": _equal_ignoring_case,
    "StringLike": _similar,
    "ArnLike": _similar,
    "ArnEquals": _similar,  # same as ArnLike
}
_NEGATIVE = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotLike": "ArnLike",
    "ArnNotEquals": "ArnEquals",
}
