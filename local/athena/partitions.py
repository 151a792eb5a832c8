"""Schema check of partitions: compares their columns with the table's, as Athena does before it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from local.athena.errors import QueryFailed
from local.athena.hive import split

Json = dict[str, Any]

# Compares columns by name or by position:
# https://docs.aws.amazon.com/athena/latest/ug/updates-and-partitions.html
_BY_NAME = ("ParquetHiveSerDe", "OrcSerde")
_OTHER_NAMES = {"integer": "int", "real": "float", "decimal": "decimal(10,0)"}
_WHOLE = ("tinyint", "smallint", "int", "bigint")
_TEXTS = ("string", "varchar", "char")


def check(table: Json, partition: Json) -> None:
    """Raise `QueryFailed` if a column's type in the partition cannot be converted to the table's."""
    storage, own = table["StorageDescriptor"], partition.get("StorageDescriptor", {})
    library = str(storage.get("SerdeInfo", {}).get("SerializationLibrary", "")).rpartition(".")[2]
    is_by_name = library in _BY_NAME
    for column, found in _pairs(storage["Columns"], own.get("Columns") or [], is_by_name=is_by_name):
        if not _can_become(_normal(found["Type"]), _normal(column["Type"])):
            keys = table["PartitionKeys"]
            named = zip(keys, partition["Values"], strict=True)
            place = "/".join(f"{key['Name']}={value}" for key, value in named)
            raise QueryFailed(
                "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition "
                f"schemas. The types are incompatible and cannot be coerced. The column '{column['Name']}' "
                f"in table '{table['DatabaseName']}.{table['Name']}' is declared as type "
                f"'{column['Type']}', but partition '{place}' declared column '{found['Name']}' as type "
                f"'{found['Type']}'."
            )


def _pairs(columns: list[Json], found: list[Json], *, is_by_name: bool) -> Iterator[tuple[Json, Json]]:
    if not is_by_name:
        yield from zip(columns, found, strict=False)  # missing columns are null
        return
    by_name = {column["Name"].lower(): column for column in found}
    for column in columns:
        if (same := by_name.get(column["Name"].lower())) is not None:
            yield column, same


def _can_become(old: str, new: str) -> bool:
    """Return whether Trino's Hive connector, the base of Athena engine version 3, converts the type.

    https://trino.io/docs/current/connector/hive.html#schema-evolution
    """
    if old == new:
        return True
    old_name, old_inner = _parts(old)
    new_name, new_inner = _parts(new)
    if old_name in _WHOLE and new_name in _WHOLE:
        return _WHOLE.index(old_name) < _WHOLE.index(new_name)
    if new_name in _TEXTS:
        return old_name in (*_TEXTS, *_WHOLE)
    if old_name in _TEXTS:
        return new_name in _WHOLE
    if {old_name, new_name} <= {"float", "double", "decimal"}:
        return True
    if old_name == new_name == "struct":
        fields = zip(split(old_inner), split(new_inner), strict=False)
        return all(
            a.partition(":")[0] == b.partition(":")[0]
            and _can_become(a.partition(":")[2], b.partition(":")[2])
            for a, b in fields
        )
    if old_name == new_name and old_name in ("array", "map"):
        pairs = list(zip(split(old_inner), split(new_inner), strict=False))
        return all(_can_become(a, b) for a, b in pairs)
    return False


def _normal(kind: str) -> str:
    words = re.sub(r"\s+", "", kind.lower())
    return re.sub(r"\b(integer|real|decimal)\b(?!\()", lambda found: _OTHER_NAMES[found[1]], words)


def _parts(kind: str) -> tuple[str, str]:
    """Return a type's name and the text in its brackets."""
    match = re.fullmatch(r"(\w+)[<(](.*)[>)]", kind)
    return (match[1], match[2]) if match else (kind, "")
