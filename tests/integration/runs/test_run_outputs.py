"""Outputs of a run: the tables and partitions that it wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws.catalog_tables import MARK
from tests.support.api import Api
from tests.support.moto_runs import ask, end_in_glue

KEYS = [{"Name": "day", "Type": "int"}]


def moment(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def database(environment: dict[str, Any]) -> str:
    name: str = environment["outputs"]["databases"]["sot"]
    glue = boto3.client("glue")
    if name not in [found["Name"] for found in glue.get_databases()["DatabaseList"]]:
        glue.create_database(DatabaseInput={"Name": name})
    return name


def write(database: str, table: str, day: str | None = None, mark: str | None = None, at: float = 0) -> None:
    """Create or change a table or a partition as jobs do. Corrects moto's times."""
    from moto.glue.models import glue_backends

    glue, marked = boto3.client("glue"), {"Parameters": {MARK: mark}} if mark else {}
    there = [found["Name"] for found in glue.get_tables(DatabaseName=database)["TableList"]]
    storage = {"Location": f"s3://b/{table}"}
    given: Any = {"Name": table, "StorageDescriptor": storage, **({} if day else marked)}
    given |= {"PartitionKeys": KEYS} if day else {}
    if table not in there:
        glue.create_table(DatabaseName=database, TableInput=given)
    elif day is None:
        glue.update_table(DatabaseName=database, TableInput=given)
    known = glue_backends["123456789012"]["us-east-1"].databases[database].tables[table]
    if day is None:
        known.created_time = known.updated_time = moment(at)
        return
    known.created_time = moment(-10_000)
    partition: Any = {"Values": [day], "StorageDescriptor": storage, **marked}
    if str([day]) in known.partitions:
        known.update_partition([day], partition)
    else:
        glue.create_partition(DatabaseName=database, TableName=table, PartitionInput=partition)
    known.partitions[str([day])].creation_time = moment(at)


def ended(api: Api, location: str, job: str, begin: float = -60, end: float = 0) -> dict[str, Any]:
    end_in_glue(job, StartedOn=moment(begin), CompletedOn=moment(end))
    run: dict[str, Any] = api.call("GET", location).body
    assert run["status"] == "SUCCEEDED"
    return run


def names(run: dict[str, Any]) -> list[str]:
    return [output["table"] for output in run["outputs"]]


def test_a_run_that_wrote_nothing_has_no_output(api: Api) -> None:
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    write(database(environment), "tbsot_ecommerce_br", at=-3600)
    write(database(environment), "days", "1", at=-3600)
    run = ended(api, ask(api, job).headers["Location"], job)
    assert (run["output"], run["outputs"]) == (None, [])


def test_a_run_lists_the_tables_and_partitions_that_it_changed(api: Api) -> None:
    environment = api.ready_environment()
    job, sot = environment["outputs"]["job_id"], database(environment)
    location = ask(api, job).headers["Location"]
    for table, day, at in (("made", None, -30), ("old", None, -90), ("later", None, 90)):
        write(sot, table, day, at=at)
    write(sot, "days", "1", at=-90)
    write(sot, "days", "2", at=-30)
    run = ended(api, location, job)
    assert names(run) == ["days", "made"]
    assert run["outputs"][0]["partitions"] == [{"day": "2"}]
    assert run["output"] == run["outputs"][0]
    assert run["outputs"][1] == {
        "database": sot,
        "table": "made",
        "location": "s3://b/made",
        "partitions": [],
        "links": {"rows": f"/environments/{environment['id']}/tables/{sot}/made/rows"},
    }


def test_the_table_that_the_arguments_name_is_the_output_if_it_was_written(api: Api) -> None:
    environment = api.ready_environment()
    job, sot = environment["outputs"]["job_id"], database(environment)
    asked = ask(api, job, body={"arguments": {"--OUTPUT_TABLE": "SECOND"}})
    for table in ("first", "second"):
        write(sot, table, at=-30)
    run = ended(api, asked.headers["Location"], job)
    assert (run["output"]["table"], names(run)) == ("second", ["second", "first"])


def test_a_mark_takes_precedence_over_the_time(api: Api) -> None:
    environment = api.ready_environment()
    job, sot = environment["outputs"]["job_id"], database(environment)
    body = {"timeout_minutes": 1}
    first, second = (ask(api, job, body=body).body for _ in range(2))
    write(sot, "mine", mark=first["id"], at=-30)
    write(sot, "theirs", mark=second["id"], at=-30)
    write(sot, "strange", mark="x" * 5000, at=-30)
    write(sot, "days", "1", mark=first["id"], at=-5000)  # it was there before, and is written again
    run = ended(api, f"/jobs/{job}/runs/{first['id']}", job)
    assert names(run) == ["days", "mine", "strange"]


def test_a_mark_of_an_ended_run_does_not_hide_later_changes(api: Api) -> None:
    environment = api.ready_environment(job={"timeout_minutes": 1})
    job, sot = environment["outputs"]["job_id"], database(environment)
    first = ask(api, job).body
    ended(api, f"/jobs/{job}/runs/{first['id']}", job, -500, -400)
    write(sot, "kept", mark=first["id"], at=-30)
    assert names(ended(api, ask(api, job).headers["Location"], job)) == ["kept"]


def test_the_database_of_another_sandbox_is_never_read(api: Api) -> None:
    neighbour = api.ready_environment("bob")
    write(database(neighbour), "secret", at=-30)
    environment = api.ready_environment()
    job = environment["outputs"]["job_id"]
    database(environment)
    arguments = {"--OUTPUT_DB": database(neighbour), "--OUTPUT_TABLE": "secret"}
    location = ask(api, job, body={"arguments": arguments}).headers["Location"]
    write(database(neighbour), "marked", mark=location[-16:], at=-30)
    asked: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params.get("DatabaseName", ""))

    catalog = api.app.service().jobs._runs._settlement._outputs._catalog._client.meta.events
    for call in ("GetTables", "GetTable", "GetPartitions"):
        catalog.register(f"provide-client-params.glue.{call}", note)
    run = ended(api, location, job)
    assert (run["output"], run["outputs"]) == (None, [])
    assert asked and database(neighbour) not in asked


@pytest.mark.parametrize("seconds", [0.0, 0.4])
def test_times_in_whole_seconds_are_sufficient(api: Api, seconds: float) -> None:
    from moto.glue.models import glue_backends

    environment = api.ready_environment()
    job, sot = environment["outputs"]["job_id"], database(environment)
    location = ask(api, job).headers["Location"]
    write(sot, "t")
    table = glue_backends["123456789012"]["us-east-1"].databases[sot].tables["t"]
    begin = moment(-60).replace(microsecond=900_000)
    table.created_time = table.updated_time = begin.replace(microsecond=0) + timedelta(seconds=seconds)
    end_in_glue(job, StartedOn=begin, CompletedOn=moment(0))
    assert names(api.call("GET", location).body) == (["t"] if seconds == 0 else [])
