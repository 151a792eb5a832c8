"""The OpenAPI document: valid, complete, and equal to the copy in docs/."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

import app
from chalicelib import errors
from chalicelib.api import openapi
from chalicelib.api.openapi import examples
from chalicelib.api.operations import Files
from deploy.path_variables import conflicts
from tests.support.contract import Contract
from tests.support.paths import ROOT

KEPT = ROOT / "docs" / "openapi.json"
DOCUMENT = openapi.document(app.api.all)
OPERATIONS = [
    pytest.param(path, method, told, id=told["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, told in methods.items()
]


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"


def test_the_copy_in_docs_is_current() -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert kept == DOCUMENT, "run `make openapi`, look at what has changed, and commit it"


def test_the_document_has_every_route_of_the_app() -> None:
    routes = {(path, method) for path, methods in app.app.routes.items() for method in methods}
    told = {(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods}
    refused = {
        (path, method)
        for path, methods in app.app.routes.items()
        for method in methods
        if (methods[method].view_name.startswith(("refuse ", "preflight ")) or method == "HEAD")
    }
    assert routes - refused == told


@pytest.mark.parametrize(("path", "method", "told"), OPERATIONS)
def test_every_operation_is_completely_described(path: str, method: str, told: dict[str, Any]) -> None:
    named = {parameter["name"] for parameter in told["parameters"] if parameter["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", path))
    assert {"500", "503", "429"} <= told["responses"].keys()
    is_public = told.get("security") == []
    assert is_public == ("401" not in told["responses"])
    # The page at / has not been built in a checkout without its files.
    assert ("404" in told["responses"]) == ("{" in path or path == "/")
    if "requestBody" in told:
        assert "422" in told["responses"]
    if method == "post" and told["operationId"] != "issue_credentials":  # whose response is not stored
        assert "Idempotency-Key" in {parameter["name"] for parameter in told["parameters"]}
        assert "Idempotency-Replayed" in told["responses"]["202"]["headers"]


@pytest.mark.parametrize(("path", "method", "told"), OPERATIONS)
def test_an_operation_is_described_for_callers(path: str, method: str, told: dict[str, Any]) -> None:
    assert 3 <= len(told["summary"]) <= 60
    assert not told["summary"].endswith(".")
    assert told["description"] != told["summary"]
    contract = Contract(DOCUMENT)
    described = [
        *(told, told.get("requestBody", {"description": "none"})),
        *told["parameters"],
        *(contract.resolved(response) for response in told["responses"].values()),
        *(link for response in told["responses"].values() for link in response.get("links", {}).values()),
    ]
    assert [each for each in described if not each.get("description")] == []


def test_every_schema_and_every_property_has_a_description() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    described = {
        name: schema
        for schema_name, schema in schemas.items()
        for name, schema in (
            (schema_name, schema),
            *((f"{schema_name}.{name}", field) for name, field in schema.get("properties", {}).items()),
        )
    }
    assert len(described) > 300
    assert {name for name, schema in described.items() if not schema.get("description")} == set()
    assert all(header["description"] for header in DOCUMENT["components"]["headers"].values())


def test_descriptions_are_sentences() -> None:
    def descriptions(value: Any) -> Iterator[str]:
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if name == "description" and isinstance(inner, str):
                yield inner
            elif isinstance(inner, dict | list):
                yield from descriptions(inner)

    document = json.loads(json.dumps(DOCUMENT))
    for methods in document["paths"].values():
        for told in methods.values():  # examples have fields that are called description
            told.get("requestBody", {}).get("content", {}).clear()
            for response in told["responses"].values():
                response.get("content", {}).clear()
    document["components"]["responses"] = {
        name: response["description"] for name, response in document["components"]["responses"].items()
    }
    for schema in document["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            for shown in ("default", "examples"):
                field.pop(shown, None)
    found = list(descriptions(document))
    assert len(found) > 400
    assert [text for text in found if text.strip()[-1] != "." or text[0].islower()] == []


def test_examples_show_messages_that_are_sent() -> None:
    service = ROOT / "chalice_app" / "chalicelib"
    modules = [path for path in service.rglob("*.py") if path.parent.name != "openapi"]
    sent = [pattern for path in modules for pattern in messages(path)]
    for response in DOCUMENT["components"]["responses"].values():
        for example in response["content"]["application/problem+json"]["examples"].values():
            problem = example["value"]
            for message in (problem["detail"], *(each["detail"] for each in problem.get("errors", []))):
                text = message.removeprefix("main.py: ")  # a problem with a file begins with its path
                assert any(pattern.fullmatch(text) for pattern in sent), message


def messages(path: Path) -> Iterator[re.Pattern[str]]:
    """Patterns of the sentences that a module of the service raises or returns."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            statement.value = ast.Constant(None)  # a docstring
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = [None if part[:1] == "{" else part for part in re.split(r"({\w+})", node.value)]
        else:
            continue
        if len("".join(str(part) for part in parts if part)) >= 12:  # others would match anything
            yield re.compile("".join(".+" if part is None else re.escape(str(part)) for part in parts))


