"""Translation of Athena's SQL (Trino) to DuckDB's with sqlglot, and the tables that a query reads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from local.athena.errors import QueryFailed, Refused, unsupported

CATALOG = "awsdatacatalog"

# sqlglot warns about unsupported statements, which are rejected here anyway.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Statement:
    """A statement as parsed by sqlglot. `kind` is DML or DDL."""

    tree: exp.Expression
    kind: str


@dataclass(frozen=True)
class Query:
    """A query for DuckDB, with every table as `"database"."table"`, and the list of these tables."""

    sql: str
    tables: tuple[tuple[str, str], ...]


def read(text: str, parameters: Sequence[str]) -> Statement:
    """Parse a statement and insert its `?` parameters. Raises `Refused` for invalid SQL."""
    try:
        text = _with_parameters(text, parameters)
        trees = [tree for tree in sqlglot.parse(text, dialect="athena") if tree is not None]
    except SqlglotError as error:
        raise Refused(_message(error)) from error
    if len(trees) != 1:
        raise Refused(f"Only one sql statement is allowed. Got: {len(trees)}.")
    tree = cast(exp.Expression, trees[0])
    is_dml = isinstance(tree, exp.Query | exp.DML | exp.Values)
    return Statement(tree, "DML" if is_dml else "DDL")


def query(statement: Statement, database: str | None) -> Query:
    """Translate a query for DuckDB. Raises `QueryFailed` if it is no SELECT or names an unknown catalog."""
    tree = statement.tree
    if not isinstance(tree, exp.Query):
        first = tree.sql(dialect="athena").split(None, 1)[0].upper()
        raise unsupported(f"{first} statements; use SELECT")
    tree = tree.copy()
    tables: dict[tuple[str, str], None] = {}
    for table in _tables(tree):
        tables[_place(table, database)] = None
    _name_outputs(tree)
    return Query(tree.sql(dialect="duckdb"), tuple(tables))


def _message(error: SqlglotError) -> str:
    found = cast("list[dict[str, Any]]", getattr(error, "errors", None) or [{}])[0]
    if "line" in found:
        return f"line {found['line']}:{found['col']}: {found['description']} Near: {found['highlight']}"
    return f"line 1:1: {str(error).splitlines()[0]}"


def _with_parameters(text: str, parameters: Sequence[str]) -> str:
    """Insert execution parameters. Each is a SQL expression, such as `1` or `'a'`."""
    places = [t for t in sqlglot.tokenize(text, read="athena") if t.token_type is TokenType.PLACEHOLDER]
    if len(places) != len(parameters):
        raise Refused(f"Incorrect number of parameters: expected {len(places)} but found {len(parameters)}")
    for place, parameter in reversed(list(zip(places, parameters, strict=True))):
        value = sqlglot.parse_one(parameter, dialect="athena").sql(dialect="athena")
        text = f"{text[: place.start]}{value}{text[place.end + 1 :]}"
    return text


def _tables(tree: exp.Query) -> list[exp.Table]:
    """Return every reference to a table that is not defined by the query itself (WITH)."""
    found: dict[int, exp.Table] = {}
    for scope in traverse_scope(tree):
        for table in scope.tables:
            if not isinstance(table.this, exp.Identifier):
                raise unsupported(f"the table function {table.this.sql(dialect='athena')}")
            if isinstance(scope.sources.get(table.alias_or_name), exp.Table):
                found[id(table)] = table
    return list(found.values())


def _place(table: exp.Table, database: str | None) -> tuple[str, str]:
    """Qualify a table reference for DuckDB. Return its database and name."""
    if table.catalog and table.catalog.lower() != CATALOG:
        raise QueryFailed(f"CATALOG_NOT_FOUND: Catalog '{table.catalog}' not found")
    schema, name = (table.db or database or "").lower(), table.name.lower()
    if not schema:
        raise QueryFailed("MISSING_SCHEMA_NAME: Schema must be specified when session schema is not set")
    if schema == "information_schema":
        raise unsupported("information_schema")
    table.set("catalog", None)
    table.set("db", exp.to_identifier(schema, quoted=True))
    table.set("this", exp.to_identifier(name, quoted=True))
    return schema, name


def _name_outputs(tree: exp.Query) -> None:
    """Name the unnamed columns as Trino does: `_col` and the position."""
    first: Any = tree
    while not isinstance(first, exp.Select):
        first = first.this
    for place, output in enumerate(first.expressions):
        if not isinstance(output, exp.Alias | exp.Column | exp.Dot | exp.Star):
            output.replace(exp.alias_(output.copy(), f"_col{place}", quoted=True))
