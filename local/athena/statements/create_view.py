"""CREATE VIEW. https://docs.aws.amazon.com/athena/latest/ug/create-view.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.athena import sql, views
from local.athena.errors import QueryFailed
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements.catalog import Catalog
from local.athena.statements.kinds import check_columns, hive_type, trino_type
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Definition, done

Json = dict[str, Any]


@dataclass(frozen=True)
class CreateView(Definition):
    """CREATE VIEW: stores the query with the types of its columns. It reads no data."""

    view: tuple[str | None, str]
    is_replacing: bool
    text: str
    tree: sql.Tree
    subkind = "CREATE_VIEW"

    def run(self, session: Session) -> Result:
        """Create or replace the view in the catalog."""
        catalog = Catalog(session)
        database, name = catalog.database(self.view[0]), self.view[1]
        place = f"awsdatacatalog.{database}.{name}"
        missing = QueryFailed(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{database}' does not exist")
        catalog.call("get_database", missing, Name=database)
        found = catalog.find((database, name))
        if found is not None and not views.is_view(found):
            raise QueryFailed(f"TABLE_ALREADY_EXISTS: line 1:1: Table already exists: '{place}'")
        if found is not None and not self.is_replacing:
            raise QueryFailed(f"TABLE_ALREADY_EXISTS: line 1:1: View already exists: '{place}'")
        if (database, name) in sql.query(self.tree, session.database).tables:
            raise QueryFailed(
                f"INVALID_RECURSIVE_REFERENCE: line 1:1: Statement would create a recursive view: '{place}'"
            )
        relation = session.relation(self.tree, with_data=False)
        check_columns(self.tree, relation)
        columns = list(zip((column.lower() for column in relation.columns), relation.types, strict=True))
        stored = [(column, trino_type(kind)) for column, kind in columns]
        view = {
            "Name": name,
            "Owner": "hadoop",
            "PartitionKeys": [],
            "StorageDescriptor": {
                "Columns": [{"Name": column, "Type": _catalog_type(kind)} for column, kind in columns],
                "Location": "",
                "SerdeInfo": {},
            },
            **views.stored_as(self.text, session.database, stored),
        }
        operation = "update_table" if found else "create_table"
        catalog.call(operation, DatabaseName=database, TableInput=view)
        return done()


def read_create_view(words: Words, *, is_replacing: bool) -> CreateView:
    """Read what follows CREATE VIEW."""
    view = words.table()
    words.expect("AS")
    text = words.rest()
    return CreateView(view, is_replacing, text.strip(), sql.read(text, []))


def _catalog_type(kind: Any) -> str:
    try:
        return hive_type(kind)
    except QueryFailed:  # a type of Trino only, which a view may return
        return "string"
