"""Anonymization of an owner: `make forget STAGE=dev OWNER=...`."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.domain.owner_names import FORGOTTEN, fold, is_folded, is_name
from chalicelib.storage import items
from deploy import aws, owner_data
from deploy.context import Context
from deploy.errors import DeploymentError, InvalidInput
from deploy.records import deployed, scan
from deploy.stack import Stack

_FAILED = "ConditionalCheckFailedException"
_MOST_PASSES = 5
_KINDS = {
    "ENV": "environments",
    "RUN": "job runs",
    "EVENT": "events of timelines",
    "KEY": "idempotency keys",
    "BUDGET": "account",
}
_RECOVERY_DAYS = 35
"""Days of point-in-time recovery, the default of RecoveryPeriodInDays:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
"""
_HISTORY_DAYS = 90
"""Days of CloudTrail's event history, and of deleted stacks in CloudFormation."""


def forget(context: Context, owner: str, *, now: datetime | None = None) -> None:
    """Replace an owner's name in all records by a random alias, and delete what is the owner's alone.

    Raise `DeploymentError` while the owner has an environment. Can be repeated after an interruption.
    """
    if not is_name(owner):
        raise InvalidInput(f"{owner!r} is no name of an owner.")
    stack = deployed(context)
    stored = _as_stored(owner, stack)
    table = context.account.session.resource("dynamodb").Table(stack.outputs["TableName"])
    context.confirm(f"Every record of {stored} will be anonymized. This cannot be undone.", "forget")
    changed: Counter[str] = Counter()
    # Records from before FOLD_OWNER or OWNER_CLAIM was changed contain the name as it was then.
    for name in dict.fromkeys((owner, stored)):
        changed += _anonymize(_Records(table, name), context.stage.url(stack.outputs))
    owner = stored
    for kind, label in _KINDS.items():
        if changed[kind]:
            context.say(f"Changed   {changed[kind]} {label}")
    context.say(
        f"The table no longer contains {owner}."
        if changed
        else f"The table does not contain {owner}. Compare the name with `owner` in GET /me."
    )
    for line in _elsewhere(context, stack, owner, now or datetime.now(UTC)):
        context.say(line)


def _anonymize(records: _Records, url: str) -> Counter[str]:
    """Replace the name in all records. Return the number of changed items by kind."""
    alias = records.lock(url)
    changed: Counter[str] = Counter()
    for _ in range(_MOST_PASSES):
        found = records.replace(alias)
        changed += found
        if not found:
            records.unlock(alias)
            return changed
    raise DeploymentError(
        f"{records.owner} keeps changing records. Disable the user, then run the command again."
    )


@dataclass(frozen=True)
class _Records:
    """The records of one owner. While the alias is in the owner's lock, nobody can create an environment."""

    table: Any
    owner: str

    def lock(self, url: str) -> str:
        """Take the owner's lock and return the alias in it: a new one, or that of an interrupted run."""
        alias = FORGOTTEN + secrets.token_hex(8)
        key = items.owner_key(self.owner)
        try:
            self.table.put_item(
                Item={**key, "environment_id": "", "alias": alias},
                ConditionExpression="attribute_not_exists(pk)",
            )
            return alias
        except ClientError as error:
            if aws.code(error) != _FAILED:
                raise
        found = self.table.get_item(Key=key, ConsistentRead=True).get("Item", {})
        if "alias" in found:
            return str(found["alias"])
        raise DeploymentError(
            f"{self.owner} has the environment {found.get('environment_id')}. Delete it first, as a user of "
            "the admin group:\n"
            f"  curl -s -X DELETE {url}/environments/{found.get('environment_id')} "
            '-H "Authorization: Bearer $TOKEN"\n'
            "Run the command again when it is DELETED."
        )

    def unlock(self, alias: str) -> None:
        """Remove the lock."""
        self._unless_changed(
            self.table.delete_item,
            Key=items.owner_key(self.owner),
            ConditionExpression="alias = :alias",
            ExpressionAttributeValues={":alias": alias},
        )

    def replace(self, alias: str) -> Counter[str]:
        """Change every item that names the owner. Return their number by kind.

        An item that changes at the same time is left for the next pass.
        """
        changed: Counter[str] = Counter()
        for item in scan(self.table):
            key = {"pk": item["pk"], "sk": item["sk"]}
            if owner_data.is_removed(item, self.owner):
                self.table.delete_item(Key=key)
            elif found := owner_data.paths(item, self.owner):
                self._unless_changed(self.table.update_item, **owner_data.replacement(item, found, alias))
            elif new := owner_data.rewritten(item, self.owner, alias):
                self._unless_changed(
                    self.table.put_item,
                    Item=new,
                    ConditionExpression="#record = :record",
                    ExpressionAttributeNames={"#record": "record"},
                    ExpressionAttributeValues={":record": item["record"]},
                )
            else:
                continue
            changed[owner_data.kind(item)] += 1
        return changed

    def _unless_changed(self, write: Any, **parameters: Any) -> None:
        try:
            write(**parameters)
        except ClientError as error:
            if aws.code(error) != _FAILED:
                raise


def _as_stored(owner: str, stack: Stack) -> str:
    """Return the name as the service stores it (Config.owner)."""
    folds = stack.parameters.get("FoldOwner", "auto")
    is_lower = is_folded(stack.parameters.get("OwnerClaim", "sub")) if folds == "auto" else folds == "true"
    return fold(owner) if is_lower else owner


def _elsewhere(context: Context, stack: Stack, owner: str, now: datetime) -> Iterator[str]:
    """Yield where the name can remain outside of the table, and until when."""

    def until(days: int) -> str:
        return f"until {now + timedelta(days=days):%Y-%m-%d}"

    logs = int(stack.parameters.get("LogRetentionDays", 30))
    yield "What remains elsewhere:"
    yield f"  point-in-time recovery of the table: {until(_RECOVERY_DAYS)}"
    yield "    After a restore, run this command again"
    yield f"  CloudWatch logs (IP addresses; names only in error messages): {until(logs)}"
    yield f"  CloudTrail events and deleted stacks, in the tag terraglue:owner: {until(_HISTORY_DAYS)}"
    yield "  trails, backups and exports that you set up yourself: by their own retention"
    if pool := stack.outputs.get("UserPoolId"):
        where = f"--user-pool-id {pool} --region {context.stage.region}"
        yield f"  the user in Cognito: aws cognito-idp admin-delete-user {where} --username ..."
    else:
        yield f"  the user at {stack.parameters.get('Issuer', 'the issuer')}: delete it there"
