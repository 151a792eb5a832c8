"""Keys with the characters that URLs give a meaning: `#` and `?`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.metastore.folders import Folders


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="data")
        yield client


def keys(s3: Any) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket="data").get("Contents", [])]


@pytest.mark.parametrize("name", ["orders#1", "orders?1", "orders%23"])
def test_a_deleted_folder_is_the_one_that_was_named(s3: Any, tmp_path: Path, name: str) -> None:
    for key in ("orders/a", f"{name}/b"):
        s3.put_object(Bucket="data", Key=key)
    Folders(s3, tmp_path).delete(f"s3://data/{name}")
    assert keys(s3) == ["orders/a"]


def test_a_created_folder_is_the_one_that_was_named(s3: Any, tmp_path: Path) -> None:
    Folders(s3, tmp_path).make("s3a://data/orders#1/")
    assert keys(s3) == ["orders#1/"]
