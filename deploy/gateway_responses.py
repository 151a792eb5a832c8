"""What Amazon API Gateway answers by itself, as the problem documents that the app answers with.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""As the app's own answers have them (chalicelib/api/http.py)."""


@dataclass(frozen=True)
class Answer:
    """The problem document of one kind of answer; `retry_after` is in seconds."""

    status: int
    code: str
    title: str
    detail: str
    retry_after: int | None = None


_NOT_FOUND = Answer(404, "not_found", "Not found", "There is nothing at this path with this method.")
_BAD_REQUEST = Answer(400, "bad_request", "Bad request", "The request cannot be read.")
_FORBIDDEN = Answer(403, "forbidden", "Forbidden", "This request is not let in.")
_BUSY = "Too many requests come at once; try again shortly."
_SLOW = "There is no answer in time. What was begun is finished by itself: look before you ask again."

ANSWERS = {
    # For a path that it does not know, API Gateway asks for an AWS signature, and takes whatever it finds in
    # the Authorization header for a wrong one. No route of ours has such signatures.
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,
    "INVALID_SIGNATURE": _NOT_FOUND,
    "EXPIRED_TOKEN": _NOT_FOUND,
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "BAD_REQUEST_BODY": _BAD_REQUEST,
    "BAD_REQUEST_PARAMETERS": _BAD_REQUEST,
    "ACCESS_DENIED": _FORBIDDEN,
    "WAF_FILTERED": _FORBIDDEN,
    "REQUEST_TOO_LARGE": Answer(413, "payload_too_large", "Payload too large", "The body is over 10 MB."),
    "UNSUPPORTED_MEDIA_TYPE": Answer(
        415, "unsupported_media_type", "Unsupported media type", "Send Content-Type: application/json."
    ),
    "THROTTLED": Answer(429, "throttled", "Too many requests", _BUSY, retry_after=5),
    "QUOTA_EXCEEDED": Answer(429, "throttled", "Too many requests", _BUSY, retry_after=60),
    # 504 would say that nobody knows; the app's word for it is 503.
    "INTEGRATION_TIMEOUT": Answer(503, "unavailable", "Service unavailable", _SLOW, retry_after=5),
    "INTEGRATION_FAILURE": Answer(503, "unavailable", "Service unavailable", _SLOW, retry_after=5),
    "DEFAULT_4XX": _BAD_REQUEST,
    "DEFAULT_5XX": Answer(500, "internal_error", "Internal error", "Something failed on our side."),
}


def gateway_responses() -> Json:
    """The property GatewayResponses of AWS::Serverless::Api, by kind of answer."""
    return {kind: _response(answer) for kind, answer in ANSWERS.items()}


def _response(answer: Answer) -> Json:
    # Nothing of the request may be in it but its id: these templates do not escape what they fill in.
    problem = {
        "type": f"urn:terraglue:problem:{answer.code}",
        "title": answer.title,
        "status": answer.status,
        "detail": answer.detail,
        "instance": "urn:terraglue:request:$context.requestId",
        "code": answer.code,
    }
    headers: Json = {
        "Content-Type": "'application/problem+json'",
        "X-Request-Id": "context.requestId",
        # A value stands between single quotes there, and can have none inside.
        **{name: f"'{value}'" for name, value in SAFE_HEADERS.items() if "'" not in value},
        # The portal may read these answers too, as the app's own.
        "Access-Control-Allow-Origin": _with_portal({"Fn::Sub": "'${PortalOrigin}'"}),
        "Access-Control-Expose-Headers": _with_portal("'Retry-After, X-Request-Id'"),
    }
    if answer.retry_after is not None:
        headers["Retry-After"] = f"'{answer.retry_after}'"
    return {
        "StatusCode": answer.status,
        "ResponseParameters": {"Headers": headers},
        # The one template that is used whatever the caller accepts; its content type is the header above.
        "ResponseTemplates": {"application/json": json.dumps(problem)},
    }


def _with_portal(value: Any) -> Json:
    return {"Fn::If": ["HasPortal", value, {"Ref": "AWS::NoValue"}]}
