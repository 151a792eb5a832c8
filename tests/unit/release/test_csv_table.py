"""CSV tables: what stays CSV, what becomes Parquet, and which faults are refused with their lines."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from glue_assets.sources.csv.split import PART_BYTES, split
from glue_assets.sources.duck import threads_for
from glue_assets.sources.folder.layout import TableFolder
from tests.support.csv_sources import prepared, text_of

HEADER = "id,city,price\n"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (HEADER + "1,São Paulo,2.5\n2,,\n", [("1", "São Paulo", "2.5"), ("2", "", "")]),
        (HEADER + "1,a,2\n2,b,3", [("1", "a", "2"), ("2", "b", "3")]),  # no line feed at the end
        (HEADER + '"1","a, b","say ""hi"""\n"","",""\n', [("1", "a, b", 'say "hi"'), ("", "", "")]),
        (HEADER + '1,"  ""a""",2\n', [("1", '  "a"', "2")]),
        (HEADER + "1, a ,\tb\n", [("1", " a ", "\tb")]),
        (HEADER, []),
        (HEADER.strip(), []),
        ('id\n1\n""\n', [("1",), ("",)]),
        ("id,city,price\nNA,null,NaN\n", [("NA", "null", "NaN")]),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a [1]*?.csv", "it's.csv.gz"])
def test_records_that_are_lines_stay_csv(tmp_path: Path, text: str, rows: Any, name: str) -> None:
    content = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    found = prepared(tmp_path, {name: content})
    assert (found.table.format, found.rows, found.table.rows) == ("csv", rows, len(rows))
    assert found.table.parameters == {"multiLine": "false"}
    assert [file.original for file in found.table.files] == [None]
    assert found.table.files[0].source.read_bytes() == content
    assert set(found.types.values()) == {"string"}


@pytest.mark.parametrize(
    ("text", "rows", "reason"),
    [
        (HEADER + '1,"a\nb",2\n', [("1", "a\nb", "2")], "line breaks within quotes or blank lines"),
        (HEADER + "\n1,a,2\n\n\n2,b,3\n\n", [("1", "a", "2"), ("2", "b", "3")], "blank lines"),
        (HEADER + "1,C:\\new,2\n", [("1", "C:\\new", "2")], "backslashes"),
        (HEADER + '1,"a\\",2\n', [("1", "a\\", "2")], "backslashes"),
        (HEADER + '1,"a\rb",2\n', [("1", "a\rb", "2")], "carriage returns"),
        (HEADER + '1,5" pipe,2\n', [("1", '5" pipe', "2")], "quotes in fields that are not quoted"),
        (HEADER + '1,5"",2\n', [("1", '5""', "2")], "quotes in fields that are not quoted"),
        (HEADER + '1,"\t ""a""\n",2\n', [("1", '\t "a"\n', "2")], "line breaks within quotes"),
        # As DuckDB, pandas with skipinitialspace, and Athena read it, but not Spark
        (HEADER + '1, "a, b",2\n', [("1", "a, b", "2")], "quotes in fields that are not quoted"),
        ("id\n1\n  \n2\n", [("1",), ("  ",), ("2",)], "lines of spaces only"),
        ("id\n1\n\n2\n", [("1",), ("2",)], "blank lines"),
        # The commas at the ends of these lines are within a value.
        (HEADER + '1,"a,\nb,\n",\n', [("1", "a,\nb,\n", "")], "line breaks within quotes"),
    ],
)
def test_records_that_engines_read_differently_become_parquet(
    tmp_path: Path, text: str, rows: Any, reason: str
) -> None:
    found = prepared(tmp_path, {"a.csv": text})
    [file] = found.table.files
    assert (found.table.format, found.rows, found.table.rows) == ("parquet", rows, len(rows))
    assert (file.path, file.original) == ("a.csv.parquet", tmp_path / "s/t/a.csv")
    assert reason in found.table.decisions[-1]


def test_files_of_several_dialects_are_one_table(tmp_path: Path) -> None:
    found = prepared(
        tmp_path,
        {
            "a.csv": HEADER + '1,"a;b",2\n',
            "b.csv": 'id;city;price\n2;"c;d,e";3\n',
            "c.tsv": "3\tf\"g\t'4'\n",
            "d.csv": "price,id,city\n'5','6','it''s'\n",
            "_x/e.csv.gz": gzip.compress(b"id|city|price\n7|h|8\n"),
        },
        dialects={
            "b.csv": {"separator": ";"},
            "c.tsv": {
                "separator": "\t",
                "quote": "",
                "has_header": False,
                "names": ("id", "city", "price"),
            },
            "d.csv": {"quote": "'"},
            "_x/e.csv.gz": {"separator": "|"},
        },
    )
    assert found.rows == [
        ("1", "a;b", "2"),
        ("2", "c;d,e", "3"),
        ("3", 'f"g', "'4'"),
        ("6", "it's", "5"),
        ("7", "h", "8"),
    ]
    assert found.table.format == "parquet"
    assert [file.path for file in found.table.files][-1].endswith("/e.csv.gz.parquet")


