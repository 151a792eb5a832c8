"""HTTP around the views: request ids, bodies, RFC 9457 problems. No rule of the service lives here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from chalice.app import MultiDict, Request, Response
from pydantic import BaseModel, ValidationError

from chalicelib.auth import Authenticator, Caller
from chalicelib.errors import (
    AwsError,
    AwsThrottled,
    AwsUnavailable,
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
from chalicelib.records import Json

MAX_BODY_BYTES = 64 * 1024

_SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
_EXPOSED_HEADERS = "ETag, Idempotency-Replayed, Location, Retry-After, X-Request-Id"

Model = TypeVar("Model", bound=BaseModel)


def answer(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: give every response its request id, and every error its problem document."""
    request_id = request_id_of(request)
    logger.append_keys(request_id=request_id)
    try:
        response = get_response(request)
    except ServiceError as error:
        response = problem(error, request)
    except AwsThrottled as error:
        logger.warning("aws throttled a request", code=error.code)
        response = problem(Throttled("AWS asks us to slow down; try again shortly."), request)
    except AwsUnavailable as error:
        logger.error("aws unavailable", code=error.code, detail=error.message)
        response = problem(Unavailable("An AWS service does not answer; try again shortly."), request)
    except AwsError as error:
        # AWS's own words may name another tenant: they go to the log, never to the caller.
        logger.error("aws refused a call", code=error.code, detail=error.message)
        response = problem(ServiceError("Something failed on our side."), request)
    except Exception:
        logger.exception("unhandled error")
        response = problem(ServiceError("Something failed on our side."), request)
    if response.status_code >= 400 and response.headers.get("Content-Type") != "application/problem+json":
        response = _chalice_error(response, request)
    if isinstance(response.body, dict):
        response.headers.setdefault("Content-Type", "application/json")
    response.headers["X-Request-Id"] = request_id
    for name, value in _SAFE_HEADERS.items():
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
    if not isinstance(body, dict):
        return response
    if pause := body.get("poll_after_seconds"):
        response.headers["Retry-After"] = str(pause)
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    lasting = {name: value for name, value in body.items() if name != "poll_after_seconds"}
    digest = hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()
    response.headers |= {"ETag": f'"{digest[:32]}"', "Cache-Control": "private, no-cache"}
    if _matches(request.headers.get("if-none-match"), f'"{digest[:32]}"'):
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
    return _problem(error.status, error.title, error.code, error.detail, request, error.headers, error.extra)


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


def body(request: Request, model: type[Model]) -> Model:
    """The request's JSON body as a model, where no body means an empty object.

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
        value = json.loads(raw, parse_constant=_refuse_constant, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise InvalidJson("The body is not valid JSON.") from error
    return parse(model, value)


def query(request: Request, model: type[Model]) -> Model:
    """The request's query parameters as a model; each may come once."""
    given = request.query_params or MultiDict(None)
    repeated = [name for name in given if len(given.getlist(name)) > 1]
    if repeated:
        raise InvalidFields(
            [{"pointer": _pointer((name,)), "detail": "It may come once."} for name in repeated]
        )
    return parse(model, dict(given or {}), is_query=True)


def parse(model: type[Model], value: Any, *, is_query: bool = False) -> Model:
    """Validate a value; `InvalidFields` lists all that is wrong with JSON pointers and plain sentences."""
    try:
        return model.model_validate(value, strict=not is_query)
    except ValidationError as error:
        wrong = [
            {"pointer": _pointer(detail["loc"]), "detail": _sentence(detail)}
            for detail in error.errors(include_url=False, include_context=True)
        ]
        raise InvalidFields(wrong) from error


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
    """What comes before the routes in the caller's URL: empty, or API Gateway's stage (`/api`)."""
    full, route = str(request.context.get("path", "")), str(request.path or "")
    return full.removesuffix(route) if route and full.endswith(route) else ""


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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _pointer(location: tuple[int | str, ...]) -> str:
    """RFC 6901; pydantic says of a wrong name in a mapping that it is the key."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location if part != "[key]"]
    return "".join(f"/{part}" for part in parts)


def _sentence(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return "There is no such field."
    message = str(detail["msg"]).removeprefix("Value error, ")
    return message[:1].upper() + message[1:].rstrip(".") + "."
