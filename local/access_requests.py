"""What a request asks for, in the words of IAM: actions, the ARNs they are about, and condition keys.

The Service Authorization Reference, https://docs.aws.amazon.com/service-authorization/latest/reference/, for
the services of a sandbox. A call that it gives no resource asks for "*".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends

Json = dict[str, Any]

_IAM_SERVICES = {"monitoring": "cloudwatch"}
# moto's names of S3 actions are mostly IAM's.
_S3_ACTIONS = {
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
S3_ACTIONS_UNKNOWN_TO_MOTO = {
    "GET": {
        "encryption": "GetEncryptionConfiguration",
        "ownershipControls": "GetBucketOwnershipControls",
        "publicAccessBlock": "GetBucketPublicAccessBlock",
    },
    "PUT": {
        "encryption": "PutEncryptionConfiguration",
        "ownershipControls": "PutBucketOwnershipControls",
        "publicAccessBlock": "PutBucketPublicAccessBlock",
    },
    "DELETE": {
        "encryption": "PutEncryptionConfiguration",
        "ownershipControls": "PutBucketOwnershipControls",
        "publicAccessBlock": "PutBucketPublicAccessBlock",
    },
}
"""By method and query, for moto's own table of them."""


@dataclass(frozen=True)
class Asked:
    """One thing that must be allowed: an action on a resource, with the condition keys that are known."""

    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Place:
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        region = "" if service == "iam" else self.region
        return f"arn:aws:{service}:{region}:{self.account}:{resource}"


def asked(request: Any, service: str, region: str, account: str, resource: str) -> Iterator[Asked]:
    """All that must be allowed for a request, one of moto's response objects."""
    place = _Place(region, account)
    context = {"aws:SecureTransport": "true"}  # what goes over the loopback counts as TLS
    if service == "s3":
        yield from _s3(request, resource, context)
        return
    operation = request._get_action()
    values = _values(request)
    name = _IAM_SERVICES.get(service, service)
    if name in _CONTEXTS:
        context |= _CONTEXTS[name](place, operation, values)
    for arn in _RESOURCES[name](place, operation, values) if name in _RESOURCES else ["*"]:
        yield Asked(f"{name}:{operation}", arn, context)
    if passed := _PASSED.get((name, operation)):
        key, to_service = passed
        if role := values.get(key):
            arn = role if role.startswith("arn:") else place.arn("iam", f"role/{role}")
            yield Asked("iam:PassRole", arn, {"iam:PassedToService": to_service})


def _s3(request: Any, resource: str, context: dict[str, str]) -> Iterator[Asked]:
    operation = request.data["Action"]
    is_bulk = operation == "DeleteObject" and "/" not in resource  # DeleteObjects names its keys inside
    yield Asked(
        f"s3:{_S3_ACTIONS.get(operation, operation)}", f"{resource}/*" if is_bulk else resource, context
    )
    if source := request.headers.get("X-Amz-Copy-Source"):
        place = unquote(source).lstrip("/").partition("?")[0]
        yield Asked("s3:GetObject", f"arn:aws:s3:::{place}", context)


# The calls that hand a role to a service: where they name it, and which service.
_PASSED = {
    ("glue", "CreateJob"): ("Role", "glue.amazonaws.com"),
    ("glue", "UpdateJob"): ("Role", "glue.amazonaws.com"),
    ("cloudformation", "CreateStack"): ("RoleARN", "cloudformation.amazonaws.com"),
}


def _values(request: Any) -> Json:
    """The request's own fields: of its JSON body, or of its form."""
    body = request.body
    text = body.decode() if isinstance(body, bytes) else body
    if isinstance(text, str) and text.lstrip().startswith("{"):
        found: Json = json.loads(text)
        return found
    return {key: value[0] if isinstance(value, list) else value for key, value in request.querystring.items()}


def _glue(place: _Place, operation: str, values: Json) -> list[str]:
    def arn(resource: str) -> str:
        return place.arn("glue", resource)

    if operation in ("TagResource", "UntagResource", "GetTags"):
        return [values["ResourceArn"]]
    if "SecurityConfiguration" in operation:
        return ["*"]
    if "Job" in operation:
        name = values.get("JobName") or values.get("Name")
        return [arn(f"job/{name}")] if name else ["*"]
    if "Trigger" in operation:
        return [arn(f"trigger/{values['Name']}")] if values.get("Name") else ["*"]
    database = values.get("DatabaseName") or values.get("DatabaseInput", {}).get("Name")
    if operation.endswith("Database"):
        return [arn("catalog"), arn(f"database/{values.get('Name') or database}")]
    if operation == "GetDatabases":
        return [arn("catalog"), arn("database/*")]
    if database is None:
        return ["*"]
    if operation.endswith(("Table", "TableVersion", "TableVersions")):
        table = values.get("TableInput", {}).get("Name") or values.get("Name") or values.get("TableName")
    else:
        table = values.get("TableName", "*")  # GetTables asks for every table of the database
    return [arn("catalog"), arn(f"database/{database}"), arn(f"table/{database}/{table}")]


