"""Folders of job files, uploaded as one archive."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.api import Api
from tests.support.job_files import tarred, zipped

FOLDER = {
    "main.py": b"from lib.dates import today\n",
    "lib/__init__.py": b"",
    "lib/dates.py": b"def today():\n    return 1\n",
    "lib/deep/er/still/on/it/goes.py": b"x = 1\n",
    "conf/settings.yaml": b"a: 1\n",
    "conf/settings.toml": b"a = 1\n",
}


def _named(value: bytes | str) -> str:
    """Name a parameter. The bytes of an archive contain the time, and each worker must collect the same."""
    return value if isinstance(value, str) else "archive"


@pytest.fixture
def environment(api: Api) -> str:
    return str(api.ready_environment(mode="production", job={"script": "main.py"})["id"])


def put(
    api: Api, environment_id: str, archive: bytes, media_type: str = "application/zip", query: str = ""
) -> Any:
    path = f"/environments/{environment_id}/job/files{query}"
    return api.call("PUT", path, raw=archive, headers={"Content-Type": media_type})


def live(environment_id: str) -> dict[str, bytes]:
    """The objects that Glue reads."""
    s3, bucket = boto3.client("s3"), f"terraglue-{environment_id}-glue-assets"
    return {
        item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        for item in s3.list_objects_v2(Bucket=bucket)["Contents"]
        if "/." not in item["Key"]
    }


@pytest.mark.parametrize(
    ("archive", "media_type"),
    [
        (zipped(FOLDER), "application/zip"),
        (tarred(FOLDER), "application/gzip"),
        (tarred(FOLDER), "application/x-gzip"),
        (tarred(FOLDER, ""), "application/x-tar"),
        (tarred({f"./{path}": body for path, body in FOLDER.items()}), "application/gzip"),
    ],
    ids=_named,
)
def test_a_folder_is_uploaded_as_it_is(api: Api, environment: str, archive: bytes, media_type: str) -> None:
    answer = put(api, environment, archive, media_type)
    assert answer.status == 200, answer.body
    assert answer.body["added"] == sorted(FOLDER)
    assert [file["path"] for file in answer.body["items"]] == sorted([*FOLDER, "sot_ecommerce.py"])
    assert live(environment) == {
        "jobs/sot_ecommerce.py": b"print('hello')\n",
        **{f"jobs/{path}": body for path, body in FOLDER.items()},
    }


def test_a_second_upload_of_an_archive_changes_nothing(api: Api, environment: str) -> None:
    first = put(api, environment, zipped(FOLDER)).body
    before = api.call("GET", f"/environments/{environment}").body
    answer = put(api, environment, zipped(FOLDER))
    assert answer.body == {**first, "added": []}
    assert api.call("GET", f"/environments/{environment}").body == before
    actions = [e["action"] for e in api.call("GET", f"/environments/{environment}/events").body["items"]]
    assert actions.count("job_folder_put") == 1


def test_other_files_stay_unless_the_folder_replaces_them(api: Api, environment: str) -> None:
    put(api, environment, zipped(FOLDER))
    changed = {"main.py": b"print(2)\n", "new.sql": b"select 1"}
    answer = put(api, environment, zipped(changed))
    assert (answer.body["added"], answer.body["replaced"], answer.body["removed"]) == (
        ["new.sql"],
        ["main.py"],
        [],
    )
    assert len(answer.body["items"]) == len(FOLDER) + 2
    answer = put(api, environment, zipped({"main.py": b"print(2)\n"}), query="?replace=true")
    assert answer.body["removed"] == sorted({*FOLDER, "new.sql", "sot_ecommerce.py"} - {"main.py"})
    assert live(environment) == {"jobs/main.py": b"print(2)\n"}


def test_a_folder_without_the_script_cannot_replace_it(api: Api, environment: str) -> None:
    put(api, environment, zipped(FOLDER))
    answer = put(api, environment, zipped({"other.py": b"x = 1\n"}), query="?replace=true")
    assert (answer.status, answer.body["code"]) == (409, "job_file_in_use")
    assert len(live(environment)) == len(FOLDER) + 1


def test_every_error_of_every_file_is_returned_and_nothing_is_written(api: Api, environment: str) -> None:
    wrong = {
        "main.py": b"x = = 1\n",
        "lib/ok.py": b"x = 1\n",
        "conf.json": b'{"a": 1,}',
        "a/b/c/d/e/f/g/h/deep.py": b"x = 1\n",
        "LICENSE": b"MIT",
        "q.sql": b"\xff",
    }
    answer = put(api, environment, zipped(wrong))
    assert (answer.status, answer.body["code"]) == (422, "invalid_file")
    errors = {error["path"]: error for error in answer.body["errors"]}
    assert errors.keys() == wrong.keys() - {"lib/ok.py"}
    assert (errors["main.py"]["line"], errors["main.py"]["column"]) == (1, 5)
    assert (errors["conf.json"]["line"], errors["conf.json"]["column"]) == (1, 9)
    assert errors["q.sql"]["detail"] == "Not UTF-8: byte 1 is invalid."
    assert "at most 7 folders" in errors["a/b/c/d/e/f/g/h/deep.py"]["detail"]
    assert "must end in" in errors["LICENSE"]["detail"]
    assert list(live(environment)) == ["jobs/sot_ecommerce.py"]


def linked(kind: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("main.py")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    return buffer.getvalue()


def zipped_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("main.py")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("archive", "media_type", "words"),
    [
        (zipped({"../main.py": b""}), "application/zip", "must be relative"),
        (zipped({"/main.py": b""}), "application/zip", "must be relative"),
        (zipped({"a\\main.py": b""}), "application/zip", "must be relative"),
        (tarred({"../main.py": b""}), "application/gzip", "must be relative"),
        (tarred({"/main.py": b""}), "application/gzip", "must be relative"),
        (linked(tarfile.SYMTYPE), "application/x-tar", "is a link or a device"),
        (linked(tarfile.LNKTYPE), "application/x-tar", "is a link or a device"),
        (linked(tarfile.CHRTYPE), "application/x-tar", "is a link or a device"),
        (zipped_link(), "application/zip", "is a link or a device"),
        (zipped({"Main.py": b"", "main.py": b""}), "application/zip", "differs only in case"),
        (zipped({"a.py": b"", "a.py/b.py": b""}), "application/zip", "as a file and as a folder"),
        (tarred({"big.sql": b" " * (1024 * 1024 + 1)}), "application/gzip", "at most 1,048,576 bytes"),
        (
            zipped({f"{n}.sql": b" " * 1024 * 1024 for n in range(9)}),
            "application/zip",
            "more than 8,388,608 bytes",
        ),
        (
            tarred({f"{n}.sql": b" " * 1024 * 1024 for n in range(20)}),
            "application/gzip",
            "unpacked bytes",
        ),
        (zipped({f"{n}.sql": b"" for n in range(2001)}), "application/zip", "more than 2,000 files"),
        (b"nothing", "application/zip", "Not a readable zip file"),
        (b"nothing", "application/x-tar", "Not a readable tar file"),
        (tarred(FOLDER)[:100], "application/gzip", "Not a readable tar file"),
        (zipped({}), "application/zip", "has no files"),
        (zipped({"__MACOSX/main.py": b""}), "application/zip", "has no files"),
    ],
    ids=_named,
)
def test_an_archive_that_is_not_a_plain_folder_is_rejected(
    api: Api, environment: str, archive: bytes, media_type: str, words: str
) -> None:
    answer = put(api, environment, archive, media_type)
    assert (answer.status, answer.body["code"]) == (422, "invalid_file")
    assert words in json.dumps(answer.body)
    assert list(live(environment)) == ["jobs/sot_ecommerce.py"]


def test_an_archive_with_a_path_twice_is_rejected(api: Api, environment: str) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("main.py", "x = 1\n")
            archive.writestr("main.py", "x = 2\n")
    assert "twice" in json.dumps(put(api, environment, buffer.getvalue()).body)


def test_what_macos_and_python_add_to_a_folder_is_skipped(api: Api, environment: str) -> None:
    noise = {
        "__MACOSX/._main.py": b"\0",
        ".DS_Store": b"\0",
        "lib/__pycache__/dates.cpython-311.pyc": b"\0",
        ".git/config": b"",
        "lib/": b"",
    }
    answer = put(api, environment, zipped({**noise, **FOLDER}))
    assert answer.body["skipped"] == sorted(name for name in noise if name != "lib/")
    assert answer.body["added"] == sorted(FOLDER)


def test_other_media_types_and_sizes_are_rejected(api: Api, environment: str) -> None:
    assert put(api, environment, zipped(FOLDER), "application/json").status == 415
    assert put(api, environment, b"\0" * (4 * 1024 * 1024 + 1)).status == 413
    assert put(api, environment, zipped(FOLDER), query="?replace=maybe").status == 422


def test_learning_mode_accepts_no_folder(api: Api) -> None:
    answer = put(api, api.ready_environment()["id"], zipped(FOLDER))
    assert (answer.status, answer.body["code"]) == (409, "learning_mode")


def test_an_expensive_file_is_named_and_the_others_are_checked(api: Api, environment: str) -> None:
    evil = b"f'" + b"{a}" * 110_000 + b"'"
    answer = put(api, environment, zipped({"a.py": b"x = 1\n", "evil.py": evil, "z.py": b"x = = 1\n"}))
    errors = {error["path"]: error["detail"] for error in answer.body["errors"]}
    assert errors.keys() == {"evil.py", "z.py"}
    assert errors["evil.py"].startswith("Checking the file takes too much time or memory.")


def run_arguments(api: Api, environment: str) -> dict[str, str]:
    job = f"terraglue-{environment}-sot-ecommerce-br"
    assert api.call("POST", f"/jobs/{job}/runs").status == 202
    [run] = boto3.client("glue").get_job_runs(JobName=job)["JobRuns"]
    return dict(run["Arguments"])


def test_a_run_can_import_the_packages_of_the_folder(api: Api, environment: str, tmp_path: Path) -> None:
    put(api, environment, zipped(FOLDER))
    uri = run_arguments(api, environment)["--extra-py-files"]
    assert uri == f"s3://terraglue-{environment}-glue-assets/jobs/.modules/sot-ecommerce-br/modules.zip"
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        found = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    assert found == FOLDER
    library = tmp_path / "modules.zip"
    library.write_bytes(body)
    code = "import lib.dates, lib.deep.er.still.on.it.goes; print(lib.dates.today())"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(library)}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_a_single_script_needs_no_zip_of_modules(api: Api, environment: str) -> None:
    put(api, environment, zipped({"main.py": b"print(1)\n", "conf.json": b"{}"}))
    assert "--extra-py-files" not in run_arguments(api, environment)
