"""Athena's SQL (Trino) as sqlglot parses it, and the tables that a query reads."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from local.athena.dialect import AthenaNames
from local.athena.errors import QueryFailed, Refused, unsupported
from local.athena.places import place_at, place_of

CATALOG = "awsdatacatalog"
HIDDEN = ("$path", "$file_size", "$file_modified_time")
"""Columns of every table that `*` leaves out, https://trino.io/docs/current/connector/hive.html#metadata-columns."""
INFORMATION_SCHEMA = "information_schema"

# sqlglot warns about unsupported statements, which are rejected here anyway.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_NOT_TRINO = (TokenType.DCOLON, TokenType.ILIKE)
_AFTER_NO_COMMA = (
    *(TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY),
    *(TokenType.UNION, TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.SEMICOLON),
)
"""Tokens that cannot follow a comma. They are reserved words or signs, so none can be a name."""

Tree = exp.Expression
"""A query as parsed by sqlglot."""


@dataclass(frozen=True)
class Query:
    """A query with every table as `"database"."table"`, and the list of these tables.

    `schemas` are the schemas that it compares columns of `information_schema` with. `hidden` is whether it
    reads hidden columns such as `"$path"`.
    """

    tree: Tree
    tables: tuple[tuple[str, str], ...]
    schemas: tuple[str, ...]
    hidden: bool


def read(text: str, parameters: Sequence[str]) -> Tree:
    """Parse a query and insert its `?` parameters. Raises `Refused` for invalid SQL."""
    try:
        text = _with_parameters(text, parameters)
        trees = [tree for tree in sqlglot.parse(text, dialect=AthenaNames) if tree is not None]
    except SqlglotError as error:
        raise Refused(_first_word(text) or _message(error)) from error
    except RecursionError as error:  # in the words of Trino's SqlParser.java
        raise Refused("line 1:1: statement is too large (stack overflow while parsing)") from error
    if len(trees) != 1:
        raise Refused(f"Only one sql statement is allowed. Got: {len(trees)}.")
    tree = cast(Tree, trees[0])
    _refuse_other_dialects(tree, text)
    tree = _rows(tree) if isinstance(tree, exp.Values) else tree
    tree.meta["text"] = text  # for the places of errors
    return tree


def expressions(text: str) -> list[str]:
    """Return the expressions of a list with commas. Raises `Refused` for invalid SQL."""
    try:
        tree = sqlglot.parse_one(f"SELECT {text}", dialect=AthenaNames)
    except SqlglotError as error:
        raise Refused(_message(error)) from error
    return [expression.sql(dialect=AthenaNames) for expression in tree.expressions]


def _rows(values: exp.Values) -> Tree:
    """Return VALUES as a SELECT of these rows."""
    first = values.expressions[0]
    count = len(first.expressions) if isinstance(first, exp.Tuple) else 1
    names = [exp.to_identifier(f"_col{place}") for place in range(count)]
    values.set("alias", exp.TableAlias(this=exp.to_identifier("rows"), columns=names))
    return exp.select("*").from_(values)


def _refuse_other_dialects(tree: Tree, text: str) -> None:
    """Raise `Refused` for syntax that sqlglot accepts and Trino does not have."""
    previous: Any = None
    for token in sqlglot.tokenize(text, read=AthenaNames):
        kind, before = token.token_type, previous and previous.token_type
        if (
            kind in _NOT_TRINO
            or (kind is TokenType.EQ and token.text == "==")
            or (kind is TokenType.FROM and before is None)
            or (kind in _AFTER_NO_COMMA and before is TokenType.COMMA)
        ):
            place, word = place_at(text, token.start), token.text.split()[0]
            raise Refused(f"{place}: mismatched input '{word}'. Expecting: <expression>")
        previous = token
    if previous is not None and previous.token_type is TokenType.COMMA:
        raise Refused(
            f"{place_at(text, previous.end + 1)}: mismatched input '<EOF>'. Expecting: <expression>"
        )
    for node in tree.find_all(exp.Qualify, exp.Distinct):
        if isinstance(node, exp.Qualify) or node.args.get("on"):
            word = "QUALIFY" if isinstance(node, exp.Qualify) else "ON"
            raise Refused(f"{place_of(node)}: mismatched input '{word}'. Expecting: <expression>")


