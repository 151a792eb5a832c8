"""How DynamoDB is asked: one table, plain Python values in and out, AWS errors as `AwsError`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
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

_TRANSACTION_TRIES = 5
# Why a transaction is cancelled that would go through a little later: another one on the same item, mostly.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
# How a call is refused for what it would store, and how one of a transaction's actions is.
_REFUSED, _REFUSED_REASON = "ValidationException", "ValidationError"


class ItemRefused(AwsRefused):
    """DynamoDB does not store what a write would leave: it is over 400 KB, mostly. No retry helps."""


class ConditionFailed(Exception):
    """A condition of a write did not hold; `items` are the items in the way, where DynamoDB returns them."""

    def __init__(self, items: list[Json]) -> None:
        super().__init__(items)
        self.items = items


Item = TypeVar("Item")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a query, and the key to go on from (None: that was all)."""

    items: list[Item]
    next: Json | None

    def map(self, make: Callable[[Item], Other]) -> Page[Other]:
        """The page with something made of each item."""
        return Page([make(item) for item in self.items], self.next)


class Table:
    """One table; actions for `transact` come from `put`, `update` and `delete`."""

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
        """Read one item, strongly consistent; None when there is none."""
        with calling():
            response = self._client.get_item(TableName=self._name, Key=_serialize(key), ConsistentRead=True)
        return _deserialize(response["Item"]) if "Item" in response else None

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
        """One page of items; `options` are those of the Query call (IndexName, FilterExpression)."""
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
                raise BadCursor("The cursor is not one that this list gave you.") from refused
            raise
        last = response.get("LastEvaluatedKey")
        return Page([_deserialize(item) for item in response["Items"]], _deserialize(last) if last else None)

    def put(self, item: Json, condition: str, values: Json | None = None) -> Json:
        """The action that puts an item if the condition holds; the item in the way is returned if not."""
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
        """The action that updates an item if the condition holds; with `returns_item`, the item if not."""
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
        """The action that deletes an item if the condition holds."""
        return {
            "Delete": {
                "TableName": self._name,
                "Key": _serialize(key),
                "ConditionExpression": condition,
                "ExpressionAttributeValues": _serialize(values),
            }
        }

    def write(self, action: Json) -> None:
        """Do one update action by itself; raises `ConditionFailed` or `ItemRefused`."""
        try:
            with calling("ConditionalCheckFailedException"):
                self._client.update_item(**action["Update"])
                return
        except AwsRefused as refused:
            if refused.code == _REFUSED:
                raise ItemRefused(refused.code, refused.message) from refused
            raise
        raise ConditionFailed([])

    def transact(self, actions: list[Json]) -> None:
        """Do all actions or none; raises `ConditionFailed` or `ItemRefused`."""
        for attempt in range(1, _TRANSACTION_TRIES + 1):
            try:
                self._client.transact_write_items(TransactItems=cast(Any, actions))
                return
            except BOTO_ERRORS as error:
                reasons = _cancellation_reasons(error)
                failed = [reason for reason in reasons if reason["Code"] == "ConditionalCheckFailed"]
                if failed:
                    items = [_deserialize(reason["Item"]) for reason in failed if "Item" in reason]
                    raise ConditionFailed(items) from error
                if found := _refused(error, reasons):
                    raise ItemRefused(*found) from error
                if not reasons or any(reason["Code"] not in _PASSING for reason in reasons):
                    raise from_boto(error) from error
                if attempt == _TRANSACTION_TRIES:
                    raise AwsThrottled(reasons[0]["Code"], "Too many transactions at once.") from error
                self._sleep(0.02 * 2**attempt * (0.5 + self._jitter()))


def _cancellation_reasons(error: Exception) -> list[Json]:
    if not isinstance(error, ClientError):
        return []
    reasons = cast(Any, error.response).get("CancellationReasons", [])
    return [reason for reason in reasons if reason.get("Code", "None") != "None"]


def _refused(error: Exception, reasons: list[Json]) -> tuple[str, str] | None:
    """The code and the words by which DynamoDB says that it does not store this; None when it does not."""
    for reason in reasons:
        if reason["Code"] == _REFUSED_REASON:
            return reason["Code"], reason.get("Message", "")
    details: Json = cast(Any, error).response.get("Error", {}) if isinstance(error, ClientError) else {}
    return (_REFUSED, details.get("Message", "")) if details.get("Code") == _REFUSED else None


_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def _serialize(item: Mapping[str, Any]) -> dict[str, Any]:
    """To DynamoDB's types: no None at the top (an absent attribute says that), no float (it has none)."""
    return {name: _serializer.serialize(_plain(value)) for name, value in item.items() if value is not None}


def _deserialize(item: Mapping[str, Any]) -> Json:
    return {name: _python(_deserializer.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _python(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _python(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_python(inner) for inner in value]
    return value
