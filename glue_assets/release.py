"""Builds a release, all that a sandbox is made of, and publishes it to the assets bucket.

    python -m glue_assets.release build --out DIR [--data DIR] [--version V]
    python -m glue_assets.release publish --bucket BUCKET [--data DIR] [--version V]

In the bucket, `releases/<release>/` holds `manifest.json`, `template.yaml`, `jobs/...` and `data/...`, and
`releases/latest.json` names the newest. A release's id is its version and a hash over all that is in it: the
same content has the same id everywhere, and what is published under an id never changes.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue_assets.tables import DataError, Table, find_tables
from glue_assets.template import Resource, assemble, complete, resources

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).parents[1]
LATEST = "releases/latest.json"

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")
# What S3 takes in one request, https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
_FILE_LIMIT = 5 * 1024**3


@dataclass(frozen=True)
class ReleaseFile:
    """A file for the sandboxes: `path` in the release, `key` in the sandbox's bucket `target`; bytes, hex."""

    path: str
    target: str
    key: str
    size: int
    sha256: str
    source: Path


@dataclass(frozen=True)
class Release:
    """A built release; `template` is the text of the whole template."""

    version: str
    template: str
    files: tuple[ReleaseFile, ...]
    tables: tuple[Table, ...]
    resources: tuple[Resource, ...]

    @property
    def sha256(self) -> str:
        """The hash over the content: everything in the manifest but the two fields that come from it."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def id(self) -> str:
        """The release's name."""
        return f"{self.version}-{self.sha256[:12]}"

    @property
    def manifest(self) -> dict[str, Any]:
        """What `manifest.json` holds."""
        return {"release": self.id, "sha256": self.sha256, **self._content()}

    def _content(self) -> dict[str, Any]:
        template = self.template.encode()
        return {
            "version": self.version,
            "template": {
                "path": "template.yaml",
                "size": len(template),
                "sha256": hashlib.sha256(template).hexdigest(),
            },
            "files": [
                {"path": f.path, "target": f.target, "key": f.key, "size": f.size, "sha256": f.sha256}
                for f in self.files
            ],
            "tables": [
                {
                    "database": table.database,
                    "table": table.name,
                    "format": table.format,
                    "columns": [{"name": column.name, "type": column.type} for column in table.columns],
                }
                for table in self.tables
            ],
            "resources": [
                {"logical_id": resource.logical_id, "type": resource.type, "when": resource.when}
                for resource in self.resources
            ],
        }


def build(root: Path, data: Path, version: str) -> Release:
    """The release of a checkout with the data of a folder; raises `DataError` for data it cannot take."""
    if not _VERSION.fullmatch(version):
        raise DataError(f"{version!r} cannot be a version: 1 to 64 letters, digits or any of .+-")
    tables = find_tables(data)
    template = complete(assemble(root / "glue_assets"), tables)
    jobs = root / "glue_assets" / "jobs"
    scripts = sorted(jobs.glob("*.py"), key=lambda path: path.name)
    files = [_file(script, "jobs", "glue_assets", f"jobs/{script.name}") for script in scripts]
    for table in tables:
        folder = f"{table.database}/{table.name}"
        files += [_file(file, f"data/{folder}", "sor", f"{folder}/{file.name}") for file in table.files]
    return Release(version, template, tuple(files), tables, resources(template))


def publish(release: Release, s3: S3Client, bucket: str) -> bool:
    """Put a release into the assets bucket and make it the newest; whether that wrote anything.

    The manifest comes after all its files and the pointer last, so that whoever reads either finds everything
    that it names. Publishing an id that is there writes no file again, whatever happened since it was built;
    one that was interrupted is begun anew.
    """
    folder = f"releases/{release.id}"
    is_new = _read(s3, bucket, f"{folder}/manifest.json") is None
    if is_new:
        for file in release.files:
            with file.source.open("rb") as stream:
                # S3 refuses a body that is not what was built.
                digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
                s3.put_object(Bucket=bucket, Key=f"{folder}/{file.path}", Body=stream, ChecksumSHA256=digest)
        s3.put_object(Bucket=bucket, Key=f"{folder}/template.yaml", Body=release.template.encode())
        s3.put_object(Bucket=bucket, Key=f"{folder}/manifest.json", Body=_json(release.manifest))
    pointer = _json({"release": release.id})
    if _read(s3, bucket, LATEST) == pointer:
        return is_new
    s3.put_object(Bucket=bucket, Key=LATEST, Body=pointer)
    return True


def write(release: Release, out: Path) -> None:
    """Lay a release out below a folder as in the assets bucket."""
    folder = out / "releases" / release.id
    for file in release.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.source, target)
    (folder / "template.yaml").write_bytes(release.template.encode())
    (folder / "manifest.json").write_bytes(_json(release.manifest))
    (out / LATEST).write_bytes(_json({"release": release.id}))


def project_version(root: Path) -> str:
    """The version in a checkout's pyproject.toml."""
    version: str = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return version


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m glue_assets.release", description="Build releases.")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="write a release to a folder")
    building.add_argument(
        "--out", type=Path, required=True, help="where to; releases/<release>/ is made there"
    )
    publishing = commands.add_parser("publish", help="write a release to the assets bucket")
    publishing.add_argument("--bucket", required=True, help="the assets bucket")
    for command in (building, publishing):
        command.add_argument("--data", type=Path, default=ROOT / "data", help="folder of <database>/<table>/")
        command.add_argument("--version", default=project_version(ROOT), help="default: %(default)s")
    options = parser.parse_args(argv)
    try:
        release = build(ROOT, options.data, options.version)
    except DataError as exc:
        print(exc, file=sys.stderr)
        return 1
    if options.command == "build":
        write(release, options.out)
        print(f"{release.id} built in {options.out / 'releases' / release.id}")
    else:
        import boto3

        wrote = publish(release, boto3.client("s3"), options.bucket)
        print(f"{release.id} {'published to' if wrote else 'was already the newest in'} {options.bucket}")
    return 0


def _file(source: Path, folder: str, target: str, key: str) -> ReleaseFile:
    size = source.stat().st_size
    if size > _FILE_LIMIT:
        raise DataError(f"{source}: has more than 5 GB; split it")
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ReleaseFile(f"{folder}/{source.name}", target, key, size, digest, source)


def _read(s3: S3Client, bucket: str, key: str) -> bytes | None:
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


if __name__ == "__main__":
    sys.exit(main())
