"""CloudFormation for the local AWS emulator: stacks behind moto's HTTP layer.

moto's CloudFormation supports no Glue, Athena or bucket policies, ignores unknown properties, and completes a
stack before it responds. This implementation creates and updates resources one by one over some seconds,
publishes events, rejects what it does not support, rolls back, and does not delete a bucket with content.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from dataclasses import dataclass, field

from local.aws.clients import Credentials
from local.aws.events import Publish
from local.cloudformation import analytics, iam, keys, logs, stack_api, storage, update_api
from local.cloudformation.change_sets import ChangeSets, refuse_unless_updatable
from local.cloudformation.changes import compare
from local.cloudformation.drift import NO_DRIFT, Drift, ResourceDrift, detect
from local.cloudformation.drift_api import DriftDetections
from local.cloudformation.parameters import TemplateError
from local.cloudformation.provisioner import Provisioner, Tools, WhyFailed, no_fault
from local.cloudformation.requests import Refused, StackRequest, replace_calls
from local.cloudformation.resources import Clients
from local.cloudformation.stack import Resource, Stack, Version
from local.cloudformation.stack_api import StackApi
from local.cloudformation.stack_events import status_event
from local.cloudformation.stacks import Stacks, check_name
from local.cloudformation.threads import Runner, Threads
from local.cloudformation.updates import Update
from local.cloudformation.versions import NOTHING, version_of, with_previous
from local.iam import access
from local.moto_patches import updates

_HANDLER_MODULES = (analytics, iam, keys, logs, storage)  # importing the modules registers their types
_MIN_RESOURCES = 20
"""Minimum number of resources for the duration of a resource, so that small stacks take less time."""


@dataclass(frozen=True)
class CloudFormationOptions:
    """Options of CloudFormation.

    `clients` creates boto3 clients of the emulator. Creating a stack takes `seconds_per_stack`. `why_failed`
    returns a reason to fail an action (create, update, delete) on a resource by its type and logical ID, or
    None. `runner` runs the operations.
    """

    clients: Clients
    publish: Publish
    region: str
    account: str = "123456789012"
    seconds_per_stack: float = 4.0
    why_failed: WhyFailed = no_fault
    runner: Runner = field(default_factory=Threads)


class CloudFormation(StackApi):
    """All stacks of the emulator."""

    def __init__(self, options: CloudFormationOptions) -> None:
        self._options = options
        self._tools = Tools(
            functools.cache(options.clients),
            options.region,
            options.account,
            options.runner.wait,
            options.why_failed,
        )
        self.stacks = Stacks(options.region, options.account)
        self._lock = self.stacks.lock
        change_set = f"arn:aws:cloudformation:{options.region}:{options.account}:changeSet"
        seconds = options.seconds_per_stack / _MIN_RESOURCES
        self.change_sets = ChangeSets(self, change_set, self._lock, options.runner, seconds)
        self._closing = contextlib.ExitStack()
        self._closing.callback(updates.install())
        drift = DriftDetections(self.stacks, self.detect, self._tools_with, options.runner, seconds)
        self._closing.callback(replace_calls(stack_api.calls(self) | update_api.calls(self) | drift.calls()))

    def close(self) -> None:
        """Wait for running operations, and restore moto's CloudFormation."""
        self._options.runner.close()
        self._closing.close()

    def create_stack(self, request: StackRequest) -> str:
        """Validate a stack and start to create it. Return its ID."""
        with self._lock, self.stacks.new_token(request.name, request.token):
            existing = self.stacks.live(request.name)
            if existing is None:
                check_name(request.name)
                stack_id = self.stacks.new_id(request.name)
            elif existing.status == "REVIEW_IN_PROGRESS":
                stack_id = existing.id
            else:
                raise Refused("AlreadyExistsException", f"Stack [{request.name}] already exists")
            version = version_of(request, stack_id)
            stack = existing or self._new_stack(stack_id, request, version)
            self.begin(stack, request, version, is_new=True)
            self.stacks.add(stack)
            self.change_sets.outdate(stack)
        return stack.id

    def update_stack(self, request: StackRequest) -> str:
        """Validate an update and start it. Return the stack's ID."""
        with self._lock:
            stack = self.stacks.find_live(request.name)
            with stack.lock, self.stacks.new_token(stack.name, request.token):
                refuse_unless_updatable(stack)
                whole = with_previous(request, stack)
                version = version_of(whole, stack.id)
                try:
                    differences = compare(stack, version)
                except TemplateError as error:
                    raise Refused("ValidationError", str(error)) from error
                if not differences:
                    raise Refused("ValidationError", "No updates are to be performed.")
                self.begin(stack, whole, version, is_new=False)
            self.change_sets.outdate(stack)
        return stack.id

    def review(self, request: StackRequest, change_set: str) -> Stack:
        """Return a new stack without resources, or the existing one that is still in review."""
        with self._lock:
            existing = self.stacks.live(request.name)
            if existing is not None:
                if existing.status != "REVIEW_IN_PROGRESS":
                    raise Refused(
                        "ValidationError",
                        f"Stack [{request.name}] already exists and cannot be created again "
                        f"with the changeSet [{change_set}].",
                    )
                return existing
            check_name(request.name)
            stack_id = self.stacks.new_id(request.name)
            nothing = dataclasses.replace(request, body=NOTHING, parameters={}, tags={})
            stack = self._new_stack(stack_id, nothing, version_of(nothing, stack_id))
            version_of(with_previous(request, stack), stack_id)  # validates before the stack is visible
            self.stacks.add(stack)
        stack.set_status("REVIEW_IN_PROGRESS", "User Initiated")
        return stack

    def drift(self, stack: Stack, role_arn: str | None) -> Drift:
        """Return the drift of a stack's resources, as its role sees them."""
        found = self.detect(stack, self._tools_of(role_arn or stack.role_arn))
        return Drift(
            frozenset(one.resource.logical_id for one in found if one.status == "DELETED"),
            {one.resource.logical_id: one.as_it_is for one in found if one.status == "MODIFIED"},
        )

    @staticmethod
    def detect(stack: Stack, tools: Tools) -> list[ResourceDrift]:
        """Compare every resource of a stack with the template."""
        with stack.lock:
            resources = [dataclasses.replace(one) for one in stack.resources.values() if one.placed]
        context = Provisioner(stack, tools, 0).context
        return [detect(one, context(one)) for one in resources]

    def begin(
        self,
        stack: Stack,
        request: StackRequest,
        version: Version,
        *,
        is_new: bool,
        drift: Drift = NO_DRIFT,
    ) -> int:
        """Start to create or update a stack and revert its drift. Return the operation's number."""
        with stack.lock:
            if not is_new or (stack.operation and stack.status != "REVIEW_IN_PROGRESS"):
                refuse_unless_updatable(stack)
            role_arn = request.role_arn or stack.role_arn
            tools = self._tools_of(role_arn)
            stack.role_arn, stack.token = role_arn, request.token
            pause = self._options.seconds_per_stack / max(_MIN_RESOURCES, len(version.template.resources))
            if is_new:
                stack.on_failure, stack.version = request.on_failure, version
                return stack.start("CREATE_IN_PROGRESS", Provisioner(stack, tools, pause).create)
            stack.begin_update(version)
            stack.resources.update({name: dataclasses.replace(one) for name, one in drift.modified.items()})
            update = Update(stack, tools, pause, drift.gone)
            return stack.start("UPDATE_IN_PROGRESS", lambda _: update.run())

    def cancel_update(self, name_or_id: str, token: str | None) -> None:
        """Cancel a running update and roll it back."""
        stack = self.stacks.find_live(name_or_id)
        with stack.lock, self.stacks.new_token(stack.name, token):
            if stack.status != "UPDATE_IN_PROGRESS":
                raise Refused(
                    "ValidationError", "CancelUpdateStack cannot be called from current stack status"
                )
            stack.token = token
            stack.cancel_requested = True

    def continue_rollback(
        self, name_or_id: str, token: str | None, skip: list[str], role_arn: str | None
    ) -> None:
        """Retry the rollback of an update, except for the resources in `skip`."""
        stack = self.stacks.find_live(name_or_id)
        with stack.lock, self.stacks.new_token(stack.name, token):
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise Refused(
                    "ValidationError",
                    f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.",
                )
            wrong = [name for name in skip if name not in stack.resources]
            wrong += [name for name in skip if name in stack.resources and not stack.resources[name].failed]
            if wrong:
                raise Refused(
                    "ValidationError",
                    f"Resources [{', '.join(wrong)}] cannot be skipped: they are not UPDATE_FAILED.",
                )
            role_arn = role_arn or stack.role_arn
            tools = self._tools_of(role_arn)
            stack.role_arn, stack.token = role_arn, token
            update = Update(stack, tools, self._options.seconds_per_stack / _MIN_RESOURCES)
            stack.start("UPDATE_ROLLBACK_IN_PROGRESS", lambda _: update.roll_back(skip))

    def delete_stack(
        self, name_or_id: str, token: str | None, retain: list[str], role_arn: str | None = None
    ) -> None:
        """Start to delete a stack, with its own role or another one. Has no effect if it does not exist."""
        try:
            stack = self.stacks.find(name_or_id)
        except Refused:
            return
        with self.stacks.new_token(stack.name, token):
            self._delete(stack, token, retain, role_arn)

    def _delete(self, stack: Stack, token: str | None, retain: list[str], role_arn: str | None) -> None:
        if stack.status.startswith("UPDATE_") and stack.status.endswith("_IN_PROGRESS"):
            raise Refused(
                "ValidationError", f"Stack [{stack.id}] cannot be deleted while in status {stack.status}"
            )
        if retain and stack.status != "DELETE_FAILED":
            raise Refused(
                "ValidationError",
                f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources "
                "to retain only when the stack is in the DELETE_FAILED state.",
            )
        with stack.lock:
            if stack.status in ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"):
                return
            role_arn = role_arn or stack.role_arn
            tools = self._tools_of(role_arn)
            stack.role_arn = role_arn
            stack.token = token
            for logical_id in retain:
                stack.resources[logical_id].deletion_policy = "Retain"
            pause = self._options.seconds_per_stack / 2 / max(1, len(stack.resources))
            stack.start("DELETE_IN_PROGRESS", Provisioner(stack, tools, pause).delete)

    def _new_stack(self, stack_id: str, request: StackRequest, version: Version) -> Stack:
        return Stack(
            stack_id=stack_id,
            name=request.name,
            version=version,
            role_arn=request.role_arn,
            token=request.token,
            on_failure=request.on_failure,
            announce=self._announce,
            runner=self._options.runner,
        )

    def check_role(self, role_arn: str | None) -> None:
        """Raise `Refused` if CloudFormation cannot assume the role."""
        self._tools_of(role_arn)

    def _tools_of(self, role_arn: str | None) -> Tools:
        """Return the tools for operations on a stack, with the credentials of its role if it has one."""
        if role_arn is None:
            return self._tools
        try:
            credentials = access.assume(
                self._tools.clients, role_arn, "cloudformation.amazonaws.com", "AWSCloudFormation"
            )
        except access.NotTrusted as error:
            raise Refused("ValidationError", f"Role {role_arn} is invalid or cannot be assumed") from error
        return self._tools_with(credentials)

    def _tools_with(self, credentials: Credentials) -> Tools:
        clients = functools.partial(self._options.clients, credentials=credentials)
        return dataclasses.replace(self._tools, clients=functools.cache(clients))

    def _announce(self, stack: Stack, resource: Resource | None) -> None:
        self._options.publish(status_event(self._options.region, stack, resource))
