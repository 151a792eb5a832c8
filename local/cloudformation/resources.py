"""Resource handlers: create, update and delete resources by calls to the emulator, with one entry per type.

A handler receives the resolved properties of a resource and returns the values of `Ref` and `Fn::GetAtt`, as
documented in the AWS CloudFormation Template Reference. Unknown properties are an error.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from local.cloudformation.template import Placed

Json = dict[str, Any]
Clients = Callable[..., Any]


class Unsupported(Exception):
    """The template uses a feature that the emulator lacks."""


class CallFailed(Exception):
    """AWS rejected a call of a handler, with this code, message and HTTP status."""

    def __init__(self, service: str, code: str, message: str, status: int, request_id: str) -> None:
        super().__init__(message)
        self.service = service
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id


@dataclass(frozen=True)
class Context:
    """Context of a resource for its handler."""

    clients: Clients
    stack_name: str
    logical_id: str
    region: str
    account: str
    tags: Mapping[str, str]
    made: Callable[[Placed], None]
    """Callback to register a resource as soon as it exists, before further calls."""

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """Call AWS. Numbers and booleans in string form are converted to the type of the parameter."""
        client = self.clients(service)
        name = client.meta.method_to_api_mapping[operation]
        shape = client.meta.service_model.operation_model(name).input_shape
        try:
            return getattr(client, operation)(**_coerced(arguments, shape))
        except ClientError as error:
            details, metadata = error.response["Error"], error.response["ResponseMetadata"]
            raise CallFailed(
                service,
                details["Code"],
                details["Message"],
                metadata.get("HTTPStatusCode", 0),
                metadata.get("RequestId", "null"),
            ) from error

    def name(self, given: Any) -> str:
        """Return the given name, or a generated one."""
        return str(given) if given else f"{self.stack_name}-{self.logical_id}-{secrets.token_hex(6)}"

    def tag_map(self, own: Any) -> dict[str, str]:
        """Return the resource's own tags over the stack's. `own` is a map or a list of Key and Value."""
        return {**self.tags, **_own_tags(own)}

    def tag_list(self, own: Any) -> list[dict[str, str]]:
        """Return the tags of `tag_map` as a list of Key and Value."""
        return [{"Key": key, "Value": value} for key, value in self.tag_map(own).items()]

    def unless_gone(self, missing: str, service: str, operation: str, **arguments: Any) -> None:
        """Call AWS to remove something. Suppress the error code for a missing one."""
        try:
            self.call(service, operation, **arguments)
        except CallFailed as error:
            if error.code != missing:
                raise


@dataclass(frozen=True)
class Former:
    """The current state of a resource to update. `tags` are the tags of the stack at its last update."""

    placed: Placed
    properties: Json
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """Physical ID."""
        return self.placed.physical_id


Create = Callable[[Context, Json], Placed]
Update = Callable[[Context, Former, Json], Placed]
Delete = Callable[[Context, str, Json], None]


@dataclass(frozen=True)
class Handler:
    """A resource type. `missing` are the error codes of a deletion for a resource that does not exist.

    A resource of a type without `update` is replaced on every change.
    """

    properties: frozenset[str]
    create: Create
    update: Update | None
    delete: Delete
    missing: frozenset[str]


HANDLERS: dict[str, Handler] = {}


def resource(
    name: str, properties: str, *, missing: str = "", update: Update | None = None, delete: Delete
) -> Callable[[Create], Create]:
    """Register a create function for a type, with the properties that it supports."""

    def register(create: Create) -> Create:
        HANDLERS[name] = Handler(
            frozenset(properties.split()), create, update, delete, frozenset(missing.split())
        )
        return create

    return register


def create(kind: str, context: Context, properties: Json) -> Placed:
    """Create a resource. Raises `CallFailed` if AWS rejects it, and `Unsupported` for unknown properties."""
    return _handler(kind, properties).create(context, properties)


def update(kind: str, context: Context, former: Former, properties: Json) -> Placed:
    """Update a resource in place. Raises `CallFailed` and `Unsupported` as `create` does."""
    handler = _handler(kind, properties)
    if handler.update is None:
        raise Unsupported(f"The AWS emulator does not support updates of {kind}.")
    return handler.update(context, former, properties)


def delete(kind: str, context: Context, physical_id: str, properties: Json) -> None:
    """Delete a resource. Has no effect if it does not exist."""
    handler = HANDLERS[kind]
    try:
        handler.delete(context, physical_id, properties)
    except CallFailed as error:
        if error.code not in handler.missing:
            raise


def _handler(kind: str, properties: Json) -> Handler:
    handler = HANDLERS[kind]
    unknown = sorted(properties.keys() - handler.properties)
    if unknown:
        raise Unsupported(f"The AWS emulator does not support {', '.join(unknown)} of {kind}.")
    return handler


def document(value: Any) -> str:
    """Return a policy document as a string."""
    return value if isinstance(value, str) else json.dumps(value)


def given(properties: Json, *names: str) -> Json:
    """Return the named properties that the template contains."""
    return {name: properties[name] for name in names if name in properties}


def changed(former: Former, properties: Json, *names: str) -> bool:
    """Return whether any of the named properties differs from before."""
    return any(former.properties.get(name) != properties.get(name) for name in names)


def tag_changes(context: Context, former: Former, properties: Json) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set on a resource, and the keys of tags to remove."""
    before = {**former.tags, **_own_tags(former.properties.get("Tags"))}
    after = context.tag_map(properties.get("Tags"))
    wanted = {key: value for key, value in after.items() if before.get(key) != value}
    return wanted, [key for key in before if key not in after]


def _own_tags(own: Any) -> dict[str, str]:
    given = own or {}
    if isinstance(given, list):
        given = {tag["Key"]: tag["Value"] for tag in given}
    return {key: str(value) for key, value in given.items()}


def _coerced(value: Any, shape: Shape | None) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {key: _coerced(item, shape.members.get(key)) for key, item in value.items()}
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _coerced(item, shape.value) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_coerced(item, shape.member) for item in value]
    kind = shape.type_name if shape is not None else ""
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind in ("float", "double") and isinstance(value, str):
        return float(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "string" and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
