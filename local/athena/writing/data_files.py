"""Data that a statement writes: one file per partition, listed in a manifest, in S3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from local.athena.errors import QueryFailed
from local.athena.hive import HiveType, duckdb_type, identifier, literal, parse_type
from local.athena.statement import Session
from local.athena.writing.containers import write_avro, write_orc
from local.athena.writing.file_format import FileFormat
from local.athena.writing.text_files import write_text
from local.metastore.names import NULL, partition_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = Sequence[Any]
Write = Callable[[Path, Iterable[Row], Mapping[str, HiveType], FileFormat], None]

_WRITERS: dict[str, Write] = {
    "ORC": write_orc,
    "AVRO": write_avro,
    "JSON": write_text,
    "TEXTFILE": write_text,
}
_CODECS = {"NONE": "uncompressed", "GZIP": "gzip", "SNAPPY": "snappy", "ZSTD": "zstd"}
_ROWS = 'temp."written rows"'
_FETCH = 1000
# https://docs.aws.amazon.com/athena/latest/ug/ctas-considerations-limitations.html
_MOST_PARTITIONS = 100


@dataclass(frozen=True)
class Rows:
    """Rows in a table of DuckDB. `columns` have Hive types, and `keys` are the last of them."""

    columns: Mapping[str, str]
    keys: Sequence[str]
    count: int


@dataclass(frozen=True)
class DataFile:
    """A file to be written: the rows of one partition."""

    values: list[str]
    condition: str
    uri: str


def compute(
    connection: DuckDBPyConnection, query: str, columns: Mapping[str, str], keys: Sequence[str] = ()
) -> Rows:
    """Run a query, whose columns become these of a table, in the same order."""
    named = ", ".join(f"c{place}" for place in range(len(columns)))
    outputs = ", ".join(
        f"{_converted(f'c{place}', kind)} AS {identifier(name)}"
        for place, (name, kind) in enumerate(columns.items())
    )
    connection.execute(f"CREATE TEMP TABLE {_ROWS} AS SELECT {outputs} FROM ({query}) AS computed({named})")
    found = connection.execute(f"SELECT count(*) FROM {_ROWS}").fetchone()
    return Rows(columns, keys, int(found[0]) if found else 0)


def planned(session: Session, rows: Rows, location: str, format_: FileFormat) -> list[DataFile]:
    """Return the files to write, one per partition. Raises `QueryFailed` if they are too many."""
    if not rows.count:
        return []
    texts = ", ".join(f"CAST({identifier(key)} AS VARCHAR)" for key in rows.keys)
    found: list[tuple[Any, ...]] = [()]
    if rows.keys:
        found = session.connection.execute(f"SELECT DISTINCT {texts} FROM {_ROWS} ORDER BY ALL").fetchall()
    if len(found) > _MOST_PARTITIONS:
        raise QueryFailed(
            "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets"
        )
    begin = datetime.now(UTC)
    # Athena's names have the same form: time, number of the query, random letters and ID
    names = (f"{begin:%Y%m%d_%H%M%S}_{n:05}_{session.id[:5]}_{uuid4()}" for n in range(len(found)))
    return [
        _file(rows, values, location, f"{name}{format_.ending}")
        for values, name in zip(found, names, strict=True)
    ]


def write(
    session: Session, rows: Rows, files: Sequence[DataFile], format_: FileFormat, manifest: str
) -> None:
    """Write files to S3. The manifest is first, so that it names the files of a failed query as well."""
    session.put(manifest, "".join(f"{file.uri}\n" for file in files).encode())
    session.manifest = manifest
    for file in files:
        session.check()
        path = session.tables.folder / "written"
        _write(session, rows, file, format_, path)
        with path.open("rb") as body:
            session.put(file.uri, body)
        path.unlink()


def _file(rows: Rows, found: Row, location: str, name: str) -> DataFile:
    pairs = list(zip(rows.keys, found, strict=True))
    condition = " AND ".join(
        f"CAST({identifier(key)} AS VARCHAR) "
        f"IS NOT DISTINCT FROM {'NULL' if value is None else literal(value)}"
        for key, value in pairs
    )
    values = [value or NULL for _, value in pairs]  # Hive takes an empty string as null
    folder = location.rstrip("/") + ("/" + partition_name(rows.keys, values) if values else "")
    return DataFile(values, condition, f"{folder}/{name}")


def _write(session: Session, rows: Rows, file: DataFile, format_: FileFormat, path: Path) -> None:
    columns = {name: kind for name, kind in rows.columns.items() if name not in rows.keys}
    where = f" WHERE {file.condition}" if file.condition else ""
    select = f"SELECT {', '.join(map(identifier, columns))} FROM {_ROWS}{where}"
    if format_.name == "PARQUET":
        options = f"FORMAT parquet, CODEC '{_CODECS[format_.compression]}'"
        if format_.level and format_.compression == "ZSTD":
            options += f", COMPRESSION_LEVEL {format_.level}"
        session.connection.execute(f"COPY ({select}) TO {literal(str(path))} ({options})")
        return
    types = {name: parse_type(kind) for name, kind in columns.items()}
    _WRITERS[format_.name](path, _fetched(session, select), types, format_)


def _fetched(session: Session, select: str) -> Iterator[Row]:
    found = session.connection.execute(select)
    while rows := found.fetchmany(_FETCH):
        session.check()
        yield from rows


def _converted(column: str, kind: str) -> str:
    """Return the SQL of a value of a table's type. Athena's timestamps have milliseconds."""
    if kind == "timestamp":
        rounded = f"CAST({column} AS TIMESTAMP) + INTERVAL 500 MICROSECOND"
        return f"date_trunc('millisecond', {rounded})"
    return f"CAST({column} AS {duckdb_type(kind)})"
