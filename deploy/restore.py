"""Restore of an earlier state of the table: `make restore STAGE=dev FROM=TABLE`.

A copy of an earlier time does not know what happened since. A record in it may say that a creation, a reset
or the lifetime of an environment has yet to end, and the service would then delete resources that contain
newer data. Therefore such records are held: they are FAILED, and their owners retry or delete them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb_values import python_value
from chalicelib.clock import later, timestamp
from chalicelib.domain import expiry
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import Failure
from chalicelib.storage import items
from deploy import aws
from deploy.context import Context
from deploy.errors import DeploymentError
from deploy.orphans import Sandbox, report, sandboxes
from deploy.records import Item, deployed, scan
from deploy.stack import Stack

_LEAST_HOURS = 48
"""Minimum lifetime after a restore, because an owner may have extended it since the copy."""
_AT_WORK = (Status.CREATING, Status.SEEDING, Status.RESETTING)
_HELD = Failure(
    "internal",
    "The record was restored from a backup of a time at which this environment was changing.",
    "Retry to continue with the existing sandbox, or delete the environment.",
)


def restore(context: Context, source: str, *, now: datetime | None = None) -> None:
    """Replace the records of the stage by those of another table, and show what no longer fits.

    Can be repeated after an interruption. Raise `DeploymentError` if the service's functions still run.
    """
    stack = deployed(context)
    dynamodb = context.account.session.resource("dynamodb")
    target, copy = dynamodb.Table(stack.outputs["TableName"]), dynamodb.Table(source)
    # DynamoDB also accepts the ARN of a table as its name.
    is_copy = _key_schema(copy) == target.key_schema and copy.table_arn != target.table_arn
    if not is_copy:
        raise DeploymentError(f"{source} is not a restored copy of the table {target.name}.")
    _refuse_table_in_use(context, stack, copy.table_name)
    _require_stopped(context, stack)
    context.confirm(f"The records of {target.name} will be replaced by those of {source}.", target.name)
    existing = sandboxes(context, stack)
    kept = set()
    with target.batch_writer() as batch:
        for item in _held_items(scan(copy), existing, now or datetime.now(UTC)):
            batch.put_item(Item=item)
            kept.add((item["pk"], item["sk"]))
        if not kept:
            raise DeploymentError(f"{source} has no records. Nothing was changed.")
        for item in scan(target):
            if (item["pk"], item["sk"]) not in kept:
                batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    context.say(f"Restored  {len(kept)} records")
    report(context, scan(target), existing)


def held(environment: Environment, sandbox: Sandbox | None, now: datetime) -> Environment:
    """Return a restored environment so that the service deletes nothing that is newer than the record.

    A READY environment is checked at once. What was to be deleted at the time of the copy still is.
    """
    if environment.status is Status.DELETED or environment.delete_requested:
        return environment
    if environment.expires_at < later(now, _LEAST_HOURS * 3600):
        environment = environment.replace(**expiry.ending_in(_LEAST_HOURS, now))
    if sandbox is not None:  # the stack of a later attempt has another ID
        environment = environment.replace(stack_id=sandbox.id)
    is_started = environment.status is Status.QUEUED and sandbox is not None
    if environment.status in _AT_WORK or environment.clean_up or is_started:
        environment = environment.replace(
            status=Status.FAILED,
            failure=_HELD,
            reason=_HELD.fix,
            clean_up=False,
            attempts=0,
            lease_until=None,
            look_at=None,
            **expiry.NO_RUNS,
        )
        return environment.replace(due_at=expiry.next_check(environment))
    if environment.status is Status.READY:
        return environment.replace(look_at=timestamp(now), due_at=timestamp(now))
    return environment


def _held_items(copied: Iterator[Item], existing: Mapping[str, Sandbox], now: datetime) -> Iterator[Item]:
    released: set[str] = set()
    queue: Item | None = None
    for item in copied:
        if item["sk"] == "QUEUE":
            queue = item
        elif item["sk"] == "ENV":
            old = items.environment(python_value(item))
            new = held(old, existing.get(old.id), now)
            if new.status is Status.FAILED:
                released.add(old.id)
            yield _changed(item, old, new)
        else:
            yield item
    if queue is not None:
        creating = set(queue.get("creating", ())) - released
        yield _present({**queue, "creating": creating or None})


def _changed(item: Item, old: Environment, new: Environment) -> Item:
    """Return an item with the fields that differ."""
    changes = items.changes(old, new)
    if not changes:
        return item
    changes |= {"gsi_status": str(new.status), "due_shard": items.DUE if new.due_at else None}
    return _present({**item, **changes, "version": item["version"] + 1})


def _present(item: Item) -> Item:
    return {name: value for name, value in item.items() if value is not None}


def _key_schema(table: Any) -> Any:
    """Return the keys of a table, or None if it does not exist."""
    try:
        return table.key_schema
    except ClientError as error:
        if aws.code(error) != "ResourceNotFoundException":
            raise
        return None


def _refuse_table_in_use(context: Context, stack: Stack, source: str) -> None:
    """Raise `DeploymentError` if a table belongs to another stack, such as that of another stage.

    Restored tables belong to no stack, and those that a deleted stack kept no longer do.
    """
    cloudformation = context.account.session.client("cloudformation")
    try:
        found = cloudformation.describe_stack_resources(PhysicalResourceId=source)["StackResources"]
    except ClientError as error:
        if aws.code(error) == "ValidationError":  # "Stack for ... does not exist"
            return
        raise
    for id, name in {resource["StackId"]: resource["StackName"] for resource in found}.items():
        if id == stack.id:
            continue
        [described] = cloudformation.describe_stacks(StackName=id)["Stacks"]
        if described["StackStatus"] != "DELETE_COMPLETE":
            raise DeploymentError(
                f"{source} belongs to the stack {name}, and is no copy. Correct FROM (--from)."
            )


def _require_stopped(context: Context, stack: Stack) -> None:
    """Raise `DeploymentError` if a function of the service can run."""
    functions = context.account.session.client("lambda")
    names = [name for kind, name in context.stacks.resources(stack.id) if kind == "AWS::Lambda::Function"]
    running = [name for name in names if _concurrency(functions, name) != 0]
    if running:
        lines = [
            "  aws lambda put-function-concurrency --reserved-concurrent-executions 0 "
            f"--region {context.stage.region} --function-name {name}"
            for name in running
        ]
        raise DeploymentError("\n".join(["The service runs. Stop its functions first:", *lines]))


def _concurrency(functions: Any, name: str) -> int | None:
    found = functions.get_function_concurrency(FunctionName=name)
    concurrency: int | None = found.get("ReservedConcurrentExecutions")
    return concurrency
