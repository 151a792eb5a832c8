"""Publication of a release to a bucket, and its use by the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.s3 import Buckets
from chalicelib.domain import names
from chalicelib.storage.releases import Releases
from glue_assets import published
from glue_assets.release import Release, publish
from glue_assets.tables import DataError
from glue_assets.template_builder import parse
from tests.support.releases import built_release

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "release-assets"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def written(s3: S3Client) -> list[str]:
    """The keys that the client writes, in order."""
    keys: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        keys.append(params["Key"])

    s3.meta.events.register("provide-client-params.s3.PutObject", note)
    return keys


def small(tmp_path: Path, rows: str = "1\n", version: str = "1.0.0") -> Release:
    table = tmp_path / "data/db_shop/tbl_orders"
    table.mkdir(parents=True, exist_ok=True)
    (table / "orders.csv").write_text("order_id\n" + rows)
    return built_release(tmp_path / "data", version)


def body(s3: S3Client, key: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def pointer(s3: S3Client) -> str:
    latest: str = json.loads(body(s3, "releases/latest.json"))["release"]
    return latest


def versions(s3: S3Client) -> int:
    return len(s3.list_object_versions(Bucket=BUCKET).get("Versions", []))


def test_the_manifest_follows_its_files_and_the_pointer_comes_last(
    s3: S3Client, written: list[str], tmp_path: Path
) -> None:
    release = small(tmp_path)
    assert publish(release, s3, BUCKET)
    folder = f"releases/{release.id}"
    assert {*written[:2]} == {
        f"{folder}/jobs/sot_ecommerce.py",
        f"{folder}/data/db_shop/tbl_orders/orders.csv",
    }
    assert written[2:] == [
        f"{folder}/template.yaml",
        f"{folder}/manifest.json",
        "releases/latest.json",
    ]
    assert body(s3, f"{folder}/data/db_shop/tbl_orders/orders.csv") == b"order_id\n1\n"
    assert body(s3, f"{folder}/template.yaml").decode() == release.template
    assert json.loads(body(s3, f"{folder}/manifest.json")) == release.manifest
    assert pointer(s3) == release.id


def test_publishing_the_same_release_again_writes_nothing(s3: S3Client, tmp_path: Path) -> None:
    release = small(tmp_path)
    assert publish(release, s3, BUCKET)
    before = versions(s3)
    assert not publish(small(tmp_path), s3, BUCKET)
    assert versions(s3) == before


def test_a_published_release_does_not_depend_on_its_local_files(s3: S3Client, tmp_path: Path) -> None:
    release = small(tmp_path)
    publish(release, s3, BUCKET)
    (tmp_path / "data/db_shop/tbl_orders/orders.csv").write_text("order_id\n9\n")
    publish(release, s3, BUCKET)
    key = f"releases/{release.id}/data/db_shop/tbl_orders/orders.csv"
    assert body(s3, key) == b"order_id\n1\n"


def test_new_data_is_a_new_release_and_the_old_one_stays(s3: S3Client, tmp_path: Path) -> None:
    old = small(tmp_path)
    publish(old, s3, BUCKET)
    new = small(tmp_path, "1\n2\n")
    publish(new, s3, BUCKET)
    assert pointer(s3) == new.id != old.id
    assert body(s3, f"releases/{old.id}/data/db_shop/tbl_orders/orders.csv") == b"order_id\n1\n"


def test_publishing_an_old_release_makes_it_the_newest_again(
    s3: S3Client, written: list[str], tmp_path: Path
) -> None:
    old = small(tmp_path)
    publish(old, s3, BUCKET)
    publish(small(tmp_path, "1\n2\n"), s3, BUCKET)
    written.clear()
    assert publish(small(tmp_path), s3, BUCKET)
    assert written == ["releases/latest.json"]
    assert pointer(s3) == old.id


@pytest.mark.parametrize("lost", ["orders.csv", "template.yaml", "manifest.json", "latest.json"])
def test_an_interrupted_publication_shows_nothing_and_can_be_repeated(
    s3: S3Client, tmp_path: Path, lost: str
) -> None:
    def fail(params: dict[str, Any], **_: Any) -> None:
        if params["Key"].endswith(lost):
            raise ConnectionError(lost)

    old, new = small(tmp_path), small(tmp_path, version="1.0.1")
    publish(old, s3, BUCKET)
    s3.meta.events.register("provide-client-params.s3.PutObject", fail)
    with pytest.raises(ConnectionError):
        publish(new, s3, BUCKET)
    assert pointer(s3) == old.id
    s3.meta.events.unregister("provide-client-params.s3.PutObject", fail)
    assert publish(new, s3, BUCKET)
    assert pointer(s3) == new.id
    assert json.loads(body(s3, f"releases/{new.id}/manifest.json")) == new.manifest


def test_a_missing_bucket_is_reported(s3: S3Client, tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        publish(small(tmp_path), s3, "no-such-assets")


def test_the_service_reads_a_published_release(s3: S3Client, tmp_path: Path) -> None:
    release = small(tmp_path)
    publish(release, s3, BUCKET)
    releases = Releases(Buckets(s3), BUCKET)
    found = releases.latest()
    assert found.id == release.id
    assert found.databases == ("db_shop",)
    assert [(file.target, file.key) for file in found.files] == [
        ("glue_assets", "jobs/sot_ecommerce.py"),
        ("sor", "db_shop/tbl_orders/orders.csv"),
    ]
    assert all(body(s3, found.path(file.path)) for file in found.files)
    template = parse(body(s3, found.path(found.template)).decode())
    conditional = [r for r in template["Resources"].values() if "Condition" in r]
    flags = ("KmsKey", "AthenaWorkgroup", "IamRole", "SecurityConfiguration")
    everything = dict.fromkeys(flags, "true")
    assert found.resource_count(everything) == len(template["Resources"])
    assert found.resource_count({}) == len(template["Resources"]) - len(conditional)


def test_partitions_are_registered_idempotently(s3: S3Client, tmp_path: Path) -> None:
    for year in (2017, 2018):
        folder = tmp_path / f"data/db_shop/tbl_orders/year={year}"
        folder.mkdir(parents=True)
        (folder / "orders.csv").write_text(f"order_id\n{year}\n")
    publish(built_release(tmp_path / "data", "1.0.0"), s3, BUCKET)
    [table] = Releases(Buckets(s3), BUCKET).latest().partitioned
    glue = boto3.client("glue", region_name="us-east-1")
    glue.create_database(DatabaseInput={"Name": "db"})
    keys = [{"Name": "year", "Type": "string"}]
    glue.create_table(DatabaseName="db", TableInput={"Name": "tbl_orders", "PartitionKeys": keys})
    wanted = [(list(values), f"s3://sor/{path}") for values, path in table.partitions]
    for _ in range(2):
        Catalog(glue).add_partitions("db", "tbl_orders", table.storage, wanted)
    found = glue.get_partitions(DatabaseName="db", TableName="tbl_orders")["Partitions"]
    assert [(p["Values"], p["StorageDescriptor"]["Location"]) for p in found] == [
        (["2017"], "s3://sor/db_shop/tbl_orders/year=2017/"),
        (["2018"], "s3://sor/db_shop/tbl_orders/year=2018/"),
    ]
    assert found[0]["StorageDescriptor"]["Columns"] == [{"Name": "order_id", "Type": "string"}]


def test_releases_of_a_bucket_are_listed_with_the_current_one(s3: S3Client, tmp_path: Path) -> None:
    old, new = small(tmp_path), small(tmp_path, version="1.0.1")
    for release in (old, new):
        publish(release, s3, BUCKET)
    publish(old, s3, BUCKET)  # new sandboxes get the older release again
    lines = {line[2:].split()[0]: line for line in published.listed(s3, BUCKET)}
    assert lines.keys() == {old.id, new.id}
    assert (lines[old.id][0], lines[new.id][0]) == ("*", " ")
    assert lines[new.id].endswith(new.notes.partition("\n")[0])


def test_a_data_set_has_a_pointer_of_its_own(s3: S3Client, tmp_path: Path) -> None:
    default, sales = small(tmp_path), small(tmp_path, "1\n2\n")
    publish(default, s3, BUCKET)
    assert publish(sales, s3, BUCKET, "sales-2026")
    assert not publish(sales, s3, BUCKET, "sales-2026")
    assert pointer(s3) == default.id
    assert json.loads(body(s3, "releases/data-sets/sales-2026.json")) == {"release": sales.id}
    assert published.data_sets(s3, BUCKET) == {"sales-2026": sales.id}
    lines = published.listed(s3, BUCKET)
    [line] = [line for line in lines if sales.id in line]
    assert line.startswith(f"  {sales.id}") and "  sales-2026  " in line


@pytest.mark.parametrize("name", ["Sales", "2026", "a_b", "a/b", "", "x" * 41, "latest.json"])
def test_a_name_that_cannot_be_a_data_set_is_rejected(name: str) -> None:
    with pytest.raises(DataError, match=r"begin with a letter, and use at most 40 of a-z, 0-9 and -"):
        published.pointer(name)


def test_the_api_accepts_the_names_that_can_be_published() -> None:
    assert published.DATA_SET.pattern == names.DATA_SET.pattern
