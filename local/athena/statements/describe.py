"""DESCRIBE, in Hive's words (`MetaDataFormatUtils`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.athena.errors import QueryFailed
from local.athena.hive import split
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.statements.catalog import Catalog, ddl_failed
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Utility, lines, padded

Json = dict[str, Any]

_BLANK = "\t \t "
_HEADER = padded("# col_name", "data_type", "comment")


@dataclass(frozen=True)
class Describe(Utility):
    """DESCRIBE of a table or view, of one of its partitions, or of a column."""

    table: tuple[str | None, str]
    style: str  # "", EXTENDED or FORMATTED
    partition: dict[str, str]
    column: tuple[str, ...]
    subkind = "DESCRIBE_TABLE"

    def run(self, session: Session) -> Result:
        """Return columns, partition keys and details."""
        catalog = Catalog(session)
        table = catalog.table(self.table)
        if self.column:
            return lines(["col_name", "data_type", "comment"], self._column(table))
        return lines(["col_name", "data_type", "comment"], self._lines(catalog, table))

    def _column(self, table: Json) -> Iterator[str]:
        columns = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
        name, *inner = self.column
        found = next((column for column in columns if column["Name"].lower() == name), None)
        if found is None:
            raise ddl_failed(f"cannot find field {name} from {[column['Name'] for column in columns]}")
        kind = found["Type"]
        for part in inner:
            children = _children(kind)
            if part not in children:
                raise ddl_failed(f"cannot find field {part} from {list(children)}")
            kind, name = children[part], part
        if self.style == "FORMATTED":
            yield from (_HEADER, _BLANK)
        yield padded(name, kind, found.get("Comment") or "from deserializer")

    def _lines(self, catalog: Catalog, table: Json) -> Iterator[str]:
        if self.style == "FORMATTED":
            yield from (_HEADER, _BLANK)
        keys = table.get("PartitionKeys", [])
        columns = table["StorageDescriptor"]["Columns"]
        # Without a style, Hive lists partition keys with the columns as well.
        for column in columns if self.style == "FORMATTED" else [*columns, *keys]:
            yield padded(column["Name"], column["Type"], column.get("Comment") or "")
        if keys:
            yield from (_BLANK, "# Partition Information\t \t ", _HEADER, _BLANK)
            for key in keys:
                yield padded(key["Name"], key["Type"], key.get("Comment") or "")
        part = self._found(catalog, table) if self.partition else None
        if self.style == "EXTENDED":
            title = "Detailed Partition Information" if part else "Detailed Table Information"
            yield from (_BLANK, f"{title}\t{json.dumps(part or table, default=str)}\t")
        if self.style == "FORMATTED":
            yield from _details(table, part)

    def _found(self, catalog: Catalog, table: Json) -> Json:
        names = [key["Name"] for key in table.get("PartitionKeys", [])]
        for partition in catalog.partitions(table):
            if dict(zip(names, partition["Values"], strict=True)) == self.partition:
                return partition
        raise QueryFailed(f"FAILED: SemanticException [Error 10006]: Partition not found {self.partition}")


def _children(kind: str) -> dict[str, str]:
    """Return the types within a type, by the names that DESCRIBE gives them."""
    name, _, inner = kind.partition("<")
    parts = split(inner[:-1]) if inner else []
    match name:
        case "array":
            return {"$elem$": parts[0]}
        case "map":
            return {"$key$": parts[0], "$value$": parts[1]}
    return {field.lower(): of for field, _, of in (part.partition(":") for part in parts)}


def _details(table: Json, partition: Json | None) -> Iterator[str]:
    shown = partition or table
    storage = shown.get("StorageDescriptor") or {}
    yield from (_BLANK, f"# Detailed {'Partition' if partition else 'Table'} Information\t \t ")
    if partition:
        yield _pair("Partition Value:", f"[{', '.join(partition['Values'])}]")
    yield _pair("Database:", table["DatabaseName"])
    if partition:
        yield _pair("Table:", table["Name"])
    else:
        yield _pair("Owner:", table.get("Owner") or "hadoop")
    yield _pair("CreateTime:", _moment(shown.get("CreationTime") or table["CreateTime"]))
    yield _pair("LastAccessTime:", "UNKNOWN")
    yield _pair("Protect Mode:", "None")
    if not partition:
        yield _pair("Retention:", str(table.get("Retention", 0)))
    yield _pair("Location:", storage.get("Location", ""))
    if not partition:
        yield _pair("Table Type:", table.get("TableType") or "")
    yield f"{'Partition' if partition else 'Table'} Parameters:\t \t "
    yield from (f"\t{padded(*pair)}" for pair in sorted((shown.get("Parameters") or {}).items()))
    serde = storage.get("SerdeInfo") or {}
    yield from (_BLANK, "# Storage Information\t \t ")
    yield _pair("SerDe Library:", serde.get("SerializationLibrary", ""))
    yield _pair("InputFormat:", storage.get("InputFormat", ""))
    yield _pair("OutputFormat:", storage.get("OutputFormat", ""))
    yield _pair("Compressed:", "Yes" if storage.get("Compressed") else "No")
    yield _pair("Num Buckets:", str(storage.get("NumberOfBuckets", -1)))
    yield _pair("Bucket Columns:", f"[{', '.join(storage.get('BucketColumns', []))}]")
    yield _pair("Sort Columns:", "[]")
    if serde.get("Parameters"):
        yield "Storage Desc Params:\t \t "
        yield from (f"\t{padded(*pair)}" for pair in sorted(serde["Parameters"].items()))
    if text := table.get("ViewOriginalText"):
        yield from (_BLANK, "# View Information\t \t ")
        yield _pair("View Original Text:", text)
        yield _pair("View Expanded Text:", table.get("ViewExpandedText", ""))


def _pair(name: str, value: str) -> str:
    return f"{padded(name, value)}\t "


def _moment(value: datetime) -> str:
    return value.strftime("%a %b %d %H:%M:%S UTC %Y")


def read_describe(words: Words) -> Describe:
    """Read what follows DESCRIBE."""
    style = next((style for style in ("EXTENDED", "FORMATTED") if words.accept(style)), "")
    table = words.table()
    partition = words.partition() if words.accept("PARTITION") else {}
    column: list[str] = []
    if not words.is_done:
        column = [words.name()]
        while words.accept("."):
            column.append(words.string() if words.peek().startswith("'") else words.name())
    words.end()
    return Describe(table, style, partition, tuple(column))
