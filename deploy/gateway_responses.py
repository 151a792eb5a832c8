"""Error responses of Amazon API Gateway itself, as problem documents in the app's format.

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
"""Security headers, equal to those of the app's responses (chalicelib/api/middleware.py)."""


@dataclass(frozen=True)
class Answer:
    """Problem document of one response type. `retry_after` is in seconds."""

    status: int
    code: str
    title: str
    detail: str
    retry_after: int | None = None


_NOT_FOUND = Answer(404, "not_found", "Not found", "No route matches this method and path.")
_BAD_REQUEST = Answer(400, "bad_request", "Bad request", "The request is malformed.")
_BUSY = "Too many requests. Retry after `Retry-After` seconds."
_SLOW = "The request timed out but may still complete. Check before retrying."

ANSWERS = {
    # For an unknown path, API Gateway requires an AWS signature and reports any other Authorization header as
    # an invalid one. AWS does not document the type of this response. No route uses API Gateway's own
    # authorization, so each of its types, and the fallback for types without a response, means an unknown
    # path (docs/decisions/0011-unknown-paths-in-api-gateway.md).
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,
    "INVALID_SIGNATURE": _NOT_FOUND,
    "EXPIRED_TOKEN": _NOT_FOUND,
    "ACCESS_DENIED": _NOT_FOUND,
    "INVALID_API_KEY": _NOT_FOUND,
    "UNAUTHORIZED": _NOT_FOUND,
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "DEFAULT_4XX": _NOT_FOUND,
    "BAD_REQUEST_BODY": _BAD_REQUEST,
    "BAD_REQUEST_PARAMETERS": _BAD_REQUEST,
    "WAF_FILTERED": Answer(403, "forbidden", "Forbidden", "A firewall rule rejects the request."),
    "REQUEST_TOO_LARGE": Answer(413, "payload_too_large", "Payload too large", "The body exceeds 10 MB."),
    "UNSUPPORTED_MEDIA_TYPE": Answer(
        415, "unsupported_media_type", "Unsupported media type", "Send Content-Type: application/json."
    ),
    "THROTTLED": Answer(429, "throttled", "Too many requests", _BUSY, retry_after=5),
    "QUOTA_EXCEEDED": Answer(429, "throttled", "Too many requests", _BUSY, retry_after=60),
    # The app reports timeouts as 503, not 504.
    "INTEGRATION_TIMEOUT": Answer(503, "unavailable", "Service unavailable", _SLOW, retry_after=5),
    "INTEGRATION_FAILURE": Answer(503, "unavailable", "Service unavailable", _SLOW, retry_after=5),
    "DEFAULT_5XX": Answer(
        500, "internal_error", "Internal error", "Internal error. Retry; if it persists, report `instance`."
    ),
}


def gateway_responses() -> Json:
    """Return the GatewayResponses property of AWS::Serverless::Api, by response type."""
    return {kind: _response(answer) for kind, answer in ANSWERS.items()}


def _response(answer: Answer) -> Json:
    # The request ID is the only value from the request: the templates do not escape values.
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
        # Header values are enclosed in single quotes and cannot contain any.
        **{name: f"'{value}'" for name, value in SAFE_HEADERS.items() if "'" not in value},
        # The portal may read these responses, as it may read the app's.
        "Access-Control-Allow-Origin": _with_portal({"Fn::Sub": "'${PortalOrigin}'"}),
        "Access-Control-Expose-Headers": _with_portal("'Retry-After, X-Request-Id'"),
    }
    if answer.retry_after is not None:
        headers["Retry-After"] = f"'{answer.retry_after}'"
    return {
        "StatusCode": answer.status,
        "ResponseParameters": {"Headers": headers},
        # API Gateway uses this template for every Accept header. The content type is the header above.
        "ResponseTemplates": {"application/json": f"{json.dumps(problem, ensure_ascii=False)}\n"},
    }


def _with_portal(value: Any) -> Json:
    return {"Fn::If": ["HasPortal", value, {"Ref": "AWS::NoValue"}]}