def test_columns_in_another_order_are_published_in_that_of_the_first_file(tmp_path: Path) -> None:
    found = prepared(tmp_path, {"a.csv": "id,x\n1,2\n", "b.csv": "x,id\n3,4\n"})
    assert found.rows == [("1", "2"), ("4", "3")]
    assert found.table.decisions[-1].endswith("because its columns have another order")


def test_a_header_may_have_spaces_and_line_breaks(tmp_path: Path) -> None:
    names = {"names": ("a", "b")}
    dialects = {"a.csv": names, "b.tsv": {**names, "separator": "\t", "quote": ""}}
    files = {"a.csv": '"a\nx", b \n1, 2\n', "b.tsv": "a\t b\n3\t 4\n"}
    found = prepared(tmp_path, files, dialects=dialects)
    assert found.rows == [("1", " 2"), ("3", " 4")]


def test_texts_of_the_header_become_comments(tmp_path: Path) -> None:
    dialect = {"names": ("order_date", "id"), "originals": ("Order Date", None)}
    found = prepared(tmp_path, {"a.csv": "Order Date,id\n1,2\n"}, dialects={"a.csv": dialect})
    assert [(c.name, c.comment) for c in found.table.columns] == [("order_date", "Order Date"), ("id", None)]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (HEADER + "1,a,2\n1,a\n1,a,b,2\n", ["3: has 2 fields, but the header has 3", "4: has 4 fields"]),
        (HEADER + '1,"a\nb",2\n1\n', ["4: has 1 field, but the header has 3; add the missing fields"]),
        (HEADER + "1,a,2,\n3,b,4\n", ["2: has 4 fields, but the header has 3; delete the , at the end"]),
        (HEADER + "1,a,2\n3,b,4,", ["3: has 4 fields"]),
        (HEADER + '1,"a,\n",2,\n', ["2: has 4 fields"]),
        ("id\n1\n2,\n", ["3: has 2 fields"]),
        (HEADER + "1,a,\n2,b,,,\n", ["3: has 5 fields"]),
        (HEADER + '1,"a, b",\n2,b,,\n', ["3: has 4 fields"]),
        (HEADER + '1,"a,2\n3,b,4\n5,c,6\n', ['2: a quote (") is opened but never closed']),
        (HEADER + '1,"a" b,2\n3,"c"d",4\n', ["2: text follows a closing quote on this", "3: text follows"]),
        (HEADER + '1,"a,2\n3,"b",4\n', ["2: text follows a closing quote on line 3, perhaps because"]),
        (HEADER + "1,a,2\nid,city,price\n2,b,3\n", ["3: repeats the header; delete this line"]),
        (HEADER + '1,a,2\n"id","city",price\n', ["3: repeats the header"]),
        (HEADER + "1,a\0b,2\n", ["2: contains a NUL byte"]),
        (HEADER + "1,a,2\n   \n", ["3: has only spaces; delete this line"]),
        (HEADER + '1,  "a, b",2\n', ["2: has spaces between a separator and a quote; delete these spaces"]),
        (HEADER + '1,"a" ,2\n', ["2: text follows a closing quote on this line"]),
        (HEADER + '1,"" "",2\n', ["2: text follows a closing quote on this line"]),
        (
            HEADER + '1,"a" b,2\n',
            [
                '2: text follows a closing quote on this line; double each quote within a field (""), and '
                "leave nothing between a closing quote and the next separator, "
                'or write quote = "" in _table.toml'
            ],
        ),
        (
            HEADER + '1,"a \\"b\\"",2\n',
            [
                "2: text follows a closing quote on this line; quotes within a field seem to be written as "
                '\\", so write them as ""'
            ],
        ),
        (HEADER + '1,  "a",2\n3,b,\t"c"\n', ["2: has spaces between a", "3: has spaces between a"]),
    ],
)
def test_faults_are_named_with_their_lines(tmp_path: Path, text: str, faults: list[str]) -> None:
    found = prepared(tmp_path, {"a.csv": text}).faults
    assert len(found) == len(faults)
    for fault, begin in zip(found, faults, strict=True):
        assert fault.startswith(f"a.csv:{begin}")


def test_bytes_that_are_no_utf_8_are_found_in_any_row_and_column(tmp_path: Path) -> None:
    rows = b"".join(b"%d,a,2\n" % number for number in range(5000))
    found = prepared(tmp_path, {"a.csv": HEADER.encode() + rows + b"1,2,pre\xe7o\n"})
    [fault] = found.faults
    assert fault.startswith("a.csv:5002: contains bytes that are not UTF-8; save the file as UTF-8")


def test_a_report_counts_the_faults_that_it_does_not_show(tmp_path: Path) -> None:
    found = prepared(tmp_path, {"a.csv": HEADER + "1,2\n" * 25, "b.csv": HEADER + "1\n"}).faults
    assert len(found) == 12
    assert found[10] == "a.csv: and 15 more faults"
    assert found[11].startswith("b.csv:2: has 1 field,")


