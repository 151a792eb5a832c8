"""SHOW CREATE TABLE and SHOW CREATE VIEW."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.athena import views
from local.athena.errors import QueryFailed
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements.catalog import Catalog
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Utility, lines

Json = dict[str, Any]


@dataclass(frozen=True)
class ShowCreateTable(Utility):
    """SHOW CREATE TABLE, in Hive's words."""

    table: tuple[str | None, str]
    subkind = "SHOW_CREATE_TABLE"

    def run(self, session: Session) -> Result:
        """Return the statement that creates the table."""
        table = Catalog(session).table(self.table)
        if views.is_view(table):
            return lines(["createtab_stmt"], _view(table))
        return lines(["createtab_stmt"], _table(table))


@dataclass(frozen=True)
class ShowCreateView(Utility):
    """SHOW CREATE VIEW."""

    view: tuple[str | None, str]
    subkind = "SHOW_CREATE_VIEW"

    def run(self, session: Session) -> Result:
        """Return the statement that creates the view."""
        table = Catalog(session).table(self.view)
        if not views.is_view(table):
            place = f"awsdatacatalog.{table['DatabaseName']}.{table['Name']}"
            raise QueryFailed(f"NOT_SUPPORTED: line 1:1: Relation '{place}' is a table, not a view")
        return lines(["Create View"], _view(table))


def read_show_create_table(words: Words) -> ShowCreateTable:
    """Read what follows SHOW CREATE TABLE."""
    statement = ShowCreateTable(words.table())
    words.end()
    return statement


def read_show_create_view(words: Words) -> ShowCreateView:
    """Read what follows SHOW CREATE VIEW."""
    statement = ShowCreateView(words.table())
    words.end()
    return statement


def _view(table: Json) -> Iterator[str]:
    yield f'CREATE VIEW "{table["DatabaseName"]}"."{table["Name"]}" AS '
    yield from views.text(table).splitlines()


def _table(table: Json) -> Iterator[str]:
    storage = table["StorageDescriptor"]
    yield f"CREATE EXTERNAL TABLE `{table['DatabaseName']}.{table['Name']}`("
    yield from _listed([_column(column) for column in storage["Columns"]])
    if comment := (table.get("Parameters") or {}).get("comment"):
        yield f"COMMENT {_string(comment)}"
    if keys := table.get("PartitionKeys"):
        yield "PARTITIONED BY ( "
        yield from _listed([_column(key) for key in keys])
    if buckets := storage.get("BucketColumns"):
        yield "CLUSTERED BY ( "
        yield from _listed([f"  {name}" for name in buckets])
        yield f"INTO {storage['NumberOfBuckets']} BUCKETS"
    serde = storage.get("SerdeInfo") or {}
    yield "ROW FORMAT SERDE "
    yield f"  {_string(serde.get('SerializationLibrary', ''))} "
    if parameters := serde.get("Parameters"):
        yield "WITH SERDEPROPERTIES ( "
        yield from _listed(_properties(parameters))
    yield "STORED AS INPUTFORMAT "
    yield f"  {_string(storage.get('InputFormat', ''))} "
    yield "OUTPUTFORMAT "
    yield f"  {_string(storage.get('OutputFormat', ''))}"
    yield "LOCATION"
    yield f"  {_string(storage.get('Location', ''))}"
    shown = {name: value for name, value in (table.get("Parameters") or {}).items() if name != "comment"}
    shown.pop("EXTERNAL", None)  # the statement says so
    if shown:
        yield "TBLPROPERTIES ("
        yield from _listed(_properties(shown))


def _column(column: Json) -> str:
    comment = f" COMMENT {_string(column['Comment'])}" if column.get("Comment") else ""
    return f"  `{column['Name']}` {column['Type']}{comment}"


def _properties(found: dict[str, str]) -> list[str]:
    return [f"  {_string(name)}={_string(value)}" for name, value in sorted(found.items())]


def _string(text: str) -> str:
    """Return a string of Hive, in which control characters are escaped."""
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    escaped = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "'" + "".join(escaped.get(c, c if c >= " " else f"\\u{ord(c):04X}") for c in plain) + "'"


def _listed(texts: list[str]) -> list[str]:
    return [*(f"{text}, " for text in texts[:-1]), f"{texts[-1]})"]
