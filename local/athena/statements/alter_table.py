"""ALTER TABLE: columns, properties and location.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html. Partitions keep their own columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.athena.errors import QueryFailed, Refused
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements import alter_partitions
from local.athena.statements.catalog import Catalog, ddl_failed, require_hive
from local.athena.statements.columns import column, columns
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Definition, done
from local.athena.tables import bucket_and_path

Json = dict[str, Any]
Place = tuple[str | None, str]


@dataclass(frozen=True)
class AddColumns(Definition):
    """ALTER TABLE ADD COLUMNS, or REPLACE COLUMNS, which removes all columns first."""

    table: Place
    columns: list[Json]
    is_replacing: bool

    @property
    def subkind(self) -> str:  # type: ignore[override]
        """The word in Athena is in the singular."""
        return f"ALTER_TABLE_{'REPLACE' if self.is_replacing else 'ADD'}_COLUMN"

    def run(self, session: Session) -> Result:
        """Change the columns of the table."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        require_hive(table)
        storage = table["StorageDescriptor"]
        kept = [] if self.is_replacing else storage["Columns"]
        taken = {found["Name"].lower() for found in [*kept, *table.get("PartitionKeys", [])]}
        for name in (added["Name"] for added in self.columns):
            if name in taken:
                raise QueryFailed(f"FAILED: SemanticException [Error 10036]: Duplicate column name: {name}")
        catalog.update({**table, "StorageDescriptor": {**storage, "Columns": [*kept, *self.columns]}})
        return done()


@dataclass(frozen=True)
class ChangeColumn(Definition):
    """ALTER TABLE CHANGE COLUMN: name, type, comment or place of a column.

    https://docs.aws.amazon.com/athena/latest/ug/alter-table-change-column.html
    """

    table: Place
    name: str
    column: Json
    after: str | None  # "" is the first place, and None the present one
    subkind = "ALTER_TABLE_CHANGE_COLUMN"

    def run(self, session: Session) -> Result:
        """Replace the column. The data remain as they are."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        require_hive(table)
        columns_ = list(table["StorageDescriptor"]["Columns"])
        names = [found["Name"].lower() for found in columns_]
        keys = [key["Name"].lower() for key in table.get("PartitionKeys", [])]
        for wanted in filter(None, (self.name, self.after)):
            if wanted not in names:
                raise ddl_failed(f"Invalid column reference {wanted}")
        if self.column["Name"] != self.name and self.column["Name"] in (*names, *keys):
            raise ddl_failed(f"Duplicate column name: {self.column['Name']}")
        place = names.index(self.name)
        old = columns_.pop(place)
        names.pop(place)
        if self.after is not None:
            place = names.index(self.after) + 1 if self.after else 0
        columns_.insert(place, {**old, **self.column})
        catalog.update({**table, "StorageDescriptor": {**table["StorageDescriptor"], "Columns": columns_}})
        return done()


@dataclass(frozen=True)
class SetProperties(Definition):
    """ALTER TABLE SET TBLPROPERTIES."""

    table: Place
    parameters: dict[str, str]
    subkind = "ALTER_TABLE_PROPERTIES"

    def run(self, session: Session) -> Result:
        """Add the properties to those of the table."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        require_hive(table)
        catalog.update({**table, "Parameters": {**table.get("Parameters", {}), **self.parameters}})
        return done()


@dataclass(frozen=True)
class SetLocation(Definition):
    """ALTER TABLE SET LOCATION, of the table or of one partition."""

    table: Place
    partition: dict[str, str]
    location: str
    subkind = "ALTER_TABLE_SET_LOCATION"

    def run(self, session: Session) -> Result:
        """Change the location in the catalog. Objects stay where they are."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        require_hive(table)
        bucket_and_path(self.location)
        if not self.partition:
            storage = {**table["StorageDescriptor"], "Location": self.location}
            catalog.update({**table, "StorageDescriptor": storage})
            return done()
        values = alter_partitions.values(table, self.partition)
        given = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
        missing = ddl_failed(f"NoSuchObjectException(message:partition values={values})")
        found = catalog.call("get_partition", missing, **given, PartitionValues=values)["Partition"]
        storage = {**found.get("StorageDescriptor", {}), "Location": self.location}
        changed = {"Values": values, "StorageDescriptor": storage, "Parameters": found.get("Parameters", {})}
        catalog.call("update_partition", **given, PartitionValueList=values, PartitionInput=changed)
        return done()


def read_alter_table(words: Words) -> Definition:
    """Read what follows ALTER TABLE."""
    table = words.table()
    statement = _change(words, table)
    words.end()
    return statement


def _change(words: Words, table: Place) -> Definition:
    if words.accept("ADD", "COLUMNS"):
        return AddColumns(table, columns(words), is_replacing=False)
    if words.accept("REPLACE", "COLUMNS"):
        return AddColumns(table, columns(words), is_replacing=True)
    if words.accept("CHANGE"):
        words.accept("COLUMN")
        name, changed, after = words.name(), column(words), None
        if words.accept("FIRST"):
            after = ""
        elif words.accept("AFTER"):
            after = words.name()
        return ChangeColumn(table, name, changed, after)
    if words.accept("SET", "TBLPROPERTIES"):
        return SetProperties(table, words.strings())
    if words.accept("SET", "LOCATION"):
        return SetLocation(table, {}, words.string())
    if words.accept("ADD"):
        return alter_partitions.read_add(words, table)
    if words.accept("DROP"):
        return alter_partitions.read_drop(words, table)
    if words.accept("PARTITION"):
        partition = words.partition()
        if words.accept("RENAME", "TO", "PARTITION"):
            return alter_partitions.RenamePartition(table, partition, words.partition())
        words.expect("SET", "LOCATION")
        return SetLocation(table, partition, words.string())
    if words.accept("RENAME", "TO"):
        # https://docs.aws.amazon.com/athena/latest/ug/unsupported-ddl.html
        raise Refused("FAILED: SemanticException Unsupported alter operation: ALTER TABLE RENAME TO")
    raise words.mismatch("'ADD', 'CHANGE', 'DROP', 'PARTITION', 'REPLACE', 'SET'")
