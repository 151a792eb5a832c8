"""In-memory DynamoDB client for tests with very many records: one table, fifty times as fast as moto.

It knows the calls of `chalicelib.dynamo` and the expressions of `chalicelib.store`; any other is an error.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from itertools import dropwhile, islice, takewhile
from typing import Any

from botocore.exceptions import ClientError
from sortedcontainers import SortedList

from local.moto_patches.dynamodb_sizes import ITEM_BYTES, item_bytes
from local.setup.table import table_properties

Item = dict[str, Any]
_TOKEN = re.compile(r"\s*(<=|>=|<>|[()=<>,+-]|[:#\w.]+)")
_COMPARED = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MISSING = object()
INDEXES: dict[str, tuple[str, str]] = {
    index["IndexName"]: tuple(key["AttributeName"] for key in index["KeySchema"])
    for index in table_properties()["GlobalSecondaryIndexes"]
}


class FastDynamoDb:
    """One table with string keys `pk` and `sk`; `indexes` are (hash key, range key) by name."""

    def __init__(self, indexes: dict[str, tuple[str, str]]) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.calls: list[str] = []
        self.on_write: Callable[[Item, Item, bool], None] = lambda before, after, is_transaction: None
        self._indexes: dict[str | None, tuple[str, str]] = {None: ("pk", "sk"), **indexes}
        # By index and hash key, the range key and the table's key of each item.
        self._entries: dict[tuple[str | None, str], SortedList] = defaultdict(SortedList)

    def put(self, item: Item) -> None:
        """Store an item without a call."""
        self._store(_key(item), self.items.get(_key(item), {}), item)

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> Item:
        self.calls.append("GetItem")
        item = self.items.get(_key(Key))
        return {"Item": item} if item else {}

    def batch_get_item(self, *, RequestItems: Item) -> Item:
        self.calls.append("BatchGetItem")
        [(table, request)] = RequestItems.items()
        assert len(request["Keys"]) <= 100
        return {
            "Responses": {table: [item for key in request["Keys"] if (item := self.items.get(_key(key)))]}
        }

    def query(
        self, *, KeyConditionExpression: str, ExpressionAttributeValues: Item, Limit: int, **given: Any
    ) -> Item:
        self.calls.append("Query")
        values, index = ExpressionAttributeValues, given.get("IndexName")
        hash_key, range_key = self._indexes[index]
        wanted = re.match(rf"{hash_key} = (:\w+)", KeyConditionExpression)
        assert wanted, KeyConditionExpression
        entries = self._entries[index, values[wanted[1]]["S"]]
        most = None
        if bound := re.search(rf"{range_key} <= (:\w+)", KeyConditionExpression):
            most = (values[bound[1]]["S"], (chr(0x10FFFF), ""))  # no need to read the others
        in_order = entries.irange(maximum=most, reverse=not given["ScanIndexForward"])
        if start := given.get("ExclusiveStartKey"):
            assert any(key == _key(start) for _, key in in_order)  # items before it are skipped
        holds = _condition(KeyConditionExpression)
        others = dropwhile(lambda item: not holds(item, {}, values), (self.items[key] for _, key in in_order))
        # Items that match a key condition are adjacent.
        page = list(islice(takewhile(lambda item: holds(item, {}, values), others), Limit))
        names = {"pk", "sk", hash_key, range_key}
        if index is not None:
            page = [{name: item[name] for name in names} for item in page]  # the projection KEYS_ONLY
        answer: Item = {"Items": page}
        if len(page) == Limit:  # there may be more items: DynamoDB stops at the limit
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in names}
        if expression := given.get("FilterExpression"):
            passes = _condition(expression)
            answer["Items"] = [item for item in page if passes(item, {}, values)]
        return answer

    def update_item(self, **update: Any) -> Item:
        self.calls.append("UpdateItem")
        before = self.items.get(_key(update["Key"]), update["Key"])
        if not self._holds(update):
            self.on_write(before, before, False)
            is_returned = update.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and len(before) > 2
            raise _error("ConditionalCheckFailedException", **({"Item": before} if is_returned else {}))
        after = self._after("Update", update)
        self.on_write(before, after, False)
        if item_bytes(after) > ITEM_BYTES:
            raise _error("ValidationException")
        self.put(after)
        return {"Attributes": after} if update.get("ReturnValues") == "ALL_NEW" else {}

    def transact_write_items(self, *, TransactItems: list[Item]) -> Item:
        self.calls.append("TransactWriteItems")
        actions = [next(iter(action.items())) for action in TransactItems]
        held = [self._holds(action) for _, action in actions]
        if not all(held):
            reasons = []
            for (_, action), holds in zip(actions, held, strict=True):
                reason = {"Code": "None" if holds else "ConditionalCheckFailed"}
                item = self.items.get(_key(action.get("Key") or action["Item"]))
                unchanged = item or action.get("Key") or _key_of(action["Item"])
                self.on_write(unchanged, unchanged, True)
                if not holds and item and action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
                    reason["Item"] = item
                reasons.append(reason)
            raise _error("TransactionCanceledException", CancellationReasons=reasons)
        written = [self._after(kind, action) for kind, action in actions]
        if any(item_bytes(after) > ITEM_BYTES for after in written):
            raise _error("TransactionCanceledException", CancellationReasons=[{"Code": "ValidationError"}])
        for (_, action), after in zip(actions, written, strict=True):
            key = _key(action.get("Key") or action["Item"])
            self.on_write(self.items.get(key, {}), after, True)
            self._store(key, self.items.get(key, {}), after)
        return {}

    def count(self, status: str) -> int:
        """Return the number of environments with a status."""
        return len(self._entries["by_status", status])

    def _holds(self, action: Item) -> bool:
        expression = action.get("ConditionExpression")
        item = self.items.get(_key(action.get("Key") or action["Item"]), {})
        names, values = (
            action.get("ExpressionAttributeNames", {}),
            action.get("ExpressionAttributeValues", {}),
        )
        return expression is None or _condition(expression)(item, names, values)

    def _after(self, kind: str, action: Item) -> Item:
        """Return the item after an action. Empty if the action deletes it."""
        if kind == "Put":
            return action["Item"]
        if kind == "Delete":
            return {}
        names, values = (
            action.get("ExpressionAttributeNames", {}),
            action.get("ExpressionAttributeValues", {}),
        )
        before = self.items.get(_key(action["Key"])) or action["Key"]
        return _updated(before, action["UpdateExpression"], names, values)

    def _store(self, key: tuple[str, str], before: Item, after: Item) -> None:
        for name, (hash_key, range_key) in self._indexes.items():
            if hash_key in before and range_key in before:
                self._entries[name, before[hash_key]["S"]].remove((before[range_key]["S"], key))
            if hash_key in after and range_key in after:
                self._entries[name, after[hash_key]["S"]].add((after[range_key]["S"], key))
        if after:
            self.items[key] = after
        else:
            self.items.pop(key, None)


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _key_of(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def _error(code: str, **more: Any) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": 400},
        **more,
    }
    return ClientError(response, "call")


# -- expressions: a condition is compiled once into a function of an item, names and values -----------------

Condition = Callable[[Item, Item, Item], bool]
Operand = Callable[[Item, Item, Item], Any]


class _Tokens:
    def __init__(self, text: str) -> None:
        self.left: list[str] = _TOKEN.findall(text)
        assert "".join(self.left) == re.sub(r"\s", "", text), text

    def take(self, *wanted: str) -> str | None:
        """Return the next token if it is one of these."""
        return self.left.pop(0) if self.left and self.left[0] in wanted else None

    def next(self) -> str:
        return self.left.pop(0)


@cache
def _condition(text: str) -> Condition:
    tokens = _Tokens(text)
    found = _either(tokens)
    assert not tokens.left, text
    return found


def _either(tokens: _Tokens) -> Condition:
    parts = [_both(tokens)]
    while tokens.take("OR"):
        parts.append(_both(tokens))
    return lambda *given: any(part(*given) for part in parts)


def _both(tokens: _Tokens) -> Condition:
    parts = [_single(tokens)]
    while tokens.take("AND"):
        parts.append(_single(tokens))
    return lambda *given: all(part(*given) for part in parts)


def _single(tokens: _Tokens) -> Condition:
    if tokens.take("("):
        inside = _either(tokens)
        assert tokens.take(")")
        return inside
    if tokens.take("NOT"):
        negated = _single(tokens)
        return lambda *given: not negated(*given)
    if name := tokens.take("attribute_exists", "attribute_not_exists", "begins_with"):
        arguments = list(_arguments(tokens))
        if name == "begins_with":
            whole, start = arguments
            return lambda *given: str(_plain(whole(*given))).startswith(_plain(start(*given)))
        [path] = arguments
        return lambda *given: (path(*given) is not _MISSING) == (name == "attribute_exists")
    left = _operand(tokens)
    if tokens.take("IN"):
        among = list(_arguments(tokens))
        return lambda *given: left(*given) in [one(*given) for one in among]
    compare = _COMPARED[tokens.next()]
    right = _operand(tokens)

    def holds(*given: Item) -> bool:
        values = left(*given), right(*given)
        return _MISSING not in values and bool(compare(*map(_plain, values)))

    return holds


def _arguments(tokens: _Tokens) -> Iterator[Operand]:
    assert tokens.take("(")
    yield _operand(tokens)
    while tokens.take(","):
        yield _operand(tokens)
    assert tokens.take(")")


def _operand(tokens: _Tokens) -> Operand:
    """Return the value of a path, a literal, `size` or `if_not_exists`, in DynamoDB's types."""
    word = tokens.next()
    if word == "size":
        [path] = _arguments(tokens)
        return lambda *given: {"N": str(len(_plain(path(*given))))}
    if word == "if_not_exists":
        path, otherwise = _arguments(tokens)
        return lambda *given: found if (found := path(*given)) is not _MISSING else otherwise(*given)
    if word.startswith(":"):
        return lambda _item, _names, values: values[word]
    return lambda item, names, _values: _at(item, word, names)


