"""DynamoDB's promise that moto keeps only for one caller at a time: all of a transaction or none of it.

moto carries out a transaction by copying the whole table, once per item, and puts the copies back when a
condition fails. With requests in several threads that fails ("dictionary changed size during iteration") or
loses what another request has written meanwhile, and it costs more the more the table holds. Here the calls
are done one after the other, and only the items that a transaction names are kept and put back.
"""

from __future__ import annotations

import copy
import threading
from functools import wraps
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

_lock = threading.RLock()


def install() -> None:
    """Put the two changes into moto; doing it twice does nothing more."""
    if hasattr(DynamoHandler.call_action, "serialized"):
        return
    _serialize_calls()
    _copy_items_instead_of_tables()


def _serialize_calls() -> None:
    original = DynamoHandler.call_action

    @wraps(original)
    def call_action(self: DynamoHandler) -> Any:
        with _lock:
            return original(self)

    call_action.serialized = True  # type: ignore[attr-defined]
    DynamoHandler.call_action = call_action  # type: ignore[method-assign]


def _copy_items_instead_of_tables() -> None:
    original = DynamoDBBackend.transact_write_items

    @wraps(original)
    def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        named = [place for item in transact_items if (place := _place(self, item)) is not None]
        before = [(table, keys, copy.deepcopy(table.get_item(*keys))) for table, keys in named]
        # moto's own copies become references, so that putting them back changes nothing.
        Table.__deepcopy__ = lambda table, _memo: table  # type: ignore[attr-defined]
        try:
            original(self, transact_items)
        except Exception:
            for table, keys, item in before:
                _put_back(table, keys, item)
            raise
        finally:
            del Table.__deepcopy__  # type: ignore[attr-defined]

    DynamoDBBackend.transact_write_items = transact_write_items  # type: ignore[method-assign]


def _place(backend: DynamoDBBackend, action: dict[str, Any]) -> tuple[Table, Any] | None:
    """The table and key that an action names; None for what moto is about to refuse."""
    operation = next(iter(action.values()))
    table = backend.tables.get(operation.get("TableName"))
    key = operation.get("Key") or operation.get("Item")
    return None if table is None or key is None else (table, backend.get_keys_value(table, key))


def _put_back(table: Table, keys: Any, item: Any) -> None:
    hash_key, range_key = keys
    place: Any = table.items[hash_key] if range_key else table.items
    if item is None:
        place.pop(range_key or hash_key, None)
    else:
        place[range_key or hash_key] = item