def query(tree: Tree, database: str | None) -> Query:
    """Name the tables of a query. Raises `QueryFailed` if it is no SELECT or names an unknown catalog."""
    if not isinstance(tree, exp.Query):
        first = tree.sql(dialect="athena").split(None, 1)[0].upper()
        raise unsupported(f"{first} statements")
    tree = tree.copy()
    tables: dict[tuple[str, str], None] = {}
    for table in _tables(tree):
        tables[_place(table, database)] = None
    _name_outputs(tree)
    hidden = any(column.name in HIDDEN for column in tree.find_all(exp.Column))
    if hidden:
        _leave_out_hidden(tree)
    return Query(tree, tuple(tables), tuple(_schemas(tree)), hidden)


def _schemas(tree: exp.Query) -> Iterator[str]:
    """Yield the schemas that a query of `information_schema` asks for."""
    for node in tree.find_all(exp.EQ, exp.In):
        column = node.this.find(exp.Column) if node.this else None
        if column is not None and column.name.lower() in ("table_schema", "schema_name"):
            values = node.expressions if isinstance(node, exp.In) else [node.expression]
            for value in values:
                if isinstance(found := value.find(exp.Literal), exp.Literal) and found.is_string:
                    yield found.name.lower()


def _leave_out_hidden(tree: exp.Query) -> None:
    """Let `*` leave out the hidden columns."""
    for select in tree.find_all(exp.Select):
        for star in select.expressions:
            star = star.this if isinstance(star, exp.Column) else star
            if isinstance(star, exp.Star):
                star.set("except_", [exp.to_identifier(name, quoted=True) for name in HIDDEN])


def _first_word(text: str) -> str | None:
    """Return the error of a statement that begins with no keyword, such as `SELEC 1`, or None."""
    try:
        first = next(iter(sqlglot.tokenize(text, read=AthenaNames)), None)
    except SqlglotError:
        return None
    if first is None or first.token_type is not TokenType.VAR:
        return None
    return f"{place_at(text, first.start)}: mismatched input '{first.text}'. Expecting: <query>"


def _message(error: SqlglotError) -> str:
    """Return an error of the parser in Trino's words, which name what is expected in more detail."""
    found = cast("list[dict[str, Any]]", getattr(error, "errors", None) or [{}])[0]
    if "line" not in found:
        return f"line 1:1: {str(error).splitlines()[0]}"
    token, expected = found["highlight"], re.match(r"Expecting (\S)$", found["description"])
    column = found["col"] - len(token) + 1
    if not found["end_context"].strip() and not found["description"].startswith("Invalid expression"):
        token, column = "<EOF>", found["col"] + 1  # the parser names the last token, and misses another
    wanted = f"'{expected[1]}'" if expected else "<expression>"
    return f"line {found['line']}:{column}: mismatched input '{token}'. Expecting: {wanted}"


def _with_parameters(text: str, parameters: Sequence[str]) -> str:
    """Insert execution parameters. Each is a SQL expression, such as `1` or `'a'`."""
    places = [t for t in sqlglot.tokenize(text, read="athena") if t.token_type is TokenType.PLACEHOLDER]
    if len(places) != len(parameters):
        raise Refused(f"Incorrect number of parameters: expected {len(places)} but found {len(parameters)}")
    for place, parameter in reversed(list(zip(places, parameters, strict=True))):
        value = sqlglot.parse_one(parameter, dialect=AthenaNames).sql(dialect=AthenaNames)
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
    table.set("catalog", None)
    table.set("db", exp.to_identifier(duckdb_schema(schema), quoted=True))
    table.set("this", exp.to_identifier(name, quoted=True))
    return schema, name


def duckdb_schema(schema: str) -> str:
    """Return the schema in DuckDB, which has an `information_schema` of its own."""
    return f"athena {schema}" if schema == INFORMATION_SCHEMA else schema


def unnamed(tree: Any) -> Iterator[tuple[int, Any]]:
    """Yield the columns without a name of a query, with their positions."""
    first = tree
    while not isinstance(first, exp.Select):
        first = first.this
    for place, output in enumerate(first.expressions):
        if not isinstance(output, exp.Alias | exp.Column | exp.Dot | exp.Star):
            yield place, output


def _name_outputs(tree: exp.Query) -> None:
    """Name the unnamed columns as Trino does: `_col` and the position."""
    for place, output in list(unnamed(tree)):
        output.replace(exp.alias_(output.copy(), f"_col{place}", quoted=True))
