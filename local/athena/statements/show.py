"""SHOW: names of databases, tables, views, columns and partitions, and properties of a table."""

from __future__ import annotations

from dataclasses import dataclass

from local.athena import views
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements.catalog import Catalog, ddl_failed
from local.athena.statements.tokens import Words
from local.athena.statements.utility import WIDTH, Utility, lines, matching
from local.metastore.names import partition_name

Place = tuple[str | None, str]


@dataclass(frozen=True)
class ShowDatabases(Utility):
    """SHOW DATABASES."""

    pattern: str | None
    subkind = "SHOW_DATABASES"

    def run(self, session: Session) -> Result:
        """Return the names of databases."""
        names = (database["Name"] for database in Catalog(session).databases())
        return lines(["database_name"], matching(self.pattern, names))


@dataclass(frozen=True)
class ShowTables(Utility):
    """SHOW TABLES, which includes views."""

    database: str | None
    pattern: str | None
    subkind = "SHOW_TABLES"

    def run(self, session: Session) -> Result:
        """Return the names of tables."""
        catalog = Catalog(session)
        database = catalog.require_database(self.database)
        names = (table["Name"] for table in catalog.tables(database))
        return lines(["tab_name"], matching(self.pattern, names))


@dataclass(frozen=True)
class ShowViews(Utility):
    """SHOW VIEWS."""

    database: str | None
    pattern: str | None
    subkind = "SHOW_VIEWS"

    def run(self, session: Session) -> Result:
        """Return the names of views."""
        catalog = Catalog(session)
        database = catalog.require_database(self.database)
        names = (table["Name"] for table in catalog.tables(database) if views.is_view(table))
        return lines(["views"], matching(self.pattern, names))


@dataclass(frozen=True)
class ShowColumns(Utility):
    """SHOW COLUMNS."""

    table: Place
    subkind = "SHOW_COLUMNS"

    def run(self, session: Session) -> Result:
        """Return the names of columns, then those of partition keys."""
        table = Catalog(session).table(self.table)
        columns = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
        return lines(["field"], (column["Name"].ljust(WIDTH) for column in columns))


@dataclass(frozen=True)
class ShowPartitions(Utility):
    """SHOW PARTITIONS."""

    table: Place
    subkind = "SHOW_PARTITIONS"

    def run(self, session: Session) -> Result:
        """Return partitions in the form `key=value/key=value`."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        if not (keys := table.get("PartitionKeys")):
            raise ddl_failed(f"Table {table['DatabaseName']}.{table['Name']} is not a partitioned table")
        names = [key["Name"] for key in keys]
        found = (partition_name(names, partition["Values"]) for partition in catalog.partitions(table))
        return lines(["partition"], sorted(found))


@dataclass(frozen=True)
class ShowProperties(Utility):
    """SHOW TBLPROPERTIES."""

    table: Place
    name: str | None
    subkind = "SHOW_TBLPROPERTIES"

    def run(self, session: Session) -> Result:
        """Return all properties of a table, or the value of one."""
        table = Catalog(session).table(self.table)
        found = table.get("Parameters") or {}
        if self.name is None:
            pairs = (f"{name}\t{value}" for name, value in sorted(found.items()))
            return lines(["prpt_name", "prpt_value"], pairs)
        place = f"{table['DatabaseName']}.{table['Name']}"
        missing = f"Table {place} does not have property: {self.name}"
        return lines(["prpt_name", "prpt_value"], [f"{found.get(self.name, missing)}"])


def read_show(words: Words) -> Utility:
    """Read what follows SHOW."""
    if words.accept("DATABASES") or words.accept("SCHEMAS"):
        words.accept("LIKE")
        return _ended(words, ShowDatabases(None if words.is_done else words.string()))
    if words.accept("TABLES") or words.accept("VIEWS"):
        of = ShowViews if words.peek(-1) == "VIEWS" else ShowTables
        database = words.name() if words.accept("IN") or words.accept("FROM") else None
        words.accept("LIKE")
        return _ended(words, of(database, None if words.is_done else words.string()))
    if words.accept("COLUMNS"):
        database, table = _in(words)
        if words.accept("IN") or words.accept("FROM"):
            database = words.name()
        return _ended(words, ShowColumns((database, table)))
    if words.accept("PARTITIONS"):
        return _ended(words, ShowPartitions(words.table()))
    if words.accept("TBLPROPERTIES"):
        described, name = words.table(), None
        if words.accept("("):
            name = words.string()
            words.expect(")")
        return _ended(words, ShowProperties(described, name))
    raise words.mismatch("'COLUMNS', 'CREATE', 'DATABASES', 'PARTITIONS', 'SCHEMAS', 'TABLES', 'VIEWS'")


def _in(words: Words) -> Place:
    if not (words.accept("IN") or words.accept("FROM")):
        raise words.mismatch("'FROM', 'IN'")
    return words.table()


def _ended(words: Words, statement: Utility) -> Utility:
    words.end()
    return statement
