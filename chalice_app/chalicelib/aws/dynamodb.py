"""DynamoDB client for one table: converts items to and from plain Python values."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb_values import deserialize, serialize
from chalicelib.aws.errors import BOTO_ERRORS, AwsRefused, AwsThrottled, calling, from_boto
from chalicelib.errors import BadCursor

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Json = dict[str, Any]

_TRIES = 5
_BATCH = 100  # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
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
            response = self._client.get_item(TableName=self._name, Key=serialize(key), ConsistentRead=True)
        return deserialize(response["Item"]) if "Item" in response else None

    def get_all(self, keys: Sequence[Json], only: Sequence[str] = ()) -> list[Json | None]:
        """Return the items of some keys by strongly consistent reads, in this order; None for missing ones.

        `only` are paths of attributes to return, such as `settings.mode`. DynamoDB returns only a part of a
        batch if it is too large or throttled. The rest is read again.
        """
        found: dict[tuple[str, ...], Json] = {}
        left = [serialize(key) for key in keys]
        stalled = 0
        projection = _projection([*keys[0], *only]) if only and keys else {}
        while left:
            batch, left = left[:_BATCH], left[_BATCH:]
            request: Any = {self._name: {"Keys": batch, "ConsistentRead": True, **projection}}
            with calling():
                response: Any = self._client.batch_get_item(RequestItems=request)
            for item in map(deserialize, response["Responses"].get(self._name, ())):
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
        **options: Any,
    ) -> Page[Json]:
        """Return one page of items. `options` are further parameters of Query, such as IndexName.

        Raises `BadCursor` if DynamoDB rejects `start`.
        """
        if start is not None:
            options["ExclusiveStartKey"] = serialize(start)
        try:
            with calling():
                response = self._client.query(
                    TableName=self._name,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=serialize(values),
                    Limit=limit,
                    ScanIndexForward=not newest_first,
                    **options,
                )
        except AwsRefused as refused:
            if start is not None and refused.code == "ValidationException":
                raise BadCursor("The cursor is not valid for this list. Start again without it.") from refused
            raise
        last = response.get("LastEvaluatedKey")
        return Page([deserialize(item) for item in response["Items"]], deserialize(last) if last else None)

    def put(self, item: Json, condition: str | None, values: Json | None = None) -> Json:
        """Return the action that puts an item. If the condition fails, DynamoDB returns the existing item."""
        put: Json = {
            "TableName": self._name,
            "Item": serialize(item),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if condition:
            put["ConditionExpression"] = condition
        if values:
            put["ExpressionAttributeValues"] = serialize(values)
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
            "Key": serialize(key),
            "UpdateExpression": expression,
        }
        if condition:
            update["ConditionExpression"] = condition
        if values:
            update["ExpressionAttributeValues"] = serialize(values)
        if names:
            update["ExpressionAttributeNames"] = names
        if returns_item:
            update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {"Update": update}

    def delete(
        self,
        key: Json,
        condition: str | None,
        values: Json | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Json:
        """Return the action that deletes an item if the condition holds."""
        delete: Json = {"TableName": self._name, "Key": serialize(key)}
        if condition:
            delete["ConditionExpression"] = condition
        if values:
            delete["ExpressionAttributeValues"] = serialize(values)
        if names:
            delete["ExpressionAttributeNames"] = names
        return {"Delete": delete}

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

    def write_and_return(self, action: Json) -> Json:
        """Run one update action and return the new item. Raises `ConditionFailed` with the existing item."""
        try:
            response = self._client.update_item(**action["Update"], ReturnValues="ALL_NEW")
        except BOTO_ERRORS as error:
            found: Json = cast(Any, error).response if isinstance(error, ClientError) else {}
            if found.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                raise ConditionFailed([deserialize(found["Item"])] if "Item" in found else []) from error
            raise from_boto(error) from error
        return deserialize(response["Attributes"])

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
                    items = [deserialize(reason["Item"]) for reason in failed if "Item" in reason]
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


def _projection(paths: Sequence[str]) -> Json:
    """Return the parameters that limit a read to some paths. Names have placeholders: some are reserved."""
    names = {f"#{name}": name for path in paths for name in path.split(".")}
    expression = ", ".join("#" + path.replace(".", ".#") for path in paths)
    return {"ProjectionExpression": expression, "ExpressionAttributeNames": names}
