"""CREATE EXTERNAL TABLE. https://docs.aws.amazon.com/athena/latest/ug/create-table.html"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from local.athena.errors import QueryFailed, Refused, unsupported
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements.catalog import Catalog, ddl_failed
from local.athena.statements.columns import columns
from local.athena.statements.storage import Storage, stored_as
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Definition, done
from local.athena.tables import bucket_and_path

Json = dict[str, Any]

# Clauses of ROW FORMAT DELIMITED, with the properties of LazySimpleSerDe. Hive 1 misspelled one of them:
# https://issues.apache.org/jira/browse/HIVE-16922
_DELIMITED = (
    (("FIELDS", "TERMINATED", "BY"), ("field.delim", "serialization.format")),
    (("COLLECTION", "ITEMS", "TERMINATED", "BY"), ("colelction.delim",)),
    (("MAP", "KEYS", "TERMINATED", "BY"), ("mapkey.delim",)),
    (("LINES", "TERMINATED", "BY"), ("line.delim",)),
    (("ESCAPED", "BY"), ("escape.delim",)),
    (("NULL", "DEFINED", "AS"), ("serialization.null.format",)),
)


@dataclass(frozen=True)
class CreateTable(Definition):
    """CREATE EXTERNAL TABLE."""

    table: tuple[str | None, str]
    if_not_exists: bool
    columns: list[Json]
    comment: str | None = None
    keys: list[Json] = field(default_factory=list)
    buckets: tuple[list[str], int] | None = None
    serde: str | None = None
    serde_parameters: dict[str, str] = field(default_factory=dict)
    storage: Storage = field(default_factory=lambda: stored_as("TEXTFILE"))
    location: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    subkind = "CREATE_TABLE"

    def run(self, session: Session) -> Result:
        """Create the table in the catalog."""
        catalog = Catalog(session)
        database, name = catalog.require_database(self.table[0]), self.table[1]
        if catalog.find((database, name)) is not None:
            if self.if_not_exists:
                return done()
            raise ddl_failed(f"AlreadyExistsException(message:Table {name} already exist)")
        bucket_and_path(self.location)
        if self.parameters.get("table_type", "").upper() == "ICEBERG":
            raise unsupported("Iceberg tables")
        storage = replace(self.storage, serde=self.serde or self.storage.serde)
        location = self.location if self.location.endswith("/") else f"{self.location}/"
        descriptor = storage.descriptor(location, self.columns, self.serde_parameters)
        if self.buckets:
            descriptor |= {"BucketColumns": self.buckets[0], "NumberOfBuckets": self.buckets[1]}
        given = self.parameters | {"EXTERNAL": "TRUE", "transient_lastDdlTime": str(int(time.time()))}
        if self.comment:
            given["comment"] = self.comment
        table = {
            "Name": name,
            "Owner": "hadoop",
            "Retention": 0,
            "StorageDescriptor": descriptor,
            "PartitionKeys": self.keys,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": given,
        }
        exists = ddl_failed(f"AlreadyExistsException(message:Table {name} already exist)")
        catalog.call("create_table", exists, DatabaseName=database, TableInput=table)
        return done()


def read_create_table(words: Words) -> CreateTable:
    """Read what follows CREATE EXTERNAL TABLE."""
    if_not_exists = words.accept("IF", "NOT", "EXISTS")
    table = words.table()
    given: Json = {"table": table, "if_not_exists": if_not_exists, "columns": columns(words)}
    if words.accept("COMMENT"):
        given["comment"] = words.string()
    if words.accept("PARTITIONED", "BY"):
        given["keys"] = columns(words)
        _check_keys(given["columns"], given["keys"])
    if words.accept("CLUSTERED", "BY"):
        given["buckets"] = _buckets(words)
    if words.accept("ROW", "FORMAT"):
        given |= _row_format(words)
    if words.accept("WITH", "SERDEPROPERTIES"):
        given["serde_parameters"] = given.get("serde_parameters", {}) | words.strings()
    if words.accept("STORED", "AS"):
        given["storage"] = _storage(words)
    if words.accept("WITH", "SERDEPROPERTIES"):
        given["serde_parameters"] = given.get("serde_parameters", {}) | words.strings()
    if not words.accept("LOCATION"):
        raise words.mismatch("'LOCATION'")
    given["location"] = words.string()
    if words.accept("TBLPROPERTIES"):
        given["parameters"] = words.strings()
    words.end()
    return CreateTable(**given)


def _check_keys(columns_: list[Json], keys: list[Json]) -> None:
    names = {column["Name"] for column in columns_}
    for key in keys:
        if key["Name"] in names:
            raise Refused("FAILED: SemanticException [Error 10035]: Column repeated in partitioning columns")


def _buckets(words: Words) -> tuple[list[str], int]:
    words.expect("(")
    names = [words.name()]
    while words.accept(","):
        names.append(words.name())
    words.expect(")", "INTO")
    count = words.take().text
    words.expect("BUCKETS")
    if not count.isdecimal():
        raise Refused(f"line 1:1: mismatched input '{count}'. Expecting: <integer>")
    return names, int(count)


def _row_format(words: Words) -> Json:
    if words.accept("SERDE"):
        return {"serde": words.string()}
    words.expect("DELIMITED")
    found: dict[str, str] = {}
    while True:
        for clause, names in _DELIMITED:
            if words.accept(*clause):
                found |= dict.fromkeys(names, words.string())
                break
        else:
            return {"serde_parameters": found}


def _storage(words: Words) -> Storage:
    if words.accept("INPUTFORMAT"):
        input_format = words.string()
        words.expect("OUTPUTFORMAT")
        return Storage(stored_as("TEXTFILE").serde, input_format, words.string())
    try:
        return stored_as(words.name())
    except QueryFailed as error:
        raise Refused(str(error)) from error
