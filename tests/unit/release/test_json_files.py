"""JSON files as people have them: arrays, records on several lines, other encodings; faults with lines."""

from __future__ import annotations

import gzip
import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from glue_assets.tables import DataError, Table
from tests.support.releases import tables_of


def put(root: Path, *contents: str | bytes, name: str = "{}.json") -> Path:
    folder = root / "s" / "t"
    folder.mkdir(parents=True)
    for letter, content in zip("abc", contents, strict=False):
        data = content.encode() if isinstance(content, str) else content
        (folder / name.format(letter)).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return root


def table(root: Path) -> Table:
    [found] = tables_of(root)
    return found


def types(found: Table) -> dict[str, str]:
    return {column.name: column.type for column in found.columns}


def lines(found: Table) -> list[str]:
    return [line for file in found.files for line in file.source.read_text(encoding="utf-8").splitlines()]


def rows(found: Table) -> list[tuple[Any, ...]]:
    assert found.format == "parquet"
    return duckdb.execute("FROM read_parquet($1)", [[str(file.source) for file in found.files]]).fetchall()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"a": 1.10, "b": "ç\\n,]"},\n{"a":2}]', ['{"a": 1.10, "b": "ç\\n,]"}', '{"a":2}']),
        ('[\n{"a": 1},\n{"a": 2}\n]\n', ['{"a": 1}', '{"a": 2}']),
        ('{\r\n "a": 1\r\n}\r\n{\r\n "a": 2\r\n}\r\n', ['{   "a": 1  }', '{   "a": 2  }']),
        ('{"a": 1}{"a": 2}', ['{"a": 1}', '{"a": 2}']),
        ('{"a": 1}\r{"a": 2}\r', ['{"a": 1}', '{"a": 2}']),
        ('\ufeff{"a": 1}\n{"a": 2}\n', ['{"a": 1}', '{"a": 2}']),
        ('\ufeff[{"a": "é"}]'.encode("utf-16-le"), ['{"a": "é"}']),
        ('{"a": "é"}\n'.encode("utf-16-be"), ['{"a": "é"}']),
    ],
)
def test_records_become_json_lines_without_any_other_change(
    tmp_path: Path, content: str | bytes, expected: list[str]
) -> None:
    found = table(put(tmp_path, content))
    assert found.format == "json"
    assert lines(found) == expected
    assert found.rows == len(expected)
    assert [file.original for file in found.files] == [tmp_path / "s/t/a.json"]
    assert found.decisions[0].startswith("a.json: ")


def test_a_compressed_array_and_lines_are_one_table(tmp_path: Path) -> None:
    data = put(tmp_path, '[{"a": 1}]', name="{}.JSON.gz")
    (data / "s/t/b.ndjson").write_text('{"a": 2}\n')
    found = table(data)
    assert lines(found) == ['{"a": 1}', '{"a": 2}']


@pytest.mark.parametrize(
    "content", ['{"Id": 1}\n{"Id": 2}\n', '{"Id": 1}\r\n{"Id": 2}', '\n{"Id": 1}\n\n{}\n']
)
def test_json_lines_stay_as_they_are(tmp_path: Path, content: str) -> None:
    found = table(put(tmp_path, content))
    assert (found.rows, types(found)) == (2, {"id": "bigint"})
    assert [(file.source, file.original) for file in found.files] == [(tmp_path / "s/t/a.json", None)]
    assert found.decisions == ()


def test_the_ending_of_a_compressed_file_is_one_that_hadoop_knows(tmp_path: Path) -> None:
    put(tmp_path, '{"id": 1}\n', name="{}.JSON.gz")
    (tmp_path / "s/t/a.JSON.gz").rename(tmp_path / "s/t/a.JSON.GZ")
    found = table(tmp_path)
    assert [file.path for file in found.files] == ["a.JSON.gz"]


def test_an_empty_array_has_no_rows(tmp_path: Path) -> None:
    found = table(put(tmp_path, "[]", '{"id": 1}\n'))
    assert (found.rows, types(found)) == (1, {"id": "bigint"})


def test_keys_that_records_spell_differently_are_written_in_lower_case(tmp_path: Path) -> None:
    found = table(put(tmp_path, '{"A": 1, "o": {"Xy": "A\\"B\\": "}}\n{"a": 2, "o": {"xY": "Q"}}\n'))
    assert lines(found) == ['{"a": 1, "o": {"xy": "A\\"B\\": "}}', '{"a": 2, "o": {"xy": "Q"}}']
    assert types(found) == {"a": "bigint", "o": "struct<xy:string>"}


def test_fields_get_legal_names_at_any_depth(tmp_path: Path) -> None:
    found = table(put(tmp_path, '{"order id": 1, "x": [{"Preço R$": "1"}], "d": "2020-01-01"}\n'))
    assert types(found) == {"order_id": "bigint", "x": "array<struct<preco_r:string>>", "d": "string"}
    assert found.columns[0].comment == "order id"
    assert rows(found) == [(1, [{"preco_r": "1"}], "2020-01-01")]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", '"x"', "null", "[1]", '{"b": "y"}'], "string", ["1", "x", None, "[1]", '{"b":"y"}']),
        (["true", "1"], "string", ["true", "1"]),
        (['[1, "x"]', "[]"], "array<string>", [["1", "x"], []]),
        (['{"b": 1}', '{"b": "x"}'], "struct<b:string>", [{"b": "1"}, {"b": "x"}]),
        (["{}", "{}"], "string", ["{}", "{}"]),
        (["18446744073709551615", "-1"], "decimal(38,0)", [Decimal(2**64 - 1), Decimal(-1)]),
    ],
)
def test_values_that_engines_write_differently_are_converted(
    tmp_path: Path, values: list[str], kind: str, expected: list[object]
) -> None:
    found = table(put(tmp_path, "".join(f'{{"v": {value}}}\n' for value in values)))
    assert types(found) == {"v": kind}
    assert [value for (value,) in rows(found)] == expected


