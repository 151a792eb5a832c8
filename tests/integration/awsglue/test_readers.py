"""`create_dynamic_frame.from_options`: CSV and JSON as Glue reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.spark.shim.awsglue.context import GlueContext
from tests.integration.awsglue.conftest import Put, by_duckdb, rows

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # pyspark's collect
]


def read(context: GlueContext, path: Any, format: str, options: Any = None, **more: Any) -> Any:
    given = {"paths": path if isinstance(path, list) else [str(path)], **more}
    return context.create_dynamic_frame.from_options("s3", given, format, options or {}).toDF()


def test_csv_files_are_strings_and_an_empty_field_is_an_empty_string(
    context: GlueContext, put: Put, tmp_path: Path
) -> None:
    put("a.csv", 'id,name\n1,"x, y"\n002,\n')
    frame = read(context, tmp_path, "csv", {"withHeader": True})
    assert frame.dtypes == [("id", "string"), ("name", "string")]
    assert rows(frame) == [("002", ""), ("1", "x, y")]
    assert rows(frame) == by_duckdb(
        f"FROM read_csv('{tmp_path}/a.csv', all_varchar=true, force_not_null=['name'])"
    )


def test_csv_files_without_a_header_have_numbered_columns(
    context: GlueContext, put: Put, tmp_path: Path
) -> None:
    put("a.csv", "1;2\n")
    put("b.csv", "3;4;5\n")
    frame = read(context, tmp_path, "csv", {"separator": ";"})
    assert (frame.columns, rows(frame)) == (["col0", "col1", "col2"], [("1", "2", ""), ("3", "4", "5")])


def test_csv_files_with_other_headers_are_combined_by_name(
    context: GlueContext, put: Put, tmp_path: Path
) -> None:
    put("a.csv", "id,Name\n1,x\n")
    put("b.csv", "name,id,extra\ny,2,z\n")
    frame = read(context, tmp_path, "csv", {"withHeader": "true"})
    assert frame.columns == ["id", "Name", "extra"]
    assert rows(frame) == [("1", "x", None), ("2", "y", "z")]
    assert rows(frame) == by_duckdb(
        f"SELECT id, name, extra FROM read_csv('{tmp_path}/*.csv', union_by_name=true, all_varchar=true)"
    )


def test_quotes_can_be_turned_off(context: GlueContext, put: Put) -> None:
    path = put("a.csv", 'a|b\n"1|2"\n')
    frame = read(context, path, "csv", {"withHeader": True, "separator": "|", "quoteChar": -1})
    assert rows(frame) == [('"1', '2"')]


def test_the_first_line_can_be_skipped(context: GlueContext, put: Put) -> None:
    frame = read(context, put("a.csv", "a,b\n1,2\n"), "csv", {"skipFirst": True})
    assert (frame.columns, rows(frame)) == (["col0", "col1"], [("1", "2")])


def test_excluded_files_and_folders_that_are_not_searched_are_not_read(
    context: GlueContext, put: Put, tmp_path: Path
) -> None:
    put("a.json", '{"id": 1}')
    put("b.old", '{"id": 2}')
    put("deep/c.json", '{"id": 3}')
    put("_hidden/d.json", '{"id": 4}')
    assert rows(read(context, tmp_path, "json", exclusions='["**.old"]')) == [(1,)]
    assert rows(read(context, tmp_path, "json", exclusions='["**.old"]', recurse=True)) == [(1,), (3,)]


def test_keys_of_json_that_differ_in_case_are_one_column(
    context: GlueContext, put: Put, tmp_path: Path
) -> None:
    put("a.json", '{"orderId": 1, "Item": {"Price": 2.5}, "tags": [{"K": 1}]}\n')
    put("b.json", '{"OrderID": 2, "item": {"price": 3.5}, "tags": [{"k": 2}]}\n')
    frame = read(context, tmp_path, "json")
    assert [name.lower() for name in frame.columns] == ["item", "orderid", "tags"]
    found = frame.selectExpr("orderid", "item.price", "tags[0].k")
    assert rows(found) == [(1, 2.5, 1), (2, 3.5, 2)]


def test_keys_of_json_keep_their_spelling(context: GlueContext, put: Put) -> None:
    frame = read(context, put("a.json", '{"camelCase": {"innerKey": 1}}\n'), "json")
    assert frame.schema.simpleString() == "struct<camelCase:struct<innerKey:int>>"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('[{"a": 1},\n {"a": 2}]', {"multiline": True}),
        ('[{"a": 1},\n {"a": 2}]', {"jsonPath": "$[*]"}),
        ('{"page": {"rows": [\n{"a": 1}, {"a": 2}]}}', {"jsonPath": "$.page.rows[*]"}),
        ('{"a": 1}\n\n{"a": 2}\n', {}),
    ],
)
def test_records_of_json_can_be_nested(
    context: GlueContext, put: Put, text: str, options: dict[str, Any]
) -> None:
    assert rows(read(context, put("a.json", text), "json", options)) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('{"a": "}{", "b": [{}]}{"a": "2"} {"a": "3"}\n{"a": "4"}\n', {}),
        ('{\n"a": "}{",\n"b": []}\n{\n"a": "2"\n}\n[{"a": "3"},\n{"a": "4"}]', {"multiline": True}),
        ('{"r": [{"a": "}{"}, {"a": "2"}]}\n{"r": [{"a": "3"}, {"a": "4"}]}', {"jsonPath": "$.r[*]"}),
    ],
)
def test_json_values_that_follow_each_other_are_records(
    context: GlueContext, put: Put, text: str, options: dict[str, Any]
) -> None:
    frame = read(context, put("a.json", text), "json", options)
    assert rows(frame.select("a")) == [("2",), ("3",), ("4",), ("}{",)]


def test_a_rest_that_is_not_json_is_an_error(context: GlueContext, put: Put) -> None:
    with pytest.raises(ValueError, match="as JSON"):
        read(context, put("a.json", '{"a": 1}{"a": \n'), "json")


def test_a_file_that_is_not_json_is_an_error(context: GlueContext, put: Put) -> None:
    with pytest.raises(ValueError, match=r"Unable to parse a file of .*a\.json as JSON"):
        read(context, put("a.json", '{"a": 1}\n{"a":\n'), "json")


def test_what_is_not_local_is_refused_by_name(context: GlueContext, put: Put) -> None:
    for kind in ("jdbc", "dynamodb", "kafka", "kinesis", "redshift", "mongodb"):
        with pytest.raises(NotImplementedError, match=f"connection_type {kind}; only s3 is local"):
            context.create_dynamic_frame.from_options(kind, {"url": "x"})
    with pytest.raises(NotImplementedError, match="format ion"):
        read(context, put("a.ion", ""), "ion")
    with pytest.raises(NotImplementedError, match="from_jdbc_conf"):
        context.write_dynamic_frame.from_jdbc_conf(None, "connection", {})
    with pytest.raises(NotImplementedError, match=r"start_transaction \(transactions of governed tables\)"):
        context.start_transaction(True)


def test_json_values_of_several_types_are_a_choice(context: GlueContext, put: Put) -> None:
    text = '{"a": "12.5", "b": 1, "c": {"d": true}, "e": 1, "f": null}\n'
    text += '{"a": 3, "b": 2.5, "c": {"d": "x"}, "e": 4000000000, "f": "y"}\n{"a": "off"}\n'
    given = {"paths": [put("a.json", text)]}
    frame = context.create_dynamic_frame.from_options("s3", given, "json")
    kinds = "a:struct<int:int,string:string>,b:struct<double:double,int:int>"
    kinds += ",c:struct<d:struct<boolean:boolean,string:string>>,e:bigint,f:string"
    assert frame.toDF().schema.simpleString() == f"struct<{kinds}>"
    parts = frame.resolveChoice(choice="make_cols").toDF()
    assert rows(parts.selectExpr("a_int", "a_string", "b_double", "b_int", "e", "f")) == [
        (3, None, 2.5, None, 4000000000, "y"),
        (None, "12.5", None, 1, 1, None),
        (None, "off", None, None, None, None),
    ]
    plain = context.create_data_frame.from_options("s3", given, "json")
    assert dict(plain.dtypes)["a"] == "string"


def test_json_integers_are_as_wide_as_their_values(context: GlueContext, put: Put) -> None:
    frame = read(context, put("a.json", '{"a": 1, "b": 3000000000}\n'), "json")
    assert frame.dtypes == [("a", "int"), ("b", "bigint")]


def test_parquet_with_nanoseconds_is_an_error_that_says_what_to_write(
    context: GlueContext, tmp_path: Path
) -> None:
    """As in Athena and in releases (docs/decisions/0024)."""
    sql = "SELECT TIMESTAMP_NS '2026-01-02 03:04:05.123456789' AS at"
    by_duckdb(f"COPY ({sql}) TO '{tmp_path}/a.parquet' (FORMAT parquet)")
    with pytest.raises(
        ValueError, match=r"Spark cannot read the Parquet type INT64 \(TIMESTAMP\(NANOS,false\)\)"
    ):
        read(context, tmp_path, "parquet")


def test_unsigned_integers_of_64_bits_are_read_without_loss(context: GlueContext, tmp_path: Path) -> None:
    by_duckdb(f"COPY (SELECT 18446744073709551615::UBIGINT AS id) TO '{tmp_path}/a.parquet' (FORMAT parquet)")
    frame = read(context, tmp_path, "parquet")
    assert (frame.dtypes, str(frame.collect()[0][0])) == ([("id", "decimal(20,0)")], "18446744073709551615")


@pytest.mark.parametrize("recurse", [False, True])
def test_a_predicate_selects_folders(context: GlueContext, put: Put, tmp_path: Path, recurse: bool) -> None:
    put("year=2025/a.json", '{"id": 1}')
    put("year=2026/a.json", '{"id": 2}')
    given = {"paths": [str(tmp_path)], "recurse": recurse}
    frame = context.create_dynamic_frame.from_options(
        "s3", given, "json", {}, push_down_predicate="year = 2026"
    )
    assert rows(frame.toDF()) == [(2, 2026)]


def test_folders_that_are_not_partitions_are_no_columns(
    context: GlueContext, put: Put, tmp_path: Path
) -> None:
    put("2026/a.json", '{"id": 1}')
    put("2026/day=1/b.json", '{"id": 2}')
    frame = read(context, tmp_path, "json", recurse=True)
    assert (frame.columns, rows(frame)) == (["id"], [(1,), (2,)])
