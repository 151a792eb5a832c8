"""How resource types are made, updated and removed: real calls on the embedded AWS, one entry per type.

A handler gets the resource's resolved properties and answers with what `Ref` and `Fn::GetAtt` give, as the
AWS CloudFormation Template Reference says for its type. Properties that it does not know are an error.
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
    """The template asks for something that the embedded AWS does not have."""


class CallFailed(Exception):
    """AWS refused a call of a handler: with this code, these words and this HTTP status."""

    def __init__(self, service: str, code: str, message: str, status: int, request_id: str) -> None:
        super().__init__(message)
        self.service = service
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id


@dataclass(frozen=True)
class Context:
    """What a handler may know beside the properties."""

    clients: Clients
    stack_name: str
    logical_id: str
    region: str
    account: str
    tags: Mapping[str, str]
    made: Callable[[Placed], None]
    """To be called as soon as there is something to remove again, when more calls are to follow."""

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """Call AWS, with numbers and booleans given as text made what the call wants, as the service does."""
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
        """The resource's name: the one in the template, or a generated one."""
        return str(given) if given else f"{self.stack_name}-{self.logical_id}-{secrets.token_hex(6)}"

    def tag_map(self, own: Any) -> dict[str, str]:
        """The resource's own tags over those of the stack; `own` is a map or a list of Key and Value."""
        return {**self.tags, **_own_tags(own)}

    def tag_list(self, own: Any) -> list[dict[str, str]]:
        """The same as `tag_map`, as a list of Key and Value."""
        return [{"Key": key, "Value": value} for key, value in self.tag_map(own).items()]

    def unless_gone(self, missing: str, service: str, operation: str, **arguments: Any) -> None:
        """Call AWS to take something away, which may be gone already: AWS says so with this code."""
        try:
            self.call(service, operation, **arguments)
        except CallFailed as error:
            if error.code != missing:
                raise


@dataclass(frozen=True)
class Former:
    """A resource that is to be updated, as it was made; `tags` are those that the stack had then."""

    placed: Placed
    properties: Json
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its physical id."""
        return self.placed.physical_id


Create = Callable[[Context, Json], Placed]
Update = Callable[[Context, Former, Json], Placed]
Delete = Callable[[Context, str, Json], None]


@dataclass(frozen=True)
class Handler:
    """A resource type; `missing` are the error codes that say on delete that it is gone already.

    A type without `update` is replaced whatever changes.
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
    """Register a create function under a type's name, with the properties that it knows."""

    def register(create: Create) -> Create:
        HANDLERS[name] = Handler(
            frozenset(properties.split()), create, update, delete, frozenset(missing.split())
        )
        return create

    return register


def create(kind: str, context: Context, properties: Json) -> Placed:
    """Make a resource; `CallFailed` when AWS refuses, `Unsupported` for a property not known here."""
    return _handler(kind, properties).create(context, properties)


def update(kind: str, context: Context, former: Former, properties: Json) -> Placed:
    """Change a resource in place; `CallFailed` and `Unsupported` as for `create`."""
    handler = _handler(kind, properties)
    if handler.update is None:
        raise Unsupported(f"The embedded AWS does not support updates of {kind}.")
    return handler.update(context, former, properties)


def delete(kind: str, context: Context, physical_id: str, properties: Json) -> None:
    """Remove a resource; one that is gone already is fine."""
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
        raise Unsupported(f"The embedded AWS does not support {', '.join(unknown)} of {kind}.")
    return handler


def document(value: Any) -> str:
    """A policy document as the text that APIs take."""
    return value if isinstance(value, str) else json.dumps(value)


def given(properties: Json, *names: str) -> Json:
    """Those of the named properties that the template gives."""
    return {name: properties[name] for name in names if name in properties}


def changed(former: Former, properties: Json, *names: str) -> bool:
    """Whether any of the named properties is another than before."""
    return any(former.properties.get(name) != properties.get(name) for name in names)


def tag_changes(context: Context, former: Former, properties: Json) -> tuple[dict[str, str], list[str]]:
    """The tags to set on a resource, and the keys of those to take away."""
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
