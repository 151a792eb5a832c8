"""Records of a deployed stage: its stack, and the items of its table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy.context import Context
from deploy.errors import DeploymentError
from deploy.stack import Stack

Item = dict[str, Any]


def deployed(context: Context) -> Stack:
    """Return the stage's stack, which must exist."""
    stack = context.find_stack()
    if stack is None or "TableName" not in stack.outputs:
        raise DeploymentError(
            f"The stack {context.stage.stack_name} does not exist. Only a deployed stage has records."
        )
    return stack


def scan(table: Any) -> Iterator[Item]:
    """Yield every item of a table, as of now."""
    start: dict[str, Any] = {}
    while True:
        page = table.scan(ConsistentRead=True, **start)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
