"""Avro and ORC files: converted to Parquet unless Athena and Spark read them alike."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import pyorc
import pytest

from glue_assets.tables import DataError, Table
from tests.support.releases import tables_of

UTC = dt.UTC
AT = dt.datetime(2024, 2, 29, 23, 59, 59, 123456, UTC)


def put(root: Path, **contents: bytes) -> Path:
    folder = root / "s" / "t"
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return root


def avro(fields: dict[str, Any], *records: dict[str, Any]) -> bytes:
    schema = {"type": "record", "name": "n.R", "fields": [{"name": n, "type": t} for n, t in fields.items()]}
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(schema), records, sync_marker=b"0" * 16)
    return buffer.getvalue()


def orc(schema: str, *rows: tuple[Any, ...]) -> bytes:
    buffer = io.BytesIO()
    with pyorc.Writer(buffer, schema) as writer:
        writer.writerows(rows)
    return buffer.getvalue()


def table(root: Path) -> Table:
    [found] = tables_of(root)
    return found


def types(found: Table) -> dict[str, str]:
    return {column.name: column.type for column in found.columns}


def rows(found: Table) -> list[tuple[Any, ...]]:
    assert found.format == "parquet"
    with duckdb.connect() as connection:
        names = [
            f"\"{c.name}\" AT TIME ZONE 'UTC'" if c.type == "timestamp" and c.name == "at" else c.name
            for c in found.columns
        ]
        files = [str(file.source) for file in found.files]
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(f"SELECT {', '.join(names)} FROM read_parquet($1)", [files]).fetchall()


POINT = {"type": "record", "name": "n.Point", "fields": [{"name": "X", "type": "double"}]}


@pytest.mark.parametrize(
    ("schema", "value", "kind", "expected"),
    [
        ("long", 2**62, "bigint", 2**62),
        ("float", 1.5, "float", 1.5),
        ("double", float("inf"), "double", float("inf")),
        (["null", "int"], None, "int", None),
        ("bytes", b"\x00\xff'\\", "binary", b"\x00\xff'\\"),
        ({"type": "fixed", "name": "f", "size": 2}, b"ab", "binary", b"ab"),
        ({"type": "enum", "name": "e", "symbols": ["A", "B"]}, "B", "string", "B"),
        ({"type": "map", "values": ["null", "long"]}, {"k": None}, "map<string,bigint>", {"k": None}),
        (
            {"type": "array", "items": ["null", POINT]},
            [{"X": -0.5}, None],
            "array<struct<x:double>>",
            [{"X": -0.5}, None],
        ),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 2},
            Decimal("123456789012345678901234567890123456.78"),
            "decimal(38,2)",
            Decimal("123456789012345678901234567890123456.78"),
        ),
        ({"type": "int", "logicalType": "date"}, dt.date(1, 1, 1), "date", dt.date(1, 1, 1)),
        (
            {"type": "long", "logicalType": "time-micros"},
            dt.time(1, 2, 3, 4),
            "string",
            "01:02:03.000004",
        ),
        (
            {"type": "long", "logicalType": "local-timestamp-micros"},
            AT.replace(tzinfo=None),
            "timestamp",
            AT.replace(tzinfo=None),
        ),
        ({"type": "string", "logicalType": "uuid"}, "4ac24b21-d68b-428e-a5ef-4ed3a1c0a90c", "string", None),
        ("null", None, "string", None),
        ("string", 'é"\n\\\x00', "string", 'é"\n\\\x00'),
    ],
)
def test_avro_types_become_parquet(
    tmp_path: Path, schema: Any, value: object, kind: str, expected: object
) -> None:
    found = table(put(tmp_path, a_avro=avro({"Id": "int", "v": schema}, {"Id": 1, "v": value})))
    assert types(found) == {"id": "int", "v": kind}
    assert rows(found) == [(1, value if expected is None else expected)]
    assert (found.rows, found.files[0].original) == (1, tmp_path / "s/t/a.avro")


def test_avro_instants_are_timestamps_in_utc(tmp_path: Path) -> None:
    kind = ["null", {"type": "long", "logicalType": "timestamp-micros"}]
    found = table(put(tmp_path, a_avro=avro({"at": kind}, {"at": AT}, {"at": None})))
    assert types(found) == {"at": "timestamp"}
    assert rows(found) == [(AT.replace(tzinfo=None),), (None,)]


def test_avro_files_of_different_schemas_are_unified(tmp_path: Path) -> None:
    old, new = avro({"id": "int"}, {"id": 1}), avro({"x": "string", "id": "long"}, {"x": "a", "id": 2**40})
    found = table(put(tmp_path, a_avro=old, b_avro=new))
    assert types(found) == {"id": "bigint", "x": "string"}
    assert rows(found) == [(1, None), (2**40, "a")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            avro({"v": {"type": "bytes", "logicalType": "decimal", "precision": 39}}, {"v": Decimal(1)}),
            "has a decimal of 39 digits, for which Athena has no type",
        ),
        (avro({"v": ["int", "string"]}, {"v": 1}), "has a union of 2 types, for which Athena has no type"),
        (
            avro({"v": ["null", "n.R"]}, {"v": None}),
            r"has the type n\.R, which contains itself, for which Athena has no type",
        ),
        (b"id,name\n", "is not an Avro file; check its ending"),
        (
            avro({"id": "long"}, *({"id": n} for n in range(5000)))[:-2000],
            "cannot be read: .*; export it again",
        ),
    ],
)
def test_avro_faults_say_what_to_do(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"a\.avro: {message}"):
        tables_of(put(tmp_path, a_avro=content))


ORC_TYPES = (
    "struct<Id:int,d:decimal(9,2),c:char(3),v:varchar(5),b:binary,m:map<int,string>,l:array<struct<x:float>>,"
    "t:timestamp,y:date,z:tinyint>"
)
ORC_ROW = (
    *(1, Decimal("1.50"), "ab", "cd", b"\x00\xff", {7: "x"}, [(1.5,)]),
    *(AT, dt.date(2024, 2, 29), -1),
)


def test_orc_stays_as_it_is_with_the_types_of_its_schema(tmp_path: Path) -> None:
    found = table(put(tmp_path, a_orc=orc(ORC_TYPES, ORC_ROW, (None,) * 10)))
    assert (found.format, found.rows, found.files[0].original) == ("orc", 2, None)
    assert types(found) == {
        **{"id": "int", "d": "decimal(9,2)", "c": "char(3)", "v": "varchar(5)", "b": "binary"},
        **{"m": "map<int,string>", "l": "array<struct<x:float>>", "t": "timestamp", "y": "date"},
        "z": "tinyint",
    }


def test_orc_with_other_names_is_converted(tmp_path: Path) -> None:
    found = table(put(tmp_path, a_orc=orc(ORC_TYPES.replace("y:", "`das Jahr`:"), ORC_ROW)))
    names = [(column.name, column.type, column.comment) for column in found.columns][2:]
    assert names[0] == ("c", "string", None)
    assert names[6] == ("das_jahr", "date", "das Jahr")
    assert rows(found) == [
        (
            *(1, Decimal("1.50"), "ab ", "cd", b"\x00\xff", {7: "x"}, [{"x": 1.5}]),
            *(AT.replace(tzinfo=None), dt.date(2024, 2, 29), -1),
        )
    ]


def test_orc_files_with_columns_in_another_order_are_converted(tmp_path: Path) -> None:
    one, other = orc("struct<id:int,x:string>", (1, "a")), orc("struct<x:string,id:bigint>", ("b", 2))
    found = table(put(tmp_path, a_orc=one, b_orc=other))
    assert types(found) == {"id": "bigint", "x": "string"}
    assert rows(found) == [(1, "a"), (2, "b")]


def test_orc_instants_are_converted(tmp_path: Path) -> None:
    found = table(put(tmp_path, a_orc=orc("struct<at:timestamp with local time zone>", (AT,))))
    assert rows(found) == [(AT.replace(tzinfo=None),)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            orc("struct<u:uniontype<int,string>>", (1,)),
            r"has the type uniontype<int,string>, which Athena or",
        ),
        (b"ORC" + b"garbage" * 10, "is not an ORC file, or not complete"),
        (orc("struct<id:int>", *((n,) for n in range(9)))[:-9], "is not an ORC file, or not complete"),
    ],
)
def test_orc_faults_say_what_to_do(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"a\.orc: {message}"):
        tables_of(put(tmp_path, a_orc=content))


def test_converted_files_have_the_same_bytes_each_time(tmp_path: Path) -> None:
    data = put(tmp_path, a_avro=avro({"id": "long"}, *({"id": n} for n in range(3000))))
    digests = {hashlib.sha256(table(data).files[0].source.read_bytes()).hexdigest() for _ in range(2)}
    assert len(digests) == 1
