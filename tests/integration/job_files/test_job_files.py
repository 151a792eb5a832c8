"""Job files on moto: upload, download, list, validation, and the runs that need them."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

import boto3
import pytest

from tests.support.api import Api
from tests.support.job_files import zipped

SCRIPT = b"import sys\nprint(sys.argv)\n"


def production(api: Api, **job: Any) -> str:
    environment = api.ready_environment(mode="production", job={"script": "src/main.py", **job})
    return str(environment["id"])


def put(api: Api, environment_id: str, path: str, body: bytes, **kwargs: Any) -> Any:
    return api.call("PUT", f"/environments/{environment_id}/job/files/{path}", raw=body, **kwargs)


def put_folder(api: Api, environment_id: str, archive: bytes) -> Any:
    headers = {"Content-Type": "application/zip"}
    return api.call("PUT", f"/environments/{environment_id}/job/files", raw=archive, headers=headers)


def fetch(api: Api, environment_id: str, path: str, **headers: str) -> bytes:
    headers["Authorization"] = f"Bearer {api.issuer.token('ana')}"
    answer = api.client.http.get(f"/environments/{environment_id}/job/files/{path}", headers=headers)
    assert answer.status_code == 200, answer.body
    return bytes(answer.body)


def test_an_uploaded_script_is_stored_where_the_job_reads_it(api: Api) -> None:
    environment = production(api)
    answer = put(api, environment, "src/main.py", SCRIPT)
    assert answer.status == 201
    assert answer.body["size_bytes"] == len(SCRIPT)
    assert answer.body["changed_by"] == "ana"
    key = {"Bucket": f"terraglue-{environment}-glue-assets", "Key": "jobs/src/main.py"}
    assert boto3.client("s3").get_object(**key)["Body"].read() == SCRIPT
    assert fetch(api, environment, "src/main.py") == SCRIPT
    assert put(api, environment, "src/main.py", SCRIPT + b"\n").status == 200
    listed = api.call("GET", f"/environments/{environment}/job/files").body["items"]
    assert [file["path"] for file in listed] == ["sot_ecommerce.py", "src/main.py"]


def test_the_learning_job_can_be_downloaded_in_both_modes(api: Api) -> None:
    assert fetch(api, production(api), "sot_ecommerce.py") == b"print('hello')\n"


def test_a_learning_sandbox_accepts_no_files(api: Api) -> None:
    environment = api.ready_environment()["id"]
    answer = put(api, environment, "main.py", SCRIPT)
    assert (answer.status, answer.body["code"]) == (409, "learning_mode")
    assert fetch(api, environment, "sot_ecommerce.py") == b"print('hello')\n"


def test_the_state_is_checked_before_the_content(api: Api) -> None:
    """A file that takes Python's parser a minute costs nothing if the state rejects all files."""
    environment = api.ready_environment()["id"]
    began = time.monotonic()
    expected = {
        "main.py": (409, "learning_mode"),
        "main.sh": (409, "learning_mode"),
        ".main.py": (422, "invalid_fields"),
    }
    for path, told in expected.items():
        answer = put(api, environment, path, b"f'" + b"{a}" * 110_000 + b"'")
        assert (answer.status, answer.body["code"]) == told
    assert time.monotonic() - began < 2


def test_python_that_takes_a_minute_to_parse_is_rejected(api: Api) -> None:
    answer = put(api, production(api), "main.py", b"f'" + b"{a}" * 110_000 + b"'")
    assert (answer.status, answer.body["code"]) == (422, "invalid_file")
    assert answer.body["detail"].startswith("main.py: Checking the file takes too much time or memory.")


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("main.py", b"def f(:\n  pass\n", "Line 1, column 7: invalid syntax."),
        ("main.py", b"x = 1\n  y = 2\n", "Line 2, column 2: unexpected indent."),
        ("main.py", b"a\x00b", "Not valid Python: source code string cannot contain null bytes."),
        ("conf.json", b'{"a": 1,}', "Line 1, column 9: "),
        ("main.py", b"# \xff", "Not UTF-8: byte 3 is invalid."),
        ("q.sql", b"select '\xff'", "Not UTF-8: byte 9 is invalid."),
        ("lib.zip", b"nothing", "Not a readable zip file: File is not a zip file."),
    ],
)
def test_an_invalid_file_is_rejected_with_line_and_column(
    api: Api, path: str, body: bytes, words: str
) -> None:
    environment = production(api)
    answer = put(api, environment, path, body)
    assert answer.status == 422
    assert answer.body["errors"][0]["detail"].startswith(words)
    assert answer.body["detail"].startswith(f"{path}: {words}")
    assert path not in [
        f["path"] for f in api.call("GET", f"/environments/{environment}/job/files").body["items"]
    ]


def test_line_and_column_of_a_script_are_fields_too(api: Api) -> None:
    [error] = put(api, production(api), "main.py", b"x = (1,\n\n").body["errors"]
    assert (error["line"], error["column"]) == (1, 5)


@pytest.mark.parametrize(
    "path", ["..%2Fmain.py", ".main.py", "a/.b/main.py", "main%20file.py", "%2e%2e/x.py"]
)
def test_a_path_cannot_leave_its_folder(api: Api, path: str) -> None:
    environment = production(api)
    assert put(api, environment, path, SCRIPT).status in (404, 422)
    keys = boto3.client("s3").list_objects_v2(Bucket=f"terraglue-{environment}-glue-assets")["Contents"]
    assert [item["Key"] for item in keys] == ["jobs/sot_ecommerce.py"]


