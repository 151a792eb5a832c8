"""Publishing a release to a bucket, and the service reading it back."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.buckets import Buckets
from chalicelib.parameters import template_parameters
from chalicelib.provisioning import Provisioning
from chalicelib.records import Environment, Status
from chalicelib.releases import Releases
from chalicelib.settings import Settings
from chalicelib.stacks import Stack
from glue_assets.release import Release, build, publish
from glue_assets.template import parse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).parents[2]
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
    """The keys that the client puts, in their order."""
    keys: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        keys.append(params["Key"])

    s3.meta.events.register("provide-client-params.s3.PutObject", note)
    return keys


def small(tmp_path: Path, rows: str = "1\n", version: str = "1.0.0") -> Release:
    table = tmp_path / "data/db_shop/tbl_orders"
    table.mkdir(parents=True, exist_ok=True)
    (table / "orders.csv").write_text("order_id\n" + rows)
    return build(ROOT, tmp_path / "data", version)


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
    assert written == [
        f"{folder}/jobs/sot_ecommerce.py",
        f"{folder}/data/db_shop/tbl_orders/orders.csv",
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


def test_a_published_release_is_not_touched_by_what_happened_to_its_files(
    s3: S3Client, tmp_path: Path
) -> None:
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


def test_a_bucket_that_is_not_there_is_told(s3: S3Client, tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        publish(small(tmp_path), s3, "no-such-assets")


def test_the_service_reads_what_was_published(s3: S3Client, tmp_path: Path) -> None:
    release = small(tmp_path)
    publish(release, s3, BUCKET)
    releases = Releases(Buckets(s3), BUCKET, "us-east-1")
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
    everything = {"KmsKey": "true", "AthenaWorkgroup": "true"}
    assert found.resource_count(everything) == len(template["Resources"])
    assert found.resource_count({}) == len(template["Resources"]) - len(conditional)


@pytest.mark.parametrize(("is_wanted", "key"), [(True, ["Key", "Arn"]), (False, None)])
def test_the_service_finds_every_output_that_it_wants_in_the_template(
    s3: S3Client, tmp_path: Path, is_wanted: bool, key: str | None
) -> None:
    release = small(tmp_path)
    publish(release, s3, BUCKET)
    settings = Settings(kms_key=is_wanted, athena_workgroup=is_wanted).model_dump()
    environment = Environment(
        id="abcdefgh23",
        owner="ana",
        status=Status.CREATING,
        release=release.id,
        settings=settings,
        created_at="",
        updated_at="",
        expires_at="",
        available_micro_usd=0,
    )
    parameters = template_parameters(environment)
    outputs = stack_outputs(release.template, parameters)
    provisioning = Provisioning(
        *(None, Buckets(s3), Releases(Buckets(s3), BUCKET, "us-east-1"), None)  # type: ignore[arg-type]
    )
    shown = provisioning.outputs(environment, Stack("id", "CREATE_COMPLETE", None, outputs))
    assert shown == {
        "buckets": {
            "sor": "SorBucket",
            "sot": "SotBucket",
            "spec": "SpecBucket",
            "glue_assets": "GlueAssetsBucket",
            "athena_results": "AthenaResultsBucket",
        },
        "databases": {"db_shop": "DatabaseDbShop", "sot": "SotDatabase"},
        "job_id": "GlueJob",
        "athena_workgroup": "Workgroup" if is_wanted else None,
        "role_arn": ["GlueJobRole", "Arn"],
        "kms_key_arn": key,
    }


def stack_outputs(text: str, parameters: dict[str, str]) -> dict[str, str]:
    """What a stack would say, with the logical id (and attribute) in place of each value."""
    template = parse(text)
    holds = functools.partial(condition, template["Conditions"], parameters)
    return {
        name: next(iter(output["Value"].values()))
        for name, output in template["Outputs"].items()
        if holds(output.get("Condition"))
    }


def condition(conditions: dict[str, Any], parameters: dict[str, str], name: str | None) -> bool:
    if name is None:
        return True
    reference, wanted = conditions[name]["Fn::Equals"]
    return parameters[reference["Ref"]] == wanted
