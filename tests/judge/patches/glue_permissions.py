"""IAM checks some requests to Glue on the wrong resource, such as `GetDatabase` on `table/<name>`.

See "Actions, resources, and condition keys for AWS Glue" in AWS's Service Authorization Reference. Actions on
security configurations have no resource there.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions

_BY_SUFFIX = {"Database": "database", "Job": "job"}
"""Type of the resource that `Name` names, by the last word of the operation."""


def needed() -> bool:
    headers, body = {"x-amz-target": "AWSGlue.GetDatabase"}, b'{"Name": "sales"}'
    found = iam_actions.extract_resource_arn("glue", "POST", "/", headers, body, {}, "us-east-1", "1")
    return found != "arn:aws:glue:us-east-1:1:database/sales"


def apply() -> None:
    extract = iam_actions.extract_resource_arn

    def extract_resource_arn(*request: Any) -> str:
        service, _, _, headers, body, _, region, account = request
        operation = headers.get("x-amz-target", "").removeprefix("AWSGlue.") if service == "glue" else ""
        if operation.endswith("SecurityConfiguration"):
            return "*"
        for suffix, kind in _BY_SUFFIX.items():
            if operation.endswith(suffix) and (name := json.loads(body).get("Name")):
                return f"arn:aws:glue:{region}:{account}:{kind}/{name}"
        return str(extract(*request))

    iam_actions.extract_resource_arn = extract_resource_arn
