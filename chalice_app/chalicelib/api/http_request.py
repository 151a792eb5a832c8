"""HTTP requests: ID, base path, query parameters and JSON body."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, NoReturn, TypeVar

from chalice.app import MultiDict, Request
from pydantic import BaseModel

from chalicelib.api.validation import Check, validated, validated_parameters
from chalicelib.domain.json_types import Json
from chalicelib.errors import InvalidFields, InvalidJson, PayloadTooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 64 * 1024

_INVALID = "The body is not valid JSON."

Model = TypeVar("Model", bound=BaseModel)


def request_id_of(request: Request) -> str:
    """Return the request ID that the gateway assigned."""
    return str(request.context.get("requestId") or "unknown")


def base_path(request: Request) -> str:
    """Return the part of the URL's path before the route: empty, a stage (`/api`) or a domain's mapping.

    API Gateway puts the full path into `path` of the request's context, and the route, with the names of its
    parameters, into `resourcePath`: "Input format of a Lambda function for proxy integration",
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    return _base_path(str(request.context.get("path", "")), str(request.context.get("resourcePath", "")))


@functools.lru_cache(maxsize=1)
def _base_path(full: str, route: str) -> str:
    """Return the base path of the last request once for all items of its response."""
    pattern = "[^/]+".join(re.escape(part) for part in re.split(r"{\w+}", route.rstrip("/")))
    found = re.fullmatch(f"(.*?){pattern}/?", full)
    return found[1] if found else ""


def raw_body(request: Request) -> bytes:
    """Return the bytes of the request's body."""
    raw = request.raw_body or b""
    return raw.encode() if isinstance(raw, str) else raw


def parse_query(request: Request, model: type[Model]) -> Model:
    """Return the query parameters as a model. Raise `InvalidFields` if one is invalid or repeated."""
    given = request.query_params or MultiDict(None)
    repeated = [name for name in given if len(given.getlist(name)) > 1]
    if repeated:
        raise InvalidFields(
            [{"parameter": name, "detail": "Send this parameter only once."} for name in repeated]
        )
    return validated_parameters(model, dict(given or {}))


def parse_body(request: Request, model: type[Model], invalid_combinations: Check | None = None) -> Model:
    """Return the JSON body as a model. An empty body is an empty object.

    If fields are invalid, `invalid_combinations` checks the others, so one response names every problem.

    Raises `PayloadTooLarge`, `UnsupportedMediaType`, `InvalidJson` or `InvalidFields`.
    """
    raw = raw_body(request)
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body must be at most {MAX_BODY_BYTES} bytes.")
    if not raw.strip():
        return validated(model, {})
    media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType("Send the body as Content-Type: application/json.")
    return validated(model, _json(raw), invalid_combinations)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(
            raw, parse_constant=_reject_constant, parse_float=_number, object_pairs_hook=_unique_names
        )
    except _RepeatedName as error:
        raise InvalidJson(f"The body repeats the name {str(error)[:100]!r} in one object.") from error
    except RecursionError as error:
        raise InvalidJson("The body is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise _invalid_at(error.lineno, error.colno, error.msg) from error
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - before.rfind(b"\n")
        raise _invalid_at(before.count(b"\n") + 1, column, "Not UTF-8") from error
    except ValueError as error:
        raise InvalidJson(f"{_INVALID} NaN, Infinity and very long integers are not allowed.") from error


def _invalid_at(line: int, column: int, message: str) -> InvalidJson:
    return InvalidJson(
        f"{_INVALID} Line {line}, column {column}: {message}.", extra={"line": line, "column": column}
    )


def _number(text: str) -> float | int:
    """Return an int for whole numbers: JSON has one type of number, so 72.0 is the integer 72."""
    number = float(text)
    return int(number) if number.is_integer() else number


class _RepeatedName(ValueError):
    """An object contains a name twice."""


def _unique_names(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedName(next(name for name in names if names.count(name) > 1))
    return found


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