@pytest.mark.parametrize(("path", "method", "told"), OPERATIONS)
def test_examples_match_their_schemas(path: str, method: str, told: dict[str, Any]) -> None:
    contract = Contract(DOCUMENT)
    for content, shown in with_examples(told, contract):
        problems = list(contract.validator(content).iter_errors(shown))
        assert not problems, problems


def with_examples(told: dict[str, Any], contract: Contract) -> Iterator[tuple[dict[str, Any], Any]]:
    """The schemas of an operation that have examples, with the examples."""
    bodies = list(told.get("requestBody", {}).get("content", {}).items())
    for response in told["responses"].values():
        bodies += contract.resolved(response).get("content", {}).items()
    for media_type, content in bodies:
        if "json" not in media_type or content["schema"] == {"type": "object"}:
            continue
        shown = [content["example"]] if "example" in content else []
        shown += [example["value"] for example in content.get("examples", {}).values()]
        assert shown, told["operationId"]
        for one in shown:
            yield content["schema"], one
    for parameter in told["parameters"]:
        if "example" in parameter:
            yield parameter["schema"], parameter["example"]


def test_every_field_of_every_response_has_an_example() -> None:
    shown = {
        given
        for operation in app.api.all
        for given in operation.returns.values()
        if given is not None and not isinstance(given, Files)
    }
    for model in shown:
        assert model.model_validate(examples.example(model))  # type: ignore[union-attr]


def test_every_error_of_the_service_is_documented() -> None:
    def kinds(kind: type[errors.ServiceError]) -> Iterator[type[errors.ServiceError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from kinds(below)

    told = {
        code
        for response in DOCUMENT["components"]["responses"].values()
        for code in response["content"]["application/problem+json"]["examples"]
    }
    # 405 applies only to operations outside the document. BadRequest is only the base of its two subclasses.
    expected = {kind.code for kind in kinds(errors.ServiceError)} - {"method_not_allowed", "bad_request"}
    assert told == expected


def test_the_document_below_a_stage_contains_the_stage() -> None:
    assert openapi.document(app.api.all, "/api")["servers"] == [{"url": "/api"}]


def test_request_schemas_are_strict_and_response_schemas_open() -> None:
    contract = Contract(DOCUMENT)
    for path, methods in DOCUMENT["paths"].items():
        for method, told in methods.items():
            body = told.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                assert list(contract.validator(body["schema"]).iter_errors({"new": 1})), (path, method)
            for response in told["responses"].values():
                content = contract.resolved(response).get("content", {}).get("application/json", {})
                if "example" in content:
                    newer = with_more(content["example"])
                    assert not list(contract.validator(content["schema"]).iter_errors(newer)), (path, method)


def with_more(value: Any, depth: int = 0) -> Any:
    """A response of a later version: every object has one more field."""
    if isinstance(value, list):
        return [with_more(inner, depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    more = {name: inner if name in MAPPINGS else with_more(inner, depth + 1) for name, inner in value.items()}
    return {**more, "a_new_field": {"x": 1}}


MAPPINGS = {
    "outcomes",
    "environments",
    "databases",
    "job_ids",
    "console",
    "arguments",
    "values",
    "detail",
    "partitions",
}
"""Fields whose names are data."""


def test_every_example_fits_its_status() -> None:
    shown = {
        told["operationId"]: {
            status: response["content"]["application/json"].get("example", {})
            for status, response in told["responses"].items()
            if status in ("200", "202") and "application/json" in response.get("content", {})
        }
        for methods in DOCUMENT["paths"].values()
        for told in methods.values()
    }
    asked = shown["request_environment"]["202"]
    assert (asked["status"], asked["outputs"], asked["ready_at"]) == ("QUEUED", None, None)
    assert (asked["progress"]["done"], asked["progress"]["resources"]) == (0, [])
    ready = shown["get_environment"]["200"]
    assert ready["status"] == "READY"
    assert ready["progress"]["done"] == ready["progress"]["total"]
    shown.pop("thaw_environment")  # its 202 has nothing to wait for
    for examples_of in shown.values():
        for status, told in examples_of.items():
            if "poll_after_seconds" in told:
                ended = ("READY", "DELETED", "SUCCEEDED", "STOPPED", "CANCELLED", "DRIFTED", "SETTLED")
                stops = (told.get("frozen") or {}).get("stopped_at", True) is None
                goes_on = stops or told["status"] not in ended
                assert goes_on == (status == "202") == (told["poll_after_seconds"] is not None), told[
                    "status"
                ]


def test_parameters_at_one_position_of_a_path_have_one_name() -> None:
    """API Gateway: "A sibling of this resource already has a variable path part"."""
    assert conflicts(app.app.routes) == {}


def test_two_names_of_a_variable_are_found_at_every_prefix_of_a_path() -> None:
    paths = ["/a/{id}", "/a/{id}/files/{path}", "/a/{id}/files/{folder}/{path}", "/{x}", "/a/{other}/b/{y}"]
    assert conflicts(paths) == {"/a": ["{id}", "{other}"], "/a/{}/files": ["{folder}", "{path}"]}
    assert conflicts(["/a/{id}", "/a/{id}/b", "/a/me", "/b/{name}"]) == {}
