"""Progress of a CloudFormation operation, from the events of its stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

_QUIET_SECONDS = 30.0
_STARTS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
# CloudFormation cancels the resources that it creates beside the failed one.
_CONSEQUENCES = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")


class Progress:
    """Prints each event once: finished resources, failures with their reason, and what takes long."""

    def __init__(
        self, cloudformation: CloudFormationClient, say: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._cloudformation = cloudformation
        self._say = say
        self._clock = clock
        self._started = self._printed = clock()
        self._newest: str | None = None
        self._pending: set[str] = set()
        self._is_rolling_back = False
        self.has_begun = False
        self.first_failure = ""

    def skip(self, stack_id: str) -> None:
        """Skip the events until now. Otherwise, `show` begins with the current operation."""
        pages = self._cloudformation.describe_stack_events(StackName=stack_id)
        self._newest = next((event["EventId"] for event in pages["StackEvents"]), None)

    def show(self, stack_id: str) -> None:
        """Print the new events."""
        for event in self._new(stack_id):
            self._show(event)
        if self._pending and self._clock() - self._printed >= _QUIET_SECONDS:
            names = ", ".join(sorted(self._pending))
            self._print(f"waiting for {names}")

    def _new(self, stack_id: str) -> list[StackEventTypeDef]:
        """Return the new events, oldest first."""
        found: list[StackEventTypeDef] = []
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            for event in page["StackEvents"]:
                if event["EventId"] == self._newest:
                    break
                found.append(event)
                if self._newest is None and _is_of_the_stack(event) and event["ResourceStatus"] in _STARTS:
                    break
            else:
                continue
            break
        if found:
            self._newest = found[0]["EventId"]
        return found[::-1]

    def _show(self, event: StackEventTypeDef) -> None:
        status, name = event["ResourceStatus"], event["LogicalResourceId"]
        reason = event.get("ResourceStatusReason", "")
        if _is_of_the_stack(event):
            self.has_begun = True
            self._is_rolling_back = "ROLLBACK" in status
            self._print(f"{status} {name}" + (f": {reason}" if self._is_rolling_back and reason else ""))
        elif status.endswith("_IN_PROGRESS"):
            self._pending.add(name)
        else:
            self._pending.discard(name)
            kind = f"{name} ({event.get('ResourceType', '')})"
            if status.endswith("_FAILED"):
                if not reason.startswith(_CONSEQUENCES):
                    self.first_failure = self.first_failure or f"{kind}: {reason}"
                    self._print(f"{status} {kind}: {reason}")
            elif not self._is_rolling_back:
                self._print(f"{status} {kind}")

    def _print(self, text: str) -> None:
        self._printed = self._clock()
        self._say(f"  {self._printed - self._started:4.0f} s  {text}")


def _is_of_the_stack(event: StackEventTypeDef) -> bool:
    return event.get("PhysicalResourceId") == event["StackId"]
