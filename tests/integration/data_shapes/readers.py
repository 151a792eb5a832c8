"""The readers of a release: DuckDB on its files, Athena and Glue on its catalog. Rows are Python's values."""

from __future__ import annotations

import datetime as dt
import math
import shutil
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyorc

from glue_assets.tables import Table
from glue_assets.template_builder import definition, storage
from local.athena.results import result
from local.athena.tables import Tables
from tests.support.athena_tables import Aws

Rows = list[tuple[Any, ...]]


def publish(tables: Iterable[Table], aws: Aws, folder: Path) -> None:
    """Put the files into S3 and a folder, and the tables into the databases `athena` and `spark`."""
    for database, root in (("athena", "s3://data"), ("spark", str(folder))):
        aws("glue").create_database(DatabaseInput={"Name": database})
        for table in tables:
            location = f"{root}/{table.name}/"
            described = definition(table)
            described["StorageDescriptor"] = {**described["StorageDescriptor"], "Location": location}
            aws("glue").create_table(DatabaseName=database, TableInput={"Name": table.name, **described})
            for partition in table.partitions:
                place = {**storage(table), "Location": location + partition.path}
                new = {"Values": list(partition.values), "StorageDescriptor": place}
                aws("glue").create_partition(DatabaseName=database, TableName=table.name, PartitionInput=new)
    for table in tables:
        for file in table.files:
            copy = folder / table.name / file.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.source, copy)
            aws("s3").put_object(Bucket="data", Key=f"{table.name}/{file.path}", Body=copy.read_bytes())


def by_duckdb(table: Table, folder: Path) -> Rows:
    """Rows of the published files. DuckDB has no part in the catalog, and knows the rules of each format."""
    found: Rows = []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for file in table.files:
            path = folder / table.name / file.path
            partition = next((p.values for p in table.partitions if file.path.startswith(p.path)), ())
            found += [(*row, *partition) for row in _file_rows(connection, table, path)]
    return found


def _file_rows(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> Rows:
    names = [column.name for column in table.columns]
    match table.format:
        case "orc":
            with path.open("rb") as stream:
                rows = list(pyorc.Reader(stream, struct_repr=pyorc.StructRepr.DICT))
            return [tuple(row[name] for name in row) for row in rows]  # type: ignore[call-overload]
        case "csv":
            texts = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}"
            source = (
                f"read_csv('{path}', columns = {texts}, auto_detect = false, header = true, delim = ',',"
                " quote = '\"', escape = '\"', force_not_null = ['" + "', '".join(names) + "'])"
            )
        case "json":
            source = (
                f"read_json('{path}', format = 'newline_delimited', maximum_depth = -1, sample_size = -1)"
            )
        case _:
            source = f"read_parquet('{path}', hive_partitioning = false)"
    relation = connection.sql(f"FROM {source}")
    stored = {name.lower(): name for name in relation.columns}
    picked = [f'"{stored[name]}"' if name in stored else "NULL" for name in names]
    zoned = {n for n, kind in zip(relation.columns, relation.types, strict=True) if "TIME ZONE" in str(kind)}
    picked = [f"{name} AT TIME ZONE 'UTC'" if name.strip('"') in zoned else name for name in picked]
    return [_lower(row) for row in connection.sql(f"SELECT {', '.join(picked)} FROM {source}").fetchall()]


def _lower(value: Any) -> Any:
    """Fields of JSON keep their capitals in the file; catalogs ignore them."""
    match value:
        case dict():
            return {str(key).lower(): _lower(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(map(_lower, value))
    return value


def by_athena(tables: Iterable[Table], aws: Aws, folder: Path) -> dict[str, list[list[str | None]]]:
    """Rows of each table as the local Athena reads them, on one connection: a query for each takes long."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        athena = Tables(aws, folder, lambda: None)
        for table in tables:
            athena.add(connection, "athena", table.name)
            relation = connection.sql(f'SELECT * FROM "athena"."{table.name}"')
            found[table.name] = result(relation.columns, relation.types, relation.fetchall()).rows
    return found


def by_glue(table: Table, context: Any) -> Rows:
    frame = context.create_data_frame.from_catalog("spark", table.name)
    assert frame.columns == [column.name for column in (*table.columns, *table.partition_keys)]
    return [tuple(map(_python, row)) for row in frame.collect()]


def _python(value: Any) -> Any:
    match value:
        case bytearray():
            return bytes(value)
        case dt.datetime():  # in the time zone of this machine
            return value.astimezone(dt.UTC).replace(tzinfo=None)
        case list():
            return [_python(item) for item in value]
        case tuple() if hasattr(value, "asDict"):
            return {name: _python(item) for name, item in value.asDict().items()}
    return value


def comparable(rows: Iterable[Iterable[Any]]) -> list[str]:
    """Rows in an order, as texts, in which NaN is equal to itself and 1 is no 1.0."""
    return sorted(repr(tuple(map(_plain, row))) for row in rows)


def _plain(value: Any) -> Any:
    match value:
        case dt.datetime():
            return value.replace(tzinfo=None)
        case float() if math.isnan(value):
            return "NaN"
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
    return value


def in_athena(rows: Iterable[Iterable[Any]]) -> list[str]:
    """Expected rows as the texts of Athena's results."""
    return sorted(repr(tuple(map(_text, row))) for row in rows)


def _text(value: Any, inner: bool = False) -> str | None:
    match value:
        case None:
            return "null" if inner else None
        case bool():
            return str(value).lower()
        case float():
            return "NaN" if math.isnan(value) else repr(value)
        case int() | Decimal() | str():
            return str(value)
        case dt.datetime():
            return value.isoformat(" ", "milliseconds")
        case dt.date():
            return value.isoformat()
        case bytes():
            return value.hex(" ")
        case list():
            return f"[{', '.join(str(_text(item, True)) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{name}={_text(item, True)}' for name, item in value.items())}}}"
    raise TypeError(type(value))
