"""Metastore calls about databases."""

from __future__ import annotations

from typing import Any

from pymetastore.hive_metastore import ttypes

from local.metastore import convert
from local.metastore.folders import Folders
from local.metastore.names import matching


class Databases:
    """Databases of the Data Catalog."""

    def __init__(self, glue: Any, folders: Folders) -> None:
        self._glue = glue
        self._folders = folders

    def get_all_databases(self) -> list[str]:
        """Return all names."""
        pages = self._glue.get_paginator("get_databases").paginate()
        return sorted(database["Name"] for page in pages for database in page["DatabaseList"])

    def get_databases(self, pattern: str) -> list[str]:
        """Return the names that match a pattern."""
        return matching(pattern, self.get_all_databases())

    def get_database(self, name: str) -> Any:
        """Return a database."""
        return convert.database(self._glue.get_database(Name=name)["Database"])

    def create_database(self, database: Any) -> None:
        """Create a database."""
        self._glue.create_database(DatabaseInput=convert.database_input(database))

    def alter_database(self, name: str, database: Any) -> None:
        """Replace a database."""
        self._glue.update_database(Name=name, DatabaseInput=convert.database_input(database))

    def drop_database(self, name: str, delete_data: bool, cascade: bool) -> None:
        """Delete a database and, as AWS's client does, its folder."""
        database = self.get_database(name)
        if not cascade and self._glue.get_tables(DatabaseName=name)["TableList"]:
            raise ttypes.InvalidOperationException(f"Database {name} is not empty.")
        self._glue.delete_database(Name=name)
        if delete_data:
            self._folders.delete(database.locationUri)
