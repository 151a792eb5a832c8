"""Event of a Lambda function behind a REST API of API Gateway.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

_DOMAIN = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"


def rest_event(
    method: str,
    route: str,
    path: str,
    *,
    token: str | None,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return the event of a request. `route` is the template of `path`, such as `/jobs/{job_id}`."""
    bare, _, query = path.partition("?")
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route)
    found = re.fullmatch(pattern, bare)
    assert found, (route, bare)
    sent = {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br",
        "CloudFront-Forwarded-Proto": "https",
        "Host": _DOMAIN,
        "User-Agent": _BROWSER,
        "X-Amzn-Trace-Id": "Root=1-67000000-0123456789abcdef01234567",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        **({"Authorization": f"Bearer {token}"} if token else {}),
        **({"Content-Type": "application/json"} if body is not None else {}),
        **(headers or {}),
    }
    parameters = dict(parse_qsl(query)) or None
    return {
        "resource": route,
        "path": bare,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": parameters,
        "multiValueQueryStringParameters": parameters
        and {name: [value] for name, value in parameters.items()},
        "pathParameters": found.groupdict() or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": _DOMAIN,
            "domainPrefix": "a1b2c3d4e5",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.7", "userAgent": _BROWSER},
            "path": f"/api{bare}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "27/Nov/2026:12:00:00 +0000",
            "requestTimeEpoch": 1795780800000,
            "resourceId": "123456",
            "resourcePath": route,
            "stage": "api",
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
