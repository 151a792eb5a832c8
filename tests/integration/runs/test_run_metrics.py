"""GET .../metrics: where the event log is, what is counted, limits, and what an ended run costs."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from chalicelib.domain.run_metrics import EventLog
from chalicelib.services import run_metrics
from tests.support.api import Api
from tests.support.event_bridge import event_with
from tests.support.moto_runs import ask, end_in_glue, glue_runs

LATER = 4_000_000_000_000
"""A time after the start of every run."""


def stage(
    number: int, began: int, ended: int | None, *seconds: float, failed: int = 0
) -> list[dict[str, Any]]:
    """Return the events of a stage whose tasks took some seconds, each of which read ten rows."""
    info = {"Stage ID": number, "Stage Attempt ID": 0, "Stage Name": f"count {number}"}
    info |= {"Number of Tasks": len(seconds), "Submission Time": LATER + began}
    events: list[dict[str, Any]] = [{"Event": "SparkListenerStageSubmitted", "Stage Info": info}]
    for n, each in enumerate((*seconds, *[0.5] * failed)):
        start = LATER + began
        reason = "Success" if n < len(seconds) else "ExceptionFailure"
        metrics = {
            "Executor Run Time": int(each * 1000),
            "Executor CPU Time": int(each * 5e8),
            "JVM GC Time": 3,
            "Disk Bytes Spilled": 7,
            "Input Metrics": {"Bytes Read": 100, "Records Read": 10},
            "Output Metrics": {"Bytes Written": 50, "Records Written": 5},
            "Shuffle Read Metrics": {"Remote Bytes Read": 1, "Local Bytes Read": 2, "Total Records Read": 4},
            "Shuffle Write Metrics": {"Shuffle Bytes Written": 6, "Shuffle Records Written": 8},
        }
        events.append(
            {
                "Event": "SparkListenerTaskEnd",
                "Stage ID": number,
                "Stage Attempt ID": 0,
                "Task End Reason": {"Reason": reason},
                "Task Info": {"Launch Time": start, "Finish Time": start + int(each * 1000)},
                "Task Metrics": metrics,
            }
        )
    if ended is not None:
        info = {**info, "Completion Time": LATER + ended}
        events.append({"Event": "SparkListenerStageCompleted", "Stage Info": info})
    return events


def application(*stages: list[dict[str, Any]], end: int = 20_000) -> list[dict[str, Any]]:
    first = {"Event": "SparkListenerApplicationStart", "App Name": "job", "Timestamp": LATER}
    last = {"Event": "SparkListenerApplicationEnd", "Timestamp": LATER + end}
    return [first, *[event for events in stages for event in events], last]


def text(events: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events).encode()


@pytest.fixture
def put(api: Api) -> Any:
    """Write an event log of a new run. Returns the run's link and a function that ends the run."""

    def write(**files: bytes) -> tuple[str, Any]:
        outputs = api.ready_environment()["outputs"]
        job = outputs["job_id"]
        run = ask(api, job).body
        for name, body in files.items():
            key = f"sparkHistoryLogs/{run['id']}/{name.replace('__', '/')}"
            boto3.client("s3").put_object(Bucket=outputs["buckets"]["glue_assets"], Key=key, Body=body)

        def end(state: str = "SUCCEEDED") -> None:
            end_in_glue(job, state)
            detail = {"jobName": job, "jobRunId": glue_runs(job)[0]["Id"]}
            api.app.service().events.job_changed(event_with(detail))

        return run["links"]["metrics"], end

    return write


APP = f"spark_application_{LATER}"


def test_the_log_of_a_run_is_summed_up(api: Api, put: Any) -> None:
    events = application(stage(0, 1_000, 3_000, 1, 1, 1), stage(1, 2_000, 12_000, 1, 1, 1, 9, failed=1))
    link, end = put(**{APP: text(events)})
    end("FAILED")  # a failed run has metrics too
    body = api.call("GET", link).body
    assert (body["status"], body["available"], body["partial"], body["truncated"]) == (
        "FAILED",
        True,
        False,
        False,
    )
    assert (body["stage_count"], body["task_count"]) == (2, 8)
    assert (body["application_seconds"], body["driver_seconds"]) == (20, 9)  # no stage from 0 to 1, 12 to 20
    assert (body["longest_stage"], body["skewed_stage"], body["skew"]) == (1, 1, 9)
    first, second = body["stages"]
    assert (first["name"], first["tasks"], first["seconds"], first["skew"]) == ("count 0", 3, 2, 1)
    assert (second["largest_task_seconds"], second["median_task_seconds"]) == (9, 1)
    assert body["totals"] == {
        "rows_read": 70,
        "bytes_read": 700,
        "rows_written": 35,
        "bytes_written": 350,
        "shuffle_rows_read": 28,
        "shuffle_bytes_read": 21,
        "shuffle_rows_written": 56,
        "shuffle_bytes_written": 42,
        "spilled_bytes": 56,
        "task_seconds": 15.5,
        "cpu_seconds": 7.75,
        "gc_seconds": 0.024,
        "failed_tasks": 1,
    }


