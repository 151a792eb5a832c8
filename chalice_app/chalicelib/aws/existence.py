"""Existence checks: finds out whether AWS still has the resources of a stack, by physical ID.

A check must not depend on what AWS checks first, the existence or the permission. If it is the permission, a
missing resource returns AccessDenied unless the caller's policy names it by ARN alone:

- Databases, jobs, roles, workgroups and stacks have their names in their ARNs, so a policy allows the call
  whether or not they exist. Log groups and aliases are listed.
- Security configurations have no ARN. The policy allows the call on "*".
- All accounts share the names of buckets, and S3 returns 404 for a missing one even to anonymous callers. AWS
  does not document this order.
- A key has no name, and a policy that allows keys by tag cannot allow a key that is gone. So the policies
  allow DescribeKey on every key of the account; it returns only metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from chalicelib.aws.cloudformation import TABLE, StackResource
from chalicelib.aws.errors import AwsError, AwsRefused, calling
from chalicelib.clock import timestamp
from chalicelib.domain.environment_parts import ResourceState
from chalicelib.domain.json_types import Json
from chalicelib.domain.receipts import ReceiptEntry

_DATABASE, _LOG_GROUP = "AWS::Glue::Database", "AWS::Logs::LogGroup"
_ALIAS, _KEY = "AWS::KMS::Alias", "AWS::KMS::Key"
_DESCRIBE_CALLS = {
    "AWS::Athena::WorkGroup": ("athena", "get_work_group", "WorkGroup"),
    _DATABASE: ("glue", "get_database", "Name"),
    "AWS::Glue::Job": ("glue", "get_job", "JobName"),
    "AWS::Glue::SecurityConfiguration": ("glue", "get_security_configuration", "Name"),
    "AWS::IAM::Role": ("iam", "get_role", "RoleName"),
    _KEY: ("kms", "describe_key", "KeyId"),
    "AWS::S3::Bucket": ("s3", "head_bucket", "Bucket"),
    # Its physical ID is the bucket's name. It does not outlive the bucket.
    "AWS::S3::BucketPolicy": ("s3", "head_bucket", "Bucket"),
}
"""By resource type: client, method that describes the resource, and argument for its physical ID."""
CHECKED = (_DESCRIBE_CALLS.keys() | {_LOG_GROUP, _ALIAS}) - {"AWS::S3::BucketPolicy"}
"""The types that a READY environment needs. Users may delete tables, which a reset restores."""
_NOT_FOUND = {"404", "EntityNotFoundException", "NoSuchEntity", "NotFoundException"}
_GOING = ("PendingDeletion", "PendingReplicaDeletion")


@dataclass(frozen=True)
class DeletionCheck:
    """Result of verifying a deletion: entries for the receipt, and the resources that still exist."""

    removed: list[ReceiptEntry]
    remaining: list[ReceiptEntry]
    still_existing: list[StackResource]
    parts: list[StackResource]

    def shown(self, at: str) -> Json:
        """Return the environment fields with the last state of every resource, in case events were lost."""
        resources = {
            part.logical_id: ResourceState(part.type, part.status, order=f"{at[:19]}#22")
            for part in reversed(self.parts)  # the newest of replaced resources wins
        }
        return {"resources": resources, "total_resources": len(resources)} if resources else {}


@dataclass(frozen=True)
class MissingResource:
    """A part that does not exist, or a key that AWS deletes at `until` (`is_pending`)."""

    part: StackResource
    is_pending: bool = False
    until: str | None = None


class ExistenceChecker:
    """Checks whether the parts of a stack exist. `clients` are boto3 clients by service name."""

    def __init__(self, clients: Mapping[str, Any]) -> None:
        self._clients = clients

    def verify_deletion(self, parts: list[StackResource]) -> DeletionCheck:
        """Check each part of a deleted stack. The receipt marks parts of other types as unchecked.

        Raises `AwsError` if a check fails.
        """
        proof = DeletionCheck([], [], [], parts)
        databases = [part.physical_id for part in parts if part.type == _DATABASE]
        for part in sorted(parts, key=lambda part: (part.logical_id, part.physical_id)):
            entry = ReceiptEntry(part.type, part.logical_id, part.physical_id)
            calls = self._calls(part, databases)
            found = next((response for call in calls if (response := _describe(part, call))), None)
            key = (found or {}).get("KeyMetadata", {})
            if found is None:
                unchecked = "CloudFormation deleted it. Resources of this type are not checked again."
                is_checked = calls or part.type == TABLE
                proof.removed.append(entry if is_checked else replace(entry, why=unchecked))
            elif part.type == _KEY and key.get("KeyState") in _GOING:
                why = "AWS keeps a deleted key for a waiting period, during which it cannot be used."
                proof.remaining.append(replace(entry, why=why, until=_deletion_date(key)))
            elif part.status == "DELETE_SKIPPED":
                proof.remaining.append(replace(entry, why="The release's template retains it."))
            else:
                proof.still_existing.append(part)
        return proof

    def absences(self, parts: list[StackResource]) -> tuple[list[MissingResource], list[AwsError]]:
        """Check each part of a present stack. Return the parts that do not exist and the failed checks."""
        gone: list[MissingResource] = []
        failed: list[AwsError] = []
        for part in parts:
            if part.type not in CHECKED or not part.physical_id or part.status == "DELETE_COMPLETE":
                continue
            [call] = self._calls(part, [])
            try:
                found = _describe(part, call)
            except AwsError as error:
                failed.append(error)
                continue
            key = found.get("KeyMetadata", {})
            if not found:
                gone.append(MissingResource(part))
            elif part.type == _KEY and key.get("KeyState") in _GOING:
                gone.append(MissingResource(part, is_pending=True, until=_deletion_date(key)))
        return gone, failed

    def _calls(self, part: StackResource, databases: list[str]) -> list[Callable[[], Json]]:
        """Return the calls to try: at least one succeeds if the part exists. Empty for an unknown type."""
        lookups = {_LOG_GROUP: self._log_group, _ALIAS: self._alias}
        if part.type in lookups:
            return [partial(lookups[part.type], part.physical_id)]
        if part.type == TABLE:
            database, _, table = part.physical_id.rpartition("|")
            get_table = self._clients["glue"].get_table
            candidates = [database] if database else databases
            return [partial(get_table, DatabaseName=name, Name=table) for name in candidates]
        if part.type not in _DESCRIBE_CALLS:
            return []
        service, operation, argument = _DESCRIBE_CALLS[part.type]
        return [partial(getattr(self._clients[service], operation), **{argument: part.physical_id})]

    def _log_group(self, name: str) -> Json:
        # Results are sorted, so an exact match precedes longer names with the prefix.
        response = self._clients["logs"].describe_log_groups(logGroupNamePrefix=name, limit=1)
        return next((group for group in response["logGroups"] if group["logGroupName"] == name), {})

    def _alias(self, name: str) -> Json:
        # No call describes an alias. DescribeKey with its name is authorized by the alias's key.
        pages = self._clients["kms"].get_paginator("list_aliases").paginate()
        aliases = (alias for page in pages for alias in page["Aliases"])
        return next((alias for alias in aliases if alias["AliasName"] == name), {})


def _deletion_date(key: Json) -> str | None:
    return timestamp(key["DeletionDate"]) if "DeletionDate" in key else None


def _describe(part: StackResource, call: Callable[[], Json]) -> Json:
    """Return AWS's description of a part, or an empty dict if it does not exist."""
    try:
        with calling(about=f"{part.type} {part.physical_id}"):
            return call()
    except AwsRefused as refused:
        # Athena has no error code for a missing workgroup.
        is_missing_workgroup = refused.code == "InvalidRequestException" and "not found" in refused.message
        if refused.code in _NOT_FOUND or is_missing_workgroup:
            return {}
        raise
