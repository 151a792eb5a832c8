"""DynamoDB client for one table: converts items to and from plain Python values."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from chalicelib.aws.errors import BOTO_ERRORS, AwsRefused, AwsThrottled, calling, from_boto
from chalicelib.errors import BadCursor

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Json = dict[str, Any]

_TRIES = 5
_BATCH = 100
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""
# Cancellation reasons of a transaction for which a retry can succeed, such as a conflict on an item.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_RETRYABLE = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
# Error code of a single write with an invalid item, and the cancellation reason in a transaction.
_INVALID, _INVALID_REASON = "ValidationException", "ValidationError"


class ItemRefused(AwsRefused):
    """DynamoDB rejected the item, usually because it exceeds 400 KB. A retry does not help."""


class ConditionFailed(Exception):
    """The condition of a write failed. `items` are the existing items, if DynamoDB returns them."""

    def __init__(self, items: list[Json]) -> None:
        super().__init__(items)
        self.items = items


Item = TypeVar("Item")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a query. `next` is the start key of the next page, or None on the last page."""

    items: list[Item]
    next: Json | None

    def map(self, make: Callable[[Item], Other]) -> Page[Other]:
        """Return the page with `make` applied to each item."""
        return Page([make(item) for item in self.items], self.next)


class Table:
    """One table. `put`, `update` and `delete` return actions for `transact`; the others raise `AwsError`."""

    def __init__(
        self,
        client: DynamoDBClient,
        name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep
        self._jitter = jitter

    def get(self, key: Json) -> Json | None:
        """Return an item by a strongly consistent read, or None if it does not exist."""
        with calling():
            response = self._client.get_item(TableName=self._name, Key=_serialize(key), ConsistentRead=True)
        return _deserialize(response["Item"]) if "Item" in response else None

    def get_all(self, keys: Sequence[Json]) -> list[Json | None]:
        """Return the items of some keys by strongly consistent reads, in this order; None for missing ones.

        DynamoDB returns only a part of a batch if it is too large or throttled. The rest is read again.
        """
        found: dict[tuple[str, ...], Json] = {}
        left = [_serialize(key) for key in keys]
        stalled = 0
        while left:
            batch, left = left[:_BATCH], left[_BATCH:]
            request: Any = {self._name: {"Keys": batch, "ConsistentRead": True}}
            with calling():
                response: Any = self._client.batch_get_item(RequestItems=request)
            for item in map(_deserialize, response["Responses"].get(self._name, ())):
                found[tuple(item[name] for name in keys[0])] = item
            rest = response.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            stalled = stalled + 1 if len(rest) == len(batch) else 0
            if stalled == _TRIES:
                raise AwsThrottled("UnprocessedKeys", "DynamoDB returned no item of a batch.")
            if rest:
                self._back_off(max(1, stalled))
            left = [*rest, *left]
        return [found.get(tuple(key.values())) for key in keys]

    def query(
        self,
        condition: str,
        values: Json,
        *,
        limit: int,
        start: Json | None = None,
        newest_first: bool = True,
        names: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Page[Json]:
        """Return one page of items. `options` are further parameters of Query, such as IndexName.

        Raises `BadCursor` if DynamoDB rejects `start`.
        """
        if start is not None:
            options["ExclusiveStartKey"] = _serialize(start)
        if names:
            options["ExpressionAttributeNames"] = names
        try:
            with calling():
                response = self._client.query(
                    TableName=self._name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=_serialize(values),
                    Limit=limit,
                    ScanIndexForward=not newest_first,
                    **options,
                )
        except AwsRefused as refused:
            if start is not None and refused.code == "ValidationException":
                raise BadCursor("The cursor is not valid for this list. Start again without it.") from refused
            raise
        last = response.get("LastEvaluatedKey")
        return Page([_deserialize(item) for item in response["Items"]], _deserialize(last) if last else None)

    def put(self, item: Json, condition: str, values: Json | None = None) -> Json:
        """Return the action that puts an item. If the condition fails, DynamoDB returns the existing item."""
        put: Json = {
            "TableName": self._name,
            "Item": _serialize(item),
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            put["ExpressionAttributeValues"] = _serialize(values)
        return {"Put": put}

    def update(
        self,
        key: Json,
        expression: str,
        condition: str | None,
        values: Json,
        names: Mapping[str, str] | None = None,
        *,
        returns_item: bool = False,
    ) -> Json:
        """Return the action that updates an item if the condition holds.

        With `returns_item`, DynamoDB returns the existing item if the condition fails.
        """
        update: Json = {
            "TableName": self._name,
            "Key": _serialize(key),
            "UpdateExpression": expression,
        }
        if condition:
            update["ConditionExpression"] = condition
        if values:
            update["ExpressionAttributeValues"] = _serialize(values)
        if names:
            update["ExpressionAttributeNames"] = names
        if returns_item:
            update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {"Update": update}

    def delete(self, key: Json, condition: str, values: Json) -> Json:
        """Return the action that deletes an item if the condition holds."""
        return {
            "Delete": {
                "TableName": self._name,
                "Key": _serialize(key),
                "ConditionExpression": condition,
                "ExpressionAttributeValues": _serialize(values),
            }
        }

    def write(self, action: Json) -> None:
        """Run one update action without a transaction. Raises `ConditionFailed` or `ItemRefused`."""
        try:
            with calling():
                self._client.update_item(**action["Update"])
        except AwsRefused as refused:
            if refused.code == "ConditionalCheckFailedException":
                raise ConditionFailed([]) from refused
            if refused.code == _INVALID:
                raise ItemRefused(refused.code, refused.message) from refused
            raise

    def transact(self, actions: list[Json]) -> None:
        """Run all actions in one transaction. Raises `ConditionFailed` or `ItemRefused`.

        Retries conflicts with other transactions, up to five tries.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                self._client.transact_write_items(TransactItems=cast(Any, actions))
                return
            except BOTO_ERRORS as error:
                reasons = _cancellation_reasons(error)
                failed = [reason for reason in reasons if reason["Code"] == "ConditionalCheckFailed"]
                if failed:
                    items = [_deserialize(reason["Item"]) for reason in failed if "Item" in reason]
                    raise ConditionFailed(items) from error
                if found := _rejection(error, reasons):
                    raise ItemRefused(*found) from error
                if not reasons or any(reason["Code"] not in _RETRYABLE for reason in reasons):
                    raise from_boto(error) from error
                if attempt == _TRIES:
                    raise AwsThrottled(reasons[0]["Code"], "Too many transactions at once.") from error
                self._back_off(attempt)

    def _back_off(self, attempt: int) -> None:
        self._sleep(0.02 * 2**attempt * (0.5 + self._jitter()))


def _cancellation_reasons(error: Exception) -> list[Json]:
    if not isinstance(error, ClientError):
        return []
    reasons = cast(Any, error.response).get("CancellationReasons", [])
    return [reason for reason in reasons if reason.get("Code", "None") != "None"]


def _rejection(error: Exception, reasons: list[Json]) -> tuple[str, str] | None:
    """Return the code and message of a rejected item, or None if the error has another cause."""
    for reason in reasons:
        if reason["Code"] == _INVALID_REASON:
            return reason["Code"], reason.get("Message", "")
    details: Json = cast(Any, error).response.get("Error", {}) if isinstance(error, ClientError) else {}
    return (_INVALID, details.get("Message", "")) if details.get("Code") == _INVALID else None


_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def _serialize(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an item to DynamoDB's types. Omits attributes that are None and converts floats to decimals."""
    return {name: _serializer.serialize(_plain(value)) for name, value in item.items() if value is not None}


def _deserialize(item: Mapping[str, Any]) -> Json:
    return {name: python_value(_deserializer.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def python_value(value: Any) -> Any:
    """Return a value of boto3 with int or float instead of Decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: python_value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [python_value(inner) for inner in value]
    return value
