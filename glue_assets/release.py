"""Builds a release, the content of all sandboxes, and publishes it to the assets bucket.

    python -m glue_assets.release build --out DIR [--data DIR] [--version V]
    python -m glue_assets.release publish --bucket BUCKET [--data DIR] [--version V] [--notes TEXT]
    python -m glue_assets.release list --bucket BUCKET

In the bucket, `releases/<release>/` contains `manifest.json`, `template.yaml`, `jobs/...` and `data/...`.
`releases/latest.json` names the newest release. A release ID consists of the version and a hash of the
content: the same content has the same ID everywhere, and a published release never changes.
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

from glue_assets import published
from glue_assets.tables import Column, DataError, Table, find_tables
from glue_assets.template_builder import Resource, assemble, complete, definition, resources, storage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).parents[1]

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")
# Maximum size of one request to S3, https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
_FILE_LIMIT = 5 * 1024**3
_NOTES_LENGTH = 4000


@dataclass(frozen=True)
class ReleaseFile:
    """A file of the release at `path`, copied to `key` in the bucket `target`. `size` is in bytes."""

    path: str
    target: str
    key: str
    size: int
    sha256: str
    source: Path


@dataclass(frozen=True)
class Release:
    """A built release. `template` is the complete template as text."""

    version: str
    notes: str
    template: str
    files: tuple[ReleaseFile, ...]
    tables: tuple[Table, ...]
    resources: tuple[Resource, ...]

    @property
    def sha256(self) -> str:
        """Hash of the manifest without `release` and `sha256`."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def id(self) -> str:
        """ID of the release."""
        return f"{self.version}-{self.sha256[:12]}"

    @property
    def manifest(self) -> dict[str, Any]:
        """Content of `manifest.json`."""
        return {"release": self.id, "sha256": self.sha256, **self._content()}

    def _content(self) -> dict[str, Any]:
        template = self.template.encode()
        return {
            "version": self.version,
            "notes": self.notes,
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
                    "columns": [_shown(column) for column in table.columns],
                    "partition_keys": [_shown(key) for key in table.partition_keys],
                    **({"description": table.description} if table.description else {}),
                    "definition": definition(table),
                    **(_partitions(table) if table.partitions else {}),
                }
                for table in self.tables
            ],
            "resources": [
                {"logical_id": resource.logical_id, "type": resource.type, "when": resource.when}
                for resource in self.resources
            ],
        }


def build(root: Path, data: Path, version: str, *, notes: str | None = None, lint: bool = True) -> Release:
    """Build a release from a checkout and a data folder. Raises `DataError` if they are invalid.

    `notes` describe the changes, by default the text of `glue_assets/NOTES.md`.
    """
    if notes is None:
        notes = (root / "glue_assets" / "NOTES.md").read_text(encoding="utf-8")
    if len(notes) > _NOTES_LENGTH:
        raise DataError(f"the notes have more than {_NOTES_LENGTH:,} characters")
    if not _VERSION.fullmatch(version):
        raise DataError(f"{version!r} is not a valid version: use 1 to 64 letters, digits, or any of .+-")
    tables = find_tables(data)
    template = complete(assemble(root / "glue_assets"), tables)
    jobs = root / "glue_assets" / "jobs"
    scripts = sorted(jobs.glob("*.py"), key=lambda path: path.name)
    files = [_file(script, f"jobs/{script.name}", "glue_assets", f"jobs/{script.name}") for script in scripts]
    for table in tables:
        folder = f"{table.database}/{table.name}"
        for file in table.files:
            place = f"{folder}/{table.below(file)}"
            files.append(_file(file, f"data/{place}", "sor", place))
    if lint and (wrong := findings(template)):
        raise DataError("\n".join(wrong))
    return Release(
        version=version,
        notes=notes.strip(),
        template=template,
        files=tuple(files),
        tables=tables,
        resources=resources(template),
    )