def test_a_file_of_another_kind_or_size_is_rejected(api: Api) -> None:
    environment = production(api)
    assert put(api, environment, "run.sh", b"ls").status == 415
    assert put(api, environment, "big.sql", b"-" * (1024 * 1024 + 1)).status == 413
    assert put(api, environment, "almost.sql", b"-" * (1024 * 1024)).status == 201


def test_a_zip_of_modules_is_accepted(api: Api) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("helper.py", "x = 1\n")
    environment = production(api)
    assert put(api, environment, "lib.zip", buffer.getvalue()).status == 201
    assert fetch(api, environment, "lib.zip", Accept="application/zip") == buffer.getvalue()
    # API Gateway returns base64 unless the request accepts the type explicitly.
    assert api.call("GET", f"/environments/{environment}/job/files/lib.zip").status == 406


def test_files_of_another_user_are_not_found(api: Api) -> None:
    environment = production(api)
    assert put(api, environment, "main.py", SCRIPT, owner="ben").status == 404
    assert api.call("GET", f"/environments/{environment}/job/files", owner="ben").status == 404
    assert (
        api.call("GET", f"/environments/{environment}/job/files/sot_ecommerce.py", owner="ben").status == 404
    )
    assert put(api, environment, "main.py", SCRIPT, owner=None).status == 401


def test_a_run_waits_for_its_files(api: Api) -> None:
    environment = production(api, extra_files=["lib.py"])
    job = f"terraglue-{environment}-sot-ecommerce-br"
    answer = api.call("POST", f"/jobs/{job}/runs")
    assert (answer.status, answer.body["code"]) == (409, "job_files_missing")
    assert "src/main.py, lib.py" in answer.body["detail"]
    put(api, environment, "src/main.py", SCRIPT)
    put(api, environment, "lib.py", b"x = 1\n")
    assert api.call("POST", f"/jobs/{job}/runs").status == 202


def test_the_number_of_files_is_limited(api: Api) -> None:
    environment = production(api)
    modules = {f"m{number}.sql": b"" for number in range(199)}
    assert put_folder(api, environment, zipped(modules)).status == 200
    answer = put(api, environment, "one_more.py", b"")
    assert (answer.status, answer.body["code"]) == (409, "too_many_files")
    assert put(api, environment, "m1.sql", b"select 1").status == 200


def test_the_list_of_files_fits_into_the_record(api: Api) -> None:
    """198 files with the longest paths would make the record larger than DynamoDB allows."""
    environment = production(api)
    folder = "/".join(["f" * 60] * 4)
    answer = put_folder(api, environment, zipped({f"{folder}/{number}.sql": b"" for number in range(198)}))
    assert (answer.status, answer.body["code"]) == (409, "too_many_files")
    assert "shorter paths" in answer.body["detail"]


def test_the_job_shows_its_configuration(api: Api) -> None:
    environment = production(api, extra_files=["lib.py"], max_retries=1, schedule="rate(1 day)")
    job = api.call("GET", f"/jobs/terraglue-{environment}-sot-ecommerce-br").body
    assert job["script_uri"] == f"s3://terraglue-{environment}-glue-assets/jobs/src/main.py"
    assert (job["extra_files"], job["schedule"]) == (["lib.py"], "cron(0 0 * * ? *)")
    assert job["max_cost_usd"] == pytest.approx(2 * 5 * 15 / 60 * 0.44, abs=1e-5)


@pytest.mark.parametrize(("mode", "most"), [("learning", 1), ("production", 3)])
def test_the_job_shows_its_limit_of_concurrent_runs(api: Api, mode: str, most: int) -> None:
    job: dict[str, Any] = {"max_concurrent_runs": 3, **({} if mode == "learning" else {"script": "main.py"})}
    environment = api.ready_environment(mode=mode, job=job)
    assert environment["settings"]["job"]["max_concurrent_runs"] == 3
    shown = api.call("GET", f"/jobs/{environment['outputs']['job_id']}").body
    assert shown["max_concurrent_runs"] == most


def test_releases_are_listed_newest_first_with_their_notes(api: Api) -> None:
    [release] = api.call("GET", "/releases").body["items"]
    assert (release["id"], release["latest"], release["notes"]) == ("0.0.1-abcdef012345", True, "The first.")
    assert release["published_at"].endswith("Z")
    assert api.call("GET", "/releases", owner=None).status == 401


def test_invalid_combinations_are_rejected_before_creation(api: Api) -> None:
    answer = api.call("POST", "/environments", body={"iam_role": False, "kms_key_arn": "arn:x"})
    assert answer.status == 422
    assert [error["pointer"] for error in answer.body["errors"]] == ["/kms_key_arn", "/role_arn"]
    assert boto3.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_arguments_of_the_settings_come_with_the_template(api: Api) -> None:
    environment = api.ready_environment(job={"arguments": {"--NUM_PARTITIONS": "2"}})["id"]
    key = {"Bucket": "terraglue-assets", "Key": f"environments/{environment}/template.yaml"}
    assert b'--NUM_PARTITIONS: "2"' in boto3.client("s3").get_object(**key)["Body"].read()
    api.call("DELETE", f"/environments/{environment}")
    api.stack_event(environment)
    assert api.call("GET", f"/environments/{environment}").body["status"] == "DELETED"
    listed = boto3.client("s3").list_objects_v2(Bucket="terraglue-assets", Prefix="environments/")
    assert listed["KeyCount"] == 0
