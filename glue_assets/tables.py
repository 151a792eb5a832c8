"""Catalog tables from data folders: `data/<database>/<table>/[<key>=<value>/...]<files>`.

A table is CSV (`.csv`, `.csv.gz`, with column names in the first line, all strings), JSON Lines (`.json`,
`.jsonl`, also `.gz`) or Parquet (`.parquet`, with columns and types from the files). Folders named
`key=value` are Hive partitions. Files directly under `data/` are ignored. Names that begin with `.` or `_`
are hidden, as in Hive and Spark, except `_table.toml`, which describes a table and its columns, and
`_database.toml`, which describes a database.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from glue_assets.formats import NAME, NAME_LENGTH, NAME_RULE, Column, DataError, columns_of

__all__ = ["Column", "DataError", "Partition", "Table", "find_tables"]

_FORMATS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".json": "json",
    ".json.gz": "json",
    ".jsonl": "json",
    ".jsonl.gz": "json",
    ".parquet": "parquet",
}
# https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html and API_TableInput.html
_COMMENT_LENGTH, _DESCRIPTION_LENGTH = 255, 2048
_PARTITION = re.compile(r"([^=]+)=(.+)")


@dataclass(frozen=True)
class Partition:
    """A partition: the values of the partition keys, and its folder below the table's folder."""

    values: tuple[str, ...]
    path: str


@dataclass(frozen=True)
class Table:
    """A catalog table. `format` is csv, json or parquet. `files` are sorted by path."""

    database: str
    name: str
    format: str
    columns: tuple[Column, ...]
    files: tuple[Path, ...]
    partition_keys: tuple[Column, ...] = ()
    partitions: tuple[Partition, ...] = ()
    description: str | None = None
    database_description: str | None = None

    def below(self, file: Path) -> str:
        """Return the path of a file below the table's folder."""
        depth = len(self.partition_keys) + 1
        return "/".join(file.parts[-depth:])


def find_tables(data: Path) -> tuple[Table, ...]:
    """Return the tables of a data folder by database and name. Raises `DataError` if it is invalid."""
    if not data.is_dir():
        raise DataError(f"{data}: is not a folder")
    tables = [
        replace(_table(database.name, folder), database_description=_database_description(database))
        for database in _folders(data)
        for folder in _folders(_checked(database), alone=True)
    ]
    if not tables:
        raise DataError(f"{data}: contains no <database>/<table>/<file>")
    return tuple(tables)


def _table(database: str, folder: Path) -> Table:
    _checked(folder)
    leaves = list(_leaves(folder, ()))
    keys = tuple(key for key, _ in leaves[0][0])
    for pairs, files in leaves:
        if tuple(key for key, _ in pairs) != keys:
            wanted = "/".join(f"{key}=..." for key in keys) or "no partition"
            raise DataError(f"{files[0].parent}: is not partitioned as {leaves[0][1][0].parent}: {wanted}")
    files = [file for _, found in leaves for file in found]
    formats = {file: _format(file) for file in files}
    first = files[0]
    for file in files:
        if formats[file] != formats[first]:
            raise DataError(f"{file}: is {formats[file]}, but {first.name} beside it is {formats[first]}")
        if not file.stat().st_size:
            raise DataError(f"{file}:1: the file is empty")
    columns = columns_of(files, formats[first])
    for key in keys:
        if key in {column.name for column in columns}:
            raise DataError(f"{folder}: {key} is both a partition key and a column")
    partitions = tuple(
        Partition(tuple(value for _, value in pairs), _relative(found[0].parent, folder))
        for pairs, found in leaves
        if pairs
    )
    values = [partition.values for partition in partitions]
    for partition in partitions:
        if values.count(partition.values) > 1:
            raise DataError(f"{folder / partition.path}: occurs twice")
    table = Table(
        database=database,
        name=folder.name,
        format=formats[first],
        columns=columns,
        files=tuple(files),
        partition_keys=tuple(Column(key, "string") for key in keys),
        partitions=partitions,
    )
    return _described(table, folder)


