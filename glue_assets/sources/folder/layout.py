"""Folders of tables: `data/<database>/<table>/[<key>=<value>/...]<files>`.

Files directly under `data/` that are not data are ignored. Names that begin with `.` or `_` are hidden, as in
Hive and Spark.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from glue_assets.sources.folder.entries import (
    Entries,
    check_path,
    column_name,
    entries,
    listed,
    safe_name,
    safe_partition,
)
from glue_assets.sources.folder.options import DATABASE_FILE, TABLE_FILE
from glue_assets.sources.names import NAME_RULE, is_name
from glue_assets.sources.problems import Problems

_PARTITION = re.compile(r"([^=]+)=(.*)", re.DOTALL)
_UNNAMED = re.compile(r"column_\d+")  # the legal name for a text without Latin letters
_NULL = "__HIVE_DEFAULT_PARTITION__"
# Longest value, https://docs.aws.amazon.com/glue/latest/webapi/API_PartitionInput.html
_VALUE_LENGTH = 1024


@dataclass(frozen=True)
class Partition:
    """A partition: the values of the partition keys, and its folder below the table's folder."""

    values: tuple[str, ...]
    path: str


@dataclass(frozen=True)
class TableFolder:
    """The folder of a table. `files` are sorted by path; `keys` are the partition keys.

    `name` and `database` are legal names, also if those of the folders are not; `decisions` say so.
    """

    database: str
    name: str
    path: Path
    files: tuple[Path, ...]
    keys: tuple[str, ...] = ()
    partitions: tuple[Partition, ...] = ()
    decisions: tuple[str, ...] = ()

    def below(self, file: Path) -> str:
        """Return the path of a file below the table's folder, as it is published."""
        return _partition_path(self.path, file.parent) + safe_name(file.name)


def _partition_path(table: Path, folder: Path) -> str:
    return safe_partition(_legal_path(table, folder))


def _legal_path(table: Path, folder: Path) -> str:
    """Return the path of a partition below its table, with legal names of the keys."""
    pairs = [part.partition("=") for part in folder.relative_to(table).parts]
    return "".join(f"{column_name(key)}={value}/" for key, _, value in pairs)


def find_folders(data: Path, endings: Iterable[str], problems: Problems) -> list[TableFolder]:
    """Return the folders of tables by database and name. `endings` are those of files with data."""
    if not data.is_dir():
        problems.add(data, "is not a folder; name a folder with <database>/<table>/<file>")
        return []
    count = len(problems.found)
    top = entries(data, problems)
    _check_hidden(top, None, problems)
    for stray in top.files:
        if stray.name.lower().endswith(tuple(endings)):
            advice = f"move it to <database>/{_own_folder(stray)}"
            problems.add(stray, f"is outside of a table's folder; {advice}")
    found = [table for database in top.folders for table in _tables(data, database, problems)]
    _check_distinct(data, found, problems)
    if not found and len(problems.found) == count:
        problems.add(data, "contains no <database>/<table>/<file>; put each file into such a folder")
    return sorted(found, key=lambda table: (table.database, table.name))


def _tables(data: Path, database: Path, problems: Problems) -> Iterator[TableFolder]:
    count = len(problems.found)
    content = entries(database, problems)
    _check_hidden(content, DATABASE_FILE, problems)
    for stray in content.files:
        advice = f"move it to {database.name}/{_own_folder(stray)}"
        problems.add(stray, f"is outside of a table's folder; {advice}")
    if not content.folders and len(problems.found) == count:
        problems.add(database, "contains no table folders; put files into <database>/<table>/, or remove it")
    for folder in content.folders:
        if "=" in folder.name:
            problems.add(folder, "is a partition outside of a table's folder; move it to <database>/<table>/")
        elif table := _table_folder(data, folder, problems):
            yield table


def _own_folder(file: Path) -> str:
    return f"{column_name(file.name.partition('.')[0])}/{file.name}"


def _table_folder(data: Path, folder: Path, problems: Problems) -> TableFolder | None:
    names = _name(data, folder.parent, problems), _name(data, folder, problems)
    leaves = list(_leaves(data, folder, (), problems))
    if not leaves or None in names:
        return None
    keys = tuple(key for key, _ in leaves[0][0])
    for pairs, content in leaves:
        if tuple(key for key, _ in pairs) != keys:
            wanted = ", ".join(keys) or "none"
            place = content.files[0].parent
            first = leaves[0][1].files[0].parent
            problems.add(
                place, f"has other partition keys than {first} ({wanted}); rename or move the folder"
            )
    partitions = tuple(
        Partition(
            tuple(value for _, value in pairs),
            _partition_path(folder, content.files[0].parent),
        )
        for pairs, content in leaves
        if pairs
    )
    values = Counter(partition.values for partition in partitions)
    for partition in partitions:
        if values[partition.values] > 1:
            problems.add(folder / partition.path, "occurs twice; move the files into one folder")
    files = tuple(file for _, content in leaves for file in content.files)
    table = TableFolder(str(names[0]), str(names[1]), folder, files, keys, partitions)
    decisions = [
        f"the {what} {path.name} is called {name}, because {NAME_RULE}"
        for what, path, name in zip(("database", "table"), (folder.parent, folder), names, strict=True)
        if name != path.name
    ]
    decisions += _key_names(folder, [content.files[0].parent for _, content in leaves])
    decisions += _published_names(table, problems)
    ignored = [path for _, content in leaves for path in content.ignored if path.name != TABLE_FILE]
    if ignored:
        decisions.append(f"ignored, because they are not data: {listed(ignored)}")
    return replace(table, decisions=tuple(decisions))


