"""Catalog tables from data folders: `data/<database>/<table>/[<key>=<value>/...]<files>`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from glue_assets.sources.content import Column, TableContent, TableFile
from glue_assets.sources.csv import table as csv_table
from glue_assets.sources.folder.layout import Partition, TableFolder, find_folders
from glue_assets.sources.folder.options import (
    TABLE_FILE,
    TableOptions,
    check_columns,
    check_use,
    read_database_description,
    read_table_options,
)
from glue_assets.sources.json import table as json_table
from glue_assets.sources.parquet import table as parquet_table
from glue_assets.sources.problems import DataError, Problems
from glue_assets.sources.records import avro as avro_table
from glue_assets.sources.records import orc as orc_table
from glue_assets.sources.sheets import table as sheet_table

__all__ = ["Column", "DataError", "Partition", "Table", "TableFile", "find_tables"]

# Maximum size of one request to S3, https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
_FILE_LIMIT = 5 * 1024**3

# Of a table. They are in the manifest, which the service reads into the memory of a function.
_DECISIONS = 20

Prepare = Callable[[TableFolder, TableOptions, Path, Problems], TableContent | None]

_FORMATS: dict[str, Prepare] = {
    ".csv": csv_table.prepare,
    ".tsv": csv_table.prepare,
    ".csv.gz": csv_table.prepare,
    ".tsv.gz": csv_table.prepare,
    ".csv.bz2": csv_table.prepare,
    ".tsv.bz2": csv_table.prepare,
    ".json": json_table.prepare,
    ".json.gz": json_table.prepare,
    ".jsonl": json_table.prepare,
    ".jsonl.gz": json_table.prepare,
    ".ndjson": json_table.prepare,
    ".ndjson.gz": json_table.prepare,
    ".parquet": parquet_table.prepare,
    ".parq": parquet_table.prepare,
    ".pq": parquet_table.prepare,
    ".orc": orc_table.prepare,
    ".avro": avro_table.prepare,
    ".xlsx": sheet_table.prepare,
    ".xls": sheet_table.prepare,
    ".xlsb": sheet_table.prepare,
    ".ods": sheet_table.prepare,
}


@dataclass(frozen=True)
class Table:
    """A catalog table. `format` is csv, json, orc or parquet. `files` are sorted by path.

    `size` is in bytes of `files`. `originals` are the files that others were made from, with
    their paths below the table's folder.
    """

    database: str
    name: str
    format: str
    columns: tuple[Column, ...]
    files: tuple[TableFile, ...]
    rows: int = 0
    size: int = 0
    partition_keys: tuple[Column, ...] = ()
    partitions: tuple[Partition, ...] = ()
    description: str | None = None
    database_description: str | None = None
    originals: tuple[tuple[Path, str], ...] = ()
    decisions: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


def find_tables(data: Path, work: Path) -> tuple[Table, ...]:
    """Return the tables of a data folder by database and name.

    `work` receives converted files, which belong to the tables. Raises `DataError` with all faults.
    """
    tables, problems = read_tables(data, work)
    problems.check()
    return tables


def read_tables(data: Path, work: Path) -> tuple[tuple[Table, ...], Problems]:
    """Return the tables of a data folder that have content, and all faults."""
    problems = Problems()
    tables = [_table(folder, work, problems) for folder in find_folders(data, _FORMATS, problems)]
    return tuple(table for table in tables if table), problems


def _table(folder: TableFolder, work: Path, problems: Problems) -> Table | None:
    options = read_table_options(folder.path, problems)
    database_description = read_database_description(folder.path.parent, problems)
    prepare, folder = _format_of(folder, problems)
    if prepare:
        check_use(options, "".join(folder.files[0].suffixes[-2:]).lower(), problems)
    content = prepare and prepare(folder, options, work / folder.database / folder.name, problems)
    if not content:
        return None
    names = {column.name for column in content.columns}
    for key in folder.keys:
        if key in names:
            advice = f"remove the column, or rename the folders {key}=..., or the column with [rename]"
            problems.add(folder.path, f"{key} is both a partition key and a column; {advice}")
    check_columns(options, {c.name: c.comment for c in content.columns}, folder.keys, problems)
    originals = {file.original for file in content.files if file.original}
    return Table(
        database=folder.database,
        name=folder.name,
        format=content.format,
        columns=tuple(replace(c, comment=options.comments.get(c.name, c.comment)) for c in content.columns),
        files=_checked(folder, content.files, problems),
        rows=content.rows,
        size=sum(file.source.stat().st_size for file in content.files),
        partition_keys=tuple(Column(key, "string", options.comments.get(key)) for key in folder.keys),
        partitions=folder.partitions,
        description=options.description,
        database_description=database_description,
        originals=tuple((file, folder.below(file)) for file in sorted(originals)),
        decisions=_bounded((*folder.decisions, *content.decisions)),
        parameters=content.parameters,
    )


def _bounded(decisions: tuple[str, ...]) -> tuple[str, ...]:
    more = len(decisions) - _DECISIONS
    return (*decisions[:_DECISIONS], f"and {more:,} more") if more > 0 else decisions


def _checked(folder: TableFolder, files: tuple[TableFile, ...], problems: Problems) -> tuple[TableFile, ...]:
    """Return files. Records those that S3 does not accept, and those with the same path."""
    first: dict[str, TableFile] = {}
    for file in files:
        other = first.setdefault(file.path, file)
        if other is not file:
            names = [(each.original or each.source).name for each in (other, file)]
            problems.add(folder.path, f"{' and '.join(names)} both become {file.path}; rename one of them")
        for path in {file.source, file.original or file.source}:
            if path.stat().st_size > _FILE_LIMIT:
                problems.add(file.original or path, "is larger than 5 GB; split it into several files")
    return files


def _format_of(folder: TableFolder, problems: Problems) -> tuple[Prepare | None, TableFolder]:
    """Return the reader of a table's format, and the folder with the files that it can read.

    Records the other files.
    """
    readers: dict[Path, Prepare] = {}
    for file in folder.files:
        name = file.name.lower()
        reader = next((p for ending, p in _FORMATS.items() if name.endswith(ending)), None)
        if reader is None:
            problems.add(file, f"is not a data file; {_advice(name)}")
        elif not file.stat().st_size:
            problems.add(file, "the file is empty; remove it, or write its records", 1)
        else:
            readers[file] = reader
    if not readers:
        return None, folder
    first, prepare = next(iter(readers.items()))
    for file, reader in readers.items():
        if reader is not prepare:
            advice = "a table has one format, so move it to a folder of its own"
            problems.add(file, f"has another format than {first.name} beside it; {advice}")
    kept = tuple(file for file, reader in readers.items() if reader is prepare)
    return prepare, replace(folder, files=kept)


def _advice(name: str) -> str:
    """Return what to do with a file that is not data."""
    ending = Path(name).suffix
    if ending == ".toml":
        return f"rename it to {TABLE_FILE}, or remove it"
    if ending in (".zip", ".tar", ".tgz", ".7z", ".rar"):
        return "unpack it, and remove the archive"
    if ending in (".crdownload", ".part", ".partial", ".download", ".tmp"):
        return "the download or copy is not complete; repeat it"
    if ending in (".txt", ".dat", ".data", ""):
        return "if it has one record a line, rename it to .csv; otherwise remove it"
    usual = ", ".join(ending for ending in _FORMATS if ending.count(".") == 1)
    return f"save it in a format that ends in {usual}, or remove it"
