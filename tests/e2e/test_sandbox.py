"""Create an environment, run its job and read its table over HTTP."""

from pathlib import Path
from typing import Any

from tests.support import sot_oracle
from tests.support.local_up import DATA, Caller, Up


def test_progress_is_shown_resource_by_resource(sandbox: list[dict[str, Any]]) -> None:
    counts = [seen["progress"]["done"] for seen in sandbox]
    assert counts == sorted(counts)
    assert len(set(counts)) > 2, "all at once is not progress"
    assert counts[-1] == sandbox[-1]["progress"]["total"] == len(sandbox[-1]["progress"]["resources"])


def test_a_ready_environment_shows_its_resources(environment: dict[str, Any], up: Up) -> None:
    outputs = environment["outputs"]
    prefix = f"terraglue-{environment['id']}"
    assert outputs["buckets"] == {
        "sor": f"{prefix}-sor",
        "sot": f"{prefix}-sot",
        "spec": f"{prefix}-spec",
        "glue_assets": f"{prefix}-glue-assets",
        "athena_results": f"{prefix}-athena-results",
    }
    assert outputs["job_id"] == f"{prefix}-sot-ecommerce-br"
    buckets = {bucket["Name"] for bucket in up.client("s3").list_buckets()["Buckets"]}
    assert buckets >= set(outputs["buckets"].values())
    assert environment["owner"] == "ana"
    assert environment["release"] == up.ready["release"]


def test_the_data_and_the_script_are_in_the_sandbox(environment: dict[str, Any], up: Up) -> None:
    s3 = up.client("s3")
    buckets = environment["outputs"]["buckets"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=buckets["sor"])
    keys = {item["Key"] for page in pages for item in page["Contents"]}
    expected = {
        str(file.relative_to(DATA))
        for database in DATA.iterdir()
        if database.is_dir() and database.name.startswith("db_")
        for file in database.rglob("*")
        if file.is_file() and not file.name.startswith("_")  # those describe tables
    }
    # Comments of reviews contain line breaks.
    reviews = "tbl_reviews/olist_order_reviews_dataset.csv"
    expected.remove(f"db_ecommerce/{reviews}")
    expected |= {f"db_ecommerce/{reviews}.parquet", f"db_ecommerce/_original/{reviews}"}
    assert keys == expected
    script = s3.get_object(Bucket=buckets["glue_assets"], Key="jobs/sot_ecommerce.py")["Body"].read()
    assert script == (DATA.parent / "glue_assets" / "jobs" / "sot_ecommerce.py").read_bytes()


def test_a_second_request_is_a_conflict_with_the_id_of_the_first(
    learner: Caller, environment: dict[str, Any]
) -> None:
    again = learner.call("POST", "/environments", {})
    assert again.status == 409
    assert again.headers["Content-Type"] == "application/problem+json"
    assert environment["id"] in str(again.body)


def test_the_run_succeeds_and_is_billed_by_the_dpu_second(job_run: list[dict[str, Any]]) -> None:
    run = job_run[-1]
    assert run["status"] == "SUCCEEDED", run
    assert run["error"] is None
    # 5 workers of 1 DPU; Glue bills at least one minute, and here a run takes less.
    assert run["dpu_seconds"] == 300
    assert run["cost_usd"] == round(300 / 3600 * 0.44, 6)
    assert 0 < run["execution_seconds"] < 60
    assert run["requested_at"] <= run["started_at"] <= run["completed_at"]


def test_the_run_is_shown_as_running(job_run: list[dict[str, Any]]) -> None:
    assert "RUNNING" in [seen["status"] for seen in job_run]


def test_the_logs_of_the_run_are_returned(learner: Caller, job_run: list[dict[str, Any]]) -> None:
    for stream in ("output", "error"):
        logs = learner.call("GET", f"{job_run[-1]['links']['logs']}?stream={stream}")
        assert logs.status == 200
        assert logs.body["items"], f"nothing in {stream}"
        assert all(set(line) == {"time", "message"} for line in logs.body["items"])


def test_the_cost_of_the_run_is_settled(learner: Caller, job_run: list[dict[str, Any]]) -> None:
    # Other tests have runs and queries of the same owner.
    charges = learner.call("GET", "/usage?by=run&limit=5000").body["items"]
    [charged] = [charge for charge in charges if charge["run_id"] == job_run[-1]["id"]]
    assert charged["settled_usd"] == job_run[-1]["cost_usd"] > 0


def test_the_table_equals_duckdbs_result_for_the_same_files(
    job_run: list[dict[str, Any]], up: Up, tmp_path: Path
) -> None:
    bucket, _, prefix = job_run[-1]["output"]["location"].removeprefix("s3://").partition("/")
    s3 = up.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page["Contents"]:
            if item["Key"].endswith(".parquet"):
                file = tmp_path / item["Key"]
                file.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, item["Key"], str(file))
    rows = sot_oracle.stored_rows(tmp_path)
    assert len(rows) > 5000
    assert rows == sot_oracle.expected_rows(DATA)
    assert sot_oracle.stored_columns(tmp_path) == sot_oracle.expected_columns(DATA)


def test_the_table_and_its_partition_are_in_the_catalog(job_run: list[dict[str, Any]], up: Up) -> None:
    output = job_run[-1]["output"]
    glue = up.client("glue")
    table = glue.get_table(DatabaseName=output["database"], Name=output["table"])["Table"]
    assert table["StorageDescriptor"]["Location"].rstrip("/") == output["location"].rstrip("/")
    partitions = glue.get_partitions(DatabaseName=output["database"], TableName=output["table"])
    assert len(partitions["Partitions"]) == 1


def test_another_user_gets_a_separate_environment_and_sees_no_other(
    up: Up, environment: dict[str, Any], job_run: list[dict[str, Any]]
) -> None:
    bia = up.caller("bia")
    asked = bia.call("POST", "/environments", {"kms_key": False})
    assert asked.status == 202
    for path in (environment["links"]["self"], environment["links"]["runs"], job_run[-1]["links"]["self"]):
        assert bia.call("GET", path).status == 404
    assert bia.call("DELETE", environment["links"]["self"]).status == 404
    own = bia.until(asked.headers["Location"], {"READY", "FAILED"})[-1]
    assert own["status"] == "READY", own
    assert own["id"] != environment["id"]
    assert [item["id"] for item in bia.call("GET", "/environments").body["items"]] == [own["id"]]
    both = up.caller("root", admin=True).call("GET", "/environments?limit=100").body["items"]
    assert {item["owner"] for item in both} >= {"ana", "bia"}
