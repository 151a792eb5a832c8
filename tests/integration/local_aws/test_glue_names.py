"""Local Data Catalog: names are stored in lower case and found in any case, as in Glue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.iam.checks import Place
from local.iam.resources import glue_arns
from local.moto_patches import glue_names


@pytest.fixture
def glue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    restore = glue_names.install()
    with mock_aws():
        yield boto3.client("glue", region_name="us-east-1")
    restore()


def test_names_are_stored_in_lower_case_and_found_in_any(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "Shop"})
    glue.create_table(DatabaseName="SHOP", TableInput={"Name": "TbSot_Upper", "PartitionKeys": []})
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_table(DatabaseName="shop", TableInput={"Name": "tbsot_UPPER"})
    assert [found["Name"] for found in glue.get_databases()["DatabaseList"]] == ["shop"]
    for database, table in (("shop", "tbsot_upper"), ("Shop", "TbSot_Upper"), ("SHOP", "TBSOT_UPPER")):
        found = glue.get_table(DatabaseName=database, Name=table)["Table"]
        assert (found["DatabaseName"], found["Name"]) == ("shop", "tbsot_upper")
    glue.update_table(DatabaseName="Shop", TableInput={"Name": "TBSOT_Upper", "Description": "new"})
    [found] = glue.get_tables(DatabaseName="Shop")["TableList"]
    assert (found["Name"], found["Description"]) == ("tbsot_upper", "new")
    part = {"Values": ["1"], "StorageDescriptor": {"Location": "s3://b/1"}}
    glue.create_partition(DatabaseName="Shop", TableName="TbSot_Upper", PartitionInput=part)
    assert len(glue.get_partitions(DatabaseName="shop", TableName="tbsot_upper")["Partitions"]) == 1
    answer = glue.batch_delete_table(DatabaseName="shop", TablesToDelete=["TbSot_UPPER"])
    assert answer.get("Errors", []) == []
    glue.delete_database(Name="SHOP")
    assert glue.get_databases()["DatabaseList"] == []


def test_permissions_apply_to_the_stored_names() -> None:
    place = Place("us-east-1", "1")
    for name in ("t", "T"):
        arns = glue_arns(place, "GetTable", {"DatabaseName": f"D{name}", "Name": name})
        assert [arn.rpartition(":")[2] for arn in arns] == ["catalog", "database/dt", "table/dt/t"]
    arns = glue_arns(place, "CreateDatabase", {"DatabaseInput": {"Name": "Default"}})
    assert arns[1].endswith("database/default")
