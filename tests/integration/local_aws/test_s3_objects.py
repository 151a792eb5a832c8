"""Objects of the local S3 that other requests replace while they are being written and read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.s3.models import FakeKey, S3Backend, s3_backends

from local.moto_patches import s3_objects

PLACE = {"Bucket": "lake", "Key": "a.csv"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    s3_objects.install()
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="lake")
        yield client


def test_a_put_that_is_replaced_before_its_response_has_its_own_etag(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_object = S3Backend.put_object

    def put_and_lose(self: S3Backend, bucket_name: str, key_name: str, value: bytes, **more: Any) -> FakeKey:
        mine = put_object(self, bucket_name, key_name, value, **more)
        put_object(self, bucket_name, key_name, b"of another request")
        return mine

    monkeypatch.setattr(S3Backend, "put_object", put_and_lose)
    assert client.put_object(**PLACE, Body=b"mine")["ETag"] == '"918b81db5e91d031548b963c93845e5b"'
    assert client.get_object(**PLACE)["Body"].read() == b"of another request"


def test_an_object_that_is_deleted_stays_readable_for_a_request_that_found_it(client: Any) -> None:
    client.put_object(**PLACE, Body=b"old")
    found = s3_backends["123456789012"]["aws"].get_object("lake", "a.csv")
    client.delete_object(**PLACE)
    assert found is not None
    assert found.value == b"old"
