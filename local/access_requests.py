"""What a request asks for, in the words of IAM: actions, the ARNs they are about, and condition keys.

The Service Authorization Reference, https://docs.aws.amazon.com/service-authorization/latest/reference/, for
the services of a sandbox. A call that it gives no resource asks for "*".
"""

from __future__ import annotations

import functools
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from moto.athena.models import athena_backends
from moto.glue.models import glue_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

from local import access_dynamodb

Json = dict[str, Any]
Context = dict[str, "str | list[str]"]

CHANGE_SET_STACKS: dict[str, str] = {}
"""The stack of each change set, by ARN: what may be done with a change set is said of its stack."""

_PRIMARY = "primary"
_IAM_SERVICES = {"monitoring": "cloudwatch"}
# moto's names of S3 actions are mostly IAM's.
_S3_ACTIONS = {
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_PUT_BUCKET = {
    "encryption": "PutEncryptionConfiguration",
    "ownershipControls": "PutBucketOwnershipControls",
    "publicAccessBlock": "PutBucketPublicAccessBlock",
    "replication": "PutReplicationConfiguration",
}
S3_ACTIONS_UNKNOWN_TO_MOTO = {
    "BUCKET": {
        "GET": {
            "encryption": "GetEncryptionConfiguration",
            "object-lock": "GetBucketObjectLockConfiguration",
            "ownershipControls": "GetBucketOwnershipControls",
            "publicAccessBlock": "GetBucketPublicAccessBlock",
            "replication": "GetReplicationConfiguration",
        },
        "PUT": {**_PUT_BUCKET, "object-lock": "PutBucketObjectLockConfiguration"},
        "DELETE": _PUT_BUCKET,
    },
    "KEY": {"DELETE": {"tagging": "DeleteObjectTagging"}},
}
"""By kind, method and query, for moto's own table of them."""


@dataclass(frozen=True)
class Asked:
    """One thing that must be allowed: an action on a resource, with the condition keys that are known."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


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
    context: Context = {
        "aws:SecureTransport": "true",  # what goes over the loopback counts as TLS
        "aws:RequestedRegion": region,
        "aws:ResourceAccount": account,
        "aws:PrincipalAccount": account,
    }
    if service == "s3":
        yield from _s3(request, resource, context)
        return
    operation = request._get_action()
    if operation == "GetCallerIdentity":
        return  # nobody needs a permission to know who they are
    values = _values(request)
    name = _IAM_SERVICES.get(service, service)
    context |= _request_tags(values)
    if name in _CONTEXTS:
        context |= _CONTEXTS[name](place, operation, values)
    if name == "dynamodb":
        for action, arn in access_dynamodb.actions(operation, values, functools.partial(place.arn, name)):
            yield Asked(f"{name}:{action}", arn, context)
        return
    for arn in _RESOURCES[name](place, operation, values) if name in _RESOURCES else ["*"]:
        yield Asked(f"{name}:{operation}", arn, context)
    if (name, operation) == ("kms", "CreateKey") and values.get("Tags"):
        # Of a key that is not yet there: https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html
        yield Asked("kms:TagResource", "*", context)
    if passed := _PASSED.get((name, operation)):
        key, to_service = passed
        if role := values.get(key) or values.get("JobUpdate", {}).get(key):
            arn = role if role.startswith("arn:") else _role_arn(place, role)
            yield Asked("iam:PassRole", arn, {**context, "iam:PassedToService": to_service})


def _s3(request: Any, resource: str, context: Context) -> Iterator[Asked]:
    operation = request.data["Action"]
    action = f"s3:{_S3_ACTIONS.get(operation, operation)}"
    context = _of_owner(context, resource)
    for parameter in ("prefix", "delimiter"):
        if operation in ("ListBucket", "ListBucketVersions") and parameter in request.querystring:
            context = {**context, f"s3:{parameter}": request.querystring[parameter][0]}
    if operation == "DeleteObject" and "/" not in resource:  # DeleteObjects names its keys inside
        for item in ElementTree.fromstring(request.body).iter():  # noqa: S314 - of a client on this machine
            if item.tag.rpartition("}")[2] == "Object":
                found = {part.tag.rpartition("}")[2]: part.text or "" for part in item}
                name = "s3:DeleteObjectVersion" if found.get("VersionId") else action
                yield Asked(name, f"{resource}/{found['Key']}", context)
    else:
        yield Asked(action, resource, context)
    if source := request.headers.get("X-Amz-Copy-Source"):
        place = unquote(source).lstrip("/").partition("?")[0]
        yield Asked("s3:GetObject", f"arn:aws:s3:::{place}", _of_owner(context, f"arn:aws:s3:::{place}"))


def _of_owner(context: Context, resource: str) -> Context:
    """The same context, with the account that a bucket is in; the names of buckets are every account's."""
    bucket = resource.rpartition(":")[2].partition("/")[0]
    _, account = s3_backends.bucket_accounts.get(bucket, ("", context["aws:ResourceAccount"]))
    return {**context, "aws:ResourceAccount": account}


def _request_tags(values: Json) -> Context:
    given = values.get("Tags") or values.get("tags") or values.get("TagsToAdd") or {}
    if isinstance(given, list):
        given = {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in given}
    if not given:
        return {}
    return {**{f"aws:RequestTag/{key}": value for key, value in given.items()}, "aws:TagKeys": [*given]}


# The calls that hand a role to a service: where they name it, and which service.
_OF_STACKS = ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ContinueUpdateRollback")
_PASSED = {
    ("glue", "CreateJob"): ("Role", "glue.amazonaws.com"),
    ("glue", "UpdateJob"): ("Role", "glue.amazonaws.com"),
    **{("cloudformation", name): ("RoleARN", "cloudformation.amazonaws.com") for name in _OF_STACKS},
}


def _values(request: Any) -> Json:
    """The request's own fields: of its JSON body, or of its form, with the tags as a list."""
    body = request.body
    if isinstance(body, dict):
        return body  # moto has read it already
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    if isinstance(text, str) and text.lstrip().startswith("{"):
        found: Json = json.loads(text)
        return found
    form = {key: value[0] if isinstance(value, list) else value for key, value in request.querystring.items()}
    tags = [key.removesuffix(".Key") for key in form if re.fullmatch(r"Tags\.member\.\d+\.Key", key)]
    return {**form, "Tags": [{"Key": form[f"{tag}.Key"], "Value": form.get(f"{tag}.Value")} for tag in tags]}


def _glue(place: _Place, operation: str, values: Json) -> list[str]:
    def arn(resource: str) -> str:
        # The catalog's names are kept in small letters, so what is said of one is said of all its spellings.
        is_name = resource.startswith(("database/", "table/"))
        return place.arn("glue", resource.lower() if is_name else resource)

    if operation in ("TagResource", "UntagResource", "GetTags"):
        return [values["ResourceArn"]]
    if "SecurityConfiguration" in operation:
        return ["*"]
    if "Job" in operation:
        name = values.get("JobName") or values.get("Name")
        return [arn(f"job/{name}")] if name else ["*"]
    database = values.get("DatabaseName") or values.get("DatabaseInput", {}).get("Name")
    if operation.endswith("Database"):
        name = values.get("Name") or database
        # Who deletes must be allowed to delete what is in it, too.
        # https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
        inside = [arn(f"table/{name}/*")] if operation == "DeleteDatabase" else []
        return [arn("catalog"), arn(f"database/{name}"), *inside]
    if operation == "GetDatabases":
        return [arn("catalog"), arn("database/*")]
    if database is None:
        return ["*"]
    parents = [arn("catalog"), arn(f"database/{database}")]
    if "TablesToDelete" in values:
        return [*parents, *(arn(f"table/{database}/{table}") for table in values["TablesToDelete"])]
    if operation.endswith(("Table", "TableVersion", "TableVersions")):
        table = values.get("TableInput", {}).get("Name") or values.get("Name") or values.get("TableName")
    else:
        table = values.get("TableName", "*")  # GetTables asks for every table of the database
    return [*parents, arn(f"table/{database}/{table}")]


def _logs(place: _Place, operation: str, values: Json) -> list[str]:
    """Where the log group itself is meant, the service still asks for a stream of it, without a name.

    So a policy that names a group needs `:*` at the end; only tags are asked for without.
    """
    if arn := values.get("resourceArn"):
        return [arn]
    group, stream = values.get("logGroupName", ""), ""
    if operation in ("CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents"):
        stream = values["logStreamName"]
    if not group and (identifier := values.get("logGroupIdentifier")):
        group = identifier.rpartition("log-group:")[2].removesuffix(":*")
    return [place.arn("logs", f"log-group:{group}:log-stream:{stream}")]


def _kms(place: _Place, operation: str, values: Json) -> list[str]:
    if operation in ("CreateKey", "ListAliases", "ListKeys"):
        return ["*"]
    found = []
    if alias := values.get("AliasName"):
        found.append(place.arn("kms", alias))
    key = values.get("KeyId") or values.get("TargetKeyId")
    if key is None and alias:
        key = kms_backends[place.account][place.region].get_key_id_from_alias(alias)
    if key is None and (blob := values.get("CiphertextBlob")):
        key = b64decode(blob)[:36].decode(errors="replace")  # moto writes the key's id first
    if key and "alias/" in key and not _is_known(place, key):
        return []  # KMS says that there is none before it asks whether one may
    if key:
        found.append(_key_arn(place, key))
    if operation == "UpdateAlias":  # the key that the alias leaves must be allowed, too
        left = kms_backends[place.account][place.region].get_key_id_from_alias(alias or "")
        found += [_key_arn(place, left)] if left else []
    return found or ["*"]


def _is_known(place: _Place, alias: str) -> bool:
    return bool(kms_backends[place.account][place.region].get_key_id_from_alias(alias))


def _key_arn(place: _Place, key: str) -> str:
    if key.startswith("arn:") and ":key/" in key:
        return key
    return place.arn("kms", f"key/{kms_backends[place.account][place.region].any_id_to_key_id(key)}")


def _athena(place: _Place, operation: str, values: Json) -> list[str]:
    if arn := values.get("ResourceARN"):
        return [arn]
    name = values.get("WorkGroup") or (values.get("Name") if "WorkGroup" in operation else None)
    if query := values.get("QueryExecutionId"):
        execution = athena_backends[place.account][place.region].executions.get(query)
        name = execution.workgroup.name if execution and execution.workgroup else _PRIMARY
    if name is None and operation == "StartQueryExecution":
        name = _PRIMARY
    return [place.arn("athena", f"workgroup/{name}")] if name else ["*"]


def _iam(place: _Place, operation: str, values: Json) -> list[str]:
    path = (values.get("Path") or "/") if operation.startswith("Create") else "/"
    if name := values.get("RoleName"):
        return [place.arn("iam", f"role{path}{name}") if path != "/" else _role_arn(place, name)]
    if name := values.get("UserName"):
        return [place.arn("iam", f"user{path}{name}")]
    if name := values.get("PolicyName"):
        return [place.arn("iam", f"policy{path}{name}")]
    return [values["PolicyArn"]] if "PolicyArn" in values else ["*"]


def _role_arn(place: _Place, name: str) -> str:
    """The ARN of a role by its name, which does not tell its path."""
    role = _role(place, name)
    return str(role.arn) if role else place.arn("iam", f"role/{name}")


def _role(place: _Place, name: str) -> Any:
    roles = list(iam_backends[place.account]["aws"].roles.values())
    return next((role for role in roles if role.name == name), None)


def _sts(place: _Place, operation: str, values: Json) -> list[str]:
    return [values["RoleArn"]] if "RoleArn" in values else ["*"]


def _cloudformation(place: _Place, operation: str, values: Json) -> list[str]:
    name = values.get("StackName")
    if not name:  # a change set that is named by its ARN is one of its stack's
        name = CHANGE_SET_STACKS.get(values.get("ChangeSetName", ""))
    if not name:
        return ["*"]
    return [name if name.startswith("arn:") else place.arn("cloudformation", f"stack/{name}/*")]


def _cloudformation_context(place: _Place, operation: str, values: Json) -> Context:
    keys = {"ChangeSetName": "ChangeSetName", "RoleARN": "RoleArn", "TemplateURL": "TemplateUrl"}
    return {f"cloudformation:{key}": values[name] for name, key in keys.items() if values.get(name)}


def _iam_context(place: _Place, operation: str, values: Json) -> Context:
    context: Context = {}
    role = _role(place, values["RoleName"]) if "RoleName" in values else None
    if boundary := values.get("PermissionsBoundary") or getattr(role, "permissions_boundary_arn", None):
        context["iam:PermissionsBoundary"] = boundary
    if "PolicyArn" in values:
        context["iam:PolicyARN"] = values["PolicyArn"]
    return context | _resource_tags(getattr(role, "tags", None) or [])


def _kms_context(place: _Place, operation: str, values: Json) -> Context:
    backend = kms_backends[place.account][place.region]
    arns = [arn for arn in _kms(place, operation, values) if ":key/" in arn]
    found = backend.keys.get(arns[0].rpartition("/")[2]) if arns else None
    if found is None:
        return {}
    tags = backend.list_resource_tags(found.id)["Tags"]
    return _resource_tags([{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in tags])


def _glue_context(place: _Place, operation: str, values: Json) -> Context:
    arns = _glue(place, operation, values)
    if len(arns) != 1 or operation.startswith("Create"):
        return {}
    tags = glue_backends[place.account][place.region].get_tags(arns[0])
    return _resource_tags([{"Key": key, "Value": value} for key, value in tags.items()])


def _resource_tags(tags: list[dict[str, str]]) -> Context:
    return {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in tags}


def _cloudwatch_context(place: _Place, operation: str, values: Json) -> Context:
    return {"cloudwatch:namespace": values["Namespace"]} if "Namespace" in values else {}


_RESOURCES: dict[str, Callable[[_Place, str, Json], list[str]]] = {
    "athena": _athena,
    "cloudformation": _cloudformation,
    "glue": _glue,
    "iam": _iam,
    "kms": _kms,
    "logs": _logs,
    "sts": _sts,
}
_CONTEXTS: dict[str, Callable[[_Place, str, Json], Context]] = {
    "cloudformation": _cloudformation_context,
    "cloudwatch": _cloudwatch_context,
    "glue": _glue_context,
    "iam": _iam_context,
    "kms": _kms_context,
}
