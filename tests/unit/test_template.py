"""The stack's template with the tables of data: valid, named as the service expects, no wider than needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.models import Settings
from chalicelib.provisioning import template_parameters
from chalicelib.records import Environment, Status
from glue_assets.release import build
from glue_assets.tables import Column, DataError, Table
from glue_assets.template import OUTPUTS_MARK, RESOURCES_MARK, assemble, complete, parse, resources

ROOT = Path(__file__).parents[2]
WRITTEN = assemble(ROOT / "glue_assets")
ORDERS = Table("db_shop", "tbl_orders", "csv", (Column("order_id", "string"), Column("on", "string")), ())
CLICKS = Table("db_web", "clicks", "json", (Column("who", "struct<id:string,n:bigint>"),), ())
SALES = Table("db_web", "sales", "parquet", (Column("price", "decimal(12,2)"),), ())
BUILT = complete(WRITTEN, [ORDERS, CLICKS, SALES])
TEMPLATE = parse(BUILT)
ENVIRONMENT = Environment(
    id="abcdefgh23",
    owner="Ana Souza",
    status=Status.QUEUED,
    release="0.0.1-abcdef012345",
    settings=Settings().model_dump(),
    created_at="2026-11-23T12:00:00.000Z",
    updated_at="2026-11-23T12:00:00.000Z",
    expires_at="2026-11-26T12:00:00.000Z",
    available_micro_usd=0,
)


def findings(template: Path) -> str:
    lint = "import sys; from cfnlint.runner import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", lint, "--", template], capture_output=True, text=True)
    return done.stdout + done.stderr


def of_type(kind: str) -> dict[str, Any]:
    return {
        name: entry["Properties"] for name, entry in TEMPLATE["Resources"].items() if entry["Type"] == kind
    }


def test_cfn_lint_finds_nothing_in_the_template_of_the_projects_data(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(build(ROOT, ROOT / "data", "0.0.0").template, encoding="utf-8")
    assert findings(tmp_path / "template.yaml") == ""


def test_the_hand_written_text_and_its_comments_stay() -> None:
    before, rest = WRITTEN.split(RESOURCES_MARK)
    between, after = rest.split(OUTPUTS_MARK)
    assert BUILT.startswith(before + RESOURCES_MARK)
    assert between + OUTPUTS_MARK in BUILT
    assert BUILT.endswith(after)


def test_a_csv_folder_is_a_table_over_its_place_in_the_sor_bucket() -> None:
    assert TEMPLATE["Resources"]["TblOrdersInDbShop"] == {
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": {"Ref": "DatabaseDbShop"},
            "TableInput": {
                "Name": "tbl_orders",
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
                "StorageDescriptor": {
                    "Location": {"Fn::Sub": "s3://terraglue-${EnvironmentId}-sor/db_shop/tbl_orders/"},
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
    ],
)
def test_json_and_parquet_folders_are_tables_with_their_own_readers(
    logical_id: str, classification: str, serde: str, column: str
) -> None:
    table = TEMPLATE["Resources"][logical_id]["Properties"]["TableInput"]
    assert table["Parameters"] == {"classification": classification}
    assert table["StorageDescriptor"]["SerdeInfo"] == {"SerializationLibrary": serde}
    assert [entry["Type"] for entry in table["StorageDescriptor"]["Columns"]] == [column]


def test_every_data_database_is_named_after_sandbox_and_folder_and_is_an_output() -> None:
    names = {entry["DatabaseInput"]["Name"]["Fn::Sub"] for entry in of_type("AWS::Glue::Database").values()}
    prefix = "terraglue_${EnvironmentId}_"
    assert names == {f"{prefix}sot", f"{prefix}db_shop", f"{prefix}db_web"}
    assert TEMPLATE["Outputs"]["DatabaseDbShop"]["Value"] == {"Ref": "DatabaseDbShop"}
    assert TEMPLATE["Outputs"]["DatabaseDbWeb"]["Value"] == {"Ref": "DatabaseDbWeb"}


def test_the_template_takes_every_parameter_that_the_service_gives() -> None:
    given = template_parameters(ENVIRONMENT)
    declared = TEMPLATE["Parameters"]
    optional = {name for name, rule in declared.items() if "Default" in rule}
    assert declared.keys() >= given.keys() >= declared.keys() - optional
    assert declared.keys() - given.keys() == {"MaxRetries"}
    for name, value in given.items():
        rule = declared[name]
        assert re.fullmatch(rule.get("AllowedPattern", ".*"), value), name
        assert value in rule.get("AllowedValues", [value]), name
        if rule["Type"] == "Number":
            assert rule["MinValue"] <= int(value) <= rule["MaxValue"], name


def test_the_defaults_of_the_template_are_those_of_the_service() -> None:
    given = template_parameters(ENVIRONMENT)
    defaults = {n: str(rule["Default"]) for n, rule in TEMPLATE["Parameters"].items() if "Default" in rule}
    assert defaults == {name: given[name] for name in defaults.keys() - {"MaxRetries"}} | {"MaxRetries": "0"}


def test_the_manifest_says_which_resources_depend_on_a_parameter() -> None:
    found = resources(BUILT)
    assert {resource.logical_id: resource.type for resource in found} == {
        name: entry["Type"] for name, entry in TEMPLATE["Resources"].items()
    }
    assert {resource.logical_id: resource.when for resource in found if resource.when} == {
        "Key": "KmsKey",
        "KeyAlias": "KmsKey",
        "Workgroup": "AthenaWorkgroup",
    }


def test_only_the_resource_types_that_a_sandbox_is_made_of_are_used() -> None:
    assert {resource.type for resource in resources(BUILT)} == {
        *("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::IAM::Role", "AWS::KMS::Key", "AWS::KMS::Alias"),
        *("AWS::Glue::Database", "AWS::Glue::Table", "AWS::Glue::Job", "AWS::Athena::WorkGroup"),
    }


def test_all_five_buckets_are_encrypted_closed_tagged_and_only_speak_tls() -> None:
    buckets = of_type("AWS::S3::Bucket")
    names = {entry["BucketName"]["Fn::Sub"] for entry in buckets.values()}
    kinds = ("sor", "sot", "spec", "glue-assets", "athena-results")
    assert names == {f"terraglue-${{EnvironmentId}}-{kind}" for kind in kinds}
    policies = {entry["Bucket"]["Ref"]: entry for entry in of_type("AWS::S3::BucketPolicy").values()}
    for name, entry in buckets.items():
        closed = {"Ref": "BlockPublicAccess"}
        assert entry["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": closed,
            "BlockPublicPolicy": closed,
            "IgnorePublicAcls": closed,
            "RestrictPublicBuckets": closed,
        }
        assert entry["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        [rule] = entry["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        condition, with_key, without = rule["Fn::If"]
        assert condition == "HasKmsKey"
        assert with_key["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": ["Key", "Arn"]}
        assert without == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        tags = {tag["Key"]: tag["Value"]["Ref"] for tag in entry["Tags"]}
        assert tags == {
            "terraglue:environment": "EnvironmentId",
            "terraglue:owner": "Owner",
            "terraglue:release": "Release",
        }
        [statement] = policies[name]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


def test_the_role_reaches_nothing_outside_the_sandbox() -> None:
    [role] = of_type("AWS::IAM::Role").values()
    [policy] = role["Policies"]
    own_databases = r"(database/terraglue_\$\{EnvironmentId\}_\*|table/terraglue_\$\{EnvironmentId\}_\*/\*"
    own = re.compile(
        r"\$?\{?(Sor|Sot|Spec|GlueAssets)Bucket\.Arn\}?(/.+)?|Key\.Arn"
        r"|arn:\$\{AWS::Partition\}:glue:\$\{AWS::Region\}:\$\{AWS::AccountId\}:"
        rf"(catalog|{own_databases}|database/\$\{{SotDatabase\}}|table/\$\{{SotDatabase\}}/\*))"
        r"|arn:\$\{AWS::Partition\}:logs:\$\{AWS::Region\}:\$\{AWS::AccountId\}:log-group:/aws-glue/jobs/\*"
    )
    for entry in policy["PolicyDocument"]["Statement"]:
        statement = entry["Fn::If"][1] if "Fn::If" in entry else entry
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]
        if statement["Sid"] == "WriteMetrics":
            assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Glue"}}
            continue
        if statement["Sid"] == "StartSpark":  # the two names that Spark itself asks for
            names = [resource["Fn::Sub"].rpartition(":")[2] for resource in statement["Resource"]]
            assert names == ["database/default", "database/global_temp"]
            continue
        given = statement["Resource"]
        for resource in given if isinstance(given, list) else [given]:
            [name] = resource.values()
            name = name if isinstance(name, str) else ".".join(name)  # GetAtt is a pair
            assert own.fullmatch(name), name


def test_the_jobs_arguments_point_into_the_sandbox() -> None:
    [job] = of_type("AWS::Glue::Job").values()
    arguments = job["DefaultArguments"]
    assert arguments["--SOURCE_DB"] == {"Fn::Sub": "terraglue_${EnvironmentId}_db_ecommerce"}
    assert arguments["--OUTPUT_BUCKET"] == {"Ref": "SotBucket"}
    assert arguments["--OUTPUT_DB"] == {"Ref": "SotDatabase"}
    assert arguments["--OUTPUT_TABLE_URI"] == {"Fn::Sub": "s3://${SotBucket}/tbsot_ecommerce_br"}
    assert job["Name"] == {"Fn::Sub": "terraglue-${EnvironmentId}-${JobName}"}


def test_two_folders_whose_names_differ_only_in_underscores_are_refused() -> None:
    pair = [Table("db", name, "csv", (Column("id", "string"),), ()) for name in ("t_1", "t1")]
    with pytest.raises(DataError, match="db/t1: two names that differ only in where their _ are"):
        complete(WRITTEN, pair)


def test_data_cannot_take_the_jobs_own_database() -> None:
    with pytest.raises(DataError, match="the database sot is the job's own"):
        complete(WRITTEN, [Table("sot", "t", "csv", (Column("id", "string"),), ())])


def test_more_tables_than_a_stack_can_have_are_refused() -> None:
    many = [Table("db", f"t{n}", "csv", (Column("id", "string"),), ()) for n in range(500)]
    with pytest.raises(DataError, match=r"the template has 5\d\d resources with this data"):
        complete(WRITTEN, many)


def test_a_template_that_lost_its_mark_is_not_built() -> None:
    with pytest.raises(ValueError, match="must have the line"):
        complete(WRITTEN.replace(RESOURCES_MARK, ""), [ORDERS])


def test_a_condition_that_the_manifest_could_not_tell_is_not_built() -> None:
    other = {"Conditions": {"C": {"Fn::Not": []}}, "Resources": {"R": {"Type": "T", "Condition": "C"}}}
    with pytest.raises(ValueError, match="condition C is not"):
        resources(json.dumps(other))
