"""Packages in the code bucket: what was deployed, and can be deployed again without building it.

    code/<hash>.zip                   the functions
    packages/<version>/template.json  the template, which names the zip
    packages/<version>/package.json   version and release; written last, so it has a complete package
    releases/<release>/...            the content of sandboxes, with the layout of the assets bucket

A version is the project's version and a hash of the content: the same checkout has the same version.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.aws.s3 import Buckets
from deploy import package
from deploy.code_bucket import PLANS
from deploy.errors import DeploymentError
from deploy.requirements import ROOT
from glue_assets import published
from glue_assets import release as releases
from glue_assets.tables import DataError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION_OUTPUT = "PackageVersion"
"""Output of the stack with the version of its package."""

_RELEASE = r"[A-Za-z0-9][A-Za-z0-9.+-]*"

Json = dict[str, Any]


@dataclass(frozen=True)
class Package:
    """A package in the code bucket. `parameters` are the declared parameters of its template."""

    version: str
    release: str
    template: Json

    @property
    def parameters(self) -> Json:
        """Return the declared parameters of the template."""
        found: Json = self.template["Parameters"]
        return found


@dataclass(frozen=True)
class Built:
    """A package of this checkout."""

    code: bytes
    sam: Json
    release: releases.Release

    @property
    def version(self) -> str:
        """Return the project's version with a hash of functions, template and release."""
        digest = hashlib.sha256(self.code)
        digest.update(json.dumps(self.sam, sort_keys=True).encode())
        digest.update(self.release.id.encode())
        return f"{releases.project_version(ROOT)}-{digest.hexdigest()[:12]}"

    @property
    def code_key(self) -> str:
        """Return the key of the functions' code. Functions change only if their code does."""
        return f"code/{hashlib.sha256(self.code).hexdigest()[:32]}.zip"

    def in_bucket(self, bucket: str) -> Package:
        """Return the package with a template whose functions have their code in a bucket."""
        resources: Json = {
            name: _with_code(resource, bucket, self.code_key)
            for name, resource in self.sam["Resources"].items()
        }
        version: Json = {"Description": "Version of the package", "Value": self.version}
        outputs = {**self.sam["Outputs"], VERSION_OUTPUT: version}
        template = {**self.sam, "Resources": resources, "Outputs": outputs}
        return Package(self.version, self.release.id, template)


def build(data: Path, work: Path) -> Built:
    """Build the package of this checkout with the data of a folder. Raise `DeploymentError` if invalid.

    The folder `work` receives converted files; keep it until the package is uploaded.
    """
    try:
        package.package_if_changed(package.PACKAGE)
        release = releases.build(ROOT, data, releases.project_version(ROOT), work, lint=False)
    except (package.PackagingFailed, DataError) as error:
        raise DeploymentError(f"The package cannot be built: {error}") from error
    return Built(
        code=(package.PACKAGE / "deployment.zip").read_bytes(),
        sam=json.loads((package.PACKAGE / "sam.json").read_text(encoding="utf-8")),
        release=release,
    )


class Packages:
    """The packages in a code bucket."""

    def __init__(self, s3: S3Client, bucket: str, owner: str) -> None:
        self._s3 = s3
        self.bucket = bucket
        self._owner = owner

    def upload(self, built: Built) -> Package:
        """Upload a package. What is in the bucket already, and is the same, is not uploaded again."""
        made = built.in_bucket(self.bucket)
        folder = f"packages/{made.version}"
        self._put_if_other(built.code_key, built.code)
        releases.upload(built.release, self._s3, self.bucket, self._owner)
        self._put_if_other(f"{folder}/template.json", _json(made.template))
        description = _json({"version": made.version, "release": made.release})
        self._put_if_other(f"{folder}/package.json", description)
        return made

    def find(self, version: str) -> Package:
        """Return an earlier package. Raise `DeploymentError` if it is not in the bucket."""
        description = self._read(f"packages/{version}/package.json")
        template = self._read(f"packages/{version}/template.json")
        if description is None or template is None:
            raise DeploymentError(
                f"The bucket {self.bucket} has no package {version}. `make versions` lists its packages."
            )
        found, document = _object(description), _object(template)
        release = found.get("release")
        is_complete = all(isinstance(document.get(name), dict) for name in ("Parameters", "Resources"))
        if not (is_complete and isinstance(release, str) and re.fullmatch(_RELEASE, release)):
            raise DeploymentError(
                f"The package {version} in the bucket {self.bucket} is damaged. Restore earlier versions of "
                f"packages/{version}/*, or deploy another package."
            )
        return Package(version, release, document)

    def versions(self) -> Iterator[tuple[str, str]]:
        """Yield version and time of upload of each package, newest first."""
        found = []
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix="packages/", ExpectedBucketOwner=self._owner
        )
        for page in pages:
            for item in page.get("Contents", []):
                if item["Key"].endswith("/package.json"):
                    found.append((item["LastModified"], item["Key"].split("/")[1]))
        for at, version in sorted(found, reverse=True):
            yield version, f"{at:%Y-%m-%d %H:%M}"

    def template_url(self, version: str) -> str:
        """Return the URL of an uploaded package's template, for CloudFormation."""
        return Buckets(self._s3).url(self.bucket, f"packages/{version}/template.json")

    def put_plan(self, made: Package) -> str:
        """Upload a template for a plan. Return its key, which is the plan's own: it deletes the template."""
        key = f"{PLANS}{made.version}-{uuid.uuid4().hex}.json"
        self._put(key, _json(made.template))
        return key

    def plan_url(self, key: str) -> str:
        """Return the URL of a plan's template."""
        return Buckets(self._s3).url(self.bucket, key)

    def delete_plan(self, key: str) -> None:
        """Delete a plan's template."""
        self._s3.delete_object(Bucket=self.bucket, Key=key, ExpectedBucketOwner=self._owner)

    def publish(self, release: str, assets: str) -> bool:
        """Copy a release to the assets bucket as the newest one. Return whether anything was written."""
        try:
            return published.copy(self._s3, release, self.bucket, assets, self._owner)
        except DataError as error:
            raise DeploymentError(
                f"The release cannot be published: {error}. Deploy another package."
            ) from error

    def _put_if_other(self, key: str, body: bytes) -> None:
        """Upload an object, unless the bucket has it. Anybody may have written to the bucket since."""
        if self._read(key) != body:
            self._put(key, body)

    def _put(self, key: str, body: bytes) -> None:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        self._s3.put_object(
            Bucket=self.bucket, Key=key, Body=body, ChecksumSHA256=digest, ExpectedBucketOwner=self._owner
        )

    def _read(self, key: str) -> bytes | None:
        return published.read(self._s3, self.bucket, key, self._owner)


def _with_code(resource: Json, bucket: str, key: str) -> Json:
    if resource["Type"] != "AWS::Serverless::Function":
        return resource
    return {**resource, "Properties": {**resource["Properties"], "CodeUri": {"Bucket": bucket, "Key": key}}}


def _object(text: bytes) -> Json:
    """Return the JSON object of a text, or an empty one if the text is something else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: Json) -> bytes:
    # Without spaces: CloudFormation accepts 1 MB.
    return json.dumps(value, separators=(",", ":")).encode()