SQL = "org.apache.spark.sql.execution.ui.SparkListener"


def node(name: str, simple: str, place: str | None, metrics: dict[str, int], *children: Any) -> Any:
    """Return a node of a plan, as SparkPlanInfo is written. `metrics` are numbers of accumulators."""
    return {
        "nodeName": name,
        "simpleString": simple,
        "children": list(children),
        "metadata": {"Location": place} if place else {},
        "metrics": [{"name": each, "accumulatorId": number} for each, number in metrics.items()],
    }


def plan(kind: str, *nodes: Any) -> dict[str, Any]:
    root = node("AdaptiveSparkPlan", "", None, {}, *nodes)
    return {"Event": f"{SQL}{kind}", "executionId": 0, "sparkPlanInfo": root}


def driver(*updates: list[int]) -> dict[str, Any]:
    return {"Event": f"{SQL}DriverAccumUpdates", "executionId": 0, "accumUpdates": list(updates)}


def counted(*values: tuple[int, int]) -> dict[str, Any]:
    listed = [{"ID": each, "Name": "number of output rows", "Value": str(value)} for each, value in values]
    info = {"Stage ID": 0, "Stage Attempt ID": 0, "Number of Tasks": 1, "Accumulables": listed}
    return {"Event": "SparkListenerStageCompleted", "Stage Info": info}


def test_what_a_run_read_and_wrote_is_in_the_plans_of_its_queries(api: Api, put: Any) -> None:
    orders, items = "s3://tg-sor/shop/orders", "s3://tg-sor/shop/items"
    sizes = {"number of files read": 3, "size of files read": 4}
    scan = node(
        "Scan csv ", "", f"InMemoryFileIndex(1 paths)[{orders}]", {"number of output rows": 2, **sizes}
    )
    again = node("Scan csv ", "", f"InMemoryFileIndex(1 paths)[{orders}]", {"number of output rows": 5})
    named = node(
        "Scan parquet spark_catalog.tg_shop.items",
        "",
        f"InMemoryFileIndex(2 paths)[{items}/day=1, {items}/day=2]",
        {"number of output rows": 6},
    )
    command = "Execute InsertIntoHadoopFsRelationCommand"
    metrics = {"number of output rows": 8, "number of written files": 9, "written output": 10}
    write = node(
        command, f"{command} s3a://tg-sot/sales/day=3, false, Parquet, [", None, metrics, scan, named
    )
    lost = node(command, f"{command} s3://tg-sot/lost, false, CSV, [", None, {"number of output rows": 11})
    events = [
        plan("SQLExecutionStart", write),
        driver([3, 1], [4, 120]),
        counted((2, 100), (6, 70)),
        plan("SQLAdaptiveExecutionUpdate", write, again, lost),
        counted((2, 250), (5, 50)),
        driver([8, 240], [9, 2], [10, 999]),
    ]
    link, end = put(**{APP: text(application(events))})
    end()
    body = api.call("GET", link).body
    csv = {"location": orders, "table": None, "format": "csv", "rows": 250, "bytes": 120, "files": 1}
    unknown = {"table": "tg_shop.items", "format": "parquet", "rows": None, "bytes": None, "files": None}
    assert body["reads"] == [
        {"location": f"{items}/day=1", **unknown},
        {"location": f"{items}/day=2", **unknown},
        csv,
    ]
    sales = {"location": "s3://tg-sot/sales/day=3", "table": None, "format": "parquet"}
    assert body["writes"] == [{**sales, "rows": 240, "bytes": 999, "files": 2}]
    assert api.call("GET", link).body == body  # stored


