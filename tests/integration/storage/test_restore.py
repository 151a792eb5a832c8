"""Backup and restore: a point-in-time copy of the table, and what happened since the copy."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from chalicelib.clock import timestamp
from chalicelib.domain.environment import Environment, Status
from deploy.errors import DeploymentError
from deploy.orphans import Sandbox, orphans
from deploy.restore import held, restore
from tests.support.api import Api
from tests.support.deployed import ROLE, context, records
from tests.support.moto_runs import end_in_glue
from tests.support.records import environment
from tests.support.small_account import TABLE

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYMENT_ROLE_ARN", ROLE)


@pytest.fixture
def api(role: None, runs_end_when_told: None, api: Api) -> Api:
    return api


def copy_table() -> None:
    """The table as of now, as DynamoDB restores it to a new table."""
    boto3.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=TABLE, TargetTableName="copy", UseLatestRestorableTime=True
    )


def shown(api: Api, environment_id: str, owner: str) -> Any:
    return api.call("GET", f"/environments/{environment_id}", owner=owner).body


def ask(api: Api, owner: str) -> str:
    answer = api.call("POST", "/environments", owner=owner)
    assert answer.status == 202, answer.body
    return str(answer.body["id"])


def delete(api: Api, environment_id: str, owner: str) -> None:
    assert api.call("DELETE", f"/environments/{environment_id}", owner=owner).status == 202
    for _ in range(3):
        api.stack_event(environment_id)
    assert shown(api, environment_id, owner)["status"] == "DELETED"


def stacks() -> dict[str, str]:
    found = boto3.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackId"] for stack in found}


def tick(api: Api) -> None:
    api.app.service().events.tick(seconds=10)


def test_the_service_continues_from_a_copy_and_deletes_nothing_that_is_newer(api: Api) -> None:
    kept, removed = api.ready_environment("kim")["id"], api.ready_environment("rita")["id"]
    creating = ask(api, "carl")
    job = shown(api, kept, "kim")["outputs"]["job_id"]
    body = {"timeout_minutes": 1, "number_of_workers": 2}
    run = api.call("POST", f"/jobs/{job}/runs", owner="kim", body=body).body
    assert api.call("GET", f"/jobs/{job}/runs/{run['id']}", owner="kim").body["status"] == "STARTING"
    copy_table()
    # Since the copy:
    assert (
        api.call("PATCH", f"/environments/{kept}", owner="kim", body={"expires_in_hours": 72}).status == 200
    )
    delete(api, removed, "rita")
    api.stack_event(creating)
    assert shown(api, creating, "carl")["status"] == "READY"
    unknown = api.ready_environment("nina")["id"]
    end_in_glue(job)
    before = stacks()

    said: list[str] = []
    restore(context(said.append), "copy", now=NOW)
    for _ in range(3):
        tick(api)

    assert stacks() == before
    assert [line for line in said if line.startswith(("Stack", "Record"))] == [
        next(line for line in said if f"Stack without a record: terraglue-{unknown} CREATE_COMPLETE" in line),
        f"Record without a stack: {removed} READY, owner rita",
    ]
    # Records that were at work wait for their owner, and a retry continues with the stack.
    assert shown(api, creating, "carl")["status"] == "FAILED"
    assert api.call("POST", f"/environments/{creating}/retry", owner="carl").status == 202
    tick(api)
    assert shown(api, creating, "carl")["status"] == "READY"
    assert stacks() == before
    # A sandbox that was deleted since is missing, and its environment can be deleted.
    assert shown(api, removed, "rita")["status"] == "FAILED"
    delete(api, removed, "rita")
    # The run that ended since is settled, and no environment expires within two days.
    ended = api.call("GET", f"/jobs/{job}/runs/{run['id']}", owner="kim").body
    assert (ended["status"], ended["cost_usd"] is not None) == ("SUCCEEDED", True)
    assert shown(api, kept, "kim")["status"] == "READY"
    # A person without a record can create another environment. The stack of the other one stays.
    assert api.call("GET", f"/environments/{unknown}", owner="nina").status == 404
    api.stack_event(unknown)
    ask(api, "nina")
    assert before.items() <= stacks().items()
    said.clear()
    orphans(context(said.append))
    assert [line.split()[4] for line in said[:-1]] == [f"terraglue-{unknown}"]


def test_a_restore_can_be_repeated_and_leaves_only_the_records_of_the_copy(api: Api) -> None:
    api.ready_environment("kim")
    copy_table()
    copied = {(item["pk"], item["sk"]) for item in records()}
    api.ready_environment("nina")
    restore(context(), "copy", now=NOW)
    first = records()
    assert {(item["pk"], item["sk"]) for item in first} == copied
    restore(context(), "copy", now=NOW)
    assert sorted(map(str, records())) == sorted(map(str, first))


def test_stacks_of_another_stage_are_not_listed(api: Api) -> None:
    other = ROLE.replace("dev", "prod")
    boto3.client("cloudformation").create_stack(
        StackName="terraglue-abcdefghij", TemplateBody=json.dumps({"Resources": {}}), RoleARN=other
    )
    said: list[str] = []
    orphans(context(said.append))
    assert said == ["Every stack has its record, and every record its stack."]


def test_the_service_must_be_stopped(api: Api) -> None:
    api.ready_environment("kim")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", "")
    functions, iam = boto3.client("lambda"), boto3.client("iam")
    arn = iam.create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions.create_function(
        FunctionName="tick", Runtime="python3.11", Role=arn, Handler="a", Code={"ZipFile": archive.getvalue()}
    )
    copy_table()
    with pytest.raises(DeploymentError, match="--function-name tick"):
        restore(context(functions=("tick",)), "copy")
    functions.put_function_concurrency(FunctionName="tick", ReservedConcurrentExecutions=0)
    restore(context(functions=("tick",)), "copy")


@pytest.mark.parametrize("source", [TABLE, "misspelled"])
def test_a_table_that_is_no_copy_is_refused(api: Api, source: str) -> None:
    with pytest.raises(DeploymentError, match=f"{source} is not a restored copy"):
        restore(context(), source)


def test_the_table_of_another_stage_is_refused_until_its_stack_is_deleted(api: Api) -> None:
    cloudformation = boto3.client("cloudformation")
    stack = cloudformation.create_stack(StackName="service-prod", TemplateBody='{"Resources": {}}')["StackId"]

    def resources(params: Any, **_: Any) -> Any:  # moto finds no stacks by their resources
        assert params["body"]["PhysicalResourceId"] == "copy"
        found = {"StackResources": [{"StackId": stack, "StackName": "service-prod"}], "ResponseMetadata": {}}
        return SimpleNamespace(status_code=200), found

    api.ready_environment("kim")
    copy_table()
    api.ready_environment("nina")
    before, operator = records(), context()
    operator.account.session.events.register("before-call.cloudformation.DescribeStackResources", resources)
    with pytest.raises(DeploymentError, match="belongs to the stack service-prod"):
        restore(operator, "copy")
    assert records() == before
    cloudformation.delete_stack(StackName=stack)
    restore(operator, "copy")
    assert len(records()) < len(before)


def test_the_own_table_is_refused_by_its_arn_too(api: Api) -> None:
    arn = boto3.resource("dynamodb").Table(TABLE).table_arn
    with pytest.raises(DeploymentError, match="is not a restored copy"):
        restore(context(), arn)


def test_an_empty_copy_deletes_nothing(api: Api) -> None:
    copy_table()
    copy = boto3.resource("dynamodb").Table("copy")
    for item in copy.scan()["Items"]:
        copy.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    api.ready_environment("kim")
    before = records()
    with pytest.raises(DeploymentError, match="copy has no records"):
        restore(context(), "copy")
    assert records() == before


SANDBOX = Sandbox("arn:new", "terraglue-env1", "CREATE_COMPLETE", "")
SOON, LATE = timestamp(NOW + timedelta(hours=1)), timestamp(NOW + timedelta(hours=48))


def old(**more: Any) -> Environment:
    return environment(1, stack_id="arn:old", expires_at=SOON, **more)


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (Status.CREATING, {}),
        (Status.SEEDING, {}),
        (Status.RESETTING, {}),
        (Status.FAILED, {"clean_up": True}),
        (Status.QUEUED, {}),
    ],
)
def test_unfinished_work_of_the_copy_is_not_continued(status: Status, more: dict[str, Any]) -> None:
    after = held(old(status=status, **more), SANDBOX, NOW)
    assert (after.status, after.clean_up, after.stack_id) == (Status.FAILED, False, "arn:new")
    assert (after.expires_at, after.failure is not None) == (LATE, True)
    assert after.due_at is not None and after.due_at > timestamp(NOW)


def test_a_ready_environment_is_compared_with_its_stack_at_once() -> None:
    after = held(old(status=Status.READY), SANDBOX, NOW)
    assert (after.status, after.due_at, after.look_at) == (Status.READY, timestamp(NOW), timestamp(NOW))


@pytest.mark.parametrize(
    "before",
    [
        old(status=Status.DELETED),
        old(status=Status.DELETING, delete_requested=True),
        old(status=Status.READY, delete_requested=True),
    ],
)
def test_a_deletion_that_was_requested_continues(before: Environment) -> None:
    assert held(before, SANDBOX, NOW) == before


def test_a_queued_environment_without_a_stack_keeps_its_place() -> None:
    before = environment(1, status=Status.QUEUED, expires_at=LATE)
    assert held(before, None, NOW) == before
