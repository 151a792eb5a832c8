"""DROP TABLE and DROP VIEW. The data of an external table remain in S3."""

from __future__ import annotations

from dataclasses import dataclass

from local.athena import views
from local.athena.errors import QueryFailed
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements.catalog import Catalog, ddl_failed, require_hive
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Definition, done

Place = tuple[str | None, str]


@dataclass(frozen=True)
class DropTable(Definition):
    """DROP TABLE. https://docs.aws.amazon.com/athena/latest/ug/drop-table.html"""

    table: Place
    if_exists: bool
    subkind = "DROP_TABLE"

    def run(self, session: Session) -> Result:
        """Delete the table from the catalog."""
        catalog = Catalog(session)
        if self.if_exists and catalog.find(self.table) is None:
            return done()
        table = catalog.table(self.table)
        if views.is_view(table):
            raise ddl_failed("Cannot drop a view with DROP TABLE")
        require_hive(table)
        catalog.call("delete_table", DatabaseName=table["DatabaseName"], Name=table["Name"])
        return done()


@dataclass(frozen=True)
class DropView(Definition):
    """DROP VIEW. https://docs.aws.amazon.com/athena/latest/ug/drop-view.html"""

    view: Place
    if_exists: bool
    subkind = "DROP_VIEW"

    def run(self, session: Session) -> Result:
        """Delete the view from the catalog."""
        catalog = Catalog(session)
        database, name = catalog.database(self.view[0]), self.view[1]
        found = catalog.find((database, name))
        if found is None and self.if_exists:
            return done()
        if found is None or not views.is_view(found):
            place = f"awsdatacatalog.{database}.{name}"
            raise QueryFailed(f"TABLE_NOT_FOUND: line 1:1: View '{place}' does not exist")
        catalog.call("delete_table", DatabaseName=database, Name=name)
        return done()


def read_drop_table(words: Words) -> DropTable:
    """Read what follows DROP TABLE."""
    if_exists = words.accept("IF", "EXISTS")
    statement = DropTable(words.table(), if_exists)
    words.end()
    return statement


def read_drop_view(words: Words) -> DropView:
    """Read what follows DROP VIEW."""
    if_exists = words.accept("IF", "EXISTS")
    statement = DropView(words.table(), if_exists)
    words.end()
    return statement