def test_an_active_run_has_partial_metrics_and_an_ended_one_is_read_once(api: Api, put: Any) -> None:
    begun = text(application(stage(0, 0, None, 1, 1)))[:-20]  # the last line is not complete
    link, end = put(**{f"{APP}.inprogress": begun})
    body = api.call("GET", link).body
    assert (body["partial"], body["task_count"], body["stages"][0]["seconds"]) == (True, 2, None)
    end()
    body = api.call("GET", link).body
    assert (body["partial"], body["task_count"]) == (False, 2)
    bucket = boto3.resource("s3").Bucket(f"{link.split('/')[2][:20]}-glue-assets")
    bucket.objects.filter(Prefix="sparkHistoryLogs/").delete()
    assert api.call("GET", link).body == body


def test_rolled_logs_are_read_in_order_and_copies_once(api: Api, put: Any) -> None:
    one = text(application(stage(0, 0, 1_000, 1)))
    folder = f"eventlog_v2_{APP}"
    link, _ = put(
        **{
            f"{folder}__appstatus_{APP}": b"",
            f"{folder}__events_10_{APP}": text(stage(2, 0, 1_000, 1)),
            f"{folder}__events_2_{APP}": text(stage(1, 0, 1_000, 1)),
            f"{folder}__events_1_{APP}": one,
            f"legacy__{APP}": one,  # --enable-spark-ui-legacy-path
            f"spark_application_{10**12}": one,  # of an earlier attempt
        }
    )
    assert [each["id"] for each in api.call("GET", link).body["stages"]] == [0, 1, 2]


def test_a_run_without_a_log_says_why(api: Api, put: Any) -> None:
    link, end = put()
    end()
    body = api.call("GET", link).body
    assert (body["available"], body["totals"], body["stages"]) == (False, None, [])
    assert body["reason"] == run_metrics.NO_LOG
    assert api.call("GET", link, owner="bob").status == 404


def test_a_compressed_log_says_so(api: Api, put: Any) -> None:
    assert api.call("GET", put(**{f"{APP}.zstd": b"(\xb5/\xfd"})[0]).body["reason"] == run_metrics.COMPRESSED


@pytest.mark.parametrize(("name", "value"), [("_MOST_BYTES", 10), ("_MOST_SECONDS", -1)])
def test_a_log_that_is_too_long_is_truncated(
    api: Api, put: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    link, end = put(**{APP: text(application(stage(0, 0, 1_000, 1)))})
    end()
    monkeypatch.setattr(run_metrics, name, value)
    body = api.call("GET", link).body
    assert (body["truncated"], body["task_count"]) == (True, 0)
    monkeypatch.undo()
    is_stored = name == "_MOST_BYTES"  # time can have been short for another reason
    assert api.call("GET", link).body["truncated"] is is_stored


def test_a_log_that_a_script_has_written_breaks_nothing() -> None:
    log = EventLog()
    start = b'{"Event":"SparkListener'
    for line in (
        b"",
        b"\xff\xfe",
        start + b'TaskEnd"',
        start + b'TaskEnd","Stage ID":"x","Task Info":[],"Task Metrics":{"Executor Run Time":-5}}',
        start + b'TaskEnd","Stage ID":1e999,"Task Info":{"Finish Time":' + b"9" * 400 + b"}}",
        start + b'StageCompleted","Stage Info":{"Stage Name":{"a":1},"Completion Time":true}}',
        start + b'ApplicationEnd","Timestamp":null}',
        start + b'TaskEnd","a":' + b"[" * 100_000 + b"}",
        start + b'StageCompleted","Stage Info":{"Accumulables":[7,{"ID":[],"Value":"x"},{"ID":1}]}}',
        b'{"Event":"'
        + SQL.encode()
        + b'SQLExecutionStart","sparkPlanInfo":{"nodeName":[],"children":[7,null],'
        b'"metrics":[3,{"name":[],"accumulatorId":{}}],"metadata":[]}}',
        b'{"Event":"' + SQL.encode() + b'DriverAccumUpdates","accumUpdates":[1,[],[1e999,1e999],[1,2,3]]}',
    ):
        log.read(line)
    metrics = log.metrics()
    assert (metrics.stage_count, metrics.totals.task_seconds) == (1, 0)
    assert (metrics.reads, metrics.writes) == ([], [])
    assert len(json.dumps(metrics.stages[0].name)) < 300


def test_the_folder_of_a_run_is_among_its_arguments(api: Api, put: Any) -> None:
    link, _ = put()
    [run] = glue_runs(link.split("/")[2])
    run_id = run["Arguments"]["--terraglue-run-id"]
    assert run["Arguments"]["--spark-event-logs-path"].endswith(f"-glue-assets/sparkHistoryLogs/{run_id}/")
    assert run["Arguments"]["--enable-spark-ui"] == "true"
