"""`_table.toml`: every key is read, and every wrong value is a fault that says what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glue_assets.sources.folder.options import TableOptions, check_columns, check_use, read_table_options
from glue_assets.sources.problems import Problems

EVERYTHING = """
description = "One row per sale."
separator = ";"
quote = "'"
encoding = "windows-1252"
header = true
decimal = ","
null = ["NULL", "-"]

[columns]
total = "With taxes"

[rename]
"Valor Total (R$)" = "total"

[date_formats]
day = "%d/%m/%Y"

[types]
total = "decimal(12, 2)"
day = "date"
"""


def read(folder: Path, text: str | bytes) -> tuple[TableOptions, list[str]]:
    (folder / "_table.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = Problems()
    options = read_table_options(folder, problems)
    return options, [str(problem).removeprefix(f"{folder}/") for problem in problems.sorted()]


def test_every_key_is_read(tmp_path: Path) -> None:
    options, faults = read(tmp_path, EVERYTHING)
    assert faults == []
    assert options == TableOptions(
        file=tmp_path / "_table.toml",
        description="One row per sale.",
        comments={"total": "With taxes"},
        separator=";",
        quote="'",
        encoding="windows-1252",
        header=True,
        rename={"Valor Total (R$)": "total"},
        date_formats={"day": "%d/%m/%Y"},
        null=("NULL", "-"),
        decimal=",",
        types={"total": "decimal(12,2)", "day": "date"},
    )


def test_a_table_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    problems = Problems()
    assert read_table_options(tmp_path, problems) == TableOptions(tmp_path / "_table.toml")
    assert problems.found == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('separator = "\\t"', {"separator": "\t"}),
        ('separator = "¦"', {"separator": "¦"}),
        ('quote = ""', {"quote": ""}),
        ('null = ""', {"null": ("",)}),
        ('types = "infer"', {"types": "infer"}),
        ('header = false\nnames = ["id", "x"]', {"header": False, "names": ("id", "x")}),
        ('encoding = "utf-16"', {"encoding": "utf-16"}),
        ('encoding = "latin1"', {"encoding": "latin1"}),
        ('\ufeffdecimal = "."\r\n', {"decimal": "."}),  # as Notepad saves it
        ('[date_formats]\nd = "%d.%m.%y %H:%M"', {"date_formats": {"d": "%d.%m.%y %H:%M"}}),
    ],
)
def test_a_value_may_be_written_in_these_ways(tmp_path: Path, text: str, wanted: dict[str, object]) -> None:
    options, faults = read(tmp_path, text)
    assert faults == []
    assert {key: getattr(options, key) for key in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('seperator = ";"', "1: seperator is not a key of _table.toml; write separator"),
        ('delimiter = ";"', "1: delimiter is not a key .*; write separator"),
        ("grain = 1", "1: grain is not a key .*; the keys are columns, date_formats, decimal,"),
        ("separator = ';;'", "1: separator is ';;', but must be one character .*; write"),
        ("separator = 'a'", "1: separator is 'a'"),
        ("separator = 9", "1: separator is 9"),
        (r"separator = '\t'", r'1: .* for a tab write separator = "\\t"'),
        ("separator = ';'\nquote = ';'", "2: quote and separator are both ';'"),
        ("quote = 'quote'", '1: quote is .* or "" if the files quote nothing'),
        ("encoding = 'ansi'", "1: encoding 'ansi' is unknown; write \"windows-1252\""),
        ("encoding = 'windows-1253x'", 'write "windows-1252"'),
        ("encoding = 'rot13'", "'rot13' is unknown"),
        ("encoding = 8", "8 is unknown; write one of utf-8"),
        ("header = 'yes'", "1: header is 'yes', .* write header = true if"),
        ("names = 'id'", r'1: names must be a list; write names = \["id", "price"\]'),
        ("names = ['id']", "1: names are for files without a header; add header = false"),
        ("header = false\nnames = ['id', 'id']", "2: 'id' occurs twice in names"),
        ("header = false\nnames = ['Preço']", "2: 'Preço' in names cannot be a column"),
        ("rename = 'x'", r"1: rename must be a section; write \[rename\] on one line"),
        ("[rename]\n'A b' = 3", '2: rename must say a name; write "A b" = "name_of_the_column"'),
        ("[rename]\na = 'x'\nb = 'x'", "1: 'x' occurs twice in rename"),
        ("[rename]\na = 'X'", "1: 'X' in rename cannot be a column"),
        ("null = 0", r'1: null must be .*; write null = \["NULL", "-"\]'),
        ("decimal = 'comma'", "1: decimal is 'comma'; write decimal = \",\""),
        ("types = 'auto'", "1: types is 'auto'; write types = \"infer\""),
        ("[types]\nid = 'integer'", "2: types: 'integer' is not a type; write id = \"int\""),
        ("[types]\nid = 'bigit'", '2: .* write id = "bigint"'),
        ("[types]\nid = 'decimal(39,2)'", r"2: .* write decimal\(12,2\)"),
        ("[types]\nid = 'decimal(2,3)'", "2: .* p digits"),
        ("[types]\nid = 5", "2: types: 5 is not a type; write one of string,"),
        ("[date_formats]\nd = 'dd/MM/yyyy HH:mm'", '2: .* write d = "%d/%m/%Y %H:%M"'),
        ("[date_formats]\nd = 'dd/MM'", "2: .* it needs year, month and day"),
        ("[date_formats]\nd = '%d/%m'", "2: .* it needs year, month and day"),
        ("[date_formats]\nd = '%Q'", "2: .* it needs year, month and day"),
        ("[date_formats]\nd = 1", '2: .* write d = "%d/%m/%Y"'),
        ("description = 'a\\nb'\ncolumns = {id = ''}", '2: id must be a text; write id = "..." on one line'),
        ("description = 3", "1: description must be a text"),
        (
            "types = 'infer'\n[types]\nid = 'int'",
            "2: types occurs twice; write it once, either as a value or as",
        ),
        ("null = '-'\nheader = true\nnull = ''", "3: null occurs twice; write it once"),
        ("[types]\na = 'int'\n[types]\nb = 'int'", "3: types occurs twice; write it once"),
        ("header = yes", "1: is not valid TOML: .*column 10; values are written as in"),
        (b"description = 'pre\xe7o'", "_table.toml: is not UTF-8; save the file"),
    ],
)
def test_a_wrong_value_is_a_fault_with_what_to_write(tmp_path: Path, text: str | bytes, fault: str) -> None:
    _, [found] = read(tmp_path, text)
    assert re.search(fault, found), found


def test_all_faults_of_a_file_are_found_at_once(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "header = 'no'\nseparator = ''\ndecimal = 1\n[types]\nid = 'text'\n")
    assert [fault.partition(": ")[0] for fault in faults] == [
        *("_table.toml:1", "_table.toml:2", "_table.toml:3", "_table.toml:5")
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[columns]\ntotl = 'x'", "2: columns names the column 'totl', which does not exist; write total"),
        ("[columns]\n'Valor Total' = 'x'", "2: .* write total"),
        ("[columns]\nId = 'x'", "2: .* write id"),
        ("[columns]\nzzz = 'x'", "2: .* the columns are id, total"),
        ("[columns]\nid = 'x'\nheader = 'x'", r"3: .* move header above the first line in \[brackets\]"),
        ("[types]\nyear = 'int'", "2: types names the column 'year'"),
        ("[date_formats]\ntotel = '%Y-%m-%d'", "2: date_formats names the column 'totel', .* write total"),
        (
            "[rename]\n'Valor total ' = 'sum'",
            "2: rename names the column 'Valor total ', .* write 'Valor Total'",
        ),
        ("[rename]\nzzz = 'sum'", "2: .* the files have "),
    ],
)
def test_names_of_columns_that_do_not_exist_are_faults_with_the_nearest(
    tmp_path: Path, text: str, fault: str
) -> None:
    options, faults = read(tmp_path, text)
    assert faults == []
    problems = Problems()
    check_columns(options, {"id": None, "total": "Valor Total"}, ("year",), problems)
    [found] = map(str, problems.found)
    assert re.search(fault, found), found


@pytest.mark.parametrize(
    ("text", "ending", "keys"),
    [
        ('separator = ";"', ".csv.gz", []),
        ('separator = ";"', ".json.csv", []),
        ('separator = ";"\nquote = ""', ".parquet", ["separator", "quote"]),
        ('header = true\nencoding = "utf-8"', ".orc", ["header", "encoding"]),
        ("header = true\nseparator = ';'", ".xlsx", ["separator"]),
        ('encoding = "utf-16"\ntypes = "infer"', ".json.gz", ["encoding", "types"]),
        ('[rename]\na = "b"', ".avro", []),
    ],
)
def test_keys_without_effect_are_faults(tmp_path: Path, text: str, ending: str, keys: list[str]) -> None:
    options, _ = read(tmp_path, text)
    problems = Problems()
    check_use(options, ending, problems)
    wanted = {f"{key} has no effect on files that end in {ending}; remove it" for key in keys}
    assert {problem.message for problem in problems.found} == wanted


def test_partition_keys_can_have_comments(tmp_path: Path) -> None:
    options, _ = read(tmp_path, "[columns]\nyear = 'The year'\nid = 'The sale'")
    problems = Problems()
    check_columns(options, {"id": None}, ("year",), problems)
    assert problems.found == []


def test_brackets_without_end_are_a_fault(tmp_path: Path) -> None:
    _, [fault] = read(tmp_path, f"null = {'[' * 5_000}{']' * 5_000}\n")
    assert fault.startswith("_table.toml: has too many brackets within brackets; values are written as")
