"""Text files: rows of LazySimpleSerDe, OpenCSVSerde and the JSON SerDe, the opposite of their readers."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from local.athena.compression import compressed
from local.athena.csv import Syntax
from local.athena.errors import QueryFailed
from local.athena.hive import HiveType
from local.athena.text import Delimiters
from local.athena.writing.file_format import FileFormat

Types = Mapping[str, HiveType]
Row = Sequence[Any]


def write_text(file: Path, rows: Iterable[Row], types: Types, format_: FileFormat) -> None:
    """Write rows as lines, compressed."""
    if format_.is_csv:
        lines = _csv(rows, types, format_)
    elif format_.name == "JSON":
        lines = (_json(row, types) for row in rows)
    else:
        lines = _delimited(rows, types, format_)
    with file.open("wb") as target:
        for part in compressed(format_.ending, (f"{line}\n".encode() for line in lines)):
            target.write(part)


def headers(properties: Mapping[str, str]) -> int:
    """Return how many header lines a table's files have. Raises `QueryFailed` for more than one."""
    header, footer = (int(properties.get(f"skip.{part}.line.count") or 0) for part in ("header", "footer"))
    # `HiveMetadata.beginInsert` of Trino
    if header > 1:
        raise QueryFailed(
            "NOT_SUPPORTED: Inserting into Hive table with value of skip.header.line.count property greater "
            "than 1 is not supported"
        )
    if footer:
        raise QueryFailed(
            "NOT_SUPPORTED: Inserting into Hive table with skip.footer.line.count property not supported"
        )
    return header


def _delimited(rows: Iterable[Row], types: Types, format_: FileFormat) -> Iterable[str]:
    delimiters = Delimiters.of(format_.properties)
    separator = delimiters.separators[0]
    if headers(format_.properties):
        yield separator.join(types)
    for row in rows:
        pairs = zip(row, types.values(), strict=True)
        yield separator.join(_delimited_value(value, kind, delimiters, 1) for value, kind in pairs)


def _delimited_value(value: Any, kind: HiveType, by: Delimiters, depth: int) -> str:
    if value is None:
        return by.null
    match kind.name:
        case "array":
            item = kind.children[0][1]
            return by.separators[depth].join(_delimited_value(v, item, by, depth + 1) for v in value)
        case "map":
            (_, key_kind), (_, item_kind) = kind.children
            entries = (
                by.separators[depth + 1].join(
                    (
                        _delimited_value(key, key_kind, by, depth + 2),
                        _delimited_value(item, item_kind, by, depth + 2),
                    )
                )
                for key, item in value.items()
            )
            return by.separators[depth].join(entries)
        case "struct":
            pairs = zip(value.values(), kind.children, strict=True)
            return by.separators[depth].join(_delimited_value(v, k, by, depth + 1) for v, (_, k) in pairs)
    text = _plain(value)
    if by.escape and isinstance(value, str):
        for character in (by.escape, *by.separators):
            text = text.replace(character, by.escape + character)
        text = text.replace("\n", f"{by.escape}n").replace("\r", f"{by.escape}r")
    return text


def _csv(rows: Iterable[Row], types: Types, format_: FileFormat) -> Iterable[str]:
    """Yield lines in which every value is quoted, as OpenCSVSerde writes them."""
    # https://docs.aws.amazon.com/athena/latest/ug/insert-into.html: "only string types are supported"
    if others := [name for name, kind in types.items() if kind.name not in ("string", "varchar", "char")]:
        raise QueryFailed(
            f"NOT_SUPPORTED: OpenCSVSerde only writes strings; the type of the column {others[0]} is another"
        )
    syntax = Syntax.of(format_.properties)
    if headers(format_.properties):
        yield syntax.separator.join(types)
    for row in rows:
        texts = ("" if value is None else _csv_escaped(value, syntax) for value in row)
        yield syntax.separator.join(f"{syntax.quote}{text}{syntax.quote}" for text in texts)


def _csv_escaped(text: str, syntax: Syntax) -> str:
    for character in dict.fromkeys((syntax.escape, syntax.quote)):
        text = text.replace(character, syntax.escape + character)
    return text


def _json(row: Row, types: Types) -> str:
    pairs = zip(row, types.items(), strict=True)
    found = {name: _json_value(value, kind) for value, (name, kind) in pairs if value is not None}
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def _json_value(value: Any, kind: HiveType) -> Any:
    if value is None:
        return None
    match kind.name:
        case "array":
            return [_json_value(item, kind.children[0][1]) for item in value]
        case "map":
            (_, key_kind), (_, item_kind) = kind.children
            if key_kind.children:
                raise QueryFailed("NOT_SUPPORTED: JSON has no maps with keys of a nested type")
            return {_plain(key): _json_value(item, item_kind) for key, item in value.items()}
        case "struct":
            pairs = zip(value.values(), kind.children, strict=True)
            return {name: _json_value(item, child) for item, (name, child) in pairs}
        case "binary":
            raise QueryFailed("NOT_SUPPORTED: The JSON SerDe does not write the type binary")
        case "decimal":
            return float(value) if len(value.as_tuple().digits) <= 15 else str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return _plain(value)
    return value if isinstance(value, bool | int | float | str) else _plain(value)


def _plain(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), repr(value))
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
        case date():
            return value.isoformat()
    return str(value)
