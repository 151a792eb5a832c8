"""Progress of a stack that CloudFormation is creating or updating."""

from __future__ import annotations

from chalicelib.aws.cloudformation import Stack
from chalicelib.clock import later
from chalicelib.domain.environment import Environment, Status
from chalicelib.lifecycle.transitions import CHECK_SECONDS, Next, Transitions
from chalicelib.sandbox.stack import SandboxStacks

_ROLLBACK = {
    Status.CREATING: "ROLLBACK",
    Status.RESETTING: "UPDATE_ROLLBACK",
    Status.UPDATING: "UPDATE_ROLLBACK",
}


def record_progress(
    transitions: Transitions, stacks: SandboxStacks, environment: Environment, stack: Stack
) -> Next:
    """Record the progress of a stack, and its first failure as soon as CloudFormation rolls it back.

    Resources are described only when the check is due: events have recorded most states already.
    """
    changes: dict[str, object] = {}
    if transitions.is_due(environment):
        stacks.record_resources(environment, stack)
        changes["due_at"] = later(transitions.now(), CHECK_SECONDS)
    if environment.failure is None and stack.status.startswith(_ROLLBACK[environment.status]):
        changes["failure"] = cause = stacks.failure(environment, stack)
        transitions.save(environment, transitions.resource_failed(cause), **changes)
    elif changes:
        transitions.save(environment, **changes)
    return Next.LATER