def _logs(place: _Place, operation: str, values: Json) -> list[str]:
    group = values.get("logGroupName")
    if operation.startswith("DescribeLogGroups") or group is None:
        return [values.get("resourceArn") or place.arn("logs", "log-group:*")]
    if operation in ("PutLogEvents", "GetLogEvents", "DeleteLogStream"):
        return [place.arn("logs", f"log-group:{group}:log-stream:{values['logStreamName']}")]
    return [place.arn("logs", f"log-group:{group}")]


def _kms(place: _Place, operation: str, values: Json) -> list[str]:
    if operation in ("CreateKey", "ListAliases", "ListKeys"):
        return ["*"]
    found = []
    if alias := values.get("AliasName"):
        found.append(place.arn("kms", alias))
    key = values.get("KeyId") or values.get("TargetKeyId")
    if key is None and alias:
        key = kms_backends[place.account][place.region].get_key_id_from_alias(alias)
    if key:
        found.append(_key_arn(place, key))
    return found or ["*"]


def _key_arn(place: _Place, key: str) -> str:
    if key.startswith("arn:") and ":key/" in key:
        return key
    return place.arn("kms", f"key/{kms_backends[place.account][place.region].any_id_to_key_id(key)}")


def _athena(place: _Place, operation: str, values: Json) -> list[str]:
    if arn := values.get("ResourceARN"):
        return [arn]
    name = values.get("WorkGroup") or (values.get("Name") if "WorkGroup" in operation else None)
    return [place.arn("athena", f"workgroup/{name}")] if name else ["*"]


def _iam(place: _Place, operation: str, values: Json) -> list[str]:
    if name := values.get("RoleName"):
        return [place.arn("iam", f"role/{name}")]
    return [values["PolicyArn"]] if "PolicyArn" in values else ["*"]


def _cloudformation(place: _Place, operation: str, values: Json) -> list[str]:
    name = values.get("StackName")
    if not name:
        return ["*"]
    return [name if name.startswith("arn:") else place.arn("cloudformation", f"stack/{name}/*")]


def _iam_context(place: _Place, operation: str, values: Json) -> dict[str, str]:
    boundary = values.get("PermissionsBoundary")
    if boundary is None and (name := values.get("RoleName")):
        roles = iam_backends[place.account]["aws"].roles.values()
        boundary = next((role.permissions_boundary_arn for role in roles if role.name == name), None)
    return {"iam:PermissionsBoundary": boundary} if boundary else {}


def _kms_context(place: _Place, operation: str, values: Json) -> dict[str, str]:
    context = {f"aws:RequestTag/{tag['TagKey']}": tag["TagValue"] for tag in values.get("Tags", [])}
    key = values.get("KeyId") or values.get("TargetKeyId")
    backend = kms_backends[place.account][place.region]
    if key is None and (alias := values.get("AliasName")):
        key = backend.get_key_id_from_alias(alias)
    found = backend.keys.get(_key_arn(place, key).rpartition("/")[2]) if key else None
    if found is not None:
        tags = backend.list_resource_tags(found.id)["Tags"]
        context |= {f"aws:ResourceTag/{tag['TagKey']}": tag["TagValue"] for tag in tags}
    return context


def _cloudwatch_context(place: _Place, operation: str, values: Json) -> dict[str, str]:
    return {"cloudwatch:namespace": values["Namespace"]} if "Namespace" in values else {}


_RESOURCES: dict[str, Callable[[_Place, str, Json], list[str]]] = {
    "athena": _athena,
    "cloudformation": _cloudformation,
    "glue": _glue,
    "iam": _iam,
    "kms": _kms,
    "logs": _logs,
}
_CONTEXTS: dict[str, Callable[[_Place, str, Json], dict[str, str]]] = {
    "cloudwatch": _cloudwatch_context,
    "iam": _iam_context,
    "kms": _kms_context,
}
