"""Condition keys of a request, by service."""

from __future__ import annotations

from collections.abc import Callable

from moto.glue.models import glue_backends

from local.iam.checks import Context, Json, Place
from local.iam.kms import find_key, tag_context
from local.iam.resources import find_role, glue_arns, kms_arns


def request_tags(values: Json) -> Context:
    """Return the condition keys for the tags that a request sets."""
    given = values.get("Tags") or values.get("tags") or values.get("TagsToAdd") or {}
    if isinstance(given, list):
        given = {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue")) for tag in given}
    if not given:
        return {}
    return {**{f"aws:RequestTag/{key}": value for key, value in given.items()}, "aws:TagKeys": [*given]}


def _cloudformation(place: Place, operation: str, values: Json) -> Context:
    keys = {"ChangeSetName": "ChangeSetName", "RoleARN": "RoleArn", "TemplateURL": "TemplateUrl"}
    return {f"cloudformation:{key}": values[name] for name, key in keys.items() if values.get(name)}


def _cloudwatch(place: Place, operation: str, values: Json) -> Context:
    return {"cloudwatch:namespace": values["Namespace"]} if "Namespace" in values else {}


def _glue(place: Place, operation: str, values: Json) -> Context:
    arns = glue_arns(place, operation, values)
    if len(arns) != 1 or operation.startswith("Create"):
        return {}
    tags = glue_backends[place.account][place.region].get_tags(arns[0])
    return _resource_tags([{"Key": key, "Value": value} for key, value in tags.items()])


def _iam(place: Place, operation: str, values: Json) -> Context:
    context: Context = {}
    role = find_role(place, values["RoleName"]) if "RoleName" in values else None
    if boundary := values.get("PermissionsBoundary") or getattr(role, "permissions_boundary_arn", None):
        context["iam:PermissionsBoundary"] = boundary
    if "PolicyArn" in values:
        context["iam:PolicyARN"] = values["PolicyArn"]
    return context | _resource_tags(getattr(role, "tags", None) or [])


def _kms(place: Place, operation: str, values: Json) -> Context:
    caller: Context = {"kms:CallerAccount": place.account}
    keys = filter(None, map(find_key, kms_arns(place, operation, values)))
    return next((caller | tag_context(key) for key in keys), caller)


def _resource_tags(tags: list[dict[str, str]]) -> Context:
    return {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in tags}


CONTEXTS: dict[str, Callable[[Place, str, Json], Context]] = {
    "cloudformation": _cloudformation,
    "cloudwatch": _cloudwatch,
    "glue": _glue,
    "iam": _iam,
    "kms": _kms,
}
"""Functions that return the condition keys of an operation and its parameters, by service."""
