"""Values of CSV tables: null, types, decimal commas and date formats."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.csv_sources import prepared


def lines(*values: str) -> str:
    return "".join(f"{line}\n" for line in ("n,x", *(f'{n},"{value}"' for n, value in enumerate(values))))


DIGITS = "1234567890123456789012345678.1234567890"
INFERRED = [
    (["true", "False", ""], "boolean", [True, False, None]),
    (["0", "-12", "", "999999999999999999"], "bigint", [0, -12, None, 999999999999999999]),
    (["1", "2.50", "-0.125"], "decimal(18,3)", [Decimal("1.000"), Decimal("2.500"), Decimal("-0.125")]),
    ([DIGITS], "decimal(38,10)", [Decimal(DIGITS)]),
    (["2024-02-29", ""], "date", [date(2024, 2, 29), None]),
    (
        ["2018-10-16 21:25:23", "2018-10-16T21:25", "1900-01-01 00:00:00.125000"],
        "timestamp",
        [
            datetime(2018, 10, 16, 21, 25, 23),
            datetime(2018, 10, 16, 21, 25),
            datetime.fromisoformat("1900-01-01 00:00:00.125"),
        ],
    ),
]
STRINGS = [
    ["01037", "99999"],
    ["+1", "2"],
    ["1e3", "2"],
    ["NaN", "1.5"],
    ["1,234", "5"],
    ["1234567890123456789", "1"],
    ["12345678901234567890123456789.1234567890", "1"],
    [" 1", "2"],
    ["yes", "no"],
    ["1", "true"],
    ["2024-02-30"],
    ["1582-10-14"],
    ["1899-12-31 23:59:59"],
    ["2018-10-16 21:25:23.123456"],
    ["2018-10-16T21:25:23Z"],
    ["2018-10-16", "2018-10-16 21:25:23"],
    [".5", "1.5"],
    ["-0", "1"],
    ["5.", "1"],
]


@pytest.mark.parametrize(("values", "kind", "expected"), INFERRED)
def test_types_are_inferred_from_all_values(
    tmp_path: Path, values: list[str], kind: str, expected: list[Any]
) -> None:
    found = prepared(tmp_path, {"a.csv": lines(*values)}, {"types": "infer"})
    assert found.types["x"] == kind
    assert [row[1] for row in found.rows] == expected


@pytest.mark.parametrize("values", STRINGS)
def test_what_has_no_form_of_a_type_stays_a_string(tmp_path: Path, values: list[str]) -> None:
    found = prepared(tmp_path, {"a.csv": lines(*values)}, {"types": "infer"})
    assert found.types["x"] == "string"
    assert [row[1] for row in found.rows] == values


def test_a_value_after_many_and_in_another_file_counts_for_the_type(tmp_path: Path) -> None:
    files = {"a.csv": lines(*["1"] * 30_000), "b.csv": lines("007")}
    found = prepared(tmp_path, files, {"types": "infer"})
    assert found.types == {"n": "bigint", "x": "string"}
    assert found.rows[-1] == (0, "007")


def test_empty_columns_and_null_texts_are_null_in_inferred_tables(tmp_path: Path) -> None:
    files = {"a.csv": 'a,b,c\n,NA,x\n"",1,\n'}
    found = prepared(tmp_path, files, {"types": "infer", "null": ("NA",)})
    assert found.types == {"a": "string", "b": "bigint", "c": "string"}
    assert found.rows == [(None, None, "x"), (None, 1, None)]


def test_null_texts_are_null_and_empty_fields_are_not(tmp_path: Path) -> None:
    found = prepared(tmp_path, {"a.csv": 'a,b\nNULL,\n"-",x\n'}, {"null": ("NULL", "-")})
    assert (found.table.format, found.rows) == ("parquet", [(None, ""), (None, "x")])
    assert prepared(tmp_path / "2", {"a.csv": "a,b\n,x\n"}, {"null": ("",)}).rows == [(None, "x")]


TYPES = {
    "a": "int",
    "b": "decimal(5,2)",
    "c": "boolean",
    "d": "date",
    "e": "timestamp",
    "f": "double",
    "g": "string",
}


def test_types_that_were_asked_for(tmp_path: Path) -> None:
    text = """a,b,c,d,e,f,g,h
5.0,+1.500,yes,2024-01-31,2024-01-31,-1.5e3,,
 7 ,.5,F,,2024-01-31T10:11:12.123456,nan,01,x
