"""Avro and XML files, which Spark 3.5 does not read by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from local.spark.shim.awsglue._io import xml_files
from local.spark.shim.awsglue.context import GlueContext
from tests.integration.awsglue.conftest import Put, rows

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # pyspark's collect
]
SCHEMA = """{"type": "record", "name": "r", "fields": [
  {"name": "id", "type": "int"},
  {"name": "name", "type": ["null", "string"]},
  {"name": "day", "type": {"type": "int", "logicalType": "date"}},
  {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
  {"name": "tags", "type": {"type": "array", "items": "string"}}
]}"""
SYNTAX = xml_files.Syntax("row", "_", "_VALUE", has_attributes=True, strips=False, empty_is_null=False)


@pytest.fixture
def avro(spark: SparkSession, tmp_path: Path) -> Path:
    """A file that Avro's own library writes."""
    java: Any = spark.sparkContext._jvm
    schema = java.org.apache.avro.Schema.Parser().parse(SCHEMA)
    writer = java.org.apache.avro.file.DataFileWriter(java.org.apache.avro.generic.GenericDatumWriter(schema))
    writer.create(schema, java.java.io.File(str(tmp_path / "a.avro")))
    for id_, name, day, at, tags in ((1, 'q"u', 20455, 1767323045000, ["x"]), (2, None, -1, None, [])):
        record = java.org.apache.avro.generic.GenericData.Record(schema)
        record.put("id", id_)
        record.put("name", name)
        record.put("day", day)
        record.put("at", at)
        record.put("tags", java.java.util.ArrayList(tags))
        writer.append(record)
    writer.close()
    return tmp_path


def read(context: GlueContext, path: Any, format: str, options: Any = None) -> Any:
    given = {"paths": [str(path)]}
    return context.create_dynamic_frame.from_options("s3", given, format, options or {}).toDF()


def test_avro_has_numbers_for_dates_before_version_1_8(context: GlueContext, avro: Path) -> None:
    frame = read(context, avro, "avro")
    assert [kind for _, kind in frame.dtypes] == ["int", "string", "int", "bigint", "array<string>"]
    assert rows(frame) == [(1, 'q"u', 20455, 1767323045000, ["x"]), (2, None, -1, None, [])]


def test_avro_has_dates_from_version_1_8(context: GlueContext, avro: Path) -> None:
    frame = read(context, avro, "avro", {"version": "1.8"}).selectExpr("string(day)", "unix_millis(at)")
    assert rows(frame) == [("1969-12-31", None), ("2026-01-02", 1767323045000)]


def test_xml_records_have_attributes_children_and_lists(context: GlueContext, put: Put) -> None:
    path = put(
        "a.xml",
        """<?xml version="1.0"?><all>
        <row id="1"><name>Ana</name><price cur="EUR">2.5</price><tag>a</tag><tag>b</tag></row>
        <row id="02"><name></name><price>3</price><tag>c</tag></row></all>""",
    )
    frame = read(context, path, "xml", {"rowTag": "row"})
    kinds = "_id:bigint,name:string,price:struct<_cur:string,_VALUE:double>,tag:array<string>"
    assert frame.schema.simpleString() == f"struct<{kinds}>"
    found = rows(frame.selectExpr("_id", "name", "price._cur", "price._VALUE", "tag"))
    assert found == [(1, "Ana", "EUR", 2.5, ["a", "b"]), (2, "", None, 3.0, ["c"])]


def test_a_file_that_is_not_xml_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"Unable to parse a\.xml as XML: no element found"):
        list(xml_files.parse("a.xml", b"<all><row>", SYNTAX))


def test_types_of_xml_follow_from_all_records() -> None:
    values = ["1", "2.5", None]
    assert xml_files.infer(values) == ["double"]
    assert xml_files.merge({"a": "long"}, {"a": ["boolean"], "b": None}, "_VALUE") == {
        "a": ["string"],
        "b": None,
    }
    assert xml_files.encode({"a": "1"}, {"a": ["long"], "b": "string"}, "_VALUE") == ([1], None)