def findings(template: str) -> list[str]:
    """Return the errors that cfn-lint finds in a template, one per line, with their line numbers."""
    from cfnlint.api import lint  # type: ignore[import-untyped]  # needed only to publish

    found = lint(template, regions=["us-east-1"])
    return [f"template.yaml:{match.linenumber}: {match.message} ({match.rule.id})" for match in found]


def publish(release: Release, s3: S3Client, bucket: str) -> bool:
    """Publish a release to the assets bucket as the newest one. Return whether anything was written."""
    uploaded = upload(release, s3, bucket)
    return published.point(s3, bucket, release.id) or uploaded


def upload(release: Release, s3: S3Client, bucket: str, owner: str | None = None) -> bool:
    """Upload the files of a release, unless the bucket has it. Return whether anything was written.

    S3 rejects a bucket of another account than `owner`.

    The manifest is written last, so that its reader finds all files. An interrupted upload starts from the
    beginning.
    """
    folder = f"releases/{release.id}"
    if published.read(s3, bucket, f"{folder}/manifest.json", owner) is not None:
        return False
    where: Any = {"Bucket": bucket, **published.expected(owner)}
    for file in release.files:
        with file.source.open("rb") as stream:
            # S3 rejects a body that differs from the built file.
            digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
            s3.put_object(**where, Key=f"{folder}/{file.path}", Body=stream, ChecksumSHA256=digest)
    s3.put_object(**where, Key=f"{folder}/template.yaml", Body=release.template.encode())
    s3.put_object(**where, Key=f"{folder}/manifest.json", Body=published.to_json(release.manifest))
    return True


def write(release: Release, out: Path) -> None:
    """Write a release to a folder, with the layout of the assets bucket."""
    folder = out / "releases" / release.id
    for file in release.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.source, target)
    (folder / "template.yaml").write_bytes(release.template.encode())
    (folder / "manifest.json").write_bytes(published.to_json(release.manifest))
    (out / published.LATEST).write_bytes(published.to_json({"release": release.id}))


def project_version(root: Path) -> str:
    """Return the version in a checkout's pyproject.toml."""
    version: str = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return version


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m glue_assets.release", description="Build releases.")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="write a release to a folder")
    building.add_argument(
        "--out", type=Path, required=True, help="output folder; receives releases/<release>/"
    )
    publishing = commands.add_parser("publish", help="write a release to the assets bucket")
    publishing.add_argument("--bucket", required=True, help="the assets bucket")
    for command in (building, publishing):
        command.add_argument(
            "--data", type=Path, default=ROOT / "data", help="data folder: <database>/<table>/"
        )
        command.add_argument("--version", default=project_version(ROOT), help="default: %(default)s")
        command.add_argument("--notes", help="release notes; default: glue_assets/NOTES.md")
    listing = commands.add_parser("list", help="list the releases in the assets bucket, newest first")
    listing.add_argument("--bucket", required=True, help="the assets bucket")
    options = parser.parse_args(argv)
    if options.command == "list":
        import boto3

        for line in published.listed(boto3.client("s3"), options.bucket):
            print(line)
        return 0
    try:
        release = build(ROOT, options.data, options.version, notes=options.notes)
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


def _shown(column: Column) -> dict[str, str]:
    comment = {"comment": column.comment} if column.comment else {}
    return {"name": column.name, "type": column.type, **comment}


def _partitions(table: Table) -> dict[str, Any]:
    """Return what the service needs to register partitions, which are too many for resources of a stack."""
    folder = f"{table.database}/{table.name}"
    found = [{"values": list(p.values), "path": f"{folder}/{p.path}"} for p in table.partitions]
    return {"partitions": found, "storage": storage(table)}


def _file(source: Path, path: str, target: str, key: str) -> ReleaseFile:
    size = source.stat().st_size
    if size > _FILE_LIMIT:
        raise DataError(f"{source}: is larger than 5 GB; split it")
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ReleaseFile(path=path, target=target, key=key, size=size, sha256=digest, source=source)


if __name__ == "__main__":
    sys.exit(main())
