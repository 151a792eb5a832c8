"""The template with the tables of data: valid, with the names that the service expects, least privilege."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glue_assets.tables import Column, DataError, Table
from glue_assets.template_builder import OUTPUTS_MARK, RESOURCES_MARK, assemble, complete, parse, resources
from tests.support.paths import ROOT

WRITTEN = assemble(ROOT / "glue_assets")
ORDERS = Table(
    "db_shop",
    "tbl_orders",
    "csv",
    (Column("order_id", "string"), Column("on", "string")),
    (),
    rows=3,
    size=20,
    parameters={"multiLine": "false"},
)
CLICKS = Table("db_web", "clicks", "json", (Column("who", "struct<id:string,n:bigint>"),), ())
EVENTS = Table("db_web", "events", "orc", (Column("n", "int"),), ())
SALES = Table("db_web", "sales", "parquet", (Column("price", "decimal(12,2)"),), ())
BUILT = complete(WRITTEN, [ORDERS, CLICKS, EVENTS, SALES])
TEMPLATE = parse(BUILT)


def of_type(kind: str) -> dict[str, Any]:
    return {
        name: entry["Properties"] for name, entry in TEMPLATE["Resources"].items() if entry["Type"] == kind
    }


def test_the_hand_written_template_and_its_comments_are_kept() -> None:
    before, rest = WRITTEN.split(RESOURCES_MARK)
    between, after = rest.split(OUTPUTS_MARK)
    assert BUILT.startswith(before + RESOURCES_MARK)
    assert between + OUTPUTS_MARK in BUILT
    assert BUILT.endswith(after)


def test_a_csv_folder_is_a_table_over_its_location_in_the_sor_bucket() -> None:
    assert TEMPLATE["Resources"]["TblOrdersInDbShop"] == {
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": {"Ref": "DatabaseDbShop"},
            "TableInput": {
                "Name": "tbl_orders",
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {
                    "classification": "csv",
                    "skip.header.line.count": "1",
                    "recordCount": "3",
                    "sizeKey": "20",
                    "objectCount": "0",
                    "averageRecordSize": "6",
                    "multiLine": "false",
                },
                "StorageDescriptor": {
                    "Location": {"Fn::Sub": "s3://${SorBucket}/db_shop/tbl_orders/"},
                    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    "SerdeInfo": {
                        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
                        "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
                    },
                    "Columns": [
                        {"Name": "order_id", "Type": "string"},
                        {"Name": "on", "Type": "string"},
                    ],
                },
            },
        },
    }


@pytest.mark.parametrize(
    ("logical_id", "classification", "serde", "column"),
    [
        ("ClicksInDbWeb", "json", "org.openx.data.jsonserde.JsonSerDe", "struct<id:string,n:bigint>"),
        (
            "SalesInDbWeb",
            "parquet",
            "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
            "decimal(12,2)",
        ),
        ("EventsInDbWeb", "orc", "org.apache.hadoop.hive.ql.io.orc.OrcSerde", "int"),
    ],
)
def test_json_orc_and_parquet_folders_are_tables_with_their_own_readers(
    logical_id: str, classification: str, serde: str, column: str
) -> None:
    table = TEMPLATE["Resources"][logical_id]["Properties"]["TableInput"]
    assert table["Parameters"]["classification"] == classification
    assert table["StorageDescriptor"]["SerdeInfo"] == {"SerializationLibrary": serde}
    assert [entry["Type"] for entry in table["StorageDescriptor"]["Columns"]] == [column]


def test_every_data_database_is_named_after_sandbox_and_folder_and_is_an_output() -> None:
    names = {entry["DatabaseInput"]["Name"]["Fn::Sub"] for entry in of_type("AWS::Glue::Database").values()}
    prefix = "terraglue_${EnvironmentId}_"
    assert names == {f"{prefix}sot", f"{prefix}db_shop", f"{prefix}db_web"}
    assert TEMPLATE["Outputs"]["DatabaseDbShop"]["Value"] == {"Ref": "DatabaseDbShop"}
    assert TEMPLATE["Outputs"]["DatabaseDbWeb"]["Value"] == {"Ref": "DatabaseDbWeb"}


def test_the_manifest_lists_resources_that_depend_on_a_parameter() -> None:
    found = resources(BUILT)
    assert {resource.logical_id: resource.type for resource in found} == {
        name: entry["Type"] for name, entry in TEMPLATE["Resources"].items()
    }
    assert {resource.logical_id: resource.when for resource in found if resource.when} == {
        "Key": "KmsKey",
        "KeyAlias": "KmsKey",
        "Workgroup": "AthenaWorkgroup",
        "GlueJobRole": "IamRole",
        "JobEncryption": "SecurityConfiguration",
    }


def test_two_folders_whose_names_differ_only_in_underscores_are_rejected() -> None:
    pair = [Table("db", name, "csv", (Column("id", "string"),), ()) for name in ("t_1", "t1")]
    with pytest.raises(DataError, match="db/t1: names must not differ only in their underscores"):
        complete(WRITTEN, pair)


def test_data_cannot_use_the_jobs_database() -> None:
    with pytest.raises(DataError, match="the database name sot is reserved"):
        complete(WRITTEN, [Table("sot", "t", "csv", (Column("id", "string"),), ())])


def test_more_tables_than_a_stack_can_have_are_rejected() -> None:
    many = [Table("db", f"t{n}", "csv", (Column("id", "string"),), ()) for n in range(500)]
    with pytest.raises(DataError, match=r"the template has 5\d\d resources with this data"):
        complete(WRITTEN, many)


def test_names_too_long_for_a_record_are_rejected() -> None:
    def many(length: int) -> list[Table]:
        names = [f"t{n}{'x' * length}"[:length] for n in range(400)]
        return [Table("db", name, "csv", (Column("id", "string"),), ()) for name in names]

    complete(WRITTEN, many(80))
    with pytest.raises(DataError, match=r"too long: 4\d{4} of 40000 bytes"):
        complete(WRITTEN, many(100))


def test_a_template_without_its_marker_is_not_built() -> None:
    with pytest.raises(ValueError, match="must contain the line"):
        complete(WRITTEN.replace(RESOURCES_MARK, ""), [ORDERS])


def test_a_condition_unsupported_by_the_manifest_is_not_built() -> None:
    other = {"Conditions": {"C": {"Fn::Not": []}}, "Resources": {"R": {"Type": "T", "Condition": "C"}}}
    with pytest.raises(ValueError, match="condition C is not"):
        resources(json.dumps(other))
