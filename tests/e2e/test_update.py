"""Update and reset of a sandbox over HTTP, with a Spark run in between."""

from __future__ import annotations

from tests.support.local_up import Caller, Up

ENDED = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"}


def tables(caller: Caller, path: str) -> dict[str, list[str]]:
    found = caller.call("GET", f"{path}/tables").body["items"]
    return {database["name"]: [table["name"] for table in database["tables"]] for database in found}


def test_an_update_changes_workers_and_a_reset_removes_the_runs_table(up: Up) -> None:
    caller = up.caller("una")
    asked = caller.call("POST", "/environments", {"kms_key": False})
    path = asked.headers["Location"]
    ready = caller.until(path, {"READY", "FAILED"})[-1]
    assert ready["status"] == "READY", ready
    released = tables(caller, path)
    assert released["sot"] == []

    changed = caller.call("PATCH", path, {"settings": {"job": {"number_of_workers": 3}}})
    assert changed.status == 202, changed
    after = caller.until(path, {"READY", "FAILED"})[-1]
    assert (after["status"], after["failure"]) == ("READY", None)
    assert after["settings"]["job"]["number_of_workers"] == 3
    events = caller.call("GET", after["links"]["events"]).body["items"]
    changes = [change for event in events for change in event["changes"]]
    assert {"pointer": "/status", "old": "READY", "new": "UPDATING"} in changes
    assert {"pointer": "/settings/job/number_of_workers", "old": 5, "new": 3} in changes
    glue = up.client("glue")
    assert glue.get_job(JobName=after["outputs"]["job_id"])["Job"]["NumberOfWorkers"] == 3

    run = caller.call("POST", f"/jobs/{after['outputs']['job_id']}/runs", {})
    assert run.body["number_of_workers"] == 3
    ended = caller.until(run.headers["Location"], ENDED, seconds=240)[-1]
    assert ended["status"] == "SUCCEEDED", ended
    assert tables(caller, path)["sot"] == [ended["output"]["table"]]

    reset = caller.call("POST", f"{path}/reset")
    assert reset.status == 202, reset
    back = caller.until(path, {"READY", "FAILED"})[-1]
    assert (back["status"], back["failure"], back["outputs"]) == ("READY", None, after["outputs"])
    assert tables(caller, path) == released
    listed = up.client("s3").list_objects_v2(Bucket=back["outputs"]["buckets"]["sot"])
    assert listed["KeyCount"] == 0
    rows = caller.call("GET", f"{path}/tables/db_ecommerce/tbl_orders/rows?limit=1")
    assert (rows.status, len(rows.body["items"])) == (200, 1)
    assert back["budget"]["spent_usd"] == ended["cost_usd"]
    assert caller.call("DELETE", path).status == 202
