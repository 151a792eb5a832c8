"""Sandboxes without a record, and records without a sandbox: `make orphans STAGE=dev`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.domain.names import environment_of_stack
from deploy.context import Context
from deploy.records import Item, deployed, scan
from deploy.stack import Stack

_NO_STACK = ("QUEUED", "DELETED", "FAILED")
"""Statuses of environments that can be without a stack."""


@dataclass(frozen=True)
class Sandbox:
    """The stack of a sandbox."""

    id: str
    name: str
    status: str
    created: str


def orphans(context: Context) -> None:
    """Show the differences between the stage's records and the stacks in the account. Changes nothing."""
    stack = deployed(context)
    table = context.account.session.resource("dynamodb").Table(stack.outputs["TableName"])
    report(context, scan(table), sandboxes(context, stack))


def sandboxes(context: Context, stack: Stack) -> dict[str, Sandbox]:
    """Return the stacks of sandboxes by environment ID. Those of another stage have another role."""
    role = stack.outputs["DeploymentRoleArn"]
    pages = context.account.session.client("cloudformation").get_paginator("describe_stacks").paginate()
    return {
        environment_id: Sandbox(
            found["StackId"], found["StackName"], found["StackStatus"], f"{found['CreationTime']:%F %T}"
        )
        for page in pages
        for found in page["Stacks"]
        if found.get("RoleARN") == role
        if (environment_id := environment_of_stack(found["StackName"])) is not None
    }


def report(context: Context, records: Iterable[Item], stacks: Mapping[str, Sandbox]) -> None:
    """Show stacks without a record, and records without a stack."""
    known = {item["id"]: item for item in records if item["sk"] == "ENV"}
    unknown = [stacks[id] for id in sorted(stacks) if known.get(id, {}).get("status", "DELETED") == "DELETED"]
    missing = [
        item for id, item in sorted(known.items()) if id not in stacks and item["status"] not in _NO_STACK
    ]
    for sandbox in unknown:
        context.say(f"Stack without a record: {sandbox.name} {sandbox.status}, created {sandbox.created}")
    for item in missing:
        context.say(f"Record without a stack: {item['id']} {item['status']}, owner {item['owner']}")
    if unknown:
        context.say("The service does not touch these stacks. docs/operate.md says how to delete them.")
    if not unknown and not missing:
        context.say("Every stack has its record, and every record its stack.")
