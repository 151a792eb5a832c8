"""Reads the text of a query: which statement it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from local.athena import sql
from local.athena.errors import Refused
from local.athena.statement import Refusal, Select, Statement
from local.athena.statements.alter_partitions import read_repair
from local.athena.statements.alter_table import read_alter_table
from local.athena.statements.create_table import read_create_table
from local.athena.statements.create_view import read_create_view
from local.athena.statements.ctas import read_create_table_as
from local.athena.statements.databases import (
    read_alter_database,
    read_create_database,
    read_drop_database,
)
from local.athena.statements.describe import read_describe
from local.athena.statements.drop import read_drop_table, read_drop_view
from local.athena.statements.explain import read_explain
from local.athena.statements.insert import read_insert
from local.athena.statements.prepared import read_deallocate, read_execute, read_prepare
from local.athena.statements.show import read_show
from local.athena.statements.show_create import read_show_create_table, read_show_create_view
from local.athena.statements.tokens import Words
from local.athena.statements.unload import read_unload

_HIVE: dict[tuple[str, ...], Callable[[Words], Statement]] = {
    ("SHOW", "CREATE", "TABLE"): read_show_create_table,
    ("SHOW",): read_show,
    ("DESCRIBE",): read_describe,
    ("DESC",): read_describe,
    ("CREATE", "DATABASE"): read_create_database,
    ("CREATE", "SCHEMA"): read_create_database,
    ("CREATE", "EXTERNAL", "TABLE"): read_create_table,
    ("ALTER", "DATABASE"): read_alter_database,
    ("ALTER", "SCHEMA"): read_alter_database,
    ("ALTER", "TABLE"): read_alter_table,
    ("DROP", "DATABASE"): read_drop_database,
    ("DROP", "SCHEMA"): read_drop_database,
    ("DROP", "TABLE"): read_drop_table,
    ("MSCK", "REPAIR", "TABLE"): read_repair,
}
_TRINO: dict[tuple[str, ...], Callable[[Words, Sequence[str]], Statement]] = {
    ("CREATE", "VIEW"): lambda words, _: read_create_view(words, is_replacing=False),
    ("CREATE", "OR", "REPLACE", "VIEW"): lambda words, _: read_create_view(words, is_replacing=True),
    ("SHOW", "CREATE", "VIEW"): lambda words, _: read_show_create_view(words),
    ("DROP", "VIEW"): lambda words, _: read_drop_view(words),
    ("CREATE", "TABLE"): read_create_table_as,
    ("INSERT", "INTO"): read_insert,
    ("UNLOAD",): read_unload,
    ("EXPLAIN",): read_explain,
    ("PREPARE",): lambda words, _: read_prepare(words),
    ("EXECUTE",): read_execute,
    ("DEALLOCATE", "PREPARE"): lambda words, _: read_deallocate(words),
}
# Trino's sentence for statements that need transactional tables (`HiveMetadata`)
_ROWS = "NOT_SUPPORTED: Modifying Hive table rows is only supported for transactional tables"
_REFUSED = {("DELETE",): ("DML", _ROWS), ("UPDATE",): ("DML", _ROWS), ("MERGE",): ("DML", _ROWS)}


def read(text: str, parameters: Sequence[str]) -> Statement:
    """Return the statement of a text, with its `?` parameters inserted. Raises `Refused` for invalid SQL."""
    words = Words(text)
    for begin, trino in _TRINO.items():
        if words.accept(*begin):
            return trino(words, parameters)
    for begin, (kind, sentence) in _REFUSED.items():
        if words.accept(*begin):
            return Refusal(kind, begin[0], sentence)
    words = Words(text, is_hive=True)
    for begin, hive in _HIVE.items():
        if words.accept(*begin):
            if parameters:
                raise Refused(f"Incorrect number of parameters: expected 0 but found {len(parameters)}")
            return hive(words)
    return Select(sql.read(text, parameters))
