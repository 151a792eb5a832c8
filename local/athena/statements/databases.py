"""CREATE, ALTER and DROP DATABASE. https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.athena.errors import QueryFailed
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements.catalog import Catalog, ddl_failed
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Definition, done

Json = dict[str, Any]


@dataclass(frozen=True)
class CreateDatabase(Definition):
    """CREATE DATABASE or SCHEMA."""

    name: str
    if_not_exists: bool
    description: Json
    subkind = "CREATE_DATABASE"

    def run(self, session: Session) -> Result:
        """Create the database."""
        exists = ddl_failed(f"Database {self.name} already exists")
        try:
            Catalog(session).call(
                "create_database", exists, DatabaseInput={"Name": self.name, **self.description}
            )
        except QueryFailed as error:
            if not (self.if_not_exists and str(error) == str(exists)):
                raise
        return done()


@dataclass(frozen=True)
class AlterDatabase(Definition):
    """ALTER DATABASE SET DBPROPERTIES."""

    name: str
    parameters: dict[str, str]
    subkind = "ALTER_DATABASE"

    def run(self, session: Session) -> Result:
        """Add the properties to those of the database."""
        catalog = Catalog(session)
        catalog.require_database(self.name)
        found = catalog.call("get_database", Name=self.name)["Database"]
        kept = {key: found[key] for key in ("Name", "Description", "LocationUri") if key in found}
        kept["Parameters"] = {**found.get("Parameters", {}), **self.parameters}
        catalog.call("update_database", Name=self.name, DatabaseInput=kept)
        return done()


@dataclass(frozen=True)
class DropDatabase(Definition):
    """DROP DATABASE or SCHEMA."""

    name: str
    if_exists: bool
    is_cascade: bool
    subkind = "DROP_DATABASE"

    def run(self, session: Session) -> Result:
        """Delete the database. Its tables' data remain."""
        catalog = Catalog(session)
        missing = QueryFailed(
            f"FAILED: SemanticException [Error 10072]: Database does not exist: {self.name}"
        )
        try:
            catalog.call("get_database", missing, Name=self.name)
        except QueryFailed as error:
            if self.if_exists and str(error) == str(missing):
                return done()
            raise
        tables = [table["Name"] for table in catalog.tables(self.name)]
        if tables and not self.is_cascade:
            raise ddl_failed(
                f"InvalidOperationException(message:Database {self.name} is not empty. "
                "One or more tables exist.)"
            )
        for table in tables:
            catalog.call("delete_table", DatabaseName=self.name, Name=table)
        catalog.call("delete_database", Name=self.name)
        return done()


def read_create_database(words: Words) -> CreateDatabase:
    """Read what follows CREATE DATABASE."""
    if_not_exists = words.accept("IF", "NOT", "EXISTS")
    name = words.name()
    description: Json = {}
    if words.accept("COMMENT"):
        description["Description"] = words.string()
    if words.accept("LOCATION"):
        description["LocationUri"] = words.string()
    parameters = words.strings() if words.accept("WITH", "DBPROPERTIES") else {}
    words.end()
    return CreateDatabase(
        name, if_not_exists, description | ({"Parameters": parameters} if parameters else {})
    )


def read_alter_database(words: Words) -> AlterDatabase:
    """Read what follows ALTER DATABASE."""
    name = words.name()
    words.expect("SET", "DBPROPERTIES")
    statement = AlterDatabase(name, words.strings())
    words.end()
    return statement


def read_drop_database(words: Words) -> DropDatabase:
    """Read what follows DROP DATABASE."""
    if_exists = words.accept("IF", "EXISTS")
    name = words.name()
    is_cascade = words.accept("CASCADE")
    if not is_cascade:
        words.accept("RESTRICT")
    words.end()
    return DropDatabase(name, if_exists, is_cascade)
