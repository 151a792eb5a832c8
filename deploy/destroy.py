"""`destroy`: deletes a stage's stack, and its data if asked to. Safe to run again after it was killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.storage import items
from deploy import aws
from deploy.context import Context
from deploy.errors import DeploymentError
from deploy.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TABLE, _BUCKET, _POOL = "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool"
_KEPT = {
    _TABLE: "the table with the environments, their owners and their costs",
    _BUCKET: "the bucket with the releases and uploaded jobs",
    _POOL: "the user pool with the users",
}
_GONE = ("ResourceNotFoundException", "NoSuchBucket", "404")


@dataclass(frozen=True)
class Kept:
    """A resource with data that the deletion of the stack keeps."""

    type: str
    name: str


def destroy(context: Context, with_data: bool) -> None:
    """Delete the stack, and with `with_data` also the table, the bucket and the users."""
    stack = context.find_stack()
    if stack is not None and stack.is_moving and stack.status != "DELETE_IN_PROGRESS":
        context.say(f"The stack is {stack.status}. Following that operation first.")
        stack = context.stacks.follow(stack.id)
    kept = _kept(context, stack)
    if stack is None and not (kept and with_data):
        context.say(f"The stack {context.stage.stack_name} does not exist.")
        _say_kept(context, kept)
        return
    if stack is not None:
        _refuse_with_sandboxes(context, stack)
    what = ", ".join([f"the stack {context.stage.stack_name}"] if stack else [])
    if with_data:
        what = ", ".join(filter(None, [what, *(f"{_KEPT[item.type]} ({item.name})" for item in kept)]))
    context.confirm(
        f"This deletes {what}." + (" It cannot be undone." if with_data else ""), context.stage.name
    )
    if stack is not None:
        _refuse_with_sandboxes(context, stack)  # users may have created some during the confirmation
        context.stacks.delete(stack)
        context.say(f"Deleted the stack {context.stage.stack_name}.")
    if not with_data:
        _say_kept(context, kept)
        return
    for item in kept:
        _DELETE[item.type](context, item.name)
        context.say(f"Deleted {_KEPT[item.type]}: {item.name}")


def _refuse_with_sandboxes(context: Context, stack: Stack) -> None:
    """Raise `DeploymentError` while sandboxes exist: only this stack's roles can delete them."""
    table = stack.outputs.get("TableName")
    if table is None:
        return
    dynamodb = context.account.session.resource("dynamodb").Table(table)
    try:
        record = dynamodb.get_item(Key=items.QUEUE_KEY, ConsistentRead=True).get("Item", {})
    except ClientError as error:
        if aws.code(error) == "ResourceNotFoundException":
            return
        raise
    counters = items.counters(record)
    number = int(counters.live) + int(counters.waiting)
    if number:
        url = context.stage.url(stack.outputs)
        raise DeploymentError(
            f"Environments still exist: {number}. Only the service can delete their sandboxes. "
            "Delete them first, as a user of the admin group:\n"
            f'  curl -s {url}/environments -H "Authorization: Bearer $TOKEN"\n'
            f'  curl -s -X DELETE {url}/environments/$ID -H "Authorization: Bearer $TOKEN"\n'
            "Run the command again when all of them are DELETED."
        )


def _kept(context: Context, stack: Stack | None) -> list[Kept]:
    """Return the resources with data, of the stack or of the stacks with its name that were deleted."""
    if stack is not None:
        resources = list(context.stacks.resources(stack.id))
    else:
        resources = [item for old in context.deleted_stacks() for item in context.stacks.skipped(old.id)]
    resources = list(dict.fromkeys(resources))  # a repeated deletion keeps a resource again
    found = [Kept(kind, name) for kind, name in resources if kind in _KEPT and name]
    return [item for item in found if _exists(context, item)]


def _exists(context: Context, item: Kept) -> bool:
    session = context.account.session
    try:
        if item.type == _TABLE:
            session.client("dynamodb").describe_table(TableName=item.name)
        elif item.type == _BUCKET:
            context.s3.head_bucket(Bucket=item.name, ExpectedBucketOwner=context.account.id)
        else:
            session.client("cognito-idp").describe_user_pool(UserPoolId=item.name)
    except ClientError as error:
        if aws.code(error) in _GONE:
            return False
        raise
    return True


def _say_kept(context: Context, kept: list[Kept]) -> None:
    for item in kept:
        context.say(f"Kept {_KEPT[item.type]}: {item.name}")
    if kept:
        context.say(
            f"If nobody needs them, delete them: make destroy STAGE={context.stage.argument} WITH_DATA=1"
        )


def _delete_table(context: Context, name: str) -> None:
    client = context.account.session.client("dynamodb")
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name)


def _delete_bucket(context: Context, name: str) -> None:
    for batch in _versions(context.s3, name, context.account.id):
        answer = context.s3.delete_objects(
            Bucket=name, Delete={"Objects": batch, "Quiet": True}, ExpectedBucketOwner=context.account.id
        )
        if errors := answer.get("Errors"):
            first = errors[0]
            raise DeploymentError(
                f"{name}/{first.get('Key')} cannot be deleted: {first.get('Message')} Run the command again."
            )
    context.s3.delete_bucket(Bucket=name, ExpectedBucketOwner=context.account.id)


def _versions(s3: S3Client, bucket: str, owner: str) -> Iterator[list[Any]]:
    """Yield the versions and delete markers of a bucket, in the size of one request."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, ExpectedBucketOwner=owner)
    for page in pages:
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]


def _delete_pool(context: Context, id: str) -> None:
    context.account.session.client("cognito-idp").delete_user_pool(UserPoolId=id)


_DELETE = {_TABLE: _delete_table, _BUCKET: _delete_bucket, _POOL: _delete_pool}
