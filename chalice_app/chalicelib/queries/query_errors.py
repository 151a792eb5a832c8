"""Errors of queries: Athena's message, its place in the SQL, and a hint for the user."""

from __future__ import annotations

import re

from chalicelib.domain.failures import redacted
from chalicelib.domain.query import QueryError

# Trino puts the place first: "line 1:15: Table 'awsdatacatalog.db.t' does not exist".
_PLACE = re.compile(r"\bline (\d{1,7}):(\d{1,7})\b")

_AT_PLACE = "Check the SQL at this place: keywords, commas, parentheses and quotes."

# Names of errors: https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html and
# https://github.com/trinodb/trino/blob/master/core/trino-spi/src/main/java/io/trino/spi/StandardErrorCode.java
_HINTS: tuple[tuple[str, str], ...] = (
    (
        r"bytes scanned limit",
        "The query reads more than one query may. Select fewer columns or partitions.",
    ),
    (
        r"(TABLE|SCHEMA|DATABASE)_NOT_FOUND|(Table|Schema) .{1,300} does not exist",
        "SHOW DATABASES and SHOW TABLES IN a database list what exists.",
    ),
    (
        r"COLUMN_NOT_FOUND|Column .{1,300} cannot be resolved",
        "DESCRIBE a table to see its columns. Write text in 'single quotes': double quotes are for names.",
    ),
    # After these two, whose messages end with "or requester is not authorized to access requested resources".
    (
        r"permission_denied|access ?denied|not authorized|insufficient.{1,40}permission|status code: 403",
        "A query can use the tables and buckets of this environment only. "
        "Write the full names of its databases.",
    ),
    (
        r"FUNCTION_NOT_FOUND|Function .{1,300} not registered|Unexpected parameters",
        "Athena has the functions of Trino: https://docs.aws.amazon.com/athena/latest/ug/functions.html.",
    ),
    (
        r"TYPE_MISMATCH|Cannot apply operator|INVALID_CAST_ARGUMENT|Cannot cast",
        "Convert one side with CAST(value AS type), or with TRY_CAST, which returns null if it cannot.",
    ),
    (
        r"DIVISION_BY_ZERO",
        "Divide by NULLIF(value, 0): the result is then null where the value is zero.",
    ),
    (
        r"EXPRESSION_NOT_AGGREGATE|must be an aggregate expression",
        "Add the column to GROUP BY, or use it in an aggregate function such as max(column).",
    ),
    (
        r"AMBIGUOUS_NAME|is ambiguous",
        "Several tables have a column with this name. Write the table or its alias before it: t.column.",
    ),
    (
        r"Incorrect number of parameters",
        "Send one value in parameters for each question mark in the SQL.",
    ),
    (
        r"GENERIC_USER_ERROR.{0,40}already exists|TABLE_ALREADY_EXISTS|HIVE_PATH_ALREADY_EXISTS",
        "Choose another name, or remove the table and its files first.",
    ),
    (
        r"HIVE_BAD_DATA|HIVE_CURSOR_ERROR|HIVE_INVALID_METADATA|HIVE_PARTITION_SCHEMA_MISMATCH",
        "The files do not match the definition of the table. Correct its columns, its format or its files.",
    ),
    (
        r"EXCEEDED_(LOCAL_)?MEMORY_LIMIT|exhausted resources",
        "The query needs too much memory. Filter earlier, or sort and join fewer rows.",
    ),
    (
        r"NOT_SUPPORTED|is not supported|does not support",
        "Athena lists what it supports: https://docs.aws.amazon.com/athena/latest/ug/ddl-sql-reference.html.",
    ),
    (
        r"mismatched input|extraneous input|no viable alternative|SYNTAX_ERROR|ParseException|parsing error",
        _AT_PLACE,
    ),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), hint) for pattern, hint in _HINTS)


def query_error(reason: str, environment_id: str) -> QueryError:
    """Return the error of a query that did not succeed, from Athena's reason."""
    place = _PLACE.search(reason)
    hint = next((hint for pattern, hint in _COMPILED if pattern.search(reason)), None)
    return QueryError(
        message=redacted(reason, environment_id),
        hint=hint or (_AT_PLACE if place else None),
        line=int(place[1]) if place else None,
        column=int(place[2]) if place else None,
    )
