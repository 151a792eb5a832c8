"""Permission checks of DynamoDB requests: actions on tables and indexes.

A transaction has no action of its own: it requires the actions of its items.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]

_PARTS = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}


def actions(operation: str, values: Json, arn: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Yield the (action, ARN) pairs of a request. `arn` returns the ARN of a resource such as `table/a`."""

    def table(name: str) -> str:
        return name if name.startswith("arn:") else arn(f"table/{name}")

    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in values["TransactItems"]:
            for kind, part in item.items():
                yield _PARTS[kind], table(part["TableName"])
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for name in values["RequestItems"]:
            yield operation, table(name)
    elif name := values.get("TableName"):
        index = values.get("IndexName")
        yield operation, f"{table(name)}/index/{index}" if index else table(name)
    else:
        yield operation, "*"
