"""CloudFormation for the embedded AWS: moto's HTTP, our stacks.

moto's own CloudFormation knows no Glue, Athena or bucket policies, skips what it does not know, and calls a
stack complete before it answers. This one creates resource by resource over some seconds, with an event for
each, fails loudly at what it does not know, rolls back, and refuses to delete a bucket that holds something.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import threading
import uuid
from dataclasses import dataclass

from local import access
from local.cloudformation import analytics, iam, storage
from local.cloudformation.api import Api, Refused, StackRequest, replace_moto
from local.cloudformation.resources import HANDLERS, Clients, Json
from local.cloudformation.stack import Resource, Stack
from local.cloudformation.template import Template, TemplateError
from local.cloudformation.work import Tools, Work
from local.events import Publish

_HANDLER_MODULES = (analytics, iam, storage)  # importing them registers their types
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_BODY_LIMIT = 51_200
_URL_LIMIT = 1024 * 1024
_FEW = 20
"""A stack of fewer resources takes less time than one of a sandbox."""


@dataclass(frozen=True)
class CloudFormationOptions:
    """`clients` makes boto3 clients of the embedded AWS; creating a stack takes `seconds_per_stack`."""

    clients: Clients
    publish: Publish
    region: str
    account: str = "123456789012"
    seconds_per_stack: float = 4.0


class CloudFormation(Api):
    """All stacks of the embedded AWS."""

    def __init__(self, options: CloudFormationOptions) -> None:
        self._options = options
        self._tools = Tools(functools.cache(options.clients), options.region, options.account, self._wait)
        self._stacks: dict[str, Stack] = {}
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._restore_moto = replace_moto(self)

    def close(self) -> None:
        """Give moto its own CloudFormation back; what is under way ends with the process."""
        self._closed.set()
        self._restore_moto()

    def create_stack(self, request: StackRequest) -> str:
        """Check and begin a stack; its id. The same token again gives the same stack."""
        name = request.name
        if not _NAME.fullmatch(name):
            raise Refused("ValidationError", f"Value '{name}' at 'stackName' failed to satisfy constraint")
        limit = _URL_LIMIT if request.by_url else _BODY_LIMIT
        if len(request.body.encode()) > limit:
            raise Refused("ValidationError", f"Template may not exceed {limit} bytes in size.")
        with self._lock:
            existing = next((s for s in self._stacks.values() if s.name == name and not s.deleted), None)
            if existing is not None:
                if request.token is not None and existing.create_token == request.token:
                    return existing.id
                raise Refused("AlreadyExistsException", f"Stack [{name}] already exists")
            stack = self._new_stack(request)
            tools = self._tools_of(stack)
            self._stacks[stack.id] = stack
        pause = self._options.seconds_per_stack / max(_FEW, len(stack.template.resources))
        stack.start("CREATE_IN_PROGRESS", Work(stack, tools, pause).create)
        return stack.id

    def delete_stack(
        self, name_or_id: str, token: str | None, retain: list[str], role_arn: str | None = None
    ) -> None:
        """Begin to delete a stack, as its own role or another; one that does not exist is deleted."""
        try:
            stack = self.find(name_or_id)
        except Refused:
            return
        if retain and stack.status != "DELETE_FAILED":
            raise Refused(
                "ValidationError",
                f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources "
                "to retain only when the stack is in the DELETE_FAILED state.",
            )
        with stack.lock:
            if stack.status in ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"):
                return
            stack.role_arn = role_arn or stack.role_arn
            tools = self._tools_of(stack)
            stack.token = token
            for logical_id in retain:
                stack.resources[logical_id].keep = True
            pause = self._options.seconds_per_stack / 2 / max(1, len(stack.resources))
            stack.start("DELETE_IN_PROGRESS", Work(stack, tools, pause).delete)

    def find(self, name_or_id: str) -> Stack:
        """A stack by its id, or a live one by its name."""
        with self._lock:
            if name_or_id in self._stacks:
                return self._stacks[name_or_id]
            for stack in self._stacks.values():
                if stack.name == name_or_id and not stack.deleted:
                    return stack
        raise Refused("ValidationError", f"Stack with id {name_or_id} does not exist")

    def stacks(self, *, deleted: bool) -> list[Stack]:
        """All live stacks, and the deleted ones too if asked for, newest first."""
        with self._lock:
            return [s for s in reversed(self._stacks.values()) if deleted or not s.deleted]

    def _new_stack(self, request: StackRequest) -> Stack:
        region, account = self._options.region, self._options.account
        stack_id = f"arn:aws:cloudformation:{region}:{account}:stack/{request.name}/{uuid.uuid4()}"
        pseudo = {
            "AWS::AccountId": account,
            "AWS::Partition": "aws",
            "AWS::Region": region,
            "AWS::StackId": stack_id,
            "AWS::StackName": request.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        try:
            template = Template(request.body, request.parameters, pseudo)
            template.order()
        except TemplateError as error:
            raise Refused("ValidationError", str(error)) from error
        needed = template.capability
        if needed and not {needed, "CAPABILITY_NAMED_IAM"} & set(request.capabilities):
            raise Refused("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")
        unknown = sorted({resource["Type"] for resource in template.resources.values()} - HANDLERS.keys())
        if unknown:
            raise Refused(
                "ValidationError",
                f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]",
            )
        return Stack(
            stack_id=stack_id,
            name=request.name,
            body=request.body,
            template=template,
            tags=request.tags,
            role_arn=request.role_arn,
            token=request.token,
            on_failure=request.on_failure,
            announce=self._announce,
        )

    def _tools_of(self, stack: Stack) -> Tools:
        """What the work on a stack is done with: its role's credentials, if it has a role."""
        if stack.role_arn is None:
            return self._tools
        try:
            credentials = access.assume(
                self._tools.clients, stack.role_arn, "cloudformation.amazonaws.com", "AWSCloudFormation"
            )
        except access.NotTrusted as error:
            raise Refused(
                "ValidationError", f"Role {stack.role_arn} is invalid or cannot be assumed"
            ) from error
        clients = functools.partial(self._options.clients, credentials=credentials)
        return dataclasses.replace(self._tools, clients=functools.cache(clients))

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._closed.wait(seconds)

    def _announce(self, stack: Stack, resource: Resource | None) -> None:
        """The events of https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-events-eventbridge.html"""
        status, reason = (resource.status, resource.reason) if resource else (stack.status, stack.reason)
        detail: Json = {
            "stack-id": stack.id,
            "status-details": {"status": status, "status-reason": reason or ""},
            "client-request-token": stack.token or "",
        }
        kind = "CloudFormation Stack Status Change"
        if resource is not None:
            kind = "CloudFormation Resource Status Change"
            detail["logical-resource-id"] = resource.logical_id
            detail["physical-resource-id"] = resource.physical_id
            detail["resource-type"] = resource.type
        self._options.publish("aws.cloudformation", kind, detail, [stack.id], self._options.region)


def install(options: CloudFormationOptions) -> CloudFormation:
    """Put this CloudFormation in the place of moto's; call it before the server answers its first request."""
    return CloudFormation(options)
