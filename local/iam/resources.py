"""Resources of a request: the ARNs that its caller must be allowed to use, by service.

Source: the Service Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

from moto.athena.models import athena_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends

from local.iam.checks import Json, Place

CHANGE_SET_STACKS: dict[str, str] = {}
"""The stack ARN of each change set ARN. Permissions for a change set are granted on its stack."""

_PRIMARY = "primary"


def _athena(place: Place, operation: str, values: Json) -> list[str]:
    """Return the ARNs that an Athena operation uses: workgroups, or the data catalog."""
    if arn := values.get("ResourceARN"):
        return [arn]
    if operation in ("ListDataCatalogs", "ListEngineVersions", "ListWorkGroups"):
        return ["*"]
    if catalog := values.get("CatalogName") or (operation == "GetDataCatalog" and values.get("Name")):
        # Athena finds its own catalog in every spelling; PyAthena sends it in lower case.
        name = "AwsDataCatalog" if catalog.lower() == "awsdatacatalog" else catalog
        return [place.arn("athena", f"datacatalog/{name}")]
    backend = athena_backends[place.account][place.region]
    queries = [*filter(None, [values.get("QueryExecutionId")]), *values.get("QueryExecutionIds", [])]
    named = [*filter(None, [values.get("NamedQueryId")]), *values.get("NamedQueryIds", [])]
    found: list[Any] = [backend.executions.get(each) for each in queries]
    found += [backend.named_queries.get(each) for each in named]
    if found:
        names = {each.workgroup.name if each and each.workgroup else _PRIMARY for each in found}
    elif name := values.get("WorkGroup") or ("WorkGroup" in operation and values.get("Name")):
        names = {name}
    else:
        names = {_PRIMARY}
    return [place.arn("athena", f"workgroup/{name}") for name in sorted(names)]


def _cloudformation(place: Place, operation: str, values: Json) -> list[str]:
    name = values.get("StackName")
    if not name:  # the call may identify a change set by ARN alone
        name = CHANGE_SET_STACKS.get(values.get("ChangeSetName", ""))
    if not name:
        return ["*"]
    return [name if name.startswith("arn:") else place.arn("cloudformation", f"stack/{name}/*")]


def glue_arns(place: Place, operation: str, values: Json) -> list[str]:
    """Return the ARNs that a Glue operation uses."""

    def arn(resource: str) -> str:
        # The Data Catalog stores names in lower case, so every spelling has the same ARN.
        is_name = resource.startswith(("database/", "table/"))
        return place.arn("glue", resource.lower() if is_name else resource)

    if operation in ("TagResource", "UntagResource", "GetTags"):
        return [values["ResourceArn"]]
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html
    if "SecurityConfiguration" in operation or "Bookmark" in operation:
        return ["*"]
    if "Job" in operation:
        name = values.get("JobName") or values.get("Name")
        return [arn(f"job/{name}")] if name else ["*"]
    database = values.get("DatabaseName") or values.get("DatabaseInput", {}).get("Name")
    if operation.endswith("Database"):
        name = values.get("Name") or database
        # Deleting a database requires permission for its tables, too.
        # https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
        inside = [arn(f"table/{name}/*")] if operation == "DeleteDatabase" else []
        return [arn("catalog"), arn(f"database/{name}"), *inside]
    if operation == "GetDatabases":
        return [arn("catalog")]  # the databases without permission are not listed (access.py)
    if database is None:
        return ["*"]
    parents = [arn("catalog"), arn(f"database/{database}")]
    if "TablesToDelete" in values:
        return [*parents, *(arn(f"table/{database}/{table}") for table in values["TablesToDelete"])]
    if operation.endswith(("Table", "TableVersion", "TableVersions")):
        table = values.get("TableInput", {}).get("Name") or values.get("Name") or values.get("TableName")
    else:
        table = values.get("TableName", "*")  # GetTables requires permission for every table of the database
    return [*parents, arn(f"table/{database}/{table}")]


def _iam(place: Place, operation: str, values: Json) -> list[str]:
    path = (values.get("Path") or "/") if operation.startswith("Create") else "/"
    if name := values.get("RoleName"):
        return [place.arn("iam", f"role{path}{name}") if path != "/" else role_arn(place, name)]
    if name := values.get("UserName"):
        return [place.arn("iam", f"user{path}{name}")]
    if name := values.get("PolicyName"):
        return [place.arn("iam", f"policy{path}{name}")]
    return [values["PolicyArn"]] if "PolicyArn" in values else ["*"]


def role_arn(place: Place, name: str) -> str:
    """Return the ARN of a role by its name. The name does not include the role's path."""
    role = find_role(place, name)
    return str(role.arn) if role else place.arn("iam", f"role/{name}")


