"""A Parquet file: its columns, what engines read differently in it, and whether all of it can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from glue_assets.sources.duck import literal, pattern, quoted
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.problems import Problems
from glue_assets.sources.typed import kind_sql, kinds
from glue_assets.sources.typed.kinds import Kind, Leaf, Struct

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Codecs that both read: https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html, and
# https://spark.apache.org/docs/3.5.6/sql-data-sources-parquet.html, which needs a library for brotli.
_CODECS = {"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"}
# Spark 3.5 has no reader for it (`VectorizedColumnReader.getValuesReader`).
_ENCODING = "BYTE_STREAM_SPLIT"
_DIGITS = 38
# An index without a name, https://pandas.pydata.org/docs/development/developer.html
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file. `kind` has its columns, `columns` their names in DuckDB, `target` what to write.

    `forced` are reasons to write the file again that its types do not show.
    """

    path: Path
    kind: Struct
    columns: tuple[str, ...]
    target: Struct
    rows: int
    forced: tuple[str, ...]
    lost: dict[str, int]

    @property
    def source(self) -> str:
        """The file as a table of SQL."""
        return _source(self.path)

    def projection(self, table: Struct) -> str:
        """Return the SQL of the table's columns."""
        return kind_sql.projection(self.kind, table, [quoted(column) for column in self.columns])

    def largest(self, connection: DuckDBPyConnection, name: str) -> int:
        """Return the largest value of a column of unsigned integers, 0 if there is none."""
        for (field, _, kind), column in zip(kinds.fields_of(self.kind), self.columns, strict=True):
            if field == name and kind == Leaf("ubigint"):
                [(largest,)] = connection.sql(f"SELECT max({quoted(column)}) FROM {self.source}").fetchall()
                return int(largest or 0)
        return 0

    def has_only(self, connection: DuckDBPyConnection, name: str, kind: str, condition: str) -> bool:
        """Return whether all values of a column satisfy a condition, if the column has this type."""
        for field, column, found in zip(self.kind.names, self.columns, self.target.kinds, strict=True):
            if field == name and found == Leaf(kind):
                value = condition.format(quoted(column))
                query = f"SELECT bool_and({value}) IS DISTINCT FROM false FROM {self.source}"
                return connection.sql(query).fetchall() == [(True,)]
        return True

    def with_types(self, wanted: Mapping[str, Kind]) -> ParquetFile:
        """Return the file with other types to write for some numbers."""
        parts = (
            wanted.get(name, part) if part in (Leaf("bigint"), Leaf("double")) else part
            for name, _, part in kinds.fields_of(self.target)
        )
        return replace(self, target=replace(self.target, kinds=tuple(parts)))

    def reasons(self, table: Struct) -> Iterator[str]:
        """Yield why the file must be written again to have the columns of the table."""
        yield from self.forced
        known = {name: kind for name, _, kind in kinds.fields_of(table)}
        for name, text, kind in kinds.fields_of(self.kind):
            if text.lower() != name:
                yield f"the column {text!r} is named {name}"
            if not kinds.is_as_readable(kind, known[name]):
                yield f"the column {name} has {_described(kind)}, written as {kinds.hive_type(known[name])}"
            if lost := self.lost.get(name):
                yield f"the column {name} loses digits beyond microseconds (rows: {lost:,})"
        if missing := known.keys() - set(self.kind.names):
            yield f"lacks {', '.join(sorted(missing))}, which becomes null"


def _source(file: Path) -> str:
    return f"read_parquet({literal(pattern(file))}, hive_partitioning = false)"


def _described(kind: Kind) -> str:
    return "no values" if kind == Leaf("null") else f"the type {kinds.duckdb_type(kind)}"


def read_parquet_file(
    connection: DuckDBPyConnection,
    file: Path,
    folder: TableFolder,
    options: TableOptions,
    problems: Problems,
) -> ParquetFile | None:
    """Return a Parquet file, all of which has been read. Records faults."""
    import duckdb  # needed only to publish

    before = len(problems.found)
    source = _source(file)
    try:
        relation = connection.sql(f"SELECT * FROM {source}")
        columns, types = relation.columns, relation.types
        forced = list(_unreadable(connection, file, problems))
        texts = _top_level(connection, file)
        # Reads every page; a count would be answered from the statistics.
        values = ", ".join(quoted(column) for column in columns)
        [(rows, _)] = connection.sql(f"SELECT count(*), bit_xor(hash({values})) FROM {source}").fetchall()
    except duckdb.Error as exc:
        problems.add(file, _failure(file, exc))
        return None
    kept = []
    for text, column, kind in zip(texts, columns, types, strict=True):
        if text.lower() in folder.keys:
            forced.append(f"the column {text} repeats the partition key and is left out")
            _check_partition_key(connection, source, file, folder, text, column, str(kind), problems)
        elif _PANDAS_INDEX.fullmatch(text):
            forced.append(f"the column {text} is the index of a pandas DataFrame and is left out")
        else:
            kept.append((text, column, kinds.kind_of(kind)))
    if not kept:
        problems.add(file, "has no columns; write at least one")
    found = kinds.renamed(kinds.struct([(text, kind) for text, _, kind in kept]), options.rename)
    target = []
    for name, _, part in kinds.fields_of(found):
        try:
            target.append(kinds.readable(part))
        except ValueError as exc:
            problems.add(file, f"the column {name} has {exc}, which Athena lacks; write it as a string")
    if len(problems.found) > before:
        return None
    names = tuple(column for _, column, _ in kept)
    lost = _lost_digits(connection, source, found, names)
    wanted = Struct(found.texts, found.names, tuple(target))
    return ParquetFile(file, found, names, wanted, rows, tuple(forced), lost)


