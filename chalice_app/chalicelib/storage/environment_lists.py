"""Lists of environments: entries of an index, which have only keys, and the records that they name.

An index has one partition per owner or status, or only one, and DynamoDB limits each partition to 1,000 write
units per second. Therefore the indexes do not contain the records, which change with every event of a stack
(docs/decisions/0003-four-sparse-indexes.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.aws.dynamodb import Page, Table
from chalicelib.domain import response_size
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.estimates import Life
from chalicelib.domain.json_types import Json
from chalicelib.storage import items

_READ_AT_ONCE = 25
_OF_LIFE = (
    *("id", "owner", "release", "created_at", "ready_at", "deleted_at", "charged_at", "job_files"),
    *("settings.kms_key", "settings.upload_data"),
)


def page(
    table: Table, *, owner: str | None, status: Status | None, limit: int, start: Json | None
) -> Page[Environment]:
    """Return a page of environments, newest first, filtered by owner and status."""
    if owner is not None:
        index, key, value = "by_owner", "gsi_owner", owner
    elif status is not None:
        index, key, value = "by_status", "gsi_status", str(status)
    else:
        index, key, value = "by_created", "gsi_kind", "ENV"
    found = table.query(f"{key} = :key", {":key": value}, limit=limit, start=start, IndexName=index)
    records, last = _read(table, found.items)
    environments = [items.environment(record) for record in records]
    shown = [environment for environment in environments if status in (None, environment.status)]
    return Page(shown, found.next if last is None else last)


def lives(table: Table, most: int) -> tuple[list[Life], bool]:
    """Return the lives of the newest environments, at most `most`, and whether these are all."""
    found = table.query("gsi_kind = :kind", {":kind": "ENV"}, limit=most, IndexName="by_created")
    records = table.get_all([_key(entry) for entry in found.items], only=_OF_LIFE)
    return [_life(record) for record in records if record is not None], found.next is None


def queued(table: Table, limit: int) -> list[Environment]:
    """Return environments that wait in the queue, oldest first. `limit` also counts those just admitted."""
    found = table.query(
        "gsi_status = :status",
        {":status": str(Status.QUEUED)},
        limit=limit,
        newest_first=False,
        IndexName="by_status",
    )
    records = table.get_all([_key(entry) for entry in found.items])
    environments = [items.environment(record) for record in records if record is not None]
    return [
        environment
        for environment in environments
        if environment.status is Status.QUEUED
        and environment.admitted_at is None
        and not environment.delete_requested
    ]


def _read(table: Table, entries: Sequence[Json]) -> tuple[list[Json], Json | None]:
    """Return the records of index entries, and the entry after which they were cut, or None if all fit."""
    records: list[Json] = []
    left = response_size.MOST_BYTES
    for first in range(0, len(entries), _READ_AT_ONCE):
        part = entries[first : first + _READ_AT_ONCE]
        for entry, record in zip(part, table.get_all([_key(entry) for entry in part]), strict=True):
            if record is not None:
                records.append(record)
                # A response shows the main job's settings twice, in `job` and in `jobs`.
                left -= response_size.wire_bytes([record, record["settings"]["job"]])
            if left < 0 and entry is not entries[-1]:
                return records, entry
    return records, None


def _life(record: Json) -> Life:
    return Life(
        id=record["id"],
        owner=record["owner"],
        release=record["release"],
        created_at=record["created_at"],
        ready_at=record.get("ready_at"),
        deleted_at=record.get("deleted_at"),
        charged_at=record.get("charged_at"),
        has_key=record["settings"]["kms_key"],
        has_data=record["settings"]["upload_data"],
        file_bytes=sum(file["size_bytes"] for file in record.get("job_files", {}).values()),
    )


def _key(entry: Json) -> Json:
    return {"pk": entry["pk"], "sk": entry["sk"]}
