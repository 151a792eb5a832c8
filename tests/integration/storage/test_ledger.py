"""`python -m deploy ledger`: charges of runs that a release without a ledger has settled."""

from __future__ import annotations

import boto3
import pytest

from deploy.ledger import complete_ledger
from tests.support.api import Api
from tests.support.deployed import context, records
from tests.support.moto_runs import ask, end_in_glue
from tests.support.small_account import TABLE

pytestmark = pytest.mark.usefixtures("runs_end_when_told")


def test_missing_charges_are_added_once(api: Api) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    for seconds in (60, 90):
        asked = ask(api, job, body={"number_of_workers": 2, "timeout_minutes": 10})
        end_in_glue(job, seconds=seconds)
        assert api.call("GET", asked.headers["Location"]).body["status"] == "SUCCEEDED"
    before = api.call("GET", "/usage?by=run").body
    runs = [item for item in records() if item["sk"].startswith("RUN#")]
    forget_charges()
    assert api.call("GET", "/usage?by=run").body["items"] == []

    said: list[str] = []
    complete_ledger(context(said.append))
    cost = sum(run["cost_micro_usd"] for run in runs) / 1_000_000
    assert said == [f"Added 2 charges of {cost:.6f} USD to the ledger."]
    assert api.call("GET", "/usage?by=run").body == before
    everything = records()
    complete_ledger(context(said.append))
    assert said[1] == "Added 0 charges of 0.000000 USD to the ledger."
    assert records() == everything


def forget_charges() -> None:
    """Make all runs as those that an earlier release has settled."""
    table = boto3.resource("dynamodb").Table(TABLE)
    for item in records():
        key = {"pk": item["pk"], "sk": item["sk"]}
        if item["sk"].startswith("RUN#"):
            table.update_item(Key=key, UpdateExpression="REMOVE charged_micro_usd")
        elif item["pk"].startswith("LEDGER#"):
            table.delete_item(Key=key)
        elif item["sk"] == "ENV":
            table.update_item(Key=key, UpdateExpression="REMOVE charged_at")