Pairs = tuple[tuple[str, str], ...]


def _leaves(folder: Path, pairs: Pairs) -> Iterator[tuple[Pairs, list[Path]]]:
    """Yield each folder with files, at any depth, with its partition keys and values."""
    entries = _visible(folder)
    if not entries:
        raise DataError(f"{folder}: contains no files")
    folders = [entry for entry in entries if entry.is_dir()]
    if not folders:
        yield pairs, entries
        return
    if len(folders) != len(entries):
        stray = next(entry for entry in entries if not entry.is_dir())
        raise DataError(f"{stray}: is beside folders; all files of a table must have the same depth")
    for entry in folders:
        match = _PARTITION.fullmatch(entry.name)
        if match is None:
            raise DataError(f"{entry}: is not a partition; its name must be key=value")
        key, value = match[1], unquote(match[2])
        if not NAME.fullmatch(key) or len(key) > NAME_LENGTH:
            raise DataError(f"{entry}: {key!r} cannot be a partition key: {NAME_RULE}")
        if key in dict(pairs):
            raise DataError(f"{entry}: the partition key {key} occurs twice")
        if not value.isprintable() or "/" in value:
            raise DataError(f"{entry}: the partition value must be printable and must not contain /")
        yield from _leaves(entry, (*pairs, (key, value)))


def _relative(folder: Path, table: Path) -> str:
    return folder.relative_to(table).as_posix() + "/"


def _described(table: Table, folder: Path) -> Table:
    """Return the table with the descriptions of its `_table.toml`."""
    file = folder / "_table.toml"
    content = _read_toml(file, {"description", "columns"})
    comments = content.get("columns", {})
    if not isinstance(comments, dict):
        raise DataError(f"{file}: columns must be a table of names and comments")
    known = {column.name for column in (*table.columns, *table.partition_keys)}
    for name, comment in comments.items():
        if name not in known:
            raise DataError(f"{file}: the column {name} does not exist")
        _check_text(file, name, comment, _COMMENT_LENGTH)
    return replace(
        table,
        columns=tuple(replace(column, comment=comments.get(column.name)) for column in table.columns),
        partition_keys=tuple(replace(key, comment=comments.get(key.name)) for key in table.partition_keys),
        description=content.get("description"),
    )


def _database_description(database: Path) -> str | None:
    description: str | None = _read_toml(database / "_database.toml", {"description"}).get("description")
    return description


def _read_toml(file: Path, known: set[str]) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise DataError(f"{file}: {exc}") from exc
    if unknown := sorted(content.keys() - known):
        raise DataError(f"{file}: unknown key {', '.join(unknown)}")
    if "description" in content:
        _check_text(file, "description", content["description"], _DESCRIPTION_LENGTH)
    return content


def _check_text(file: Path, name: str, text: object, longest: int) -> None:
    if not isinstance(text, str) or not 0 < len(text) <= longest or not text.isprintable():
        raise DataError(f"{file}: {name} must be one line of at most {longest} characters")


def _folders(parent: Path, *, alone: bool = False) -> list[Path]:
    """Return the visible folders. With `alone`, raise `DataError` if there are none, or other files."""
    found = _visible(parent)
    folders = [path for path in found if path.is_dir()]
    if alone and not folders:
        raise DataError(f"{parent}: contains no table folders")
    if alone and len(folders) != len(found):
        stray = next(path for path in found if not path.is_dir())
        raise DataError(f"{stray}: is outside of a table's folder")
    return folders


def _visible(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if path.name[0] not in "._"), key=lambda path: path.name)


def _checked(folder: Path) -> Path:
    if not NAME.fullmatch(folder.name) or len(folder.name) > NAME_LENGTH:
        raise DataError(f"{folder}: cannot be a database or a table: {NAME_RULE}")
    return folder


def _format(file: Path) -> str:
    for ending, name in _FORMATS.items():
        if file.name.endswith(ending) and file.is_file():
            return name
    raise DataError(f"{file}: is not a file that ends in {', '.join(_FORMATS)}")
