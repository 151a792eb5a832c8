"""Failures of an environment whose stack is being created or updated."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import Failure, failure

_ROLLED_BACK = "A failed change is rolled back."
_FIXES = {
    "permission": f"{_ROLLED_BACK} Ask an operator to allow this for the deployment role, then retry.",
    "throttling": f"{_ROLLED_BACK} AWS throttled the call. Retry in a few minutes.",
    "quota": f"{_ROLLED_BACK} The AWS account reached a limit. Ask an operator to raise it.",
    "name_conflict": f"{_ROLLED_BACK} A resource with this name already exists. Choose another name.",
    "invalid_request": f"{_ROLLED_BACK} AWS rejected the change. Change the settings.",
    "internal": f"{_ROLLED_BACK} Retry. If it fails again, contact the operator.",
}


def operation_failure(
    environment: Environment, logical_id: str | None, resource_type: str | None, message: str
) -> Failure:
    """Return the `failure` of an environment from AWS's message about its creation or update."""
    explain = update_failure if environment.status is Status.UPDATING else failure
    return explain(logical_id, resource_type, message, environment_id=environment.id)


def update_failure(
    logical_id: str | None, resource_type: str | None, message: str, *, environment_id: str = ""
) -> Failure:
    """Return the `failure` of an environment whose update failed or is failing."""
    cause = failure(logical_id, resource_type, message, environment_id=environment_id)
    return replace(cause, fix=_FIXES.get(cause.cause, _FIXES["internal"]))
