"""Error responses of AWS services, in the protocol and with the error codes of each service."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from xml.sax.saxutils import escape

import botocore.session

from local.aws.clients import ACCOUNT
from local.faults.rules import Kind, Rule

_REQUEST_ID = "00000000-fau1-fau1-fau1-000000000000"

# Error codes of each service's API reference ("Common Errors" and the errors of its calls). `json` and
# `query` are the codes that services of that protocol have in common.
_THROTTLED = {
    "dynamodb": (
        400,
        "ThrottlingException",
        "Throughput exceeds the current capacity of your table.",
    ),
    "glue": (400, "ThrottlingException", "Rate exceeded"),
    "kms": (400, "ThrottlingException", "You have exceeded the rate at which you may call KMS."),
    "s3": (503, "SlowDown", "Please reduce your request rate."),
    "json": (400, "ThrottlingException", "Rate exceeded"),
    "query": (400, "Throttling", "Rate exceeded"),
}
_BROKEN = {
    "dynamodb": "InternalServerError",
    "glue": "InternalServiceException",
    "kms": "KMSInternalException",
    "s3": "InternalError",
    "json": "InternalFailure",
    "query": "InternalFailure",
}


@dataclass(frozen=True)
class ErrorResponse:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


def error_response(rule: Rule, service: str, operation: str) -> ErrorResponse:
    """Return the response to a throttled, denied or failed call."""
    protocol = _protocol(service)
    known = service if service in _BROKEN else protocol
    if rule.kind is Kind.THROTTLE:
        status, code, message = _THROTTLED[known]
    elif rule.kind is Kind.ACCESS_DENIED:
        status, code, message = _denied(service, operation, protocol)
    else:
        status, code, message = rule.status, _BROKEN[known], "We encountered an internal error."
        if status == 503:
            code = "ServiceUnavailable"
    return _in_protocol(protocol, status, code, message)


def _denied(service: str, operation: str, protocol: str) -> tuple[int, str, str]:
    if service == "s3":
        return 403, "AccessDenied", "Access Denied"
    message = f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: {service}:{operation}"
    return (400, "AccessDeniedException", message) if protocol == "json" else (403, "AccessDenied", message)


def _in_protocol(protocol: str, status: int, code: str, message: str) -> ErrorResponse:
    if protocol == "json":
        body = json.dumps({"__type": code, "message": message})
        kind = "application/x-amz-json-1.1"
    else:
        kind = "text/xml"
        error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        if protocol == "rest-xml":
            body = f"<Error>{error}<RequestId>{_REQUEST_ID}</RequestId></Error>"
        else:
            side = "Receiver" if status >= 500 else "Sender"
            body = (
                f"<ErrorResponse><Error><Type>{side}</Type>{error}</Error>"
                f"<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>"
            )
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
    headers = {"Content-Type": kind, "x-amzn-RequestId": _REQUEST_ID, "x-amz-request-id": _REQUEST_ID}
    return ErrorResponse(status, headers, body.encode())


@functools.cache
def _protocol(service: str) -> str:
    """Return the protocol of a service: `json`, `query` or `rest-xml`."""
    protocol: str = botocore.session.get_session().get_service_model(service).resolved_protocol
    return protocol
