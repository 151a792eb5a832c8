"""IAM's policy language: whether documents allow or deny an action on a resource.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import unquote

from local.access_requests import Asked

Json = dict[str, Any]


class Verdict(Enum):
    """What a set of documents says."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


def verdict(documents: list[Json], wish: Asked) -> Verdict:
    """What the documents say together; a denial wins.

    `NotImplementedError` for a condition operator that is not known here.
    """
    found = Verdict.SILENT
    for document in documents:
        for statement in listed(document.get("Statement", [])):
            if _applies(statement, wish):
                if statement["Effect"] == "Deny":
                    return Verdict.DENIED
                found = Verdict.ALLOWED
    return found


def parsed(value: Any) -> Json:
    """A document as JSON; moto keeps some of them URL-encoded."""
    if isinstance(value, dict):
        return value
    loaded: Json = json.loads(unquote(value) if "%22" in value else value)
    return loaded


def listed(value: Any) -> list[Any]:
    """A list, or the list of the one value that stands for it."""
    return value if isinstance(value, list) else [value]


def _applies(statement: Json, wish: Asked) -> bool:
    context = {key.lower(): value for key, value in wish.context.items()}
    return (
        _named(statement, "Action", wish.action.lower(), {})
        and _named(statement, "Resource", wish.resource, context)
        and all(
            _holds(operator, context.get(key.lower()), listed(values), context)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, values in pairs.items()
        )
    )


def _named(statement: Json, element: str, value: str, context: Mapping[str, Any]) -> bool:
    is_action = element == "Action"  # actions have no case and no variables
    for name, expected in ((element, True), (f"Not{element}", False)):
        if name in statement:
            patterns = [str(pattern) for pattern in listed(statement[name])]
            if is_action:
                patterns = [pattern.lower() for pattern in patterns]
            return _any_like(patterns, value, context) is expected
    return False


def _any_like(patterns: list[str], value: str, context: Mapping[str, Any]) -> bool:
    return any(_like(pattern, value, context) for pattern in patterns)


def _like(pattern: str, value: str, context: Mapping[str, Any]) -> bool:
    variables = tuple((key, item) for key, item in context.items() if isinstance(item, str))
    regex = _regex(pattern, variables if "${" in pattern else ())
    return regex is not None and regex.fullmatch(value) is not None


@functools.lru_cache(maxsize=4096)
def _regex(pattern: str, variables: tuple[tuple[str, str], ...]) -> re.Pattern[str] | None:
    """`*` and `?` as wildcards, `${key}` as the key's value; None when there is no such key."""
    known = {"*": "*", "?": "?", "$": "$", **dict(variables)}
    parts = []
    for number, part in enumerate(re.split(r"\$\{([^}]*)\}", pattern)):
        if number % 2:
            if part.lower() not in known:
                return None
            parts.append(re.escape(known[part.lower()]))
        else:
            parts.append(re.escape(part).replace(r"\*", ".*").replace(r"\?", "."))
    return re.compile("".join(parts), re.DOTALL)


def _holds(operator: str, actual: Any, expected: list[Any], context: Mapping[str, Any]) -> bool:
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in expected]
    quantifier, _, plain = operator.rpartition(":")
    base = plain.removesuffix("IfExists")
    if base == "Null":
        return (actual is None) == (wanted == ["true"])
    if actual is None:
        return plain.endswith("IfExists") or quantifier == "ForAllValues" or base in _NEGATIVE
    test = _NEGATIVE.get(base) or base
    if test not in _TESTS:
        raise NotImplementedError(f"The embedded AWS does not know the condition operator {operator}.")

    def one(value: str) -> bool:
        return _TESTS[test](wanted, value, context) is (base not in _NEGATIVE)

    values = listed(actual)
    return all(map(one, values)) if quantifier == "ForAllValues" else any(map(one, values))


def _equal(wanted: list[str], value: str, context: Mapping[str, Any]) -> bool:
    return _any_like([re.sub(r"[*?](?!\})", r"${\g<0>}", item) for item in wanted], value, context)


def _equal_ignoring_case(wanted: list[str], value: str, context: Mapping[str, Any]) -> bool:
    return _equal([item.lower() for item in wanted], value.lower(), context)


_TESTS = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_ignoring_case,
    "Bool": _equal_ignoring_case,
    "StringLike": _any_like,
    "ArnLike": _any_like,
    "ArnEquals": _any_like,  # the two are the same
}
_NEGATIVE = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotLike": "ArnLike",
    "ArnNotEquals": "ArnEquals",
}
