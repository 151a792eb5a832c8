"""Data Catalog tables as DuckDB views over copies of their objects."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.athena import duck, formats, information_schema, partitions, projection, sql, views
from local.athena.compression import ENDINGS
from local.athena.errors import QueryFailed, unsupported
from local.athena.functions.calls import ZONED
from local.athena.hive import duckdb_type, identifier, literal, without_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Json = dict[str, Any]

_SYMLINKS = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
_HIDDEN = dict(zip(sql.HIDDEN, ("VARCHAR", "BIGINT", ZONED), strict=True))
# Limits views that refer to themselves. https://docs.aws.amazon.com/athena/latest/ug/views.html has no limit.
_MAX_VIEW_DEPTH = 16
_LOCATION = re.compile(r"s3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/.*)?)", re.DOTALL)


@dataclass
class Tables:
    """Adds tables to a connection, with one caller's clients.

    `folder` receives the copies of objects. `check` is called before each copy and may raise. `scanned`
    counts the bytes of all objects. `origins` are the objects' URIs by the path of their copy. Everything
    that a table refers to (a location, a view's tables, a list of files) is read with the caller's clients.
    Without `with_data`, tables are empty and no object is read. With `hidden`, tables have hidden columns.
    `schemas` are those that the query asks `information_schema` for.
    """

    clients: Callable[[str], Any]
    folder: Path
    check: Callable[[], None]
    with_data: bool = True
    hidden: bool = False
    schemas: tuple[str, ...] = ()
    scanned: int = 0
    origins: dict[str, str] = field(default_factory=dict)
    _details: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    _added: set[tuple[str, str]] = field(default_factory=set)

    def add(self, connection: DuckDBPyConnection, database: str, name: str, *, depth: int = 0) -> None:
        """Create the view `"database"."name"`. Raises `QueryFailed` if the table cannot be read."""
        if depth > _MAX_VIEW_DEPTH:
            raise QueryFailed(f"INVALID_VIEW: View is recursive: {database}.{name}")
        if (database, name) in self._added:
            return
        table: Json = {}
        if database == sql.INFORMATION_SCHEMA:
            select = information_schema.select(name, self.schemas, self.clients, failed)
        elif name.endswith("$partitions"):
            select = self._partitions(self._table(database, name.removesuffix("$partitions")))
        elif views.is_view(table := self._table(database, name)):
            stored = views.query(table)
            for place in stored.tables:
                self.add(connection, *place, depth=depth + 1)
            select = duck.bound(connection, stored.tree)[0]
        else:
            select = self._select(connection, table)
        schema = identifier(sql.duckdb_schema(database))
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        # A plan shows the scan of an empty table, while DuckDB leaves that of an empty view out.
        relation = "VIEW" if self.with_data or views.is_view(table) else "TABLE"
        connection.execute(f"CREATE {relation} {schema}.{identifier(name)} AS {select}")
        self._added.add((database, name))

    def _table(self, database: str, name: str) -> Json:
        try:
            table: Json = self.clients("glue").get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError as error:
            message = f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{database}.{name}' does not exist"
            raise failed(error, message) from error
        if target := table.get("TargetTable"):  # a resource link
            return self._table(target["DatabaseName"], target["Name"])
        return table

    def _select(self, connection: DuckDBPyConnection, table: Json) -> str:
        storage = table.get("StorageDescriptor") or {}
        parameters = {key.lower(): value for key, value in (table.get("Parameters") or {}).items()}
        if parameters.get("table_type", "").upper() == "ICEBERG":
            self._may_read(parameters.get("metadata_location", ""))
            raise unsupported("Iceberg tables")
        links = storage.get("InputFormat") == _SYMLINKS
        if not storage.get("Columns"):
            raise QueryFailed(f"HIVE_METASTORE_ERROR: Table {table['Name']} has no columns")
        columns = {column["Name"].lower(): duckdb_type(column["Type"]) for column in storage["Columns"]}
        keys = {key["Name"].lower(): duckdb_type(key["Type"]) for key in table.get("PartitionKeys", [])}
        read = formats.reader(table, columns)
        parts = []
        for values, location in self._places(table) if self.with_data else ():
            if files := list(self._linked(location) if links else self._copies(location)):
                fixed = [
                    f"CAST({_value(value)} AS {keys[key]}) AS {identifier(key)}"
                    for key, value in zip(keys, values, strict=True)
                ]
                for group in [[file] for file in files] if self.hidden else [files]:
                    hidden = self._hidden(group[0]) if self.hidden else []
                    outputs = ", ".join([*map(identifier, columns), *fixed, *hidden])
                    parts.append(f"SELECT {outputs} FROM ({read(connection, group)})")
        if parts:
            return " UNION ALL ".join(parts)
        return without_rows(columns | keys | (_HIDDEN if self.hidden else {}))

    def _hidden(self, file: Path) -> list[str]:
        """Return the hidden columns of the rows of a file."""
        size, modified = self._details[str(file)]
        instant = f"{{'instant': TIMESTAMPTZ '{modified:%Y-%m-%d %H:%M:%S}+00', 'zone': 'UTC'}}"
        values = (literal(self.origins[str(file)]), f"CAST({size} AS BIGINT)", instant)
        return [f"{value} AS {identifier(name)}" for name, value in zip(_HIDDEN, values, strict=True)]

    def _partitions(self, table: Json) -> str:
        """Return the partitions of a table, https://trino.io/docs/current/connector/hive.html#partitions-table."""
        keys = {key["Name"].lower(): duckdb_type(key["Type"]) for key in table.get("PartitionKeys", [])}
        if not keys:
            name = f"awsdatacatalog.{table['DatabaseName']}.{table['Name']}$partitions"
            raise QueryFailed(f"TABLE_NOT_FOUND: Table '{name}' does not exist")
        rows = [
            ", ".join(
                f"CAST({_value(value)} AS {kind}) AS {identifier(key)}"
                for (key, kind), value in zip(keys.items(), values, strict=True)
            )
            for values, _ in self._places(table)
        ]
        return " UNION ALL ".join(f"SELECT {row}" for row in rows) or without_rows(keys)

    def _places(self, table: Json) -> Iterator[tuple[list[str], str]]:
        """Yield the values and location of each partition, or the table's location without partition keys."""
        if not table.get("PartitionKeys"):
            yield [], table["StorageDescriptor"].get("Location", "")
            return
        parameters = {key.lower(): value for key, value in (table.get("Parameters") or {}).items()}
        if projection.is_projected(parameters):
            projected = list(projection.places(table, parameters, datetime.now(UTC)))
            folders = self._folders(projection.template(table, parameters).partition("${")[0])
            yield from (each for each in projected if f"{each[1].rstrip('/')}/" in folders)
            return
        pages = self.clients("glue").get_paginator("get_partitions")
        try:
            for page in pages.paginate(DatabaseName=table["DatabaseName"], TableName=table["Name"]):
                for partition in page["Partitions"]:
                    partitions.check(table, partition)
                    yield partition["Values"], partition.get("StorageDescriptor", {}).get("Location", "")
        except ClientError as error:
            raise failed(error, f"HIVE_METASTORE_ERROR: {error}") from error

    def _folders(self, location: str) -> set[str]:
        """Return every folder below a location that has objects. Most projected partitions have none."""
        bucket, path = bucket_and_path(location)
        found = set()
        try:
            pages = self.clients("s3").get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=path.lstrip("/")):
                for item in page.get("Contents", []):
                    parents = item["Key"].split("/")[:-1]
                    for depth in range(1, len(parents) + 1):
                        found.add(f"s3://{bucket}/{'/'.join(parents[:depth])}/")
        except ClientError as error:
            message = f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {location}: {error}"
            raise failed(error, message) from error
        return found

    def _copies(self, location: str) -> Iterator[Path]:
        """Yield copies of the objects that Athena reads below a location, in the order of their keys."""
        bucket, path = bucket_and_path(location)
        prefix = folder_prefix(path)
        s3 = self.clients("s3")
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    names = item["Key"].removeprefix(prefix).split("/")
                    if item["Size"] and names[-1] and not any(name[:1] in ("_", ".") for name in names):
                        yield self._copy(s3, bucket, item["Key"])
        except ClientError as error:
            message = f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {location}: {error}"
            raise failed(error, message) from error

    def _linked(self, location: str) -> Iterator[Path]:
        """Yield copies of the objects that the files below a location list, one per line."""
        for manifest in list(self._copies(location)):
            for line in manifest.read_text(errors="replace").splitlines():
                if line.strip():
                    bucket, key = bucket_and_path(line.strip())
                    try:
                        yield self._copy(self.clients("s3"), bucket, key.lstrip("/"))
                    except ClientError as error:
                        message = f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {line.strip()}: {error}"
                        raise failed(error, message) from error

    def _may_read(self, location: str) -> None:
        """Raise `QueryFailed` if the caller may not read an object."""
        bucket, key = bucket_and_path(location)
        try:
            self.clients("s3").get_object(Bucket=bucket, Key=key.lstrip("/"))["Body"].close()
        except ClientError as error:
            message = f"ICEBERG_CANNOT_OPEN_SPLIT: Error opening Iceberg metadata {location}: {error}"
            raise failed(error, message) from error

    def _copy(self, s3: Any, bucket: str, key: str) -> Path:
        self.check()
        ending = next((ending for ending in ENDINGS if key.endswith(ending)), "")
        path = self.folder / f"{len(self.origins)}{ending}"
        self.origins[str(path)] = f"s3://{bucket}/{key}"
        with path.open("wb") as file:
            found = s3.get_object(Bucket=bucket, Key=key)
            shutil.copyfileobj(found["Body"], file)
        self._details[str(path)] = found["ContentLength"], found["LastModified"]
        self.scanned += path.stat().st_size
        return path


def bucket_and_path(location: str) -> tuple[str, str]:
    """Return the bucket and the path of an S3 location."""
    match = _LOCATION.fullmatch(location)
    if match is None:
        raise QueryFailed(f"HIVE_METASTORE_ERROR: The location '{location}' is not in S3")
    return match[1], match[2]


def folder_prefix(path: str) -> str:
    """Return the prefix of the keys below the path of a location."""
    return f"{path.strip('/')}/".removeprefix("/")


def _value(text: str) -> str:
    """Return a partition value as SQL. Hive has a special name for null."""
    return "NULL" if text == "__HIVE_DEFAULT_PARTITION__" else literal(text)


def failed(error: ClientError, otherwise: str) -> QueryFailed:
    """Return the failure of a query by an error of AWS: `otherwise`, unless the caller lacks a permission."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in ("AccessDenied", "AccessDeniedException"):
        return QueryFailed(f"PERMISSION_DENIED: {message}")
    return QueryFailed(otherwise)
