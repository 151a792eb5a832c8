"""Checks of the API's responses against its own OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_DOCUMENT = "urn:openapi"


class Contract:
    """Checks that the document describes every response: status, media type, headers, body, error code."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource(_DOCUMENT, resource)
        self._paths = [
            (re.compile(re.sub(r"{\w+}", "[^/]+", path)), path)
            # A path without parameters comes before one that would match it too.
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        ]

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """Return the operation of a request, or None if the document does not describe it."""
        for pattern, name in self._paths:
            if pattern.fullmatch(path.partition("?")[0]):
                found: dict[str, Any] | None = self.document["paths"][name].get(method.lower())
                return found
        return None

    def check(self, method: str, path: str, status: int, headers: Mapping[str, Any], body: Any) -> None:
        """Fail if the document does not describe the response."""
        operation = self.operation(method, path)
        if operation is None:
            assert status in (404, 405) or method in ("OPTIONS", "HEAD"), (method, path, status)
            return
        told = operation["responses"]
        assert str(status) in told, f"{method} {path} answered {status}, which the document does not tell of"
        response = self.resolved(told[str(status)])
        given = {name.lower(): value for name, value in headers.items()}
        for name, header in response.get("headers", {}).items():
            assert name.lower() in given or not self.resolved(header)["required"], (method, path, name)
        if "content" not in response:
            return
        media_type = given["content-type"].partition(";")[0]
        content = response["content"][media_type]
        if "json" not in media_type:
            return
        errors = [f"{e.json_path}: {e.message}" for e in self.validator(content["schema"]).iter_errors(body)]
        assert not errors, (method, path, status, errors)
        if status >= 400:
            assert body["code"] in content["examples"], (method, path, body["code"])

    def resolved(self, told: dict[str, Any]) -> dict[str, Any]:
        """Return a part of the document, with its reference resolved."""
        if "$ref" not in told:
            return told
        found: dict[str, Any] = self._registry.resolver(_DOCUMENT).lookup(told["$ref"]).contents
        return found

    def validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        """Return a validator for a schema of the document."""
        anchored = (
            {"$id": _DOCUMENT + ":part", "$ref": _DOCUMENT + schema["$ref"]} if "$ref" in schema else schema
        )
        return Draft202012Validator(
            anchored, registry=self._registry, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