def _unreadable(connection: DuckDBPyConnection, file: Path, problems: Problems) -> Iterator[str]:
    """Yield what Spark or Athena cannot read, although the types of the columns are theirs."""
    chunks = connection.sql(
        "SELECT DISTINCT compression, encodings FROM parquet_metadata(?)", params=[pattern(file)]
    ).fetchall()
    for codec in sorted({codec for codec, _ in chunks} - _CODECS):
        yield f"is compressed with {codec}, which Spark or Athena cannot read"
    if any(_ENCODING in (encodings or "") for _, encodings in chunks):
        yield f"is encoded with {_ENCODING}, which Spark cannot read"
    fields = "SELECT name, logical_type, precision FROM parquet_schema(?)"
    for name, logical, precision in connection.sql(fields, params=[pattern(file)]).fetchall():
        if logical == "Float16Type()":
            yield f"the column {name} has 16-bit numbers, which Spark and Athena cannot read"
        if (precision or 0) > _DIGITS:
            problems.add(
                file,
                f"the column {name} is a decimal of {precision} digits, but Spark and Athena have {_DIGITS};"
                " write it as a string",
            )


def _top_level(connection: DuckDBPyConnection, file: Path) -> list[str]:
    """Return the names of the columns as they are in the file. DuckDB changes repeated ones."""
    fields = "SELECT name, num_children FROM parquet_schema(?)"
    (_, columns), *schema = connection.sql(fields, params=[pattern(file)]).fetchall()
    names: list[str] = []
    missing = [columns]
    for name, children in schema:
        while missing[-1] == 0:
            missing.pop()
        missing[-1] -= 1
        if len(missing) == 1:
            names.append(name)
        missing.append(children or 0)
    return names


def _check_partition_key(
    connection: DuckDBPyConnection,
    source: str,
    file: Path,
    folder: TableFolder,
    text: str,
    column: str,
    kind: str,
    problems: Problems,
) -> None:
    """Record values of a column that differ from the file's partition."""
    parent = folder.below(file).rpartition("/")[0] + "/"
    [values] = [partition.values for partition in folder.partitions if partition.path == parent]
    value = values[folder.keys.index(text.lower())]
    wanted = "NULL" if value == "__HIVE_DEFAULT_PARTITION__" else literal(value)
    stored = quoted(column)
    differs = (
        f"CAST({stored} AS VARCHAR) IS DISTINCT FROM {wanted}"
        f" AND {stored} IS DISTINCT FROM TRY_CAST({wanted} AS {kind})"  # month=01 is the number 1
    )
    query = f"SELECT count(*), CAST(any_value({stored}) AS VARCHAR) FROM {source} WHERE {differs}"
    [(count, example)] = connection.sql(query).fetchall()
    if count:
        problems.add(
            file,
            f"the column {text} differs from the folder {parent} in {count:,} rows, such as {example};"
            " move those rows to another folder, or rename the column",
        )


def _lost_digits(
    connection: DuckDBPyConnection, source: str, found: Struct, columns: tuple[str, ...]
) -> dict[str, int]:
    """Return for columns of nanoseconds how many values have digits beyond microseconds."""
    counted = [
        (name, f"count(*) FILTER (epoch_ns({quoted(column)}) % 1000 <> 0)")
        for name, kind, column in zip(found.names, found.kinds, columns, strict=True)
        if kind in (Leaf("timestamp_ns"), Leaf("timestamptz_ns"))
    ]
    if not counted:
        return {}
    [row] = connection.sql(f"SELECT {', '.join(count for _, count in counted)} FROM {source}").fetchall()
    return dict(zip((name for name, _ in counted), row, strict=True))


def _failure(file: Path, exc: Exception) -> str:
    """Return why a file cannot be read, and what to do."""
    with file.open("rb") as stream:
        start = stream.read(4)
        stream.seek(-4, 2)
        end = stream.read(4)
    if b"PARE" in (start, end) or "encrypted" in str(exc).lower():
        return "is encrypted; write it without encryption"
    if start != b"PAR1":
        return "is not a Parquet file; check its ending, or export it again"
    if end != b"PAR1":
        return "is not complete; copy or export it again"
    if "at least one non-root column" in str(exc):
        return "has no columns; write at least one"
    return f"is damaged; export it again ({str(exc).splitlines()[0]})"
