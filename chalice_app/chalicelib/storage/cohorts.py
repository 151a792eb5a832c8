"""Records of cohorts.

The list of a cohort's owners is an item of its own, so that the cohort stays small. So are the results of the
members, which are written one by one. Their keys have numbers instead of names, so that owners can be
forgotten (deploy/owner_data.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from chalicelib.aws.dynamodb import ConditionFailed, Page, Table
from chalicelib.domain.cohort import Cohort, Member
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.owner_accounts import Account
from chalicelib.storage import items
from chalicelib.storage.codec import COHORT, MEMBER, fields_of, readable, stored_fields
from chalicelib.storage.items import IdempotencyKey
from chalicelib.storage.transactions import NEW, Transactions

Owners = Sequence[tuple[int, str]]
"""The owners of a cohort with their numbers, by number."""


class Cohorts:
    """Reads and writes cohorts and their members. AWS errors are raised as `AwsError`."""

    def __init__(self, table: Table, transactions: Transactions) -> None:
        self._table = table
        self._transactions = transactions

    def add(self, cohort: Cohort, owners: Owners, key: IdempotencyKey | None) -> None:
        """Record a new cohort with its owners. Raises `KeyTaken`."""
        item = _item(cohort)
        keys = self._transactions.put_key(key, item, cohort.created_at)
        puts = [self._table.put(item, NEW), self._table.put(_owners_item(cohort.id, owners), NEW)]
        self._transactions.write([*keys, *puts])

    def get(self, cohort_id: str) -> Cohort | None:
        """Return a cohort (strongly consistent), or None if it does not exist."""
        item = self._table.get(_key(cohort_id))
        return cohort_of(item) if item else None

    def page(self, limit: int, start: Json | None) -> Page[Cohort]:
        """Return a page of cohorts, newest first."""
        found = self._table.query(
            "gsi_kind = :kind", {":kind": "COHORT"}, limit=limit, start=start, IndexName="by_created"
        )
        keys = [{"pk": entry["pk"], "sk": entry["sk"]} for entry in found.items]
        records = self._table.get_all(keys)
        return Page([cohort_of(record) for record in records if record is not None], found.next)

    def save(
        self,
        old: Cohort,
        new: Cohort,
        key: IdempotencyKey | None = None,
        owners: Owners | None = None,
    ) -> Cohort:
        """Write the fields that differ, and the owners if given, if the cohort is still at `old.version`.

        Raises `StaleRecord`, and `KeyTaken` if the request's `key` is used.
        """
        after = new.replace(version=old.version + 1)
        actions = self._transactions.put_key(key, _item(after), after.updated_at)
        actions.append(self._transactions.update(_key(old.id), old.version, items.changes(old, new)))
        if owners is not None:
            actions.append(self._table.put(_owners_item(old.id, owners), "attribute_exists(pk)"))
        self._transactions.write(actions)
        return after

    def make_due(self, cohort_id: str, at: str) -> None:
        """Make a cohort due for a count, unless it is due anyway."""
        update = self._table.update(
            _key(cohort_id),
            "SET due_at = :at, due_shard = :shard",
            "attribute_exists(pk) AND attribute_not_exists(due_at)",
            {":at": at, ":shard": items.DUE},
        )
        with suppress(ConditionFailed):
            self._table.write(update)

    # -- members -----------------------------------------------------------------------------------------

    def owners(self, cohort_id: str) -> Owners:
        """Return the owners of a cohort with their numbers."""
        item = self._table.get(_owners_key(cohort_id)) or {"members": []}
        return [(int(number), owner) for number, owner in item["members"]]

    def members(self, cohort_id: str, owners: Owners | None = None) -> list[Member]:
        """Return all members, or those of `owners`, by number: without a result, they are PENDING."""
        if owners is None:
            owners, recorded = self.owners(cohort_id), {each.number: each for each in self._all(cohort_id)}
        else:
            found = self._table.get_all([_member_key(cohort_id, number) for number, _ in owners])
            recorded = {each.number: each for each in map(_member, filter(None, found))}
        # The name comes from the list: `forget` may have replaced it in only one of both so far.
        return [
            replace(recorded.get(number, Member(cohort_id, number, owner)), owner=owner)
            for number, owner in owners
        ]

    def put_member(self, member: Member) -> None:
        """Write a member's result, unless one of a later action is recorded."""
        item = {**_member_key(member.cohort_id, member.number), **stored_fields(member)}
        condition = f"{NEW} OR task <= :task"
        with suppress(ConditionFailed):
            self._table.transact([self._table.put(item, condition, {":task": member.task})])

    def environments(self, ids: Sequence[str]) -> dict[str, Environment]:
        """Return environments by ID (strongly consistent); missing ones are left out."""
        found = self._table.get_all([items.environment_key(each) for each in ids])
        return {item["id"]: items.environment(item) for item in found if item is not None}

    def accounts(self, owners: Sequence[str]) -> dict[str, Account]:
        """Return the accounts of owners."""
        found = self._table.get_all([items.account_key(owner) for owner in owners])
        return {owner: items.account(owner, item or {}) for owner, item in zip(owners, found, strict=True)}

    def live_environment_ids(self, owners: Sequence[str]) -> dict[str, str]:
        """Return the IDs of the live environments of owners, by owner."""
        found = self._table.get_all([items.owner_key(owner) for owner in owners])
        return {
            owner: item["environment_id"]
            for owner, item in zip(owners, found, strict=True)
            if item is not None
        }

    def _all(self, cohort_id: str) -> Iterator[Member]:
        condition, start = "pk = :pk AND begins_with(sk, :prefix)", None
        values = {":pk": _key(cohort_id)["pk"], ":prefix": "MEMBER#"}
        while True:
            page = self._table.query(condition, values, limit=1000, newest_first=False, start=start)
            yield from map(_member, page.items)
            start = page.next
            if start is None:
                return


def cohort_of(item: Json) -> Cohort:
    """Return the cohort of an item."""
    return Cohort(**fields_of(Cohort, readable(item), COHORT))


def _member(item: Json) -> Member:
    return Member(**fields_of(Member, readable(item), MEMBER))


def _item(cohort: Cohort) -> Json:
    due = {} if cohort.due_at is None else {"due_shard": items.DUE}
    return {**_key(cohort.id), **due, "gsi_kind": "COHORT", **stored_fields(cohort)}


def _owners_item(cohort_id: str, owners: Owners) -> Json:
    return {**_owners_key(cohort_id), "members": [list(each) for each in owners]}


def _key(cohort_id: str) -> Json:
    return {"pk": f"COHORT#{cohort_id}", "sk": "COHORT"}


def _owners_key(cohort_id: str) -> Json:
    return {"pk": f"COHORT#{cohort_id}", "sk": "OWNERS"}


def _member_key(cohort_id: str, number: int) -> Json:
    return {"pk": f"COHORT#{cohort_id}", "sk": f"MEMBER#{number:05}"}
