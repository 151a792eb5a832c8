"""IAM resources."""

from __future__ import annotations

from typing import Any

from local.cloudformation.resources import (
    Context,
    Former,
    Json,
    changed,
    document,
    given,
    resource,
    tag_changes,
)
from local.cloudformation.template import Placed

_GONE = "NoSuchEntity"


def _update_role(context: Context, former: Former, properties: Json) -> Placed:
    name, before = former.name, former.properties

    def call(operation: str, **arguments: Any) -> None:
        context.call("iam", operation, RoleName=name, **arguments)

    def remove(operation: str, **arguments: Any) -> None:
        context.unless_gone(_GONE, "iam", operation, RoleName=name, **arguments)

    if changed(former, properties, "AssumeRolePolicyDocument"):
        call("update_assume_role_policy", PolicyDocument=document(properties["AssumeRolePolicyDocument"]))
    if changed(former, properties, "Description", "MaxSessionDuration"):
        call(
            "update_role",
            Description=properties.get("Description", ""),
            MaxSessionDuration=properties.get("MaxSessionDuration", 3600),
        )
    if changed(former, properties, "PermissionsBoundary"):
        if "PermissionsBoundary" in properties:
            call("put_role_permissions_boundary", **given(properties, "PermissionsBoundary"))
        else:
            call("delete_role_permissions_boundary")
    managed, was_managed = properties.get("ManagedPolicyArns", []), before.get("ManagedPolicyArns", [])
    for arn in managed:
        if arn not in was_managed:
            call("attach_role_policy", PolicyArn=arn)
    for arn in was_managed:
        if arn not in managed:
            remove("detach_role_policy", PolicyArn=arn)
    inline, was_inline = (
        {policy["PolicyName"]: policy["PolicyDocument"] for policy in of.get("Policies", [])}
        for of in (properties, before)
    )
    for policy, content in inline.items():
        if was_inline.get(policy) != content:
            call("put_role_policy", PolicyName=policy, PolicyDocument=document(content))
    for policy in was_inline.keys() - inline.keys():
        remove("delete_role_policy", PolicyName=policy)
    wanted, unwanted = tag_changes(context, former, properties)
    if wanted:
        call("tag_role", Tags=[{"Key": key, "Value": value} for key, value in wanted.items()])
    if unwanted:
        call("untag_role", TagKeys=unwanted)
    return former.placed


def _delete_role(context: Context, name: str, _: Json) -> None:
    for policy in context.call("iam", "list_attached_role_policies", RoleName=name)["AttachedPolicies"]:
        context.call("iam", "detach_role_policy", RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in context.call("iam", "list_role_policies", RoleName=name)["PolicyNames"]:
        context.call("iam", "delete_role_policy", RoleName=name, PolicyName=inline)
    context.call("iam", "delete_role", RoleName=name)


@resource(
    "AWS::IAM::Role",
    "RoleName AssumeRolePolicyDocument Description ManagedPolicyArns Policies PermissionsBoundary "
    "MaxSessionDuration Path Tags",
    missing=_GONE,
    update=_update_role,
    delete=_delete_role,
)
def _role(context: Context, properties: Json) -> Placed:
    name = context.name(properties.get("RoleName"))
    role = context.call(
        "iam",
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=document(properties["AssumeRolePolicyDocument"]),
        Tags=context.tag_list(properties.get("Tags")),
        **given(properties, "Description", "PermissionsBoundary", "MaxSessionDuration", "Path"),
    )["Role"]
    placed = Placed(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})
    context.made(placed)
    for arn in properties.get("ManagedPolicyArns", []):
        context.call("iam", "attach_role_policy", RoleName=name, PolicyArn=arn)
    for policy in properties.get("Policies", []):
        context.call(
            "iam",
            "put_role_policy",
            RoleName=name,
            PolicyName=policy["PolicyName"],
            PolicyDocument=document(policy["PolicyDocument"]),
        )
    return placed


def _delete_role_policy(context: Context, _: str, properties: Json) -> None:
    for role in _roles(properties):
        context.call("iam", "delete_role_policy", RoleName=role, PolicyName=properties["PolicyName"])


def _put_role_policy(context: Context, properties: Json) -> Placed:
    for role in _roles(properties):
        context.call(
            "iam",
            "put_role_policy",
            RoleName=role,
            PolicyName=properties["PolicyName"],
            PolicyDocument=document(properties["PolicyDocument"]),
        )
    return Placed(properties["PolicyName"], {})


def _update_role_policy(context: Context, former: Former, properties: Json) -> Placed:
    placed = _put_role_policy(context, properties)
    old, name = former.properties["PolicyName"], properties["PolicyName"]
    for role in _roles(former.properties):
        if old != name or role not in _roles(properties):
            context.unless_gone(_GONE, "iam", "delete_role_policy", RoleName=role, PolicyName=old)
    return placed


resource(
    "AWS::IAM::Policy",
    "PolicyName PolicyDocument Roles",
    missing=_GONE,
    update=_update_role_policy,
    delete=_delete_role_policy,
)(_put_role_policy)
resource(
    "AWS::IAM::RolePolicy",
    "PolicyName PolicyDocument RoleName",
    missing=_GONE,
    update=_update_role_policy,
    delete=_delete_role_policy,
)(_put_role_policy)


def _roles(properties: Json) -> list[str]:
    roles: list[str] = properties.get("Roles") or [properties["RoleName"]]
    return roles


def _update_managed_policy(context: Context, former: Former, properties: Json) -> Placed:
    arn = former.name
    if changed(former, properties, "PolicyDocument"):
        content = document(properties["PolicyDocument"])
        # A policy can have five versions. CloudFormation keeps only the default version.
        context.call("iam", "create_policy_version", PolicyArn=arn, PolicyDocument=content, SetAsDefault=True)
        for version in context.call("iam", "list_policy_versions", PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                context.call("iam", "delete_policy_version", PolicyArn=arn, VersionId=version["VersionId"])
    roles, were = properties.get("Roles", []), former.properties.get("Roles", [])
    for role in roles:
        if role not in were:
            context.call("iam", "attach_role_policy", RoleName=role, PolicyArn=arn)
    for role in were:
        if role not in roles:
            context.unless_gone(_GONE, "iam", "detach_role_policy", RoleName=role, PolicyArn=arn)
    return former.placed


def _delete_managed_policy(context: Context, arn: str, _: Json) -> None:
    for role in context.call("iam", "list_entities_for_policy", PolicyArn=arn)["PolicyRoles"]:
        context.call("iam", "detach_role_policy", RoleName=role["RoleName"], PolicyArn=arn)
    context.call("iam", "delete_policy", PolicyArn=arn)


@resource(
    "AWS::IAM::ManagedPolicy",
    "ManagedPolicyName PolicyDocument Roles Description Path",
    missing=_GONE,
    update=_update_managed_policy,
    delete=_delete_managed_policy,
)
def _managed_policy(context: Context, properties: Json) -> Placed:
    policy = context.call(
        "iam",
        "create_policy",
        PolicyName=context.name(properties.get("ManagedPolicyName")),
        PolicyDocument=document(properties["PolicyDocument"]),
        **given(properties, "Description", "Path"),
    )["Policy"]
    placed = Placed(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]})
    context.made(placed)
    for role in properties.get("Roles", []):
        context.call("iam", "attach_role_policy", RoleName=role, PolicyArn=policy["Arn"])
    return placed
