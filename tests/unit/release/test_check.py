"""`python -m glue_assets.release check`: tables, decisions and faults, without publishing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glue_assets import release as releases
from glue_assets import report
from glue_assets.tables import Table
from tests.support.releases import built_release


def put(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_check_shows_what_would_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "".join(f"{n},some text\n" for n in range(1_000))
    data = put(
        tmp_path,
        {
            "shop/Orders/a.csv": f"id,text\n{lines}",
            "shop/Orders/README.md": "About the orders.",
            "web/clicks/day=1/a.json": '{"n": 1}\n',
        },
    )
    assert releases.main(["check", str(data)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "table        format   rows     size  files  columns",
        "shop.orders  csv     1,000  13.9 kB      1        2",
        "web.clicks   json        1      9 B      1        2",
        "shop.orders:",
        "  the table Orders is called orders, because a name consists of a-z, 0-9 and _, begins with a "
        "letter and has at most 128 characters",
        "  ignored, because they are not data: README.md",
        "web.clicks:",
        "  types: n bigint",
    ]


def test_check_shows_the_types_of_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"n{number}" for number in range(14)]
    data = put(
        tmp_path,
        {
            "s/a/a.csv": "zip,price,day\n01067,1.50,2026-01-31\n",
            "s/a/_table.toml": "types = 'infer'\n",
            "s/b/b.json": json.dumps(dict.fromkeys(names, 1) | {"t": "x"}),
        },
    )
    assert releases.main(["check", str(data)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "  types: price decimal(18,2), day date; the other columns are strings" in out
    typed = ", ".join(f"{name} bigint" for name in names[:12])
    assert f"  types: {typed}, and 2 more; the other columns are strings" in out


def test_check_shows_the_valid_tables_and_all_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = put(tmp_path, {"s/a/a.csv": "id\n1\n", "s/b/b.csv": "id,x\n1,2\n1\n", "s/c/c.doc": "x"})
    assert releases.main(["check", str(data)]) == 1
    out = capsys.readouterr().out.replace(f"{tmp_path}/", "").splitlines()
    assert out[1].split() == ["s.a", "csv", "1", "5", "B", "1", "1"]
    assert "Nothing can be published until these faults are corrected:" in out
    faults = out[out.index("Nothing can be published until these faults are corrected:") + 1 :]
    assert [line.partition(": ")[0] for line in faults] == ["s/b/b.csv:3", "s/c/c.doc"]


def test_check_shows_limits_of_the_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = put(tmp_path, {"b_in_c/a/a.csv": "id\n", "c/a_in_b/a.csv": "id\n"})
    assert releases.main(["check", str(data)]) == 1
    assert "names must not differ only in their underscores" in capsys.readouterr().out


def test_check_prints_json_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = put(tmp_path, {"s/a/d=1/a.csv": "id\n1\n", "s/c/c.doc": "x"})
    assert releases.main(["check", str(data), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    [table] = found["tables"]
    assert table == {
        "database": "s",
        "table": "a",
        "format": "csv",
        "rows": 1,
        "bytes": 5,
        "files": 1,
        "original_files": 0,
        "columns": [{"name": "id", "type": "string", "comment": None}],
        "partition_keys": [{"name": "d", "type": "string", "comment": None}],
        "partitions": 1,
        "decisions": [],
    }
    [fault] = found["faults"]
    assert (fault["place"], fault["line"]) == (str(data / "s/c/c.doc"), None)
    assert fault["message"].startswith("is not a data file; ")


@pytest.mark.parametrize(
    ("size", "shown"), [(999, "999 B"), (1_000, "1.0 kB"), (6_643_651, "6.6 MB"), (5_400_000_000, "5.4 GB")]
)
def test_sizes_have_a_unit(size: int, shown: str) -> None:
    table = Table("s", "t", "csv", (), (), size=size)
    [_, line] = report.lines([table], [])
    assert shown in line


def test_build_prints_the_decisions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = put(tmp_path / "data", {"s/T/a.csv": "id\n"})
    assert releases.main(["build", "--data", str(data), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "s.t:"


def test_originals_keep_their_paths_beside_the_folder_of_the_table(tmp_path: Path) -> None:
    array = json.dumps([{"id": 1}, {"id": 2}], indent=1)
    data = put(tmp_path, {f"s/t/d={day}/a.json": array.replace("1", str(day)) for day in (3, 4)})
    release = built_release(data)
    keys = [file.key for file in release.files if file.target == "sor"]
    assert keys == [
        "s/t/d=3/a.json.jsonl",
        "s/t/d=4/a.json.jsonl",
        "s/_original/t/d=3/a.json",
        "s/_original/t/d=4/a.json",
    ]
    [table] = release.manifest["tables"]
    assert (table["files"], table["original_files"], table["rows"]) == (2, 2, 4)
    assert table["bytes"] == sum(f.size for f in release.files if f.key.endswith(".jsonl"))
    assert table["definition"]["Parameters"]["recordCount"] == "4"