"""
    found = prepared(tmp_path, {"a.csv": text}, {"types": TYPES})
    assert found.types == {**TYPES, "h": "string"}
    first, second = found.rows
    assert first == (5, Decimal("1.50"), True, date(2024, 1, 31), datetime(2024, 1, 31), -1500.0, "", "")
    assert second[:5] == (7, Decimal("0.50"), False, None, datetime(2024, 1, 31, 10, 11, 12, 123456))
    assert second[5] != second[5] and second[6:] == ("01", "x")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", "1.5"),
        ("int", "3000000000"),
        ("tinyint", "128"),
        ("bigint", "1e3"),
        ("decimal(5,2)", "1.234"),
        ("decimal(5,2)", "1234.5"),
        ("decimal(5,2)", "12,50"),
        ("boolean", "2"),
        ("double", "n/a"),
        ("date", "31/12/2024"),
        ("date", "2024-02-30"),
        ("date", "1500-01-01"),
        ("timestamp", "2018-10-16T21:25:23Z"),
        ("timestamp", "0001-01-01 00:00:00"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_a_fault_with_its_line(
    tmp_path: Path, kind: str, value: str
) -> None:
    text = f'id,x\n"1\n2",\n2,"{value}"\n3,\n4,"{value}"\n'
    found = prepared(tmp_path, {"a.csv": text}, {"types": {"x": kind}}).faults
    assert [fault.partition(";")[0] for fault in found] == [
        f"a.csv:4: x is {value!r}, which is not a value of the type {kind}",
        f"a.csv:6: x is {value!r}, which is not a value of the type {kind}",
    ]


SEMICOLON = {"a.csv": {"separator": ";"}}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1.234,56", "-7,5", "12", ""], ["1234.56", "-7.5", "12", ""]),
        (["1.234.567,8", "1.000"], ["1234567.8", "1000"]),
        (["0,125", "1"], ["0.125", "1"]),
        (["1,234", "5,678"], None),  # thousands separators, perhaps
        (["1.234", "5"], None),
        (["1,5", "x"], None),
        (["1,5", "2.5"], None),
        (["1,5,6", "2"], None),
        (["1,2 kg"], None),
    ],
)
def test_decimal_commas_are_recognised_if_the_whole_column_has_them(
    tmp_path: Path, values: list[str], expected: list[str] | None
) -> None:
    text = "n;x\n" + "".join(f"{n};{value}\n" for n, value in enumerate(values))
    found = prepared(tmp_path, {"a.csv": text}, dialects=SEMICOLON)
    assert [row[1] for row in found.rows] == (expected or values)
    told = any("in x, decimal commas became points" in text for text in found.table.decisions)
    assert told == (expected is not None)


def test_decimal_commas_need_a_separator_that_is_no_comma_or_an_option(tmp_path: Path) -> None:
    text = lines("1,5", "2,25")
    assert prepared(tmp_path / "1", {"a.csv": text}).table.format == "csv"
    found = prepared(tmp_path / "2", {"a.csv": text}, {"decimal": ","})
    assert [row[1] for row in found.rows] == ["1.5", "2.25"]
    found = prepared(tmp_path / "3", {"a.csv": lines("1,234", "2,000.5")}, {"decimal": "."})
    assert [row[1] for row in found.rows] == ["1234", "2000.5"]
    found = prepared(tmp_path / "4", {"a.csv": lines("1,234")}, {"decimal": ","})
    assert [row[1] for row in found.rows] == ["1.234"]


def test_decimal_commas_are_inferred_and_cast(tmp_path: Path) -> None:
    text = "n;x;y\n1;1.234,5;0,5\n2;7;\n"
    found = prepared(tmp_path / "1", {"a.csv": text}, {"types": "infer"}, SEMICOLON)
    assert found.types == {"n": "bigint", "x": "decimal(18,1)", "y": "decimal(18,1)"}
    assert found.rows == [(1, Decimal("1234.5"), Decimal("0.5")), (2, Decimal("7.0"), None)]
    found = prepared(tmp_path / "2", {"a.csv": text}, {"types": {"x": "double"}}, SEMICOLON)
    assert found.rows == [("1", 1234.5, "0.5"), ("2", 7.0, "")]
    found = prepared(tmp_path / "4", {"a.csv": "n;x;y\n1;007,5;+1,5\n"}, {"types": "infer"}, SEMICOLON)
    assert found.types == {"n": "bigint", "x": "string", "y": "string"}
    faulty = prepared(tmp_path / "3", {"a.csv": text + "3;abc;\n"}, {"types": {"x": "double"}}, SEMICOLON)
    assert [fault[:26] for fault in faulty.faults] == ["a.csv:4: x is 'abc', which"]


def test_date_formats_become_one_form_or_the_type_that_was_asked_for(tmp_path: Path) -> None:
    text = "d,t\n31/12/2024,31/12/2024 23:59\n,NA\n"
    formats = {"d": "%d/%m/%Y", "t": "%d/%m/%Y %H:%M"}
    files, options = {"a.csv": text}, {"date_formats": formats, "null": ("NA",)}
    found = prepared(tmp_path / "1", files, options)
    assert found.rows == [("2024-12-31", "2024-12-31 23:59:00"), ("", None)]
    assert set(found.types.values()) == {"string"}
    found = prepared(tmp_path / "2", files, {**options, "types": "infer"})
    assert found.types == {"d": "date", "t": "timestamp"}
    assert found.rows == [(date(2024, 12, 31), datetime(2024, 12, 31, 23, 59)), (None, None)]
    found = prepared(tmp_path / "3", files, {**options, "types": {"d": "timestamp"}})
    assert found.types == {"d": "timestamp", "t": "string"}
    assert found.rows[0] == (datetime(2024, 12, 31), "2024-12-31 23:59:00")


def test_times_with_a_zone_become_utc(tmp_path: Path) -> None:
    options = {"date_formats": {"x": "%Y-%m-%dT%H:%M:%S%z"}}
    found = prepared(tmp_path, {"a.csv": lines("2018-01-01T01:00:00+03:00")}, options)
    assert found.rows == [("0", "2017-12-31 22:00:00")]


@pytest.mark.parametrize("value", ["31/02/2024", "12/31/2024", "31/12/24", "31/12/2024 x", "soon"])
def test_a_date_that_does_not_fit_its_format_is_a_fault(tmp_path: Path, value: str) -> None:
    options = {"date_formats": {"x": "%d/%m/%Y"}}
    [fault] = prepared(tmp_path, {"a.csv": lines("", "01/02/2024", value)}, options).faults
    assert fault.startswith(f"a.csv:4: x is {value!r}, which does not fit the date format %d/%m/%Y")
