"""A table of the Data Catalog as a view of DuckDB over copies of its objects."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from local.athena import formats, partitions
from local.athena.errors import QueryFailed
from local.athena.hive import duckdb_type, identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Json = dict[str, Any]


@dataclass
class Tables:
    """Brings tables into a connection, with one caller's clients.

    `folder` is where copies of objects go; `check` is called before each one and may raise. `scanned` counts
    the bytes of all objects, whatever a query needs of them; `origins` tells which object a copy is of.
    """

    clients: Callable[[str], Any]
    folder: Path
    check: Callable[[], None]
    scanned: int = 0
    origins: dict[str, str] = field(default_factory=dict)

    def add(self, connection: DuckDBPyConnection, database: str, name: str) -> None:
        """Make the view `"database"."name"`; `QueryFailed` when table or data are not there or unreadable."""
        table = self._table(database, name)
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(database)}")
        view = f"{identifier(database)}.{identifier(name)}"
        connection.execute(f"CREATE VIEW {view} AS {self._select(connection, table)}")

    def _table(self, database: str, name: str) -> Json:
        try:
            table: Json = self.clients("glue").get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError as error:
            words = f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{database}.{name}' does not exist"
            raise _failed(error, words) from error
        return table

    def _select(self, connection: DuckDBPyConnection, table: Json) -> str:
        storage = table["StorageDescriptor"]
        columns = {column["Name"].lower(): duckdb_type(column["Type"]) for column in storage["Columns"]}
        keys = {key["Name"].lower(): duckdb_type(key["Type"]) for key in table.get("PartitionKeys", [])}
        read = formats.reader(table, columns)
        parts = []
        for values, location in self._places(table):
            if files := list(self._copies(location)):
                fixed = [
                    f"CAST({_value(value)} AS {keys[key]}) AS {identifier(key)}"
                    for key, value in zip(keys, values, strict=True)
                ]
                outputs = ", ".join([*map(identifier, columns), *fixed])
                parts.append(f"SELECT {outputs} FROM ({read(connection, files)})")
        if parts:
            return " UNION ALL ".join(parts)
        nothing = [f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in (columns | keys).items()]
        return f"SELECT {', '.join(nothing)} WHERE false"

    def _places(self, table: Json) -> Iterator[tuple[list[str], str]]:
        """The partitions' values and locations; of a table without keys, its own."""
        if not table.get("PartitionKeys"):
            yield [], table["StorageDescriptor"]["Location"]
            return
        pages = self.clients("glue").get_paginator("get_partitions")
        try:
            for page in pages.paginate(DatabaseName=table["DatabaseName"], TableName=table["Name"]):
                for partition in page["Partitions"]:
                    partitions.check(table, partition)
                    yield partition["Values"], partition["StorageDescriptor"]["Location"]
        except ClientError as error:
            raise _failed(error, f"HIVE_METASTORE_ERROR: {error}") from error

    def _copies(self, location: str) -> Iterator[Path]:
        """Copies of the objects below a location that Athena would read, in the order of their keys."""
        parts = urlsplit(location)
        prefix = parts.path.strip("/") + "/" if parts.path.strip("/") else ""
        s3 = self.clients("s3")
        try:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=prefix):
                for item in page.get("Contents", []):
                    names = item["Key"].removeprefix(prefix).split("/")
                    if item["Size"] and names[-1] and not any(name[:1] in ("_", ".") for name in names):
                        yield self._copy(s3, parts.netloc, item["Key"])
        except ClientError as error:
            words = f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {location}: {error}"
            raise _failed(error, words) from error

    def _copy(self, s3: Any, bucket: str, key: str) -> Path:
        self.check()
        path = self.folder / f"{len(self.origins)}{'.gz' if key.endswith('.gz') else ''}"
        self.origins[str(path)] = f"s3://{bucket}/{key}"
        formats.check_compression(key)
        with path.open("wb") as file:
            shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file)
        self.scanned += path.stat().st_size
        return path


def _value(text: str) -> str:
    """A partition's value; Hive has a word for null."""
    return "NULL" if text == "__HIVE_DEFAULT_PARTITION__" else literal(text)


def _failed(error: ClientError, otherwise: str) -> QueryFailed:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in ("AccessDenied", "AccessDeniedException"):
        return QueryFailed(f"PERMISSION_DENIED: {message}")
    return QueryFailed(otherwise)
