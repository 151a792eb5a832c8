"""Data folders as people have them: what is ignored, renamed, and refused with what to do."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from glue_assets.sources.problems import Problem, Problems, read_failure
from glue_assets.tables import DataError
from tests.support.releases import built_release, tables_of

CSV = b"id\n1\n"


def put(root: Path, *names: str | bytes) -> Path:
    for name in names:
        path = os.path.join(os.fsencode(root), name if isinstance(name, bytes) else name.encode())
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(CSV)
    return root


def faults(data: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        tables_of(data)
    return [line.removeprefix(f"{data}/") for line in str(caught.value).splitlines()]


def published(data: Path) -> list[str]:
    return [file.key for file in built_release(data).files if file.target == "sor"]


@pytest.mark.parametrize(
    "name",
    [
        *("Thumbs.db", "desktop.ini", "Icon\r", "~$orders.csv", "orders.csv~", "part-0.csv.crc", "README.md"),
        *("readme.txt", "LICENSE", ".DS_Store", "._a.csv", "__MACOSX/a.csv", "_SUCCESS", "@eaDir/a.csv"),
    ],
)
def test_what_tools_leave_behind_is_ignored(tmp_path: Path, name: str) -> None:
    data = put(tmp_path, "s/t/a.csv", f"s/t/{name}", f"s/{name}", name)
    assert published(data) == ["s/t/a.csv"]
    [table] = tables_of(data)
    [decision] = table.decisions
    assert decision.startswith("ignored, because they are not data: ")


@pytest.mark.parametrize("name", ["A.CSV", "a.Csv", "2026.csv", "a b (1).csv", "ã.csv", "訂單.csv", "a%.csv"])
def test_files_may_have_these_names(tmp_path: Path, name: str) -> None:
    assert published(put(tmp_path, f"s/t/{name}")) == [f"s/t/{name}"]


def test_decisions_of_a_table_are_bounded(tmp_path: Path) -> None:
    put(tmp_path, *(f"s/t/a{n}?.csv" for n in range(30)))
    for n, file in enumerate((tmp_path / "s/t").iterdir()):
        file.write_text(f"id\n{n}\n")
    [table] = tables_of(tmp_path)
    assert (len(table.decisions), table.decisions[-1]) == (21, "and 10 more")


def test_two_files_may_differ_in_case_only(tmp_path: Path) -> None:
    data = put(tmp_path, "s/t/A.csv", "s/t/a.csv")
    (data / "s/t/a.csv").write_text("id\n2\n")
    assert published(data) == ["s/t/A.csv", "s/t/a.csv"]


def test_characters_that_readers_of_s3_take_for_patterns_are_replaced(tmp_path: Path) -> None:
    data = put(tmp_path, "s/t/d=1:2/a[1]: b?.csv")
    assert published(data) == ["s/t/d=1%3A2/a_1__ b_.csv"]
    [table] = tables_of(data)
    assert [(p.values, p.path) for p in table.partitions] == [(("1:2",), "d=1%3A2/")]
    [decision] = table.decisions
    assert decision.startswith("a[1]: b?.csv is published as d=1%3A2/a_1__ b_.csv, as readers of S3 ")


def test_folders_get_legal_names_by_the_rule_of_columns(tmp_path: Path) -> None:
    [table] = tables_of(put(tmp_path, "Vendas 2026/Pedidos São Paulo/a.csv"))
    assert (table.database, table.name) == ("vendas_2026", "pedidos_sao_paulo")
    assert table.decisions[0].startswith("the database Vendas 2026 is called vendas_2026, because a name ")
    assert table.decisions[1].startswith("the table Pedidos São Paulo is called pedidos_sao_paulo, ")
    assert published(tmp_path) == ["vendas_2026/pedidos_sao_paulo/a.csv"]


def test_names_of_partition_keys_become_legal(tmp_path: Path) -> None:
    [table] = tables_of(
        put(tmp_path, "s/t/Ano=2026/UF do Município=S%C3%A3o/a.csv", "s/t/Ano=2027/uf_do_municipio=RJ/a.csv")
    )
    assert [key.name for key in table.partition_keys] == ["ano", "uf_do_municipio"]
    assert [p.values for p in table.partitions] == [("2026", "São"), ("2027", "RJ")]
    first, second = table.decisions
    assert first.startswith("the partition key Ano is called ano, because a name consists of ")
    assert second.startswith("the partition key UF do Município is called uf_do_municipio, because ")
    assert published(tmp_path) == [
        "s/t/ano=2026/uf_do_municipio=S%C3%A3o/a.csv",
        "s/t/ano=2027/uf_do_municipio=RJ/a.csv",
    ]


def test_an_unknown_partition_value_stays(tmp_path: Path) -> None:
    [table] = tables_of(put(tmp_path, "s/t/d=__HIVE_DEFAULT_PARTITION__/a.csv", "s/t/d=1/a.csv"))
    assert [p.values for p in table.partitions] == [("1",), ("__HIVE_DEFAULT_PARTITION__",)]


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (
            ["orders.csv"],
            "orders.csv: is outside .*; move it to <database>/orders/orders.csv",
        ),
        (["s/Orders 1.csv"], "s/Orders 1.csv: .* move it to s/orders_1/Orders 1.csv"),
        (
            ["s/t/a.csv", "s/t/b.docx"],
            "s/t/b.docx: is not .*; save it in a format that ends in .csv",
        ),
        (["s/t/a.csv", "s/t/b.zip"], "s/t/b.zip: .* unpack it, and remove the archive"),
        (["s/t/a.csv", "s/t/b.csv.part"], "s/t/b.csv.part: .* not complete; repeat it"),
        (["s/t/a.csv", "s/t/b.txt"], "s/t/b.txt: .* rename it to .csv"),
        (["s/t/a.csv", "s/t/table.toml"], "s/t/table.toml: .* rename it to _table.toml"),
        (["s/t/a.csv", "s/t/_tables.toml"], "s/t/_tables.toml: is not read; rename or move it"),
        (["s/t/a.csv", "s/_table.toml"], "s/_table.toml: is not read"),
        (["s/t/a.csv", "_database.toml"], "_database.toml: is not read"),
        (["s/t/d=1/a.csv", "s/t/d=1/_table.toml"], "s/t/d=1/_table.toml: is not read"),
        (["s/t/old/a.csv"], "s/t/old: is not a partition; .* move its files one folder up, or rename it"),
        (["s/t/2025/01/a.csv"], "s/t/2025: is not a partition; .* for example to year=2025"),
        (["s/t/年=1/a.csv"], "'年' cannot be a partition key: .* rename the folder, for example to part=1"),
        (["s/t/Year=1/a.csv", "s/t/year=1/a.csv"], "s/t/year=1: occurs twice; move the files into one"),
        (["s/訂單/a.csv"], "s/訂單: cannot be a database or a table: .* rename it, for example to orders"),
        (["sot/t/a.csv"], "sot: the database name sot is reserved for the job; rename the folder"),
        (["s/t/a.csv", "S/t/a.csv"], "s: differs from S only in underscores, accents or case; rename one"),
        (["s/t_1/a.csv", "s/t1/a.csv"], "s/t_1: differs from t1 only in .*; rename one of the tables of s"),
        (["s/t/a?.csv", "s/t/a*.csv"], r"s/t/a\?.csv: would be published as a_.csv, as a\*.csv; rename one"),
        ([b"s/t/pre\xe7o.csv"], r"s/t/pre\\udce7o.csv: has a name that is not UTF-8; .* to pre_o.csv"),
        ([f"s/t/{'a' * 237}.csv"], r"\.csv: has a name of more than 240 bytes; shorten it"),
        (["s/t/a\n.csv"], r"s/t/a\\n.csv: has a name with control characters; rename it"),
        (
            [f"s/t/{'a' * 200}=1/{'b' * 200}=1/{'c' * 200}=1/{'d' * 250}=1/{'e' * 99}.csv"],
            "room for 922",
        ),
    ],
)
def test_what_cannot_be_published_is_refused_with_what_to_do(
    tmp_path: Path, names: list[str | bytes], fault: str
) -> None:
    found = faults(put(tmp_path, *names))
    assert any(re.search(fault, line) for line in found), found


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("dangling", "s/t/b.csv: is a link to nothing, or was removed meanwhile; put the file itself there"),
        ("loop", "s/t/b.csv: cannot be read: Too many levels of symbolic links"),
        ("pipe", "s/t/b.csv: is not a file, but a device, pipe or socket; remove it"),
        ("parent", "s/t/b.csv: is a link to a folder that contains the link; remove the link"),
    ],
)
def test_what_cannot_be_read_is_a_fault(tmp_path: Path, kind: str, fault: str) -> None:
    path = put(tmp_path, "s/t/a.csv") / "s/t/b.csv"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to({"dangling": "nowhere", "loop": "b.csv", "parent": tmp_path / "s"}[kind])
    assert faults(tmp_path)[0].startswith(fault)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
@pytest.mark.parametrize("name", ["s", "s/t", "s/t/a.csv", "s/t/_table.toml"])
def test_missing_permissions_are_a_fault(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, "s/t/a.csv", "s/t/_table.toml") / name
    path.chmod(0)
    try:
        assert f"{name}: cannot be read: permission denied; change its permissions" in faults(tmp_path)[0]
    finally:
        path.chmod(0o700)


def test_a_denied_file_says_what_to_do() -> None:
    assert "chmod" in read_failure(PermissionError(13, "Permission denied"))


def test_a_file_or_folder_may_be_a_link(tmp_path: Path) -> None:
    other = put(tmp_path / "other", "x/a.csv")
    (tmp_path / "data/s").mkdir(parents=True)
    (tmp_path / "data/s/t").symlink_to(other / "x")
    assert published(tmp_path / "data") == ["s/t/a.csv"]


def test_all_faults_of_a_folder_are_found_at_once(tmp_path: Path) -> None:
    put(tmp_path, "s/t/a.docx", "s/u/old/a.csv", "s/v/a.csv", "b.csv")
    (tmp_path / "s/v/a.csv").write_text("id,x\n1,2\n1\n")
    (tmp_path / "s/v/_table.toml").write_text("types = 1\n")
    assert [line.partition(": ")[0] for line in faults(tmp_path)] == [
        *("b.csv", "s/t/a.docx", "s/u/old", "s/v/_table.toml:1", "s/v/a.csv:3")
    ]


def test_faults_are_sorted_and_bounded_for_each_file() -> None:
    problems = Problems()
    for line in range(1_200, 0, -1):
        problems.add(Path("b.csv"), "has 3 fields", line)
    problems.add(Path("a.csv"), "the file is empty", 1)
    problems.add(Path("a.csv"), "the file is empty", 1)
    shown = problems.sorted()
    assert shown[:3] == [
        Problem(Path("a.csv"), "the file is empty", 1),
        Problem(Path("b.csv"), "has 3 fields", 1),
        Problem(Path("b.csv"), "has 3 fields", 2),
    ]
    assert (len(shown), str(shown[-1])) == (12, "b.csv: and 1,190 more faults")


def test_faults_are_bounded_in_all() -> None:
    problems = Problems()
    for number in range(1_000):
        problems.add(Path(f"data/s/t/{number}.csv"), "the file is empty", 1)
    shown = problems.sorted()
    assert (len(shown), str(shown[-1])) == (201, "data/s/t: and 800 more faults of other files")