def _at(item: Item, path: str, names: Item) -> Any:
    found: Any = {"M": item}
    for part in path.split("."):
        found = found.get("M", {}).get(names.get(part, part), _MISSING) if found is not _MISSING else _MISSING
    return found


def _plain(value: Any) -> Any:
    [(kind, inner)] = value.items()
    return Decimal(inner) if kind == "N" else set(inner) if kind == "SS" else inner


def _updated(item: Item, text: str, names: Item, values: Item) -> Item:
    after = dict(item)
    words = re.split(r"\b(SET|REMOVE|ADD|DELETE)\b ", text)
    for verb, actions in zip(words[1::2], words[2::2], strict=True):
        for action in re.split(r",\s*(?![^(]*\))", actions.strip()):
            if verb == "SET":
                path, _, expression = action.partition(" = ")
                _put(after, path.strip(), names, _value(expression, after, names, values))
            elif verb == "REMOVE":
                after.pop(names.get(action, action), None)
            else:
                name, value = action.split()
                _add(after, name, values[value], -1 if verb == "DELETE" else 1)
    return after


def _value(text: str, item: Item, names: Item, values: Item) -> Any:
    tokens = _Tokens(text)
    found = _operand(tokens)(item, names, values)
    while sign := tokens.take("+", "-"):
        other = _plain(_operand(tokens)(item, names, values))
        found = {"N": str(_plain(found) + (other if sign == "+" else -other))}
    assert not tokens.left, text
    return found


def _put(item: Item, path: str, names: Item, value: Any) -> None:
    *parents, last = [names.get(part, part) for part in path.split(".")]
    for parent in parents:
        item[parent] = {"M": dict(item[parent]["M"])}
        item = item[parent]["M"]
    item[last] = value


def _add(item: Item, name: str, value: Any, sign: int) -> None:
    if "N" in value:
        item[name] = {"N": str(_plain(item.get(name, {"N": "0"})) + sign * _plain(value))}
        return
    before = set(item.get(name, {"SS": []})["SS"])
    after = before | set(value["SS"]) if sign > 0 else before - set(value["SS"])
    item.pop(name, None)
    if after:
        item[name] = {"SS": sorted(after)}