def find_role(place: Place, name: str) -> Any:
    """Return moto's role of this name, or None if it does not exist."""
    roles = list(iam_backends[place.account]["aws"].roles.values())
    return next((role for role in roles if role.name == name), None)


def kms_arns(place: Place, operation: str, values: Json) -> list[str]:
    """Return the ARNs that a KMS operation uses."""
    if operation in ("CreateKey", "ListAliases", "ListKeys"):
        return ["*"]
    found = []
    if alias := values.get("AliasName"):
        found.append(place.arn("kms", alias))
    key = values.get("KeyId") or values.get("TargetKeyId")
    if key is None and alias:
        key = kms_backends[place.account][place.region].get_key_id_from_alias(alias)
    if key is None and (blob := values.get("CiphertextBlob")):
        key = b64decode(blob)[:36].decode(errors="replace")  # moto writes the key ID first
    if key and "alias/" in key and not _is_known(place, key):
        # AWS does not document whether it checks the existence or the permission first. Assume the latter.
        return [key if key.startswith("arn:") else place.arn("kms", key)]
    if key:
        found.append(_key_arn(place, key))
    if operation == "UpdateAlias":  # requires permission for the alias's current key, too
        left = kms_backends[place.account][place.region].get_key_id_from_alias(alias or "")
        found += [_key_arn(place, left)] if left else []
    return found or ["*"]


def _is_known(place: Place, alias: str) -> bool:
    return bool(kms_backends[place.account][place.region].get_key_id_from_alias(alias))


def _key_arn(place: Place, key: str) -> str:
    if key.startswith("arn:") and ":key/" in key:
        return key
    return place.arn("kms", f"key/{kms_backends[place.account][place.region].any_id_to_key_id(key)}")


def _logs(place: Place, operation: str, values: Json) -> list[str]:
    """Return the ARNs that a CloudWatch Logs operation uses.

    An operation on a log group is checked on a log stream of the group with an empty name, so a policy that
    names a group needs `:*` at the end. Only operations on tags are checked on the group's own ARN.
    """
    if arn := values.get("resourceArn"):
        return [arn]
    group, stream = values.get("logGroupName", ""), ""
    if operation in ("CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents"):
        stream = values["logStreamName"]
    if not group and (identifier := values.get("logGroupIdentifier")):
        group = identifier.rpartition("log-group:")[2].removesuffix(":*")
    return [place.arn("logs", f"log-group:{group}:log-stream:{stream}")]


def _sns(place: Place, operation: str, values: Json) -> list[str]:
    return [values["TopicArn"]] if "TopicArn" in values else ["*"]


def _sts(place: Place, operation: str, values: Json) -> list[str]:
    return [values["RoleArn"]] if "RoleArn" in values else ["*"]


RESOURCES: dict[str, Callable[[Place, str, Json], list[str]]] = {
    "athena": _athena,
    "cloudformation": _cloudformation,
    "glue": glue_arns,
    "iam": _iam,
    "kms": kms_arns,
    "logs": _logs,
    "sns": _sns,
    "sts": _sts,
}
"""Functions that return the ARNs of an operation and its parameters, by service."""
