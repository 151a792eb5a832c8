"""What a run says of its output is read from its own sandbox's catalog only."""

from __future__ import annotations

import boto3
import pytest

from tests.integration.conftest import Api
from tests.integration.test_runs import ask, end_in_glue, glue_runs, runs_that_take_their_time

__all__ = ["runs_that_take_their_time"]


@pytest.mark.parametrize("spelling", [str, str.upper])
def test_a_neighbours_database_tells_nothing(api: Api, spelling: type[str]) -> None:
    theirs = api.ready_environment(owner="ben")["outputs"]["databases"]["sot"]
    glue = boto3.client("glue")
    for name in {theirs, theirs.upper(), "sales"}:
        glue.create_database(DatabaseInput={"Name": name})
        table = {"Name": "t", "StorageDescriptor": {"Location": "s3://secret/"}}
        glue.create_table(DatabaseName=name, TableInput=table)
    job = api.ready_environment()["outputs"]["job_id"]
    for database in (spelling(theirs), "sales"):
        arguments = {"--OUTPUT_DB": database, "--OUTPUT_TABLE": "t"}
        run = ask(api, job, body={"arguments": arguments, "number_of_workers": 2, "timeout_minutes": 1})
        assert run.status == 202, run.body
        end_in_glue(job)
        event = {"jobName": job, "jobRunId": glue_runs(job)[-1]["Id"], "state": "SUCCEEDED"}
        api.app.service().events.job_changed(event)
        found = api.call("GET", run.headers["Location"]).body
        assert (found["status"], found["output"]) == ("SUCCEEDED", None)
