"""Builds a release, the content of all sandboxes, and publishes it to the assets bucket.

    python -m glue_assets.release check DIR [--json]
    python -m glue_assets.release build --out DIR [--data DIR] [--version V]
    python -m glue_assets.release publish --bucket BUCKET [--data DIR] [--data-set NAME] [--notes TEXT]
    python -m glue_assets.release list --bucket BUCKET

In the bucket, `releases/<release>/` contains `manifest.json`, `template.yaml`, `jobs/...` and `data/...`.
`releases/latest.json` names the newest release, and `releases/data-sets/<name>.json` that of a data set. A
release ID consists of the version and a hash of the content: the same content has the same ID everywhere, and
a published release never changes.
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
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from glue_assets import published, report
from glue_assets.manifest import Release, ReleaseFile
from glue_assets.sources.problems import Problem
from glue_assets.tables import DataError, find_tables, read_tables
from glue_assets.template_builder import assemble, complete, resources

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Release", "build", "findings", "main", "project_version", "publish", "upload", "write"]

ROOT = Path(__file__).parents[1]

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")
_NOTES_LENGTH = 4000
_UPLOADS = 8


def build(
    root: Path, data: Path, version: str, work: Path, *, notes: str | None = None, lint: bool = True
) -> Release:
    """Build a release from a checkout and a data folder. Raises `DataError` if they are invalid.

    The folder `work` receives converted files; keep it until the release is written. `notes` describe the
    changes, by default the text of `glue_assets/NOTES.md`.
    """
    if notes is None:
        notes = (root / "glue_assets" / "NOTES.md").read_text(encoding="utf-8")
    if len(notes) > _NOTES_LENGTH:
        raise DataError(f"the notes have more than {_NOTES_LENGTH:,} characters")
    if not _VERSION.fullmatch(version):
        raise DataError(f"{version!r} is not a valid version: use 1 to 64 letters, digits, or any of .+-")
    tables = find_tables(data, work)
    template = complete(assemble(root / "glue_assets"), tables)
    jobs = root / "glue_assets" / "jobs"
    scripts = sorted(jobs.glob("*.py"), key=lambda path: path.name)
    files = [_file(script, f"jobs/{script.name}", "glue_assets", f"jobs/{script.name}") for script in scripts]
    for table in tables:
        folder = f"{table.database}/{table.name}"
        for file in table.files:
            files.append(_file(file.source, f"data/{folder}/{file.path}", "sor", f"{folder}/{file.path}"))
        for source, path in table.originals:
            # Outside of the table's folder, because its readers would read it as well.
            place = f"{table.database}/_original/{table.name}/{path}"
            files.append(_file(source, f"data/{place}", "sor", place))
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


def publish(release: Release, s3: S3Client, bucket: str, data_set: str | None = None) -> bool:
    """Publish a release to the assets bucket. Return whether anything was written.

    It becomes the newest release, or only that of a data set.
    """
    uploaded = upload(release, s3, bucket)
    return published.point(s3, bucket, release.id, data_set=data_set) or uploaded


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

    def put(file: ReleaseFile) -> None:
        with file.source.open("rb") as stream:
            # S3 rejects a body that differs from the built file.
            digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
            s3.put_object(**where, Key=f"{folder}/{file.path}", Body=stream, ChecksumSHA256=digest)

    with ThreadPoolExecutor(_UPLOADS) as pool:  # each streams its file
        uploads = [pool.submit(put, file) for file in release.files]
        try:
            for done in as_completed(uploads):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
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
    options = _parser().parse_args(argv)
    if options.command == "list":
        import boto3

        for line in published.listed(boto3.client("s3"), options.bucket):
            print(line)
        return 0
    with TemporaryDirectory() as work:
        return _check(options, Path(work)) if options.command == "check" else _build(options, Path(work))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m glue_assets.release", description="Build releases.")
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="show what a data folder becomes, and all its faults")
    checking.add_argument("data", type=Path, help="data folder: <database>/<table>/<files>")
    checking.add_argument("--json", action="store_true", help="print JSON")
    building = commands.add_parser("build", help="write a release to a folder")
    building.add_argument(
        "--out", type=Path, required=True, help="output folder; receives releases/<release>/"
    )
    publishing = commands.add_parser("publish", help="write a release to the assets bucket")
    publishing.add_argument("--bucket", required=True, help="the assets bucket")
    publishing.add_argument("--data-set", help="publish as this data set, and keep the default release")
    for command in (building, publishing):
        command.add_argument(
            "--data", type=Path, default=ROOT / "data", help="data folder: <database>/<table>/"
        )
        command.add_argument("--version", default=project_version(ROOT), help="default: %(default)s")
        command.add_argument("--notes", help="release notes; default: glue_assets/NOTES.md")
    listing = commands.add_parser("list", help="list the releases in the assets bucket, newest first")
    listing.add_argument("--bucket", required=True, help="the assets bucket")
    return parser


def _check(options: argparse.Namespace, work: Path) -> int:
    tables, problems = read_tables(options.data, work)
    faults = problems.sorted()
    if not faults:
        try:
            complete(assemble(ROOT / "glue_assets"), tables)
        except DataError as exc:
            faults = [Problem(options.data, str(exc))]
    if options.json:
        print(json.dumps(report.document(tables, faults), indent=2, ensure_ascii=False))
    else:
        print(*report.lines(tables, faults), sep="\n")
    return 1 if faults else 0


def _build(options: argparse.Namespace, work: Path) -> int:
    data_set = getattr(options, "data_set", None)
    try:
        published.pointer(data_set)
        release = build(ROOT, options.data, options.version, work, notes=options.notes)
    except DataError as exc:
        print(exc, file=sys.stderr)
        return 1
    for line in report.decisions(release.tables):
        print(line)
    if options.command == "build":
        write(release, options.out)
        print(f"{release.id} built in {options.out / 'releases' / release.id}")
    else:
        import boto3

        wrote = publish(release, boto3.client("s3"), options.bucket, data_set)
        name = f"the data set {data_set}" if data_set else "the newest release"
        print(f"{release.id} {'is now' if wrote else 'was already'} {name} in {options.bucket}")
    return 0


def _file(source: Path, path: str, target: str, key: str) -> ReleaseFile:
    size = source.stat().st_size
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ReleaseFile(path=path, target=target, key=key, size=size, sha256=digest, source=source)


if __name__ == "__main__":
    sys.exit(main())
