"""Releases: data folders become tables, and tables with scripts become a reproducible release."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import duckdb
import pytest

from glue_assets import release as releases
from glue_assets.release import build
from glue_assets.tables import Column, DataError
from glue_assets.template_builder import parse
from tests.support.paths import ROOT
from tests.support.releases import built_release, tables_of


def put(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def columns(data: Path) -> dict[str, str]:
    [table] = tables_of(data)
    return {column.name: column.type for column in table.columns}


def test_a_csv_table_has_the_columns_of_its_header_all_of_them_strings(tmp_path: Path) -> None:
    data = put(tmp_path, {"shop/orders/a.csv": '"order_id",price\n1,2.5\n'})
    [table] = tables_of(data)
    assert (table.database, table.name, table.format) == ("shop", "orders", "csv")
    assert table.columns == (Column("order_id", "string"), Column("price", "string"))


def test_compressed_and_plain_csv_files_with_one_header_are_one_table(tmp_path: Path) -> None:
    data = put(tmp_path, {"s/t/b.csv.gz": gzip.compress(b"id,x\n1,2\n"), "s/t/a.csv": "id,x\n"})
    [table] = tables_of(data)
    assert [file.source.name for file in table.files] == ["a.csv", "b.csv.gz"]
    assert [column.name for column in table.columns] == ["id", "x"]


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_folder_with_brackets_is_no_pattern_of_other_folders(tmp_path: Path, ending: str) -> None:
    for name, count in (("data[1]", 1), ("data1", 2)):
        path = put(tmp_path / name, {f"s/t/a.{ending}": ""}) / f"s/t/a.{ending}"
        duckdb.execute(f"COPY (SELECT range AS id{count} FROM range({count})) TO '{path}' (FORMAT {ending})")
    [table] = tables_of(tmp_path / "data[1]")
    assert ([column.name for column in table.columns], table.rows) == (["id1"], 1)


def test_json_lines_have_the_types_of_their_values_nested_ones_too(tmp_path: Path) -> None:
    first = {"At": "2017-08-11T18:24:57Z", "n": 1, "who": {"id": "a", "old": True}, "items": [], "none": None}
    last = {"n": 2.5, "items": [{"price": 1.5, "qty": 1}], "more": "x"}
    lines = [json.dumps(first)] * 30_000 + [json.dumps(last)]  # beyond DuckDB's own sample of 20,480
    data = put(tmp_path, {"s/t/a.jsonl.gz": gzip.compress("\n".join(lines).encode())})
    assert columns(data) == {
        "at": "string",
        "n": "double",
        "who": "struct<id:string,old:boolean>",
        "items": "array<struct<price:double,qty:bigint>>",
        "none": "string",
        "more": "string",
    }


def test_json_files_of_a_table_may_have_different_fields(tmp_path: Path) -> None:
    data = put(tmp_path, {"s/t/a.json": '{"id": 1}\n', "s/t/b.jsonl": '{"id": 2, "x": "y"}\n'})
    assert columns(data) == {"id": "bigint", "x": "string"}


def test_an_object_with_many_fields_is_a_struct(tmp_path: Path) -> None:
    record = {"o": {f"f{n}": n for n in range(300)}}
    kind = columns(put(tmp_path, {"s/t/a.json": json.dumps(record)}))["o"]
    assert kind.startswith("struct<f0:bigint,f1:bigint,")


def test_parquet_has_the_types_of_its_schema(tmp_path: Path) -> None:
    (tmp_path / "s/t").mkdir(parents=True)
    select = (
        "SELECT 1::INTEGER AS Id, 2.5::DECIMAL(12,2) AS price, now()::TIMESTAMP AS at,"
        " DATE '2020-01-01' AS day, 'a'::BLOB AS raw, MAP {'k': [1::BIGINT]} AS m,"
        " {'x': 1.5::FLOAT, 'y': true} AS s"
    )
    duckdb.sql(f"COPY ({select}) TO '{tmp_path}/s/t/a.parquet' (FORMAT parquet)")
    assert columns(tmp_path) == {
        "id": "int",
        "price": "decimal(12,2)",
        "at": "timestamp",
        "day": "date",
        "raw": "binary",
        "m": "map<string,array<bigint>>",
        "s": "struct<x:float,y:boolean>",
    }


def test_hidden_files_and_files_outside_the_databases_are_ignored(tmp_path: Path) -> None:
    names = ("generate.py", "words.toml", ".DS_Store", "s/.keep", "s/t/.a.csv.swp", "s/t/_SUCCESS", "_x/y")
    data = put(tmp_path, {**dict.fromkeys(names, "no"), "s/t/a.csv": "id\n1\n"})
    [table] = tables_of(data)
    assert [file.source.name for file in table.files] == ["a.csv"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"s/t/a.csv": "id,x\n", "s/t/b.csv": "id,y\n"},
            r"s/t/b\.csv:1: the header differs from that of a\.csv: it lacks x and has in addition y; ",
        ),
        ({"s/t/a.csv": ""}, r"s/t/a\.csv:1: the file is empty"),
        ({"s/t/a.csv.gz": gzip.compress(b"")}, r"s/t/a\.csv\.gz:1: the file is empty"),
        (
            {"s/t/a.csv": "id\n", "s/t/b.json": '{"id": 1}'},
            r"s/t/b\.json: has another format than a\.csv beside it",
        ),
        ({"s/t/a.docx": "x"}, r"s/t/a\.docx: is not a data file; save it in a format that ends in \.csv"),
        ({"s/t/u/a.csv": "id\n"}, r"s/t/u: is not a partition; its name must be key=value"),
        ({"s/a.csv": "id\n", "s/t/a.csv": "id\n"}, r"s/a\.csv: is outside of a table's folder"),
        ({"s/t/_x": ""}, r"s/t: contains no files"),
        (
            {"s/t/a.json": '{"id": 1}\n{"id": }\n'},
            r"s/t/a\.json:2: is not valid JSON: .*, column 8",
        ),
        ({"s/t/a.json": "[1, 2]\n"}, r"s/t/a\.json:1: is not an object"),
        ({"s/t/a.json": "\n"}, r"s/t/a\.json:1: the file is empty"),
        ({"s/t/a.json.gz": b"plain text"}, r"s/t/a\.json\.gz: cannot be read: Not a gzipped file"),
        ({"s/t/a.json": '{"id": 1}\n{"Id": 1, "id": 2}\n'}, r"s/t/a\.json:2: the key 'id' occurs twice"),
        ({"s/t/a.json": '{"o": {"Id": 1, "id": 2}}\n'}, r"s/t/a\.json:1: the key 'id' occurs twice"),
        ({"s/t/a.json": "{}\n"}, r"s/t: contains no objects with fields"),
        ({"s/t/a.parquet": "no parquet at all"}, r"s/t/a\.parquet: "),
        ({"readme.md": "nothing else"}, r"contains no <database>/<table>/<file>"),
    ],
)
def test_an_invalid_table_is_rejected_with_its_location(
    tmp_path: Path, files: dict[str, str | bytes], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        tables_of(put(tmp_path, files))


def test_a_missing_data_folder_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: is not a folder"):
        tables_of(tmp_path / "nowhere")


def test_builds_of_a_release_are_reproducible(tmp_path: Path) -> None:
    files = {"s/b/1.csv": "id\n1\n", "s/a/2.csv": "id\n", "s/a/1.csv": "id\n2\n"}
    one = built_release(put(tmp_path / "one", dict(files)), "1.0.0")
    other = put(tmp_path / "other", dict(reversed(files.items())))
    os.utime(other / "s/b/1.csv", (0, 0))
    again = built_release(other, "1.0.0")
    assert one.id == again.id
    assert one.manifest == again.manifest
    assert one.template == again.template


def test_every_change_of_content_or_version_creates_another_release(tmp_path: Path) -> None:
    data = put(tmp_path, {"s/t/a.csv": "id\n1\n"})
    first = built_release(data, "1.0.0")
    assert first.id == f"1.0.0-{first.sha256[:12]}"
    put(tmp_path, {"s/t/a.csv": "id\n2\n"})
    changed = built_release(data, "1.0.0")
    put(tmp_path, {"s/t/b.csv": "id\n1\n"})
    added = built_release(data, "1.0.0")
    versioned = built_release(data, "1.0.1")
    assert len({first.sha256, changed.sha256, added.sha256, versioned.sha256}) == 4


def test_the_manifest_contains_the_location_of_every_file(tmp_path: Path) -> None:
    data = put(tmp_path, {"s/t/a.csv": "id\n1\n"})
    release = built_release(data, "1.0.0")
    manifest = release.manifest
    files = {file["path"]: file for file in manifest["files"]}
    assert files["data/s/t/a.csv"] == {
        "path": "data/s/t/a.csv",
        "target": "sor",
        "key": "s/t/a.csv",
        "size": 5,
        "sha256": "7cde7fb64fd82bd152710cf238e017b9ab46c0592483edc067ba4f6c75fac108",
    }
    job = files["jobs/sot_ecommerce.py"]
    assert (job["target"], job["key"]) == ("glue_assets", "jobs/sot_ecommerce.py")
    [table] = manifest["tables"]
    definition = table.pop("definition")  # the table's definition in the template, without name and location
    [wanted] = [
        resource["Properties"]["TableInput"]
        for resource in parse(release.template)["Resources"].values()
        if resource["Type"] == "AWS::Glue::Table"
    ]
    location = wanted["StorageDescriptor"].pop("Location")
    assert location == {"Fn::Sub": "s3://${SorBucket}/s/t/"}
    assert {"Name": "t", **definition} == wanted
    assert [table] == [
        {
            "database": "s",
            "table": "t",
            "format": "csv",
            "columns": [{"name": "id", "type": "string"}],
            "partition_keys": [],
            "rows": 1,
            "bytes": 5,
            "files": 1,
            "original_files": 0,
            "decisions": [],
        }
    ]


def test_a_version_that_is_invalid_in_an_s3_key_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a valid version"):
        built_release(put(tmp_path, {"s/t/a.csv": "id\n"}), "../1")


def test_the_data_of_the_project_builds() -> None:
    release = built_release(ROOT / "data", "0.0.0")
    found = [(table.database, table.name, table.format) for table in release.tables]
    shop = ("customers", "geolocation", "order_items", "orders", "payments", "products")
    assert found == [
        *(("db_ecommerce", f"tbl_{name}", "csv") for name in shop),
        ("db_ecommerce", "tbl_reviews", "parquet"),  # its comments contain line breaks
        ("db_ecommerce", "tbl_sellers", "csv"),
        ("db_web", "tbl_clickstream", "json"),
    ]


def test_the_command_prints_errors_of_the_data_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = put(tmp_path / "data", {"s/t/a.csv": "id,x\n1,2\n1\n"})
    assert releases.main(["build", "--out", str(tmp_path / "out"), "--data", str(data)]) == 1
    assert capsys.readouterr().err.endswith(
        "s/t/a.csv:3: has 1 field, but the header has 2; add the missing fields, each after ,\n"
    )
    assert not (tmp_path / "out").exists()


def test_folders_named_key_value_are_partitions_at_any_depth(tmp_path: Path) -> None:
    files = {
        "s/t/year=2018/month=01/a.csv": "id\n1\n",
        "s/t/year=2018/month=02/a.csv": "id\n2\n",
        "s/t/year=2019/month=S%C3%A3o%20Paulo/b.csv": "id\n3\n",
    }
    data = put(tmp_path, dict(files))
    [table] = tables_of(data)
    assert table.partition_keys == (Column("year", "string"), Column("month", "string"))
    assert [(p.values, p.path) for p in table.partitions] == [
        (("2018", "01"), "year=2018/month=01/"),
        (("2018", "02"), "year=2018/month=02/"),
        (("2019", "S\u00e3o Paulo"), "year=2019/month=S%C3%A3o%20Paulo/"),
    ]
    release = built_release(data, "1.0.0")
    assert [f.key for f in release.files if f.target == "sor"] == list(files)
    made = parse(release.template)["Resources"]["TInS"]["Properties"]["TableInput"]
    assert made["PartitionKeys"] == [{"Name": "year", "Type": "string"}, {"Name": "month", "Type": "string"}]
    assert made["StorageDescriptor"]["Columns"] == [{"Name": "id", "Type": "string"}]
    [shown] = release.manifest["tables"]
    assert shown["partitions"][0] == {"values": ["2018", "01"], "path": "s/t/year=2018/month=01/"}


def test_partitions_of_json_and_parquet_have_the_columns_of_all(tmp_path: Path) -> None:
    data = put(tmp_path, {"s/t/d=1/a.json": '{"a": 1}\n', "s/t/d=2/a.json": '{"b": "x"}\n'})
    (tmp_path / "s/u/d=1").mkdir(parents=True)
    duckdb.sql(f"COPY (SELECT 1::int AS n) TO '{tmp_path}/s/u/d=1/x.parquet'")
    assert [[(c.name, c.type) for c in table.columns] for table in tables_of(data)] == [
        [("a", "bigint"), ("b", "string")],
        [("n", "int")],
    ]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"s/t/d=1/a.csv": "id\n", "s/t/b.csv": "id\n"}, "s/t/b.csv: is beside folders"),
        ({"s/t/d=1/a.csv": "id\n", "s/t/e=1/a.csv": "id\n"}, "s/t/e=1: has other partition keys than"),
        (
            {"s/t/d=1/a.csv": "id\n", "s/t/d=2/e=1/a.csv": "id\n"},
            "s/t/d=2/e=1: has other partition keys than",
        ),
        (
            {"s/t/id=1/a.csv": "id\n"},
            "s/t: id is both a partition key and a column; remove the column, or rename",
        ),
        ({"s/d=1/a.csv": "id\n"}, "s/d=1: is a partition outside of a table's folder; move it"),
        ({"s/t/訂=1/a.csv": "id\n"}, "'訂' cannot be a partition key"),
        ({"s/t/d=1/d=2/a.csv": "id\n"}, "the partition key d occurs twice"),
        ({"s/t/d=/a.csv": "id\n"}, "s/t/d=: is a partition without a value; rename it"),
        ({"s/t/d=%2F/a.csv": "id\n"}, "the partition value must be printable, must not contain /"),
        ({"s/t/d=a/a.csv": "id\n", "s/t/d=%61/a.csv": "id\n"}, "occurs twice"),
        (
            {"s/t/d=1/a.csv": "id\n", "s/t/d=2/a.csv": "other\n"},
            "s/t/d=2/a.csv:1: the header differs from",
        ),
        ({"s/t/a.csv": "id,x\n1,2\n1,2,3\n"}, "s/t/a.csv:3: has 3 fields, but the header has 2"),
        ({"s/t/a.csv": 'id,x\n"1\n2",2\n1\n'}, "s/t/a.csv:4: has 1 field, but the header has 2"),
        ({"s/t/a.csv": b"id\n\xff\n"}, "s/t/a.csv:2: is not UTF-8"),
        (
            {"s/t/a.csv": "id\n", "s/t/_table.toml": "[columns]\nname = 'x'\n"},
            "_table.toml:2: columns names the column 'name', which does not exist; the columns are id",
        ),
        (
            {"s/t/a.csv": "id\n", "s/t/_table.toml": "a = \n"},
            "_table.toml:1: is not valid TOML: Invalid value, column 5",
        ),
        (
            {"s/t/a.csv": "id\n", "s/t/_table.toml": "grain = 'x'\n"},
            "_table.toml:1: grain is not a key",
        ),
        (
            {"s/t/a.csv": "id\n", "s/_database.toml": "description = ''\n"},
            "description must be a text; write",
        ),
        (
            {"s/t/a.csv": "id\n", "s/t/_table.toml": f"[columns]\nid = '{'x' * 256}'\n"},
            'id must be a text; write id = "..." on one line, with 1 to 255',
        ),
    ],
)
def test_invalid_partitions_records_and_descriptions_are_rejected(
    tmp_path: Path, files: dict[str, str | bytes], words: str
) -> None:
    with pytest.raises(DataError) as caught:
        tables_of(put(tmp_path, files))
    assert words in str(caught.value)


def test_descriptions_and_comments_reach_the_catalog(tmp_path: Path) -> None:
    files = {
        "s/_database.toml": 'description = "A shop."\n',
        "s/t/_table.toml": 'description = "One row per order."\n[columns]\nid = "The order"\nd = "The day"\n',
        "s/t/d=1/a.csv": "id,x\n",
    }
    resources = parse(built_release(put(tmp_path, dict(files)), "1.0.0").template)["Resources"]
    assert resources["DatabaseS"]["Properties"]["DatabaseInput"]["Description"] == "A shop."
    table = resources["TInS"]["Properties"]["TableInput"]
    assert table["Description"] == "One row per order."
    assert table["PartitionKeys"] == [{"Name": "d", "Type": "string", "Comment": "The day"}]
    assert table["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": "string", "Comment": "The order"},
        {"Name": "x", "Type": "string"},
    ]


def test_every_column_of_the_projects_data_is_explained() -> None:
    for table in tables_of(ROOT / "data"):
        assert table.description, table.name
        assert all(column.comment for column in table.columns), table.name


def test_notes_are_part_of_a_release_and_bounded(tmp_path: Path) -> None:
    data = put(tmp_path, {"s/t/a.csv": "id\n"})
    one, other = (
        build(ROOT, data, "1.0.0", tmp_path / "work", notes=notes, lint=False) for notes in ("New.", "Newer.")
    )
    assert (one.manifest["notes"], one.id == other.id) == ("New.", False)
    with pytest.raises(DataError, match="more than 4,000"):
        build(ROOT, data, "1.0.0", tmp_path / "work", notes="x" * 4001, lint=False)


def test_a_hundred_tables_fit_into_a_stack(tmp_path: Path) -> None:
    header = ",".join(f"column_number_{n}" for n in range(30)) + "\n"
    files = {f"db_{n % 5}/tbl_some_table_{n}/data.csv": header for n in range(100)}
    template = built_release(put(tmp_path, dict(files)), "1.0.0").template
    assert len(template.encode()) < 1024 * 1024
    made = parse(template)
    assert len(made["Resources"]) < 500
    assert (len(made["Outputs"]), len(made["Parameters"])) < (200, 200)
