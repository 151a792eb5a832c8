"""HTTP around the views: request ids, bodies, RFC 9457 problems. No rule of the service lives here."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from chalice.app import MultiDict, Request, Response
from pydantic import BaseModel, ValidationError

from chalicelib.api.auth import Authenticator
from chalicelib.aws.errors import AwsError, AwsMisused, AwsThrottled, AwsUnavailable
from chalicelib.domain.caller import Caller
from chalicelib.domain.json_types import Json
from chalicelib.errors import (
    InvalidFields,
    InvalidJson,
    NotAcceptable,
    PayloadTooLarge,
    ServiceError,
    Throttled,
    Unavailable,
    UnsupportedMediaType,
)
from chalicelib.observability import logger

MAX_BODY_BYTES = 64 * 1024

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer that does not say otherwise."""

_EXPOSED_HEADERS = "ETag, Idempotency-Replayed, Location, Retry-After, X-Request-Id"

Model = TypeVar("Model", bound=BaseModel)
CombinationCheck = Callable[[Any], list[dict[str, str]]]


def answer(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: give every response its request id, and every error its problem document."""
    request_id = request_id_of(request)
    # `append_keys` would be seen by all threads; these are this thread's, and end with the request.
    logger.thread_safe_append_keys(request_id=request_id)
    try:
        return _answered(request, request_id, get_response)
    finally:
        logger.thread_safe_clear_keys()


def _answered(request: Request, request_id: str, get_response: Callable[[Request], Response]) -> Response:
    try:
        response = get_response(request)
    except ServiceError as error:
        response = problem(error, request)
    except Exception:  # of another middleware; a view's never gets here
        logger.exception("unhandled error")
        response = problem(ServiceError("Something failed on our side."), request)
    if response.status_code >= 400 and response.headers.get("Content-Type") != "application/problem+json":
        response = _chalice_error(response, request)
    if isinstance(response.body, dict):
        response.headers.setdefault("Content-Type", "application/json")
    response.headers["X-Request-Id"] = request_id
    for name, value in SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.method == "HEAD":
        response.body = ""
    return response


def conditional(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: give what is read an ETag, and nothing but that to those who have it already.

    `poll_after_seconds` becomes Retry-After; it is no part of what the ETag stands for: it changes by itself.
    """
    response = get_response(request)
    body = response.body
    if isinstance(body, dict) and (pause := body.get("poll_after_seconds")):
        response.headers["Retry-After"] = str(pause)
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    tag = f'"{hashlib.sha256(_lasting(body)).hexdigest()[:32]}"'
    response.headers["ETag"] = tag
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if _matches(request.headers.get("if-none-match"), tag):
        return Response("", status_code=304, headers=response.headers)
    return response


def cross_origin(request: Request, response: Response, origin: str | None) -> Response:
    """Let the portal's pages, and no other's, read the answer."""
    if origin is not None:
        response.headers["Vary"] = "Origin"
        if request.headers.get("origin") == origin:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    return response


def preflight(methods: Iterable[str]) -> Response:
    """The answer to a browser that asks whether it may call."""
    headers: dict[str, str | list[str]] = {
        "Allow": ", ".join(methods),
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-None-Match",
        "Access-Control-Max-Age": "600",
    }
    return Response("", status_code=204, headers=headers)


def problem(error: ServiceError, request: Request) -> Response:
    """The RFC 9457 problem document of an error."""
    links = {name: f"{base_path(request)}{path}" for name, path in error.links.items()}
    return _problem(
        *(error.status, error.title, error.code, error.detail),
        *(request, error.headers, {**error.extra, **links}),
    )


def aws_failure(error: AwsError) -> ServiceError:
    """Log why AWS fails a request, and return the answer: AWS's words may name other tenants."""
    if isinstance(error, AwsThrottled):
        logger.warning("aws throttled a request", code=error.code)
        return Throttled("AWS asks us to slow down; try again shortly.")
    if isinstance(error, AwsUnavailable):
        logger.error("aws unavailable", code=error.code, detail=error.message)
        return Unavailable("An AWS service does not answer; try again shortly.")
    # Only where the code itself is at fault does it help to see where it was.
    where = isinstance(error, AwsMisused)
    logger.error("aws refused a call", code=error.code, detail=error.message, exc_info=where)
    return ServiceError("Something failed on our side.")


def request_id_of(request: Request) -> str:
    """The id of the request, as the gateway gave it."""
    return str(request.context.get("requestId") or "unknown")


def authenticated(request: Request, authenticator: Authenticator) -> Caller:
    """The caller of a request; `Unauthorized` when nobody is proven."""
    return authenticator.caller(request.headers.get("authorization"))


def raw_body(request: Request) -> bytes:
    """The request's body as it came."""
    raw = request.raw_body or b""
    return raw.encode() if isinstance(raw, str) else raw


def body(request: Request, model: type[Model], invalid_combinations: CombinationCheck | None = None) -> Model:
    """The request's JSON body as a model, where no body means an empty object.

    When fields are wrong, `invalid_combinations` checks the others, so that one response names every problem.

    Raises `PayloadTooLarge`, `UnsupportedMediaType`, `InvalidJson` or `InvalidFields`.
    """
    raw = raw_body(request)
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body is over {MAX_BODY_BYTES} bytes.")
    if not raw.strip():
        return parse(model, {})
    media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType("Send the body as Content-Type: application/json.")
    try:
        value = json.loads(
            raw, parse_constant=_refuse_constant, parse_float=_number, object_pairs_hook=_without_repetition
        )
    except _Repeated as error:
        raise InvalidJson(f"The body has a name twice in one object: {str(error)[:100]!r}.") from error
    except RecursionError as error:
        raise InvalidJson("The body is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise _invalid_json(error.msg, error.lineno, error.colno) from error
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - before.rfind(b"\n")
        raise _invalid_json("It is not UTF-8", before.count(b"\n") + 1, column) from error
    except ValueError as error:
        words = "It has a number without end, or of too many digits"
        raise InvalidJson(f"The body is not valid JSON. {words}.") from error
    return parse(model, value, invalid_combinations=invalid_combinations)


def _invalid_json(words: str, line: int, column: int) -> InvalidJson:
    where = {"line": line, "column": column}
    return InvalidJson(f"The body is not valid JSON. Line {line}, column {column}: {words}.", extra=where)


def query(request: Request, model: type[Model]) -> Model:
    """The request's query parameters as a model; each may come once."""
    given = request.query_params or MultiDict(None)
    repeated = [name for name in given if len(given.getlist(name)) > 1]
    if repeated:
        raise InvalidFields([{"parameter": name, "detail": "It may come once."} for name in repeated])
    return parse(model, dict(given or {}), is_query=True)


def parse(
    model: type[Model],
    value: Any,
    *,
    is_query: bool = False,
    invalid_combinations: CombinationCheck | None = None,
) -> Model:
    """Validate a value; `InvalidFields` lists all that is wrong, by JSON pointer or parameter."""
    try:
        return model.model_validate(value, strict=not is_query)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=True)
        if is_query:
            raise InvalidFields(
                [
                    {"parameter": str(detail["loc"][0]), "detail": _sentence(detail, "parameter")}
                    for detail in found
                ]
            ) from error
        wrong = [{"pointer": _pointer(detail["loc"]), "detail": _sentence(detail)} for detail in found]
        told = {one["pointer"] for one in wrong}
        with suppress(ValidationError):
            rest = model.model_validate(
                _without(value, [detail["loc"] for detail in error.errors()]), strict=True
            )
            wrong += [
                one
                for one in (invalid_combinations(rest) if invalid_combinations else [])
                if one["pointer"] not in told
            ]
        raise InvalidFields(wrong) from error


def _without(value: Any, locations: list[tuple[int | str, ...]]) -> Any:
    """A JSON value without what is at some places; a place in a list takes the list with it."""
    rest = copy.deepcopy(value)
    for location in locations:
        inner, names = rest, [name for name in location if name != "[key]"]
        for depth, name in enumerate(names):
            if not isinstance(inner, dict) or name not in inner:
                break
            if depth == len(names) - 1 or not isinstance(inner[name], dict):
                del inner[name]
                break
            inner = inner[name]
    return rest


def file(request: Request, path: str, content: bytes) -> Response:
    """A file as it is: texts as text, archives as what they are to those who ask for that.

    API Gateway gives an archive in base64 to anybody else.
    """
    name = path.rpartition("/")[2]
    headers: dict[str, str | list[str]] = {"Content-Disposition": f'attachment; filename="{name}"'}
    if not name.endswith(".zip"):
        return Response(content.decode(), headers={**headers, "Content-Type": "text/plain; charset=utf-8"})
    if "application/zip" not in request.headers.get("accept", ""):
        raise NotAcceptable("Ask for this file with Accept: application/zip.")
    return Response(content, headers={**headers, "Content-Type": "application/zip"})


def base_path(request: Request) -> str:
    """What comes before the routes in the caller's URL: empty, a stage (`/api`), or a domain's mapping.

    API Gateway puts it into `path` of the request's context; `resourcePath` is the route, with the names of
    its parameters: "Input format of a Lambda function for proxy integration",
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    full, route = str(request.context.get("path", "")), str(request.context.get("resourcePath", ""))
    pattern = "[^/]+".join(re.escape(part) for part in re.split(r"{\w+}", route.rstrip("/")))
    found = re.fullmatch(f"(.*){pattern}/?", full)
    return found[1] if found else ""


def _lasting(body: Any) -> bytes:
    """What an ETag stands for."""
    if isinstance(body, dict):
        lasting = {name: value for name, value in body.items() if name != "poll_after_seconds"}
        return json.dumps(lasting, sort_keys=True).encode()
    return body if isinstance(body, bytes) else str(body).encode()


def _matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names the ETag (RFC 9110, compared weakly)."""
    named = [item.strip().removeprefix("W/") for item in (header or "").split(",")]
    return etag in named or "*" in named


def _problem(
    status: int,
    title: str,
    code: str,
    detail: str,
    request: Request,
    headers: dict[str, Any] | None = None,
    extra: Json | None = None,
) -> Response:
    document: Json = {
        "type": f"urn:terraglue:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:terraglue:request:{request_id_of(request)}",
        "code": code,
        **(extra or {}),
    }
    return Response(
        # What a caller wrote is told back, also what is no text at all, such as half a surrogate pair.
        body=json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace").decode(),
        status_code=status,
        headers={"Content-Type": "application/problem+json", **(headers or {})},
    )


def _chalice_error(response: Response, request: Request) -> Response:
    """Chalice's own errors (405, 415, a bug in a view), as problems."""
    titles = {
        405: ("Method not allowed", "method_not_allowed", "This path does not know that method."),
        415: ("Unsupported media type", "unsupported_media_type", "Send Content-Type: application/json."),
    }
    default = ("Internal error", "internal_error", "Something failed on our side.")
    title, code, detail = titles.get(response.status_code, default)
    kept = {name: value for name, value in response.headers.items() if name.lower() == "allow"}
    return _problem(response.status_code, title, code, detail, request, kept)


def _number(text: str) -> float | int:
    """JSON has one kind of number: 72.0 is the integer 72."""
    number = float(text)
    return int(number) if number.is_integer() else number


class _Repeated(ValueError):
    """A name that comes twice in one object."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in names if names.count(name) > 1))
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _pointer(location: tuple[int | str, ...]) -> str:
    """RFC 6901; pydantic says of a wrong name in a mapping that it is the key."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location if part != "[key]"]
    return "".join(f"/{part}" for part in parts)


_SENTENCES = {
    "bool_type": "It must be true or false.",
    "dict_type": "It must be an object.",
    "extra_forbidden": "There is no such {what}.",
    "greater_than_equal": "It must be at least {ge}.",
    "int_from_float": "It must be a whole number.",
    "int_parsing": "It must be a whole number.",
    "int_parsing_size": "It must be a whole number of fewer digits.",
    "int_type": "It must be a whole number.",
    "less_than_equal": "It must be at most {le}.",
    "list_type": "It must be a list.",
    "literal_error": "It must be {expected}.",
    "missing": "It must be given.",
    "model_type": "It must be an object.",
    "string_too_long": "It must have at most {max_length} characters.",
    "string_too_short": "It must have at least {min_length} characters.",
    "string_type": "It must be a text.",
    "string_unicode": "It must be a text of whole characters.",
    "too_long": "It must have at most {max_length} entries.",
}
"""Of pydantic's errors, by type: https://docs.pydantic.dev/latest/errors/validation_errors/"""


def _sentence(detail: Any, what: str = "field") -> str:
    if detail["type"] in _SENTENCES:
        return _SENTENCES[detail["type"]].format(what=what, **detail.get("ctx", {}))
    message = str(detail["msg"]).removeprefix("Value error, ")
    return message[:1].upper() + message[1:].rstrip(".") + "."