def _name(data: Path, folder: Path, problems: Problems) -> str | None:
    """Return the legal name of a database or a table. Records why there is none."""
    if not check_path(data, folder, problems):
        return None
    name = column_name(folder.name)
    if name != folder.name and _UNNAMED.fullmatch(name):
        problems.add(
            folder, f"cannot be a database or a table: {NAME_RULE}; rename it, for example to orders"
        )
        return None
    return name


def _key_names(table: Path, folders: Iterable[Path]) -> Iterator[str]:
    """Yield a decision for each partition key whose name is not that of the folders."""
    parts = (part for folder in folders for part in folder.relative_to(table).parts)
    for key in dict.fromkeys(part.partition("=")[0] for part in parts):
        if not is_name(key):
            yield f"the partition key {key} is called {column_name(key)}, because {NAME_RULE}"


def _published_names(table: TableFolder, problems: Problems) -> Iterator[str]:
    taken: dict[str, Path] = {}
    for file in table.files:
        path = table.below(file)
        if path in taken:
            problems.add(file, f"would be published as {path}, as {taken[path].name}; rename one of them")
        taken[path] = file
        if path != _legal_path(table.path, file.parent) + file.name:
            yield f"{file.name} is published as {path}, as readers of S3 take some names for something else"


Pairs = tuple[tuple[str, str], ...]


def _leaves(data: Path, folder: Path, pairs: Pairs, problems: Problems) -> Iterator[tuple[Pairs, Entries]]:
    """Yield each folder with files, at any depth, with its partition keys and values."""
    count = len(problems.found)
    content = entries(folder, problems)
    _check_hidden(content, None if pairs else TABLE_FILE, problems)
    if not content.folders:
        if all([check_path(data, file, problems) for file in content.files]) and content.files:
            yield pairs, content
        elif len(problems.found) == count:
            problems.add(folder, "contains no files; put the data there, or remove the folder")
        return
    for stray in content.files:
        advice = "move it into one of them, or into the folder of another table"
        problems.add(stray, f"is beside folders; all files of a table must have the same depth; {advice}")
    for entry in content.folders:
        if pair := _pair(data, entry, pairs, problems):
            yield from _leaves(data, entry, (*pairs, pair), problems)


def _pair(data: Path, entry: Path, pairs: Pairs, problems: Problems) -> tuple[str, str] | None:
    """Return the partition key and value of a folder. Records why it has none."""
    if not check_path(data, entry, problems):
        return None
    match = _PARTITION.fullmatch(entry.name)
    if match is None:
        example = f"year={entry.name}" if re.fullmatch(r"(?:19|20)\d\d", entry.name) else "year=2026"
        advice = f"move its files one folder up, or rename it, for example to {example}"
        problems.add(entry, f"is not a partition; its name must be key=value; {advice}")
        return None
    key, value = column_name(match[1]), unquote(match[2])
    if key != match[1] and _UNNAMED.fullmatch(key):
        advice = f"rename the folder, for example to part={match[2]}"
        problems.add(entry, f"{match[1]!r} cannot be a partition key: {NAME_RULE}; {advice}")
    elif key in dict(pairs):
        problems.add(entry, f"the partition key {key} occurs twice; rename the folder")
        return None
    if not value:
        problems.add(entry, f"is a partition without a value; rename it, to {key}={_NULL} if it is unknown")
    elif not value.isprintable() or "/" in value or len(value) > _VALUE_LENGTH:
        rule = f"must be printable, must not contain / and has at most {_VALUE_LENGTH:,} characters"
        problems.add(entry, f"the partition value {rule}; rename the folder")
    return key, value


def _check_hidden(content: Entries, wanted: str | None, problems: Problems) -> None:
    """Record TOML files that nobody reads, because their name or place is wrong."""
    for path in content.ignored:
        if path.suffix.lower() == ".toml" and path.name[0] == "_" and path.name != wanted:
            places = f"<database>/{DATABASE_FILE} or <database>/<table>/{TABLE_FILE}"
            problems.add(path, f"is not read; rename or move it to {places}, or remove it")


def _check_distinct(data: Path, tables: list[TableFolder], problems: Problems) -> None:
    """Record names that are the same in the catalog or in the template, which has no underscores."""
    databases = {table.path.parent: table.database for table in tables}
    every = {
        "databases": databases,
        **{
            f"tables of {database.name}": {t.path: t.name for t in tables if t.path.parent == database}
            for database in databases
        },
    }
    for what, named in every.items():
        same = defaultdict(list)
        for path, name in named.items():
            same["".join(name.split("_"))].append(path)
        for first, *others in same.values():
            for path in others:
                difference = f"differs from {first.name} only in underscores, accents or case"
                problems.add(path, f"{difference}; rename one of the {what}")
    for path, name in databases.items():
        if name == "sot":
            problems.add(path, "the database name sot is reserved for the job; rename the folder")
