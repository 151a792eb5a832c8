"""Recognition of the service and operation of an HTTP request, with botocore's names."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import botocore.session

_OTHER_ENDPOINTS = {"ListDirectoryBuckets"}  # at another endpoint, where it has the form of ListBuckets
_CREDENTIAL = re.compile(r"Credential=[^/,]+/\d+/[^/]+/([^/]+)/aws4_request")


def service_of(authorization: str) -> str | None:
    """Return the service of a request's signature, or None for an unsigned request."""
    match = _CREDENTIAL.search(authorization)
    return match[1] if match else None


def operation_of(
    service: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> str:
    """Return the operation, or an empty string if botocore does not know it.

    The names in `headers` are in lower case.
    """
    if service == "s3":
        return _of_s3(method, path, query, headers)
    if target := headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    form = parse_qs(body.decode("utf-8", "replace")) if body else parse_qs(query)
    return form.get("Action", [""])[0]


@dataclass(frozen=True)
class _S3Operation:
    """Required parts of a request for an operation. Operations with more required parts match first."""

    name: str
    method: str
    depth: int
    query: frozenset[str]
    headers: frozenset[str]


def _of_s3(method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    bucket, _, key = path.lstrip("/").partition("/")
    depth = 2 if key else 1 if bucket else 0
    parameters = parse_qs(query, keep_blank_values=True)
    for operation in _s3_operations():
        if (
            (operation.method, operation.depth) == (method, depth)
            and operation.query <= parameters.keys()
            and operation.headers <= headers.keys()
        ):
            return operation.name
    return ""


@functools.cache
def _s3_operations() -> list[_S3Operation]:
    """Return the operations with the most required parts first.

    Of two operations with the same form, the newer one comes first. It has the longer name.
    """
    model = botocore.session.get_session().get_service_model("s3")
    found = []
    for name in set(model.operation_names) - _OTHER_ENDPOINTS:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        parameters = set(parse_qs(query, keep_blank_values=True))
        sent: set[str] = set()
        shape: Any = operation.input_shape
        for member in shape.required_members if shape else []:
            place = shape.members[member].serialization
            if place.get("location") == "querystring":
                parameters.add(place["name"])
            elif place.get("location") == "header":
                sent.add(place["name"].lower())
        depth = path.count("{")
        found.append(
            _S3Operation(name, operation.http["method"], depth, frozenset(parameters), frozenset(sent))
        )
    return sorted(found, key=lambda op: (-len(op.query) - len(op.headers), -len(op.name)))
