"""IAM checks some Glue requests on the wrong resource: `GetDatabase` and `GetJob` on `table/<name>`.

For the resources of each action, see AWS's Service Authorization Reference, "Actions, resources, and condition
keys for AWS Glue". Actions on security configurations have no resource.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions

_extract = iam_actions.extract_resource_arn
_NAMED = {"Database": "database", "Job": "job"}
"""Resource type by the end of an operation whose parameter `Name` or `JobName` is the resource."""


def needed() -> bool:
    headers, body = {"x-amz-target": "AWSGlue.GetDatabase"}, b'{"Name": "sales"}'
    return "table/sales" in _extract("glue", "POST", "/", headers, body, {}, "us-east-1", "123456789012")


def apply() -> None:
    iam_actions.extract_resource_arn = _extract_resource_arn


def _extract_resource_arn(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, params: Any, region: str, account: str
) -> str:
    operation = headers.get("x-amz-target", "").partition("AWSGlue.")[2]
    if service == "glue" and operation.endswith("SecurityConfiguration"):
        return "*"
    for suffix, kind in _NAMED.items():
        name = json.loads(body).get("Name") if operation.endswith(suffix) else None
        if service == "glue" and name:
            return f"arn:aws:glue:{region}:{account}:{kind}/{name}"
    return _extract(service, method, path, headers, body, params, region, account)
