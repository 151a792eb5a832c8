"""Patterns of the service's event rules: which events of an account invoke a function."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.event_bridge import receivers

SANDBOX = "arn:aws:cloudformation:us-east-1:123456789012:stack/terraglue-abcdefgh23/6f3a1b70"
STACK_RULES = {
    "stack_changed": "CloudFormation Stack Status Change",
    "resource_changed": "CloudFormation Resource Status Change",
}


def stack_event(kind: str, stack_id: str) -> dict[str, Any]:
    return {"source": "aws.cloudformation", "detail-type": kind, "detail": {"stack-id": stack_id}}


def job_event(name: str) -> dict[str, Any]:
    return {"source": "aws.glue", "detail-type": "Glue Job State Change", "detail": {"jobName": name}}


@pytest.mark.parametrize(("function", "kind"), STACK_RULES.items())
def test_changes_of_sandboxes_invoke_their_function(function: str, kind: str) -> None:
    assert receivers(stack_event(kind, SANDBOX)) == [function]


@pytest.mark.parametrize("kind", STACK_RULES.values())
@pytest.mark.parametrize(
    "stack",
    [
        "self-service-terraglue-prod",  # the service's own stack
        "terraglue",  # the service's own stack under another name
        "payroll",
        "my-terraglue-abcdefgh23",
    ],
)
def test_changes_of_other_stacks_invoke_nothing(kind: str, stack: str) -> None:
    assert receivers(stack_event(kind, SANDBOX.replace("terraglue-abcdefgh23", stack))) == []


@pytest.mark.parametrize(("place", "other"), [("us-east-1", "eu-west-1"), ("123456789012", "210987654321")])
def test_forwarded_events_of_another_region_or_account_invoke_nothing(place: str, other: str) -> None:
    for kind in STACK_RULES.values():
        assert receivers(stack_event(kind, SANDBOX.replace(place, other))) == []


def test_only_jobs_of_sandboxes_invoke_a_function() -> None:
    assert receivers(job_event("terraglue-abcdefgh23-sot-ecommerce-br")) == ["job_changed"]
    assert receivers(job_event("payroll")) == []
    assert receivers(job_event("my-terraglue-abcdefgh23-sot")) == []
