"""DuckDB's errors in Trino's words, with the place in the text of the query.

The words are those of Trino's analyzer and operators, https://github.com/trinodb/trino/tree/master/core/trino-main.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
import sqlglot
from sqlglot.errors import SqlglotError

from local.athena.places import place_at

# Trino's error names by DuckDB error, the most specific first.
_NAMES: tuple[tuple[type[duckdb.Error], str], ...] = (
    (duckdb.OutOfRangeException, "NUMERIC_VALUE_OUT_OF_RANGE"),
    (duckdb.ConversionException, "INVALID_CAST_ARGUMENT"),
    (duckdb.CatalogException, "FUNCTION_NOT_FOUND"),
    (duckdb.BinderException, "SYNTAX_ERROR"),
    (duckdb.ParserException, "SYNTAX_ERROR"),
    (duckdb.InvalidInputException, "INVALID_FUNCTION_ARGUMENT"),
)
_UNRESOLVED = (
    "COLUMN_NOT_FOUND: {place}: Column '{name}' cannot be resolved or requester is not authorized to access "
    "requested resources"
)
_INTEGERS = {"8": "tinyint", "16": "smallint", "32": "integer", "64": "bigint", "128": "bigint"}

Words = Callable[[re.Match[str], str], str]


def _named(message: str) -> Words:
    """Return the words for an error about a name, which is the first group, or two."""

    def words(match: re.Match[str], text: str) -> str:
        names = [group.lower() for group in match.groups()]
        return message.format(place=place_of_name(text, *names), name=".".join(names))

    return words


def _overflow(match: re.Match[str], _: str) -> str:
    kind, operation, numbers = _INTEGERS[match[2]], match[1], match[3]
    return f"NUMERIC_VALUE_OUT_OF_RANGE: {kind} {operation} overflow: {numbers}"


_ERRORS: tuple[tuple[str, Words], ...] = (
    (r"Could not convert string '!(.*)' to INT64", lambda match, _: match[1]),
    (r'Referenced column "([^"]+)" not found', _named(_UNRESOLVED)),
    (r'"([^"]+)" does not have a column named "([^"]+)"', _named(_UNRESOLVED)),
    (r'Referenced table "([^"]+)" not found', _named(_UNRESOLVED)),
    (
        r'Ambiguous reference to column name "([^"]+)"',
        _named("AMBIGUOUS_NAME: {place}: Column '{name}' is ambiguous"),
    ),
    (
        r'column "?([^" ]+)"? must appear in the GROUP BY clause',
        _named(
            "EXPRESSION_NOT_AGGREGATE: {place}: '{name}' must be an aggregate expression or appear in "
            "GROUP BY clause"
        ),
    ),
    (
        r"(WHERE|GROUP BY) clause cannot contain (?:aggregates|window)",
        lambda match, text: (
            f"EXPRESSION_NOT_SCALAR: {place_of_name(text, match[1].split()[0].lower())}: {match[1]} "
            "clause cannot contain aggregations, window functions or grouping operations"
        ),
    ),
    (r"Overflow in (\w+) of INT(\d+) \((.*)\)", _overflow),
    (
        r"with value (\S+) can't be cast because the value is out of range for the destination type INT(\d+)",
        lambda match, _: f"NUMERIC_VALUE_OUT_OF_RANGE: Out of range for {_INTEGERS[match[2]]}: {match[1]}",
    ),
    (r"Division by zero", lambda *_: "DIVISION_BY_ZERO: Division by zero"),
    (
        r'Could not parse string "(.*?)" according to format',
        lambda match, _: f'INVALID_FUNCTION_ARGUMENT: Invalid format: "{match[1]}"',
    ),
    (
        # Athena does not expand rows, https://docs.aws.amazon.com/athena/latest/ug/filtering-with-dot.html.
        r'table "([^"]+)" has (\d+) columns available but (\d+) columns specified',
        lambda match, text: (
            f"MISMATCHED_COLUMN_ALIASES: {place_of_name(text, match[1].lower())}: Column alias "
            f"list has {match[3]} entries but '{match[1]}' has {match[2]} columns available"
        ),
    ),
    (
        r"More than one row returned by a subquery",
        lambda *_: "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows",
    ),
    (
        r"Map keys must be unique",
        lambda *_: "INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed",
    ),
)


def worded(error: duckdb.Error, text: str) -> str:
    """Return the reason of a failure, which begins with the name of Trino's error."""
    message = str(error)
    for pattern, words in _ERRORS:
        if match := re.search(pattern, message, re.DOTALL):
            return words(match, text)
    name = next((name for kind, name in _NAMES if isinstance(error, kind)), "GENERIC_INTERNAL_ERROR")
    return f"{name}: {message.splitlines()[0]}"


def placed(message: str, text: str) -> str:
    """Return the reason of a missing table with the place of its name in the query."""
    pattern = r"(TABLE|SCHEMA)_NOT_FOUND: (?:Table|Schema) '(?:awsdatacatalog\.)?([^']*)' does not exist"
    match = re.match(pattern, message)
    if match is None:
        return message
    names = match[2].split(".", 1)
    return f"{match[1]}_NOT_FOUND: {place_of_name(text, *names)}: {message.partition(': ')[2]}"


def place_of_name(text: str, *names: str) -> str:
    """Return the place of the first name, or of names with dots between them, in the text of a query."""
    try:
        tokens = sqlglot.tokenize(text, read="athena")
    except SqlglotError:
        return "line 1:1"
    wanted = [part for name in names for part in (".", name)][1:]
    for first in range(len(tokens) - len(wanted) + 1):
        found = [token.text.lower() for token in tokens[first : first + len(wanted)]]
        if found == wanted:
            return place_at(text, tokens[first].start)
    return place_of_name(text, *names[1:]) if len(names) > 1 else "line 1:1"
