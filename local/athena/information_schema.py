"""The tables of `information_schema`, from the Data Catalog as the caller sees it.

https://docs.aws.amazon.com/athena/latest/ug/querying-glue-catalog.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from local.athena import sql, views
from local.athena.errors import QueryFailed, unsupported
from local.athena.functions.calls import trino_type
from local.athena.hive import duckdb_type, identifier, literal, without_rows

Json = dict[str, Any]
Row = tuple[str | int | None, ...]

_UNSUPPORTED = ("applicable_roles", "enabled_roles", "roles", "table_privileges")
_TABLE = {"table_catalog": "VARCHAR", "table_schema": "VARCHAR", "table_name": "VARCHAR"}
_COLUMNS = {
    "schemata": {"catalog_name": "VARCHAR", "schema_name": "VARCHAR"},
    "tables": {**_TABLE, "table_type": "VARCHAR"},
    "views": {**_TABLE, "view_definition": "VARCHAR"},
    "columns": {
        **_TABLE,
        **{"column_name": "VARCHAR", "ordinal_position": "BIGINT", "column_default": "VARCHAR"},
        **{"is_nullable": "VARCHAR", "data_type": "VARCHAR", "comment": "VARCHAR", "extra_info": "VARCHAR"},
    },
    "key_column_usage": {"constraint_name": "VARCHAR", **_TABLE, "column_name": "VARCHAR"},
}


def select(
    name: str, schemas: Sequence[str], clients: Callable[[str], Any], failed: Callable[..., QueryFailed]
) -> str:
    """Return a query with the rows of a table.

    `schemas` are the schemas that the query asks for, or none for all: as in Trino, the caller needs
    permission only for those.
    """
    if name in _UNSUPPORTED:
        raise unsupported(f"{sql.INFORMATION_SCHEMA}.{name}")
    columns = _COLUMNS.get(name)
    if columns is None:
        raise QueryFailed(
            f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{sql.INFORMATION_SCHEMA}.{name}' does not exist"
        )
    try:
        rows = list(_rows(name, schemas, clients("glue")))
    except ClientError as error:
        raise failed(error, f"HIVE_METASTORE_ERROR: {error}") from error
    if not rows:
        return without_rows(columns)
    names = ", ".join(map(identifier, columns))
    pairs = [(identifier(column), kind) for column, kind in columns.items()]
    typed = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in pairs)
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"SELECT {typed} FROM (VALUES {values}) AS found({names})"


def _rows(name: str, schemas: Sequence[str], glue: Any) -> Iterator[Row]:
    if name == "key_column_usage":
        return
    for schema in _schemas(glue, schemas):
        if name == "schemata":
            yield sql.CATALOG, schema
            continue
        if schema == sql.INFORMATION_SCHEMA:
            continue
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=schema):
            for table in page["TableList"]:
                yield from _rows_of(name, (sql.CATALOG, schema, table["Name"]), table)


def _schemas(glue: Any, schemas: Sequence[str]) -> Iterator[str]:
    if not schemas:
        for page in glue.get_paginator("get_databases").paginate():
            yield from (database["Name"] for database in page["DatabaseList"])
        yield sql.INFORMATION_SCHEMA
    for schema in dict.fromkeys(schemas):
        try:
            yield glue.get_database(Name=schema)["Database"]["Name"]
        except glue.exceptions.EntityNotFoundException:
            continue


def _rows_of(name: str, place: tuple[str, str, str], table: Json) -> Iterator[Row]:
    is_view = views.is_view(table)
    if name == "tables":
        yield (*place, "VIEW" if is_view else "BASE TABLE")
    elif name == "views" and is_view:
        yield (*place, views.text(table))
    elif name == "columns":
        columns = (table.get("StorageDescriptor") or {}).get("Columns", [])
        keys = table.get("PartitionKeys", [])
        for number, column in enumerate((*columns, *keys), 1):
            extra = "partition key" if number > len(columns) else None
            described = (_type(column["Type"]), column.get("Comment"), extra)
            yield (*place, column["Name"].lower(), number, None, "YES", *described)


def _type(kind: str) -> str:
    if kind.lower().startswith(("varchar", "char", "decimal")):
        return kind.lower()
    try:
        return trino_type(duckdb_type(kind))
    except QueryFailed:
        return kind.lower()


def _literal(value: str | int | None) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else literal(value)
