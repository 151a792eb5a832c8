"""Files that Python decodes record by record, as Parquet: Avro, and ORC that engines read differently."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from glue_assets.sources.content import TableContent, TableFile
from glue_assets.sources.duck import connected, literal, pattern, write_parquet
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.problems import Problems
from glue_assets.sources.typed import kinds
from glue_assets.sources.typed.common_kind import common_kind
from glue_assets.sources.typed.kind_sql import projection
from glue_assets.sources.typed.kinds import Kind, Leaf, Map, Struct

Record = dict[str, Any]


@dataclass(frozen=True)
class RecordFile:
    """A file with the kind of its records. `records` reads them; what it raises says why it cannot."""

    path: Path
    kind: Struct
    records: Callable[[], Iterable[Record]]


class Unreadable(Exception):
    """A file cannot be read. The message says why."""


def as_parquet(
    folder: TableFolder, files: Sequence[RecordFile], why: str, work: Path, problems: Problems
) -> TableContent | None:
    """Return the content of a table whose files are converted to Parquet, and `why`. Records faults."""
    before = len(problems.found)
    table = common_kind([(file.path, file.kind) for file in files], problems)
    if table is None:
        return None
    rows, made = 0, []
    with connected(work, threads=1) as connection:
        for file in files:
            path = f"{folder.below(file.path)}.parquet"
            target = work / "converted" / path
            lines = target.with_name(f"{target.name}.jsonl")
            try:
                rows += _write_lines(file, lines)
            except Unreadable as exc:
                problems.add(file.path, str(exc))
                continue
            plain = _plain(file.kind)
            columns = f"{{json: {literal(kinds.duckdb_type(kinds.as_in_file(plain)))}}}"
            values = [f"struct_extract(json, {literal(text)})" for text in file.kind.texts]
            write_parquet(
                connection,
                f"SELECT {projection(plain, table, values)} FROM read_json({literal(pattern(lines))},"
                " format = 'newline_delimited', records = false, auto_detect = false,"
                f" columns = {columns}, maximum_object_size = {256 * 1024**2})",
                target,
            )
            lines.unlink()
            made.append(TableFile(target, path, file.path))
    if len(problems.found) > before:
        return None
    told = [f"{why}; the originals are kept"]
    told += [
        f"the field {text!r} is named {name}"
        for name, text, _ in kinds.fields_of(table)
        if text.lower() != name
    ]
    return TableContent("parquet", kinds.columns_of_struct(table), tuple(made), rows, tuple(told))


def _plain(kind: Struct) -> Struct:
    """Return the kind of the records as JSON: bytes are texts, and keys of maps are."""

    def plain(part: Kind) -> Kind:
        match part:
            case Map(_, value):
                return Map(Leaf("varchar"), value)
            case Leaf("blob"):
                return Leaf("varchar")
        return part

    return Struct(kind.texts, kind.names, tuple(kinds.changed(part, plain) for part in kind.kinds))


def _write_lines(file: RecordFile, target: Path) -> int:
    """Write the records of a file as JSON Lines. Return their number."""
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with target.open("w", encoding="utf-8") as lines:
        for line in _lines(file.records()):
            lines.write(line)
            count += 1
    return count


def _lines(records: Iterable[Record]) -> Iterator[str]:
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
    for record in records:
        yield encoder.encode(_jsonable(record)) + "\n"


def _jsonable(value: Any) -> Any:
    """Return a value as JSON that DuckDB casts to its type."""
    match value:
        case dict():
            return {_key(key): _jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [_jsonable(item) for item in value]
        case bytes():
            return "".join(f"\\x{byte:02X}" for byte in value)
        case dt.datetime():
            # In UTC, and with the four digits of a year that DuckDB needs
            return value.replace(tzinfo=None).isoformat(" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return str(value)
        case Decimal():
            return format(value, "f")
        case str() | int() | float() | None:
            return value
    return str(value)  # a UUID


def _key(key: Any) -> str:
    text = _jsonable(key)
    return text if isinstance(text, str) else json.dumps(text)