def test_late_values_count(tmp_path: Path) -> None:
    first, last = '{"a": 1, "z": 1}\n' * 50_000, '{"a": 1.5, "o": {"b": [true]}, "c": null}\n'
    found = table(put(tmp_path, first + last))
    assert types(found) == {"a": "double", "z": "bigint", "c": "string", "o": "struct<b:array<boolean>>"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n{"a": 1, "a": 2}\n', r":2: the key 'a' occurs twice"),
        ('{"o": {"x": [{"k": 1}]}}\n{"o": {"x": [{"k": 1, "k": 2}]}}\n', r":2: the key 'k' occurs twice"),
        ('[\n{"a": 1},\n{"a": 1,\n"A": 2}\n]', r":3: the key 'A' occurs twice"),
        ('{"a": 1}\n{"a": "x"}\n{"a": {"z": 1, "z": 2}}\n', r":3: the key 'z' occurs twice"),
        ('{"a": 1}\n' * 40_000 + '{"a": 1, "a": 2}\n', r":40001: the key 'a' occurs twice"),
        (b'{"a": "x"}\n' * 40_000 + b'{"a": "\xe7"}\n', r":40001: has a byte that is not UTF-8"),
        (b'[{"a": "x"},\n{"a": "\xe7"}]', r":2: has a byte that is not UTF-8"),
        (
            '{"a": 1}\n{"a": 1,}\n',
            r":2: is not valid JSON: .*column 9; write names .*, and no comma before }",
        ),
        ('[{"a": 1},\n{"a": 2},\n]', r":2: has a comma before the closing \]; remove it"),
        ('[{"a": 1}\n{"a": 2}]', r":2: a comma between two objects is missing"),
        ('[{"a": 1},\n{"a": 2}\n', r":3: the closing \] is missing"),
        ('{"a": 1},\n{"a": 2}', r":1: has a comma between objects; put \["),
        ('[{"a": 1}]\n[{"a": 2}]', r":2: has more after the closing \]"),
        ('{"a": 1}\n{"a": "x\ny"}\n', r":2: is not valid JSON: Invalid control character.*write line breaks"),
        ('{"a": 1}\n{"a": ', r":2: is not valid JSON"),
        ('{"a": 1}\n2\n', r":2: is not an object; each row"),
        ('{"a": 1}\nnull\n', r":2: is not an object; each row"),
        ("[[1, 2]]", r":1: is not an object; each row"),
        ('{"a": 1}\n{"a": NaN}\n', r":2: has NaN, which is not JSON; write null"),
        ('{"a": 1}\n{"a": [-Infinity]}\n', r":2: has -Infinity, which is not JSON"),
        (
            '{"a": 1}\n{"a": 123456789012345678901}\n',
            r":2: the integer 123456789012345678901 has more than 64 bits",
        ),
        ('{"a": 1}\n{"a": 1e400}\n', r":2: the number 1e400 is too large"),
        ('{"a": "\\ud800"}\n', r":1: has half of a character"),
        ('{"a":' * 200 + "1" + "}" * 200, r"s/t: is nested too deeply"),
        ('{"a": "' + "x" * 34_000_000 + '"}\n', r":1: has a row of more than 32 MB"),
        (
            '{"n": 2, "data": [{"a": 1}, {"a": 2}]}',
            r"rows in 'data'; write only that list.*jq -c '\.data\[\]'",
        ),
        (
            '{"type": "FeatureCollection", "features": [{"type": "Feature"}]}',
            r"around the rows in 'features'",
        ),
        (
            '{"id": {"0": 1, "1": 2}, "name": {"0": "a", "1": null}}',
            r"has one object for each column, .* df\.to_json\(\.\.\., orient='records', lines=True\)",
        ),
        ("id,name\n1,x\n", r":1: is not valid JSON"),
    ],
)
def test_faults_have_lines_and_say_what_to_do(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"s/t(/a\.json)?{message}|a\.json: .*{message}|{message}"):
        tables_of(put(tmp_path, content))


def test_an_order_with_items_is_a_row(tmp_path: Path) -> None:
    found = table(put(tmp_path, '{"id": 1, "items": [{"sku": "a"}, {"sku": "b"}]}\n'))
    assert types(found) == {"id": "bigint", "items": "array<struct<sku:string>>"}


def test_converted_files_have_the_same_bytes_each_time(tmp_path: Path) -> None:
    # Two orders of fields, so that the columns would depend on the threads.
    content = "".join(f'{{"a b": {n}, "v": "{n}"}}\n{{"w": {n}, "v": {n}}}\n' for n in range(60_000))
    data = put(tmp_path, content)
    found = [table(data) for _ in range(2)]
    digests = {hashlib.sha256(one.files[0].source.read_bytes()).hexdigest() for one in found}
    assert len(digests) == 1
    assert [column.name for column in found[0].columns] == ["a_b", "v", "w"]
