"""Parquet files as pandas, Polars, Spark and warehouses write them: converted where engines differ."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from glue_assets.tables import DataError, Table
from tests.support.releases import tables_of


def written(root: Path, **selects: str) -> Path:
    for name, select in selects.items():
        target = root / "s" / "t" / f"{name.replace('__', '/').replace('_eq_', '=')}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        duckdb.execute(f"COPY ({select}) TO '{target}' (FORMAT parquet)")
    return root


def table(root: Path) -> Table:
    [found] = tables_of(root)
    return found


def types(found: Table) -> dict[str, str]:
    return {column.name: column.type for column in found.columns}


def rows(found: Table) -> list[tuple[Any, ...]]:
    files = [str(file.source) for file in found.files]
    return duckdb.execute("FROM read_parquet($1, hive_partitioning = false)", [files]).fetchall()


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        # Cut, not rounded: the next day would be wrong.
        (
            "TIMESTAMP_NS '2019-12-31 23:59:59.999999999'",
            "timestamp",
            dt.datetime(2019, 12, 31, 23, 59, 59, 999999),
        ),
        (
            "TIMESTAMP_NS '1969-12-31 23:59:59.123456789'",
            "timestamp",
            dt.datetime(1969, 12, 31, 23, 59, 59, 123456),
        ),
        ("[TIMESTAMP_NS '2020-01-01']", "array<timestamp>", [dt.datetime(2020, 1, 1)]),
        ("4294967295::UINTEGER", "bigint", 4294967295),
        ("9223372036854775807::UBIGINT", "bigint", 9223372036854775807),
        ("18446744073709551615::UBIGINT", "decimal(20,0)", Decimal(18446744073709551615)),
        ("MAP {'k': {'N': 4294967295::UINTEGER}}", "map<string,struct<n:bigint>>", {"k": {"n": 4294967295}}),
        ("TIME '23:59:58.5'", "string", "23:59:58.5"),
        ("'4ac24b21-d68b-428e-a5ef-4ed3a1c0a90c'::UUID", "string", "4ac24b21-d68b-428e-a5ef-4ed3a1c0a90c"),
        ("INTERVAL 2 MONTH", "string", "2 months"),
        ("{'a': 1}::VARIANT", "string", '{"a":1}'),
        ('NULL::STRUCT("a b" INTEGER)', "struct<a_b:int>", None),
        ("{'a b': 1}", "struct<a_b:int>", {"a_b": 1}),
    ],
)
def test_types_that_engines_read_differently_are_converted_and_the_original_is_kept(
    tmp_path: Path, value: str, kind: str, expected: object
) -> None:
    found = table(written(tmp_path, a=f"SELECT 1 AS id, {value} AS x"))
    assert types(found) == {"id": "int", "x": kind}
    assert rows(found) == [(1, expected)]
    assert [file.original for file in found.files] == [tmp_path / "s/t/a.parquet"]


def test_lost_digits_are_counted(tmp_path: Path) -> None:
    select = (
        "SELECT * FROM (VALUES (TIMESTAMP_NS '2020-01-01 00:00:00.000000001'), (TIMESTAMP_NS '2020-01-01'))"
    )
    found = table(written(tmp_path, a=f"{select} AS v(t)"))
    assert "a.parquet: the column t loses digits beyond microseconds (rows: 1)" in found.decisions


def test_files_that_engines_read_alike_stay_as_they_are(tmp_path: Path) -> None:
    select = "SELECT 1 AS Id, now()::TIMESTAMP AS at, 'x' AS \"UPPER\", [1] AS l, '{}'::JSON AS j"
    found = table(written(tmp_path, a=select))
    assert types(found) == {
        **{"id": "int", "at": "timestamp", "upper": "string", "l": "array<int>", "j": "string"},
    }
    assert [(file.source, file.original) for file in found.files] == [(tmp_path / "s/t/a.parquet", None)]


def test_names_become_legal_and_the_original_is_the_comment(tmp_path: Path) -> None:
    found = table(written(tmp_path, a='SELECT 1 AS "Order Id", 2 AS "preço", 3 AS "order-id"'))
    named = [(column.name, column.comment) for column in found.columns]
    assert named == [("order_id", "Order Id"), ("preco", "preço"), ("order_id_2", "order-id")]
    assert rows(found) == [(1, 2, 3)]


def test_files_of_different_columns_are_unified(tmp_path: Path) -> None:
    data = written(
        tmp_path,
        a="SELECT 1::INTEGER AS id, 1.5::FLOAT AS x, DATE '2020-01-01' AS d, {'a': 1::TINYINT} AS s",
        b="SELECT 2.5::DOUBLE AS x, 5000000000 AS id, TIMESTAMP '2020-01-02 01:00:00' AS d,"
        " {'a': 2, 'b': 'x'} AS s",
        c="SELECT 3 AS id, 'new' AS y",
    )
    found = table(data)
    assert types(found) == {
        **{"id": "bigint", "x": "double", "d": "timestamp", "s": "struct<a:int,b:string>", "y": "string"},
    }
    assert rows(found) == [
        (1, 1.5, dt.datetime(2020, 1, 1), {"a": 1, "b": None}, None),
        (5000000000, 2.5, dt.datetime(2020, 1, 2, 1), {"a": 2, "b": "x"}, None),
        (3, None, None, None, "new"),
    ]


@pytest.mark.parametrize(
    ("whole", "fraction", "kind", "expected"),
    [
        ("5000000000", "7.0", "bigint", [(5000000000,), (7,), (None,)]),
        ("5000000000", "7.5", "double", [(5e9,), (7.5,), (None,)]),
    ],
)
def test_integers_with_missing_values_which_pandas_writes_as_double_are_unified(
    tmp_path: Path, whole: str, fraction: str, kind: str, expected: list[tuple[object]]
) -> None:
    select = f"SELECT unnest([{fraction}::DOUBLE, NULL]) AS n"
    found = table(written(tmp_path, a=f"SELECT {whole} AS n", b=select))
    assert types(found) == {"n": kind}
    assert rows(found) == expected


def test_integers_that_a_double_would_round_are_refused(tmp_path: Path) -> None:
    data = written(tmp_path, a="SELECT 9007199254740993 AS n", b="SELECT 0.5::DOUBLE AS n")
    with pytest.raises(DataError, match=r"b\.parquet: the column n has the type double, but bigint in a"):
        tables_of(data)


def test_keys_for_text_are_refused(tmp_path: Path) -> None:
    data = written(tmp_path, a="SELECT 1 AS n")
    (data / "s/t/_table.toml").write_text('types = "infer"\n')
    with pytest.raises(
        DataError, match=r"_table\.toml.*: types has no effect on files that end in .parquet; remove it"
    ):
        tables_of(data)


def test_files_that_differ_only_in_the_order_of_columns_stay(tmp_path: Path) -> None:
    found = table(written(tmp_path, a="SELECT 1 AS id, 2 AS x", b="SELECT 4 AS x, 3 AS id"))
    assert [file.original for file in found.files] == [None, None]


def test_types_without_a_common_type_are_refused(tmp_path: Path) -> None:
    data = written(tmp_path, a="SELECT 1 AS id", b="SELECT 'x' AS id")
    with pytest.raises(DataError, match=r"b\.parquet: the column id has the type string, but int in a"):
        tables_of(data)


def test_a_partition_key_within_the_file_is_left_out_if_the_values_agree(tmp_path: Path) -> None:
    data = written(tmp_path, month_eq_01__a="SELECT 7 AS id, 1 AS Month", month_eq_02__a="SELECT 8 AS id")
    found = table(data)
    assert types(found) == {"id": "int"}
    assert rows(found) == [(7,), (8,)]


def test_a_partition_key_that_differs_from_the_folder_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path, month_eq_01__a="SELECT 7 AS id, 2 AS month")
    with pytest.raises(
        DataError, match=r"a\.parquet: the column month differs from the folder month=01/ in 1"
    ):
        tables_of(data)


def test_codecs_without_a_reader_in_spark_or_athena_are_converted(tmp_path: Path) -> None:
    (tmp_path / "s/t").mkdir(parents=True)
    target = tmp_path / "s/t/a.parquet"
    duckdb.execute(f"COPY (SELECT range AS id FROM range(3)) TO '{target}' (FORMAT parquet, CODEC brotli)")
    found = table(tmp_path)
    assert found.files[0].original == target
    assert rows(found) == [(0,), (1,), (2,)]


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path, a="SELECT 1 AS id")
    (data / "s/t/copy.parquet").write_bytes((data / "s/t/a.parquet").read_bytes())
    with pytest.raises(DataError, match=r"copy\.parquet: has the same content as a\.parquet; remove one"):
        tables_of(data)


def test_partitions_may_have_the_same_file(tmp_path: Path) -> None:
    select = "SELECT 1 AS id"
    found = table(written(tmp_path, year_eq_2025__a=select, year_eq_2026__a=select))
    assert (found.rows, len(found.partitions)) == (2, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,name\n1,x\n", "is not a Parquet file"),
        (b"PAR1" + b"\0" * 40, "is not complete"),
        (b"PAR1" + b"\0" * 40 + b"PARE", "is encrypted; write it without encryption"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "s/t").mkdir(parents=True)
    (tmp_path / "s/t/a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.parquet: {message}"):
        tables_of(tmp_path)


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    data = written(tmp_path, a="SELECT range AS id, hash(range) AS h FROM range(5000)")
    file = data / "s/t/a.parquet"
    content = bytearray(file.read_bytes())
    content[2000:2100] = b"\xff" * 100
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet: is damaged; export it again"):
        tables_of(data)


def test_converted_files_have_the_same_bytes_each_time(tmp_path: Path) -> None:
    select = (
        "SELECT range AS id, TIMESTAMP_NS '2020-01-01' AS t, hash(range)::VARCHAR AS s FROM range(300000)"
    )
    data = written(tmp_path, a=select)
    digests = {hashlib.sha256(table(data).files[0].source.read_bytes()).hexdigest() for _ in range(2)}
    assert len(digests) == 1
