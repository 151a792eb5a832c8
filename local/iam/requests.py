"""Permission checks of a request: what its caller must be allowed to do.

Covers the services of a sandbox. Calls to other services are checked on the resource "*".
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from local.iam import dynamodb
from local.iam.checks import Context, Json, PermissionCheck, Place
from local.iam.conditions import CONTEXTS, request_tags
from local.iam.resources import RESOURCES, role_arn
from local.iam.s3 import s3_checks

_IAM_SERVICES = {"monitoring": "cloudwatch"}
# Calls that pass a role to a service: the parameter with the role, and the service.
_STACK_CALLS = ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ContinueUpdateRollback")
_PASSED_ROLES = {
    ("glue", "CreateJob"): ("Role", "glue.amazonaws.com"),
    ("glue", "UpdateJob"): ("Role", "glue.amazonaws.com"),
    **{("cloudformation", name): ("RoleARN", "cloudformation.amazonaws.com") for name in _STACK_CALLS},
}
# Calls that create a resource with tags, which requires permission to tag it:
# https://docs.aws.amazon.com/service-authorization/latest/reference/ ("dependent actions" and scenarios).
_TAGGING = {
    ("athena", "CreateWorkGroup"): "athena:TagResource",
    **{
        ("cloudformation", name): "cloudformation:TagResource"
        for name in ("CreateStack", "UpdateStack", "CreateChangeSet")
    },
    ("glue", "CreateJob"): "glue:TagResource",
    ("iam", "CreateRole"): "iam:TagRole",
    ("kms", "CreateKey"): "kms:TagResource",
    ("logs", "CreateLogGroup"): "logs:TagResource",
}


def permission_checks(
    request: Any, service: str, region: str, account: str, resource: str
) -> Iterator[PermissionCheck]:
    """Yield every permission check of a request, which is one of moto's response objects."""
    place = Place(region, account)
    context: Context = {
        "aws:SecureTransport": "true",  # traffic on the loopback interface counts as TLS
        "aws:RequestedRegion": region,
        "aws:ResourceAccount": account,
        "aws:PrincipalAccount": account,
    }
    if service == "s3":
        yield from s3_checks(request, resource, context)
        return
    operation = request._get_action()
    if operation == "GetCallerIdentity":
        return  # requires no permission
    values = _values(request)
    name = _IAM_SERVICES.get(service, service)
    context |= request_tags(values)
    if name in CONTEXTS:
        context |= CONTEXTS[name](place, operation, values)
    if name == "dynamodb":
        for action, arn in dynamodb.actions(operation, values, functools.partial(place.arn, name)):
            yield PermissionCheck(f"{name}:{action}", arn, context)
        return
    arns = RESOURCES[name](place, operation, values) if name in RESOURCES else ["*"]
    for arn in arns:
        yield PermissionCheck(f"{name}:{operation}", arn, context)
    if (tagging := _TAGGING.get((name, operation))) and "aws:TagKeys" in context:
        # "At a minimum, the permission must cover all KMS keys in the account and Region."
        # https://docs.aws.amazon.com/kms/latest/developerguide/manage-tags-api.html
        yield PermissionCheck(tagging, place.arn("kms", "key/*") if name == "kms" else arns[0], context)
    if passed := _PASSED_ROLES.get((name, operation)):
        key, to_service = passed
        if role := values.get(key) or values.get("JobUpdate", {}).get(key):
            arn = role if role.startswith("arn:") else role_arn(place, role)
            yield PermissionCheck("iam:PassRole", arn, {**context, "iam:PassedToService": to_service})


def _values(request: Any) -> Json:
    """Return the request's parameters from its JSON body or its form, with the tags as a list."""
    body = request.body
    if isinstance(body, dict):
        return body  # moto has parsed it already
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    if isinstance(text, str) and text.lstrip().startswith("{"):
        found: Json = json.loads(text)
        return found
    form = {key: value[0] if isinstance(value, list) else value for key, value in request.querystring.items()}
    tags = [key.removesuffix(".Key") for key in form if re.fullmatch(r"Tags\.member\.\d+\.Key", key)]
    return {**form, "Tags": [{"Key": form[f"{tag}.Key"], "Value": form.get(f"{tag}.Value")} for tag in tags]}
