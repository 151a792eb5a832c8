"""Owner names in the records of the service: finds and replaces them.

docs/operate.md shows the same list. A test creates everything that an owner can create, forgets the owner,
and searches the whole table for the name.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.aws.dynamodb_values import python_value
from chalicelib.domain.timeline import ActorType
from chalicelib.storage import items
from chalicelib.storage.codec import with_actor_type

Item = Mapping[str, Any]
Path = tuple[str | int, ...]

OWNERS: Mapping[str, tuple[str, ...]] = {
    "ENV": ("owner", "gsi_owner"),
    "RUN": ("owner",),
    "QUERY": ("owner",),
    "EVENT": ("owner",),
    "NOTICE": ("owner",),
    "CHARGE": ("owner",),
    "MEMBER": ("owner",),
}
"""Attributes with the owner of an environment, by the kind of item (storage/items.py)."""

ACTORS: Mapping[str, tuple[str, ...]] = {
    "RUN": ("requested_by", "stopped_by"),
    "QUERY": ("requested_by", "stopped_by"),
    "EVENT": ("actor",),
    "COHORT": ("created_by",),
}
"""Attributes with a user or, according to the attribute `..._type`, with a part of the service."""

SHOWN_ACTORS = ("/stopped_by",)
"""Pointers of changes in a timeline whose values are actors."""


def kind(item: Item) -> str:
    """Return the kind of an item: the first part of its sort key."""
    return str(item["sk"]).partition("#")[0]


def is_removed(item: Item, owner: str) -> bool:
    """Return whether an item belongs to an owner alone: account, limit of calls, or used Idempotency-Key."""
    is_account = kind(item) == "BUDGET" and item["pk"] == f"OWNER#{owner}"
    is_limit = kind(item) == "RATE" and item["pk"] == f"CALLER#{owner}"
    return is_account or is_limit or (kind(item) == "KEY" and item.get("owner") == owner)


def paths(item: Item, owner: str) -> list[Path]:
    """Return the paths of the values in an item that are the name of the owner."""
    return [path for path, value in _names(item) if value == owner]


def replacement(item: Item, found: list[Path], alias: str) -> dict[str, Any]:
    """Return the parameters of UpdateItem that write an alias to some paths.

    The update requires that the values and the version of the record have not changed since it was read.
    """
    names: dict[str, str] = {}

    def placed(path: Path) -> str:
        text = ""
        for part in path:
            if isinstance(part, int):
                text += f"[{part}]"
                continue
            name = names.setdefault(part, f"#n{len(names)}")
            text += f".{name}" if text else name
        return text

    places = [placed(path) for path in found]
    values: dict[str, Any] = {":owner": _value(item, found[0]), ":alias": alias}
    sets, conditions = [f"{place} = :alias" for place in places], [f"{place} = :owner" for place in places]
    if "version" in item:
        names["version"] = "#version"
        values |= {":version": item["version"], ":next": item["version"] + 1}
        sets.append("#version = :next")
        conditions.append("#version = :version")
    return {
        "Key": {"pk": item["pk"], "sk": item["sk"]},
        "UpdateExpression": f"SET {', '.join(sets)}",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {placeholder: name for name, placeholder in names.items()},
        "ExpressionAttributeValues": values,
    }


def rewritten(item: Item, owner: str, alias: str) -> dict[str, Any] | None:
    """Return another owner's used Idempotency-Key without the name, or None if its record has no such name.

    The record is a copy of an environment or run, in which the owner may have acted as an admin.
    """
    if kind(item) != "KEY":
        return None
    used = items.used_key(python_value(dict(item)))
    found = paths(used.record, owner) if used.record else []
    if not found:
        return None
    record = copy.deepcopy(used.record)
    for *parents, last in found:
        _value(record, tuple(parents))[last] = alias
    return {**item, "record": items.used_key_item(replace(used, record=record))["record"]}


def _names(item: Item) -> Iterator[tuple[Path, Any]]:
    """Yield the values that can be a user's name, with their paths."""
    for name in OWNERS.get(kind(item), ()):
        yield (name,), item.get(name)
    for name in ACTORS.get(kind(item), ()):
        if _is_user(item, name):
            yield (name,), item.get(name)
    if _is_user(frozen := item.get("frozen") or {}, "by"):
        yield ("frozen", "by"), frozen.get("by")
    if kind(item) == "COHORT":
        yield ("task", "by"), item.get("task", {}).get("by")
        for index, failure in enumerate(item.get("failures") or ()):
            yield ("failures", index, "owner"), failure.get("owner")
    for index, member in enumerate(item.get("members") or () if kind(item) == "OWNERS" else ()):
        yield ("members", index, 1), member[1]
    for path, file in (item.get("job_files") or {}).items():
        if _is_user(file, "changed_by"):
            yield ("job_files", path, "changed_by"), file.get("changed_by")
    for number, change in enumerate(item.get("changes") or () if kind(item) == "EVENT" else ()):
        for name in ("old", "new"):
            if change.get("pointer") in SHOWN_ACTORS:
                yield ("changes", number, name), change.get(name)
            if change.get("pointer") == "/frozen" and _is_user(frozen := change.get(name) or {}, "by"):
                yield ("changes", number, name, "by"), frozen.get("by")


def _is_user(values: Item, name: str) -> bool:
    typed = with_actor_type(dict(values), name)
    return str(typed.get(f"{name}_type", ActorType.USER)) == ActorType.USER


def _value(item: Any, path: Path) -> Any:
    for part in path:
        item = item[part]
    return item
