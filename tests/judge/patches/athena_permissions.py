"""IAM checks the requests of a query execution on `*`. AWS checks them on the workgroup of the execution.

See AWS's Service Authorization Reference, "Actions, resources, and condition keys for Amazon Athena".
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import athena


def needed() -> bool:
    headers, body = {"x-amz-target": "AmazonAthena.GetQueryExecution"}, b'{"QueryExecutionId": "x"}'
    return iam_actions.extract_resource_arn("athena", "POST", "/", headers, body, {}, "r", "1") == "*"


def apply() -> None:
    extract = iam_actions.extract_resource_arn

    def extract_resource_arn(*request: Any) -> str:
        service, _, _, _, body, _, region, account = request
        values = json.loads(body) if service == "athena" else {}
        # BatchGetQueryExecution: the service names executions of one workgroup.
        execution = values.get("QueryExecutionId") or next(iter(values.get("QueryExecutionIds", [])), None)
        if found := athena._executions.get(execution) if execution else None:
            return f"arn:aws:athena:{region}:{account}:workgroup/{found.get('WorkGroup', 'primary')}"
        return str(extract(*request))

    iam_actions.extract_resource_arn = extract_resource_arn
