"""ORC tables. Athena reads columns by position and Spark by name, so all files must have the same ones.

https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from glue_assets.sources.content import TableContent, TableFile
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.problems import Problems
from glue_assets.sources.records.files import Record, RecordFile, Unreadable, as_parquet
from glue_assets.sources.typed import kinds
from glue_assets.sources.typed.kinds import Items, Kind, Leaf, Map, Struct
from glue_assets.sources.typed.table_checks import check_table

_TYPES = {
    **{"boolean": "boolean", "tinyint": "tinyint", "smallint": "smallint", "int": "integer"},
    **{"bigint": "bigint", "float": "float", "double": "double", "string": "varchar", "binary": "blob"},
    **{"date": "date", "timestamp": "timestamp"},
    "timestamp with local time zone": "timestamp with time zone",
}
_WITH_LENGTH = ("char", "varchar", "decimal")


def prepare(
    folder: TableFolder, options: TableOptions, work: Path, problems: Problems
) -> TableContent | None:
    """Return the content of a table of ORC files. Records faults; None if it has no content."""
    before = len(problems.found)
    check_table(folder, problems)
    files = []
    rows = 0
    for file in folder.files:
        try:
            kind = _file_kind(file)
            # All of the file is read, so that a damaged one is found.
            rows += sum(1 for _ in _records(file))
        except Unreadable as exc:
            problems.add(file, str(exc))
        except ValueError as exc:
            problems.add(file, f"has {exc}, which Athena or Spark cannot read; write it with another type")
        else:
            files.append(RecordFile(file, kinds.renamed(kind, options.rename), partial(_records, file)))
    if len(problems.found) > before:
        return None
    first = files[0].kind
    same = all(file.kind == first for file in files)
    # Trino reads TIMESTAMP_INSTANT only as a type with a time zone, which Hive's catalog lacks.
    if same and kinds.has_legal_names(first) and "timestamp with time zone" not in kinds.leaves(first):
        plain = tuple(TableFile(file, folder.below(file)) for file in folder.files)
        return TableContent("orc", kinds.columns_of_struct(first), plain, rows)
    # DuckDB has one type for strings of any length.
    texts = {name: "varchar" for file in files for name in kinds.leaves(file.kind) if "char(" in name}
    files = [replace(file, kind=kinds.replaced_fields(file.kind, texts)) for file in files]
    what = "names or types that are not those of the catalog" if same else "files with different columns"
    return as_parquet(folder, files, f"ORC with {what}, converted to Parquet", work, problems)


def _file_kind(file: Path) -> Struct:
    """Return the kind of a file's records. Raises `Unreadable`, and ValueError for a type without a kind."""
    with file.open("rb") as stream:
        kind = _kind(_reader(stream).schema)
    if not isinstance(kind, Struct) or not kind.kinds:
        raise Unreadable("has no columns; write at least one")
    return kind


def _records(file: Path) -> Iterator[Record]:
    import pyorc  # needed only to publish

    with file.open("rb") as stream:
        try:
            yield from _reader(stream)
        except (pyorc.ParseError, ValueError, OverflowError, RuntimeError) as exc:
            raise Unreadable(f"cannot be read: {exc}; export it again") from exc


def _reader(stream: Any) -> Any:
    import pyorc  # needed only to publish

    try:
        return pyorc.Reader(stream, struct_repr=pyorc.StructRepr.DICT)
    except (pyorc.ParseError, ValueError) as exc:
        raise Unreadable("is not an ORC file, or not complete; check its ending, or export it again") from exc


def _kind(schema: Any) -> Kind:
    import pyorc.typedescription as orc  # needed only to publish

    match schema:
        case orc.Struct():
            return kinds.struct([(name, _kind(part)) for name, part in schema.fields.items()])
        case orc.Array():
            return Items(_kind(schema.type))
        case orc.Map():
            return Map(_kind(schema.key), _kind(schema.value))
    name = str(schema)
    if name in _TYPES or name.startswith(_WITH_LENGTH):
        return Leaf(_TYPES.get(name, name))
    raise ValueError(f"the type {name}")