def test_other_columns_in_another_file_are_a_fault(tmp_path: Path) -> None:
    found = prepared(tmp_path, {"a.csv": "id,x\n1,2\n", "b.csv": "id,y\n1,2\n", "c.csv": "id\n1\n"}).faults
    assert [fault.partition(";")[0] for fault in found] == [
        "b.csv:1: the header differs from that of a.csv: it lacks x and has in addition y",
        "c.csv:1: the header differs from that of a.csv: it lacks x",
    ]


@pytest.mark.parametrize(
    ("name", "content", "dialect"),
    [
        ("orders (1).csv", HEADER + "1,a,\n2,b,3\n", {}),
        ("orders.csv.gz", gzip.compress(HEADER.encode() + b"1,a,\n2,b,3\n"), {}),
        ("export.csv", 'id;city;price\n2;"b";3\n"1";a;""\n', {"separator": ";"}),  # in another order, too
    ],
    ids=["copy", "compressed", "other dialect"],
)
def test_the_same_rows_twice_are_refused(tmp_path: Path, name: str, content: Any, dialect: Any) -> None:
    files = {"orders.csv": HEADER + "1,a,\n2,b,3\n", name: content}
    found = prepared(tmp_path, files, dialects={name: dialect})
    assert found.faults == [f"{name}: has the same 2 rows as orders.csv; remove one of them"]


def test_the_same_rows_in_two_partitions_and_files_without_rows_are_no_repetition(tmp_path: Path) -> None:
    row = HEADER + "1,a,2\n"
    found = prepared(tmp_path, {"d=1/a.csv": row, "d=2/a.csv": row, "d=1/b.csv": HEADER, "d=1/c.csv": HEADER})
    assert (found.table.rows, found.table.format) == (2, "csv")


def test_a_large_file_is_published_in_parts(tmp_path: Path) -> None:
    line = b"1," + b"x" * 90_000 + b",2\n"
    count = PART_BYTES // len(line) + 1
    found = prepared(tmp_path, {"a.csv.gz": gzip.compress(HEADER.encode() + line * count, 1)})
    assert [file.path for file in found.table.files] == ["a-00001.csv.gz", "a-00002.csv.gz"]
    assert [file.original for file in found.table.files] == [None, None]
    assert (found.table.format, found.table.rows) == ("csv", count)


@pytest.mark.parametrize("name", ["a.csv", "d=1.5/a.CSV.gz"])
@pytest.mark.parametrize("part_bytes", [1, 10, 17, 1000])
def test_parts_begin_with_the_header_and_end_with_a_line(tmp_path: Path, name: str, part_bytes: int) -> None:
    lines = ["1,a\n", '2,"b, ""c"""\n', "3,é\n", "4,\n", "5,d"]
    file = tmp_path / "t" / name
    file.parent.mkdir(parents=True)
    text = "id,x\n" + "".join(lines)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    folder = TableFolder("s", "t", tmp_path / "t", (file,))
    first, second = (list(split(folder, file, tmp_path / work, set(), part_bytes)) for work in "ab")
    parts = [text_of(part.source) for part in first]
    assert all(part.startswith("id,x\n") and part != "id,x\n" for part in parts)
    assert "".join(part.removeprefix("id,x\n") for part in parts) == "".join(lines)
    assert all(part.endswith("\n") for part in parts[:-1])
    assert [part.source.read_bytes() for part in first] == [part.source.read_bytes() for part in second]
    assert first[0].path in ("a-00001.csv", "d=1.5/a-00001.CSV.gz")


def test_a_part_does_not_take_the_name_of_another_file(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id\n1\n")
    folder = TableFolder("s", "t", tmp_path, (file,))
    [part] = split(folder, file, tmp_path / "work", {"a.csv", "a-00001.csv"})
    assert part.path == "a-part-00001.csv"


def test_parquet_files_have_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    text = "id,x\n" + "".join(f"{n},{n % 1000}\n" for n in range(200_000))
    runs = [prepared(tmp_path / name, {"a.csv": text}, {"null": ("none",)}) for name in "ab"]
    first, second = (run.table.files[0].source for run in runs)
    assert first.read_bytes() == second.read_bytes()
    # Of DuckDB 2.0.0 with one thread: with more, it cuts row groups differently.
    assert hashlib.sha256(first.read_bytes()).hexdigest()[:12] == "7e99b3160419"
    groups = duckdb.sql(f"SELECT max(row_group_id) FROM parquet_metadata('{first}')").fetchall()
    assert groups == [(1,)]  # Spark and Athena read two in parallel
    assert runs[0].rows == [(str(n), str(n % 1000)) for n in range(200_000)]


def test_memory_of_threads_is_bounded_on_machines_with_many_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert [threads_for(columns) for columns in (0, 5, 500, 800, 1_500, 4_000)] == [4, 4, 4, 2, 1, 1]
