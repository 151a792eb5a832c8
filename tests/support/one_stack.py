"""CloudFormation with one stack of a table and a bucket: its operations last, fail and stop halfway.

moto creates stacks at once and cannot fail. This fake follows AWS's documents where `deploy/` depends on
them: statuses, change sets, events, retained resources, and errors. Each DescribeStacks call lets the
running operation take one step, so nothing waits.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError

Json = dict[str, Any]
ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/{name}/{number}"


class Killed(BaseException):
    """End of the process. It is no Exception, so no handler sees it."""


class Interruptions:
    """Kills the process once, after its n-th call to AWS, before it sees the response.

    Several threads upload files. Then, another call that is in progress with the n-th one can be interrupted.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.at: int | None = None
        self._lock = threading.Lock()

    def begin(self, name: str) -> None:
        self.calls.append(name)

    def end(self) -> None:
        with self._lock:
            if self.at is None or len(self.calls) < self.at:
                return
            self.at = None
        raise Killed(self.calls[-1])


class OneStack:
    """Client of CloudFormation.

    `fails` names a resource whose next creation or update fails. `lasts` is the number of steps in which
    nothing happens.
    """

    def __init__(self, interruptions: Interruptions, session: boto3.Session) -> None:
        self._interruptions = interruptions
        self._session = session
        self.stacks: list[Json] = []
        self.change_sets: dict[str, Json] = {}
        self.fails: str | None = None
        self.lasts = 0
        self.rollback: Json = {}
        self.reason = 'Resource handler returned message: "The name exists"'

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name[0] == "_" or not callable(value) or name in ("get_paginator", "set_status"):
            return value
        return lambda **given: self._call(name, value, given)

    def _call(self, name: str, method: Callable[..., Any], given: Json) -> Any:
        self._interruptions.begin(name)
        try:
            return method(**given)
        finally:
            self._interruptions.end()

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **given: iter([getattr(self, name)(**given)]))

    def set_status(self, status: str, reason: str = "") -> None:
        self._live().update(status=status, reason=reason, steps=[])

    # -- the API --------------------------------------------------------------------------------------

    def describe_stacks(self, StackName: str) -> Json:
        stack = self._find(StackName)
        described = {
            "StackId": stack["id"],
            "StackStatus": stack["status"],
            "StackStatusReason": stack["reason"],
            "Parameters": _pairs("Parameter", stack["parameters"]),
            "Outputs": _pairs("Output", stack["outputs"]),
        }
        # The response is as old as the request: an accepted operation has not begun in it.
        if stack["steps"]:
            stack["steps"].pop(0)()
        return {"Stacks": [described]}

    def create_change_set(
        self,
        StackName: str,
        ChangeSetName: str,
        ChangeSetType: str,
        TemplateURL: str,
        Parameters: list[Json],
        ClientToken: str,
        Capabilities: list[str],
        RollbackConfiguration: Json,
    ) -> Json:
        self.rollback = RollbackConfiguration
        stack = next((stack for stack in self._named(StackName)), None)
        is_new = stack is None or stack["status"] == "REVIEW_IN_PROGRESS"
        if is_new != (ChangeSetType == "CREATE"):
            raise _error("ValidationError", f"Stack [{StackName}] is not valid for {ChangeSetType}")
        if stack is not None and not is_new and not stack["status"].endswith("_COMPLETE"):
            raise _error("ValidationError", f"Stack is in {stack['status']} state and can not be updated.")
        if stack is None:
            stack = self._new(StackName)
        template = self._template(TemplateURL)
        given = {item["ParameterKey"]: item["ParameterValue"] for item in Parameters}
        if unknown := given.keys() - template["Parameters"].keys():
            raise _error("ValidationError", f"Parameters: {sorted(unknown)} do not exist in the template")
        values = {name: str(of.get("Default", "")) for name, of in template["Parameters"].items()} | given
        changes = list(_changes(stack["template"], template))
        is_same = (stack["template"], stack["parameters"]) == (template, values)
        self.change_sets[ChangeSetName] = {
            "Status": "FAILED" if is_same else "CREATE_COMPLETE",
            "StatusReason": "The submitted information didn't contain changes." if is_same else "",
            "Changes": changes,
            "stack": stack,
            "template": template,
            "values": values,
        }
        return {"Id": ChangeSetName, "StackId": stack["id"]}

    def describe_change_set(self, ChangeSetName: str, StackName: str) -> Json:
        found = self.change_sets[ChangeSetName]
        return {name: found[name] for name in ("Status", "StatusReason", "Changes")}

    def delete_change_set(self, ChangeSetName: str, StackName: str) -> Json:
        self.change_sets.pop(ChangeSetName, None)
        return {}

    def list_change_sets(self, StackName: str) -> Json:
        return {"Summaries": [{"ChangeSetId": name} for name in self.change_sets]}

    def execute_change_set(
        self, ChangeSetName: str, StackName: str, ClientRequestToken: str, RetainExceptOnCreate: bool
    ) -> Json:
        found = self.change_sets[ChangeSetName]
        stack = found["stack"]
        action = "CREATE" if stack["status"] == "REVIEW_IN_PROGRESS" else "UPDATE"
        self.change_sets.clear()
        if action == "CREATE":
            stack["parameters"] = found["values"]
        stack["steps"].append(lambda: self._event(stack, None, f"{action}_IN_PROGRESS"))
        stack["steps"] += [lambda: None] * self.lasts
        fails = None
        for name, resource in found["template"]["Resources"].items():
            is_failing = name == self.fails
            stack["steps"].append(self._step(stack, name, resource, action, is_failing))
            if is_failing:
                fails, self.fails = name, None
                break

        def complete() -> None:
            stack.update(template=found["template"], parameters=found["values"])
            stack["outputs"] = {
                name: self._value(stack, output["Value"])
                for name, output in found["template"]["Outputs"].items()
            }
            self._event(stack, None, f"{action}_COMPLETE")

        def roll_back() -> None:
            self._event(stack, None, f"{'' if action == 'CREATE' else 'UPDATE_'}ROLLBACK_IN_PROGRESS")

        def rolled_back() -> None:
            if action == "CREATE":
                assert RetainExceptOnCreate, "otherwise a new table and bucket would remain"
                for name in list(stack["resources"]):
                    self._remove(stack, name)
            self._event(stack, None, f"{'' if action == 'CREATE' else 'UPDATE_'}ROLLBACK_COMPLETE")

        stack["steps"] += [roll_back, rolled_back] if fails else [complete]
        return {}

    def delete_stack(self, StackName: str, ClientRequestToken: str = "") -> Json:
        stack = self._find(StackName)
        if stack["status"] == "REVIEW_IN_PROGRESS":
            stack["status"] = "DELETE_COMPLETE"
            return {}
        stack["steps"].append(lambda: self._event(stack, None, "DELETE_IN_PROGRESS"))
        for name, resource in list(stack["resources"].items()):
            stack["steps"].append(self._deletion(stack, name, resource))
        stack["steps"].append(lambda: self._event(stack, None, "DELETE_COMPLETE"))
        return {}

    def describe_stack_events(self, StackName: str) -> Json:
        return {"StackEvents": self._find(StackName)["events"][::-1]}

    def list_stack_resources(self, StackName: str) -> Json:
        return {"StackResourceSummaries": list(self._find(StackName)["resources"].values())}

    def list_stacks(self, StackStatusFilter: list[str]) -> Json:
        return {
            "StackSummaries": [
                {"StackName": stack["name"], "StackId": stack["id"]}
                for stack in self.stacks
                if stack["status"] in StackStatusFilter
            ]
        }

    # -- what happens in the account --------------------------------------------------------------------

    def _step(self, stack: Json, name: str, resource: Json, action: str, fails: bool) -> Callable[[], None]:
        def step() -> None:
            if fails:
                self._event(stack, name, f"{action}_FAILED", self.reason, resource["Type"])
                return
            if name not in stack["resources"]:
                physical = self._create(stack, name, resource["Type"])
                stack["resources"][name] = {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": physical,
                    "ResourceType": resource["Type"],
                    "ResourceStatus": "CREATE_COMPLETE",
                }
            self._event(stack, name, f"{action}_COMPLETE", kind=resource["Type"])

        return step

    def _deletion(self, stack: Json, name: str, resource: Json) -> Callable[[], None]:
        kept = stack["template"]["Resources"][name].get("DeletionPolicy") == "Retain"

        def step() -> None:
            if not kept:
                self._remove(stack, name)
            status = "DELETE_SKIPPED" if kept else "DELETE_COMPLETE"
            self._event(
                stack, name, status, kind=resource["ResourceType"], physical=resource["PhysicalResourceId"]
            )

        return step

    def _create(self, stack: Json, name: str, kind: str) -> str:
        physical = f"{stack['name']}-{name.lower()}-{len(self.stacks)}"
        if kind == "AWS::S3::Bucket":
            self._session.client("s3").create_bucket(Bucket=physical)
        elif kind == "AWS::DynamoDB::Table":
            self._session.client("dynamodb").create_table(
                TableName=physical,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            )
        return physical

    def _remove(self, stack: Json, name: str) -> None:
        resource = stack["resources"].pop(name)
        if resource["ResourceType"] == "AWS::S3::Bucket":
            self._session.client("s3").delete_bucket(Bucket=resource["PhysicalResourceId"])
        elif resource["ResourceType"] == "AWS::DynamoDB::Table":
            self._session.client("dynamodb").delete_table(TableName=resource["PhysicalResourceId"])

    def _value(self, stack: Json, value: Any) -> str:
        if isinstance(value, dict):
            return str(stack["resources"][value["Ref"]]["PhysicalResourceId"])
        return str(value)

    def _template(self, url: str) -> Json:
        match = re.fullmatch(r"https://([a-z0-9-]+)\.s3\.us-east-1\.amazonaws\.com/(.+)", url)
        assert match, url
        body = self._session.client("s3").get_object(Bucket=match[1], Key=match[2])["Body"].read()
        template: Json = json.loads(body)
        return template

    def _new(self, name: str) -> Json:
        stack: Json = {
            "id": ID.format(name=name, number=len(self.stacks)),
            "name": name,
            "status": "REVIEW_IN_PROGRESS",
            "reason": "",
            "parameters": {},
            "outputs": {},
            "resources": {},
            "template": {},
            "events": [],
            "steps": [],
        }
        self.stacks.append(stack)
        return stack

    def _event(
        self,
        stack: Json,
        name: str | None,
        status: str,
        reason: str = "",
        kind: str = "AWS::CloudFormation::Stack",
        physical: str = "",
    ) -> None:
        if name is None:
            stack["status"] = status
        stack["events"].append(
            {
                "EventId": f"event-{len(stack['events'])}",
                "StackId": stack["id"],
                "LogicalResourceId": name or stack["name"],
                "PhysicalResourceId": physical if name else stack["id"],
                "ResourceType": kind,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "Timestamp": datetime.now(UTC),
            }
        )

    def _named(self, name: str) -> Iterator[Json]:
        return (s for s in self.stacks if s["name"] == name and s["status"] != "DELETE_COMPLETE")

    def _find(self, name_or_id: str) -> Json:
        by_id = (stack for stack in self.stacks if stack["id"] == name_or_id)
        for stack in (*self._named(name_or_id), *by_id):
            return stack
        raise _error("ValidationError", f"Stack with id {name_or_id} does not exist")

    def _live(self) -> Json:
        return self.stacks[-1]


def _changes(before: Json, after: Json) -> Iterator[Json]:
    old, new = before.get("Resources", {}), after["Resources"]
    for name in old.keys() | new.keys():
        resource = new.get(name) or old[name]
        action = "Remove" if name not in new else "Modify" if name in old else "Add"
        if action != "Modify" or old[name] != new[name]:
            change = {"Action": action, "LogicalResourceId": name, "ResourceType": resource["Type"]}
            if action == "Modify":
                change["Replacement"] = new[name].get("Metadata", {}).get("replacement", "False")
            yield {"Type": "Resource", "ResourceChange": change}


def _pairs(kind: str, values: dict[str, str]) -> list[Json]:
    return [{f"{kind}Key": name, f"{kind}Value": value} for name, value in values.items()]


def _error(code: str, message: str) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(response, "CloudFormation")
