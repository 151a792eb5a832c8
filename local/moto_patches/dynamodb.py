"""DynamoDB of moto with atomic transactions and item size limits, and ten times faster.

moto's transactions are atomic for one caller at a time only. It copies the whole table once per item, and
puts the copies back if a condition fails. With several threads, this fails ("dictionary changed size during
iteration") or loses concurrent writes, and its cost grows with the table. Here, calls are serialized, and
only the items that a transaction names are kept and restored.

moto spends its time on three things: it compares every response about items with its model, value by value,
although the result is JSON already. Every query sorts the whole table before it filters. And the size of an
item, which moto computes for every attribute that is set, is measured on a copy. It also keeps copies of all
items forever, for a page of its web interface.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterable
from functools import wraps
from typing import Any

from moto.core.responses import ActionResult, BaseResponse
from moto.dynamodb.exceptions import (
    ItemSizeTooLarge,
    ItemSizeToUpdateTooLarge,
    MockValidationException,
    TransactionCanceledException,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import bytesize
from moto.dynamodb.responses import DynamoHandler

from local.moto_patches.dynamodb_sizes import ITEM_BYTES, TRANSACTION_BYTES, item_bytes

_ABOUT_ITEMS = {
    "BatchGetItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
}

_lock = threading.RLock()


def install() -> None:
    """Install the patches. Repeated calls have no effect."""
    if hasattr(DynamoHandler.call_action, "serialized"):
        return
    _serialize_calls()
    _reject_large_items()
    _copy_items_instead_of_tables()
    _skip_response_models()
    _prefilter_queries()
    _measure_without_copies()
    Item.__new__ = _new_item  # type: ignore[method-assign,assignment]


def _serialize_calls() -> None:
    original = DynamoHandler.call_action

    @wraps(original)
    def call_action(self: DynamoHandler) -> Any:
        with _lock:
            return original(self)

    call_action.serialized = True  # type: ignore[attr-defined]
    DynamoHandler.call_action = call_action  # type: ignore[method-assign]


def _reject_large_items() -> None:
    """Check the size of whole items: moto counts replaced attributes twice on updates and ignores puts."""
    put, update = Table.put_item, DynamoDBBackend.update_item

    @wraps(put)
    def put_item(self: Table, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
        if item_bytes(item_attrs) > ITEM_BYTES:
            raise ItemSizeTooLarge
        return put(self, item_attrs, *args, **kwargs)

    @wraps(update)
    def update_item(
        self: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Item:
        table = self.get_table(table_name)
        keys = self.get_keys_value(table, key)
        now = table.get_item(*keys)
        # Most items are far below the limit and are neither copied nor measured.
        if (now.size() if now else 0) + len(str((args, kwargs))) < ITEM_BYTES // 4:
            return update(self, table_name, key, *args, **kwargs)
        before = copy.deepcopy(now)
        item = update(self, table_name, key, *args, **kwargs)
        if item_bytes(item.to_json()["Attributes"]) > ITEM_BYTES:
            _restore_item(table, keys, before)
            raise ItemSizeToUpdateTooLarge
        return item

    LimitedSizeDict.__setitem__ = dict.__setitem__  # type: ignore[method-assign]
    Table.put_item = put_item  # type: ignore[method-assign]
    DynamoDBBackend.update_item = update_item  # type: ignore[method-assign]


def _copy_items_instead_of_tables() -> None:
    original = DynamoDBBackend.transact_write_items

    @wraps(original)
    def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        named = [place for item in transact_items if (place := _place(self, item)) is not None]
        before = [(table, keys, copy.deepcopy(table.get_item(*keys))) for table, keys in named]
        # Turns moto's own copies into references, so that restoring them has no effect.
        Table.__deepcopy__ = lambda table, _memo: table  # type: ignore[attr-defined]
        try:
            original(self, transact_items)
            _check_total(table.get_item(*keys) for table, keys in named)
        except Exception as error:
            for table, keys, item in before:
                _restore_item(table, keys, item)
            if isinstance(error, ItemSizeTooLarge | ItemSizeToUpdateTooLarge):
                # moto fails the whole call; AWS reports the error in a cancellation reason.
                raise TransactionCanceledException([("ValidationError", str(error.message), None)]) from error
            raise
        finally:
            del Table.__deepcopy__  # type: ignore[attr-defined]

    DynamoDBBackend.transact_write_items = transact_write_items  # type: ignore[method-assign]


def _check_total(items: Iterable[Item | None]) -> None:
    if sum(item.size() for item in items if item) > TRANSACTION_BYTES:
        raise MockValidationException("Item size in transaction exceeded the maximum allowed size of 4 MB")


def _place(backend: DynamoDBBackend, action: dict[str, Any]) -> tuple[Table, Any] | None:
    """Return the table and the key of an action, or None if moto will reject the action."""
    operation = next(iter(action.values()))
    table = backend.tables.get(operation.get("TableName"))
    key = operation.get("Key") or operation.get("Item")
    return None if table is None or key is None else (table, backend.get_keys_value(table, key))


def _restore_item(table: Table, keys: Any, item: Any) -> None:
    hash_key, range_key = keys
    place: Any = table.items[hash_key] if range_key else table.items
    if item is None:
        place.pop(range_key or hash_key, None)
    else:
        place[range_key or hash_key] = item


def _skip_response_models() -> None:
    original = DynamoHandler.serialized

    @wraps(original)
    def serialized(self: BaseResponse, action_result: ActionResult) -> Any:
        result = action_result.result
        if self._get_action() not in _ABOUT_ITEMS or not isinstance(result, dict):
            return original(self, action_result)
        try:
            body = json.dumps({name: value for name, value in result.items() if value is not None})
        except TypeError:  # binary values
            return original(self, action_result)
        return 200, {"Content-Type": "application/x-amz-json-1.0", **self.response_headers}, body

    DynamoHandler.serialized = serialized  # type: ignore[method-assign]


def _prefilter_queries() -> None:
    original, all_items = Table.query, Table.all_items

    @wraps(original)
    def query(self: Table, hash_key: Any, *args: Any, **kwargs: Any) -> Any:
        # `query` sorts its result itself, so the items may come in any order and may be prefiltered.
        index = kwargs.get("index_name") or (args[6] if len(args) > 6 else None)
        self.candidates = _in_index(self, index) if index else _in_partition(self, hash_key)  # type: ignore[attr-defined]
        try:
            return original(self, hash_key, *args, **kwargs)
        finally:
            del self.candidates  # type: ignore[attr-defined]

    def likely_items(self: Table) -> list[Any]:
        candidates: list[Any] | None = getattr(self, "candidates", None)
        return all_items(self) if candidates is None else candidates

    Table.query = query  # type: ignore[method-assign]
    Table.all_items = likely_items  # type: ignore[method-assign]


def _in_partition(table: Table, hash_key: Any) -> list[Any]:
    found: Any = table.items.get(hash_key, {})
    return list(found.values()) if table.range_key_attr else [found] if found else []


def _in_index(table: Table, name: str) -> list[Any]:
    """Return the items that have the hash keys of the index, which are few for a sparse index."""
    index = next((index for index in table.all_indexes() if index.name == name), None)
    if index is None:
        return []
    keys = [key["AttributeName"] for key in index.schema if key["KeyType"] == "HASH"]
    items: Any = table.items.values()
    if table.range_key_attr:
        items = (item for partition in items for item in partition.values())
    return [item for item in items if all(key in item.attrs for key in keys)]


def _measure_without_copies() -> None:
    original = DynamoType.size

    @wraps(original)
    def size(self: DynamoType) -> int:
        if self.is_map():
            return sum(bytesize(name) + value.size() for name, value in self.value.items())
        return original(self)

    DynamoType.size = size  # type: ignore[method-assign]


def _new_item(kind: type[Item], *_: Any, **__: Any) -> Item:
    return object.__new__(kind)
