"""Metastore calls about tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymetastore.hive_metastore import ttypes

from local.metastore import convert, presentation
from local.metastore.folders import Folders
from local.metastore.names import matching

Json = dict[str, Any]


class Tables:
    """Tables of the Data Catalog."""

    def __init__(self, glue: Any, folders: Folders) -> None:
        self._glue = glue
        self._folders = folders

    def stored(self, database: str, name: str) -> Json:
        """Return a table as the catalog stores it. Follows resource links."""
        table: Json = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        if target := table.get("TargetTable"):
            return self.stored(target["DatabaseName"], target["Name"])
        return table

    def get_table(self, database: str, name: str) -> Any:
        """Return a table as Spark can read it."""
        return convert.table(presentation.present(self.stored(database, name)))

    def get_table_req(self, request: Any) -> Any:
        """Return a table as Spark can read it."""
        return ttypes.GetTableResult(self.get_table(request.dbName, request.tblName))

    def get_table_objects_by_name(self, database: str, names: list[str]) -> list[Any]:
        """Return those of the tables that exist."""
        found = []
        for name in names:
            try:
                found.append(self.get_table(database, name))
            except self._glue.exceptions.EntityNotFoundException:
                continue
        return found

    def get_table_objects_by_name_req(self, request: Any) -> Any:
        """Return those of the tables that exist."""
        return ttypes.GetTablesResult(self.get_table_objects_by_name(request.dbName, request.tblNames))

    def get_all_tables(self, database: str) -> list[str]:
        """Return all names of a database."""
        return sorted(table["Name"] for table in self._all(database))

    def get_tables(self, database: str, pattern: str) -> list[str]:
        """Return the names that match a pattern."""
        return matching(pattern, self.get_all_tables(database))

    def get_tables_by_type(self, database: str, pattern: str, kind: str) -> list[str]:
        """Return the names of the tables of a type that match a pattern."""
        of_type = [table["Name"] for table in self._all(database) if table.get("TableType") == kind]
        return matching(pattern, of_type)

    def create_table_with_environment_context(self, table: Any, _context: Any) -> None:
        """Create a table. Its location is below the database's by default."""
        if table.tableType != convert.VIEW and not table.sd.location:
            database = self._glue.get_database(Name=table.dbName)["Database"].get("LocationUri")
            if not database:
                raise ttypes.MetaException(
                    f"The database {table.dbName} has no location, so the table {table.tableName} needs one."
                )
            table.sd.location = f"{database.rstrip('/')}/{table.tableName}"
        self._glue.create_table(DatabaseName=table.dbName, TableInput=convert.table_input(table))
        if table.tableType != convert.VIEW:
            self._folders.make(table.sd.location)  # AWS's client does so; Spark lists the folder

    def create_table(self, table: Any) -> None:
        """Create a table."""
        self.create_table_with_environment_context(table, None)

    def alter_table_with_environment_context(
        self, database: str, name: str, table: Any, _context: Any
    ) -> None:
        """Replace a table, except for what `presentation` added. Glue cannot rename tables."""
        if table.tableName.lower() != name.lower() or table.dbName.lower() != database.lower():
            raise ttypes.InvalidOperationException("Table rename is not supported")
        stored = self.stored(database, name)
        changed = presentation.restore(stored, convert.table_input(table))
        self._glue.update_table(DatabaseName=database, TableInput=changed)

    def alter_table(self, database: str, name: str, table: Any) -> None:
        """Replace a table."""
        self.alter_table_with_environment_context(database, name, table, None)

    def drop_table_with_environment_context(
        self, database: str, name: str, delete_data: bool, _context: Any
    ) -> None:
        """Delete a table, and the objects of a managed table."""
        table = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        self._glue.delete_table(DatabaseName=database, Name=name)
        if delete_data and is_managed(table):
            self._folders.delete(table.get("StorageDescriptor", {}).get("Location", ""))

    def drop_table(self, database: str, name: str, delete_data: bool) -> None:
        """Delete a table, and the objects of a managed table."""
        self.drop_table_with_environment_context(database, name, delete_data, None)

    def _all(self, database: str) -> Iterator[Json]:
        for page in self._glue.get_paginator("get_tables").paginate(DatabaseName=database):
            yield from page["TableList"]


def is_managed(table: Json) -> bool:
    """Return whether a table owns its objects."""
    external = (table.get("Parameters") or {}).get("EXTERNAL", "").lower() == "true"
    return table.get("TableType") == "MANAGED_TABLE" and not external
