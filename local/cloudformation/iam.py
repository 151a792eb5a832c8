"""IAM resources."""

from __future__ import annotations

from local.cloudformation.resources import Context, Json, document, given, resource
from local.cloudformation.template import Placed


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
    missing="NoSuchEntity",
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


resource(
    "AWS::IAM::Policy",
    "PolicyName PolicyDocument Roles",
    missing="NoSuchEntity",
    delete=_delete_role_policy,
)(_put_role_policy)
resource(
    "AWS::IAM::RolePolicy",
    "PolicyName PolicyDocument RoleName",
    missing="NoSuchEntity",
    delete=_delete_role_policy,
)(_put_role_policy)


def _roles(properties: Json) -> list[str]:
    roles: list[str] = properties.get("Roles") or [properties["RoleName"]]
    return roles


def _delete_managed_policy(context: Context, arn: str, _: Json) -> None:
    for role in context.call("iam", "list_entities_for_policy", PolicyArn=arn)["PolicyRoles"]:
        context.call("iam", "detach_role_policy", RoleName=role["RoleName"], PolicyArn=arn)
    context.call("iam", "delete_policy", PolicyArn=arn)


@resource(
    "AWS::IAM::ManagedPolicy",
    "ManagedPolicyName PolicyDocument Roles Description Path",
    missing="NoSuchEntity",
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
