"""CREATE TABLE AS. https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.athena import sql
from local.athena.errors import QueryFailed, Refused, unsupported
from local.athena.results import Result
from local.athena.statement import Session, Statement
from local.athena.statements import properties
from local.athena.statements.catalog import Catalog
from local.athena.statements.kinds import check_columns, hive_type
from local.athena.statements.properties import Properties
from local.athena.statements.storage import FORMATS
from local.athena.statements.tokens import Words
from local.athena.statements.utility import written
from local.athena.tables import bucket_and_path, failed, folder_prefix
from local.athena.writing.data_files import compute, planned, write
from local.athena.writing.file_format import FileFormat, file_format

Json = dict[str, Any]

_PROPERTIES: dict[str, type] = {
    **dict.fromkeys(("table_type", "external_location", "location", "format", "field_delimiter"), str),
    **dict.fromkeys(("write_compression", "parquet_compression", "orc_compression"), str),
    **dict.fromkeys(("partitioned_by", "bucketed_by", "partitioning"), list),
    **dict.fromkeys(("bucket_count", "compression_level"), int),
    "is_external": bool,
}
_COMPRESSION_PROPERTIES = {"PARQUET": "parquet.compression", "ORC": "orc.compress", "AVRO": "avro.compress"}
# Athena's message, https://docs.aws.amazon.com/athena/latest/ug/workgroups-troubleshooting.html
_ENFORCED = (
    "The Create Table As Select query failed because it was submitted with an 'external_location' property "
    "to an Athena Workgroup that enforces a centralized output location for all queries. Please remove the "
    "'external_location' property and resubmit the query."
)


@dataclass(frozen=True)
class CreateTableAs(Statement):
    """CREATE TABLE AS: computes rows, writes them, and creates the table over them."""

    table: tuple[str | None, str]
    if_not_exists: bool
    given: Properties
    tree: sql.Tree
    with_data: bool
    kind = "DDL"
    subkind = "CREATE_TABLE_AS_SELECT"
    file = "tables/{id}"
    advice = (
        "You may need to manually clean the data at location '{output}/tables/{id}' before retrying. "
        "Athena will not delete data in your account."
    )

    def check_workgroup(self, *, is_enforced: bool) -> None:
        """Raise `Refused` if the workgroup prescribes the location, and the statement has one."""
        if is_enforced and "external_location" in self.given:
            raise Refused(_ENFORCED)

    def run(self, session: Session) -> Result:
        """Write the data and create the table."""
        properties.check(self.given, _PROPERTIES)
        if self.given.get("table_type", "HIVE").upper() != "HIVE":
            raise unsupported("Iceberg tables")
        if "bucketed_by" in self.given:
            raise unsupported("bucketed tables")
        catalog = Catalog(session)
        database, name = catalog.database(self.table[0]), self.table[1]
        missing = QueryFailed(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{database}' does not exist")
        catalog.call("get_database", missing, Name=database)
        exists = QueryFailed(
            "TABLE_ALREADY_EXISTS: line 1:1: Destination table "
            f"'awsdatacatalog.{database}.{name}' already exists"
        )
        if catalog.find((database, name)) is not None:
            if self.if_not_exists:
                return written(0)
            raise exists
        location = self.given.get("external_location", f"{session.output}/tables/{session.id}").rstrip("/")
        require_empty(session, location, f"{database}.{name}")
        query, relation = session.bind(self.tree, with_data=self.with_data)
        check_columns(self.tree, relation)
        kinds = map(hive_type, relation.types)
        columns = dict(zip((column.lower() for column in relation.columns), kinds, strict=True))
        keys = partition_keys(self.given.get("partitioned_by", []), columns)
        format_ = chosen_format(self.given)
        if not self.with_data:  # an aggregate has a row of no data, too
            query = f"SELECT * FROM ({query}) LIMIT 0"
        rows = compute(session.connection, query, columns, keys)
        files = planned(session, rows, location, format_)
        write(session, rows, files, format_, f"{session.output}/tables/{session.id}-manifest.csv")
        table = self._table(
            name, location, columns, keys, format_, is_encrypted=session.encryption is not None
        )
        catalog.call("create_table", exists, DatabaseName=database, TableInput=table)
        if keys:
            created = {**table, "DatabaseName": database}
            places = [(file.values, file.uri.rpartition("/")[0] + "/") for file in files]
            catalog.add_partitions(created, places, if_not_exists=True)
        return written(rows.count)

    def _table(
        self,
        name: str,
        location: str,
        columns: dict[str, str],
        keys: list[str],
        format_: FileFormat,
        *,
        is_encrypted: bool,
    ) -> Json:
        found = [{"Name": column, "Type": kind} for column, kind in columns.items()]
        data = [column for column in found if column["Name"] not in keys]
        storage = FORMATS[format_.name].descriptor(f"{location}/", data, dict(format_.properties))
        compression = _COMPRESSION_PROPERTIES.get(format_.name, "write.compression")
        return {
            "Name": name,
            "Owner": "hadoop",
            "Retention": 0,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [column for column in found if column["Name"] in keys],
            "StorageDescriptor": storage,
            "Parameters": {
                "EXTERNAL": "TRUE",
                "has_encrypted_data": "true" if is_encrypted else "false",
                compression: format_.compression,
                "transient_lastDdlTime": str(int(time.time())),
            },
        }


def read_create_table_as(words: Words, parameters: Sequence[str]) -> CreateTableAs:
    """Read what follows CREATE TABLE."""
    if_not_exists = words.accept("IF", "NOT", "EXISTS")
    if _has_columns(words):  # of an Iceberg table, in Hive's syntax with its quotes
        raise Refused(
            "FAILED: SemanticException: CREATE TABLE with columns requires EXTERNAL, except for Iceberg "
            "tables, which the local AWS emulator does not support"
        )
    table = words.table()
    given = properties.properties(words) if words.accept("WITH") else {}
    words.expect("AS")
    with_data, ending = True, 0
    for last, is_wanted in ((("WITH", "NO", "DATA"), False), (("WITH", "DATA"), True)):
        if words.ends_with(*last):
            with_data, ending = is_wanted, len(last)
            break
    tree = sql.read(words.rest(without=ending), parameters)
    return CreateTableAs(table, if_not_exists, given, tree, with_data)


def _has_columns(words: Words) -> bool:
    """Return whether columns in brackets follow the name that is next."""
    ahead = 1
    while words.peek(ahead) == ".":
        ahead += 2
    return words.peek(ahead) == "("


def chosen_format(given: Properties, compression: str = "write_compression") -> FileFormat:
    """Return the format that properties ask for. `compression` is the name of one of them."""
    name = given.get("format", "PARQUET").upper()
    old = given.get(f"{name.lower()}_compression")
    delimiter = given.get("field_delimiter")
    if delimiter is not None and name != "TEXTFILE":
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: field_delimiter cannot be used with the format {name}")
    serde = {"field.delim": delimiter, "serialization.format": delimiter} if delimiter else {}
    return file_format(name, given.get(compression, old), serde, given.get("compression_level"))


def partition_keys(wanted: list[str], columns: dict[str, str]) -> list[str]:
    """Return partition keys in lower case. Raises `QueryFailed` if they are not the last columns."""
    keys = [key.lower() for key in wanted]
    if absent := [key for key in keys if key not in columns]:
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: Partition columns {absent} not present in schema")
    names = list(columns)
    if keys and len(keys) == len(names):
        raise QueryFailed("INVALID_TABLE_PROPERTY: Table contains only partition columns")
    if keys and names[-len(keys) :] != keys:
        raise QueryFailed(
            "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the "
            f"same order as the table properties: [{', '.join(keys)}]"
        )
    if nested := [key for key in keys if "<" in columns[key]]:
        raise QueryFailed(
            f"NOT_SUPPORTED: Unsupported type [{columns[nested[0]]}] for partition: {nested[0]}"
        )
    return keys


def require_empty(session: Session, location: str, table: str) -> None:
    """Raise `QueryFailed` if there are objects at a location."""
    bucket, path = bucket_and_path(location)
    prefix = folder_prefix(path)
    try:
        found = session.tables.clients("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except ClientError as error:
        raise failed(error, f"HIVE_METASTORE_ERROR: {error}") from error
    if found.get("KeyCount"):
        raise QueryFailed(
            f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{table}' already exists: {location}"
        )
