"""Whether what a stack has made is really gone: AWS is asked for each thing, by its physical id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from chalicelib.aws.cloudformation import Part
from chalicelib.aws.errors import AwsError, AwsRefused, calling
from chalicelib.clock import timestamp
from chalicelib.domain.environment import ResourceState
from chalicelib.domain.json_types import Json
from chalicelib.domain.receipts import ReceiptEntry

_DATABASE, _KEY, _LOG_GROUP, _TABLE = (
    *("AWS::Glue::Database", "AWS::KMS::Key"),
    *("AWS::Logs::LogGroup", "AWS::Glue::Table"),
)
_LOOKS = {
    "AWS::Athena::WorkGroup": ("athena", "get_work_group", "WorkGroup"),
    _DATABASE: ("glue", "get_database", "Name"),
    "AWS::Glue::Job": ("glue", "get_job", "JobName"),
    "AWS::Glue::SecurityConfiguration": ("glue", "get_security_configuration", "Name"),
    "AWS::IAM::Role": ("iam", "get_role", "RoleName"),
    "AWS::KMS::Alias": ("kms", "describe_key", "KeyId"),
    _KEY: ("kms", "describe_key", "KeyId"),
    "AWS::S3::Bucket": ("s3", "head_bucket", "Bucket"),
    # Its id is the bucket's name, and it goes with that at the latest.
    "AWS::S3::BucketPolicy": ("s3", "head_bucket", "Bucket"),
}
"""The call that describes a thing, and the argument that is its physical id."""
CHECKED = (_LOOKS.keys() | {_LOG_GROUP}) - {"AWS::S3::BucketPolicy"}
"""The types that a READY environment needs. Its tables are its user's: a reset brings them back."""
_GONE = {"404", "EntityNotFoundException", "NoSuchEntity", "NotFoundException"}
_GOING = ("PendingDeletion", "PendingReplicaDeletion")


@dataclass(frozen=True)
class Proof:
    """What is gone and what remains for a reason, as the receipt lists them, and what is still there."""

    removed: list[ReceiptEntry]
    remaining: list[ReceiptEntry]
    there: list[Part]
    parts: list[Part]

    def shown(self, at: str) -> Json:
        """The fields that show every resource as CloudFormation told last, though its events were lost."""
        resources = {
            part.logical_id: ResourceState(part.type, part.status, order=f"{at[:19]}#22")
            for part in reversed(self.parts)  # of one that was replaced, the newest counts
        }
        return {"resources": resources, "total_resources": len(resources)} if resources else {}


@dataclass(frozen=True)
class Absence:
    """A thing that AWS says does not exist, or, a key, that cannot be used until `until` and then is gone."""

    part: Part
    is_pending: bool = False
    until: str | None = None


class Prover:
    """Asks AWS for things that should be gone; `clients` are by service, errors come out as `AwsError`."""

    def __init__(self, clients: Mapping[str, Any]) -> None:
        self._clients = clients

    def prove(self, parts: list[Part]) -> Proof:
        """Look for each part of a deleted stack. A type that cannot be looked for is said to be unchecked."""
        proof = Proof([], [], [], parts)
        databases = [part.physical_id for part in parts if part.type == _DATABASE]
        for part in sorted(parts, key=lambda part: (part.logical_id, part.physical_id)):
            entry = ReceiptEntry(part.type, part.logical_id, part.physical_id)
            calls = self._calls(part, databases)
            found = next((answer for call in calls if (answer := _asked(part, call))), None)
            key = (found or {}).get("KeyMetadata", {})
            if found is None:
                unchecked = "CloudFormation has deleted it; nothing of its type is looked for again."
                is_checked = calls or part.type == _TABLE
                proof.removed.append(entry if is_checked else replace(entry, why=unchecked))
            elif part.type == _KEY and key.get("KeyState") in _GOING:
                why = "AWS keeps a deleted key for a waiting period, in which it cannot be used."
                proof.remaining.append(replace(entry, why=why, until=_deletion_date(key)))
            elif part.status == "DELETE_SKIPPED":
                proof.remaining.append(replace(entry, why="The release's template says that it stays."))
            else:
                proof.there.append(part)
        return proof

    def absences(self, parts: list[Part]) -> tuple[list[Absence], list[AwsError]]:
        """Look for each part of a living stack: those that are certainly gone, and the looks that failed."""
        gone: list[Absence] = []
        failed: list[AwsError] = []
        for part in parts:
            if part.type not in CHECKED or not part.physical_id or part.status == "DELETE_COMPLETE":
                continue
            [call] = self._calls(part, [])
            try:
                found = _asked(part, call)
            except AwsError as error:
                failed.append(error)
                continue
            key = found.get("KeyMetadata", {})
            if not found:
                gone.append(Absence(part))
            elif part.type == _KEY and key.get("KeyState") in _GOING:
                gone.append(Absence(part, is_pending=True, until=_deletion_date(key)))
        return gone, failed

    def _calls(self, part: Part, databases: list[str]) -> list[Callable[[], Json]]:
        """The calls of which one would answer if the part were there; none when there is no way to ask."""
        if part.type == _LOG_GROUP:
            return [partial(self._log_group, part.physical_id)]
        if part.type == _TABLE:  # its id does not tell the database
            look = self._clients["glue"].get_table
            return [partial(look, DatabaseName=name, Name=part.physical_id) for name in databases]
        if part.type not in _LOOKS:
            return []
        service, operation, argument = _LOOKS[part.type]
        return [partial(getattr(self._clients[service], operation), **{argument: part.physical_id})]

    def _log_group(self, name: str) -> Json:
        # Of the names that begin with it, its own comes first.
        answer = self._clients["logs"].describe_log_groups(logGroupNamePrefix=name, limit=1)
        return next((group for group in answer["logGroups"] if group["logGroupName"] == name), {})


def _deletion_date(key: Json) -> str | None:
    return timestamp(key["DeletionDate"]) if "DeletionDate" in key else None


def _asked(part: Part, call: Callable[[], Json]) -> Json:
    """What AWS says of the part; nothing when it says that there is none."""
    try:
        with calling(*_GONE, about=f"{part.type} {part.physical_id}"):
            return call()
    except AwsRefused as refused:  # Athena has no code of its own for it
        if refused.code != "InvalidRequestException" or "not found" not in refused.message:
            raise
    return {}
