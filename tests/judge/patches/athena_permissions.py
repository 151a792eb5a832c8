"""IAM checks the requests of a query execution on `*`. AWS checks them on the workgroup of the execution.

See AWS's Service Authorization Reference, "Actions, resources, and condition keys for Amazon Athena".
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import athena

_extract = iam_actions.extract_resource_arn


def needed() -> bool:
    headers, body = {"x-amz-target": "AmazonAthena.GetQueryExecution"}, b'{"QueryExecutionId": "x"}'
    return _extract("athena", "POST", "/", headers, body, {}, "us-east-1", "123456789012") == "*"


def apply() -> None:
    global _extract
    _extract, iam_actions.extract_resource_arn = iam_actions.extract_resource_arn, _extract_resource_arn


def _extract_resource_arn(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, params: Any, region: str, account: str
) -> str:
    execution = json.loads(body).get("QueryExecutionId") if service == "athena" else None
    if found := athena._executions.get(execution) if execution else None:
        return f"arn:aws:athena:{region}:{account}:workgroup/{found.get('WorkGroup', 'primary')}"
    return _extract(service, method, path, headers, body, params, region, account)
