"""IAM roles of the service's functions, with the policies that they have in the cloud."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.clients import ACCOUNT, REGION, Credentials
from local.runtime.paths import ROOT

Json = dict[str, Any]

SERVICE = "terraglue-service"
"""Role of the local API process, which all functions share."""

STAGE = "local"
"""Value of the template's parameter `Stage`."""

DEPLOYMENT = f"self-service-terraglue-{STAGE}-deployment"
"""Role with which CloudFormation creates sandboxes."""

INSPECTOR = f"self-service-terraglue-{STAGE}-sandbox-inspector"
"""Role that reads the settings of sandboxes' resources."""

READER = f"self-service-terraglue-{STAGE}-sandbox-reader"
"""Role that reads sandboxes for their owners."""

USER = f"self-service-terraglue-{STAGE}-sandbox-user"
"""Role that works in sandboxes for their owners."""

RECONCILERS = {
    "ApiHandlerRole": "api_handler",
    "JobChangedRole": "job_changed",
    "StackChangedRole": "stack_changed",
    "TickRole": "tick",
}
"""The functions whose roles may assume roles for sandboxes, by the role's logical ID in the package."""

_CHALICE = ROOT / "chalice_app" / ".chalice"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def functions() -> dict[str, Json]:
    """Return the policy documents of the functions in the packaged stage, by function name."""
    config = json.loads((_CHALICE / "config.json").read_text(encoding="utf-8"))
    chosen = config["stages"]["prod"]["lambda_functions"]
    return {
        name: json.loads((_CHALICE / function["iam_policy_file"]).read_text(encoding="utf-8"))
        for name, function in chosen.items()
    }


def account_values(region: str = REGION) -> dict[str, str]:
    """Return the local values of pseudo parameters and of `Stage`."""
    return {
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::AccountId": ACCOUNT,
        "AWS::URLSuffix": "amazonaws.com",
        "Stage": STAGE,
    }


def arns(table: str, bucket: str, deployment_role_arn: str, region: str = REGION) -> dict[str, str]:
    """Return the local values of the references in the policies."""
    logs = re.findall(r'"(\w+Logs)", "Arn"', "".join(json.dumps(policy) for policy in functions().values()))
    return {
        **account_values(region),
        "Table.Arn": f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{table}",
        "AssetsBucket.Arn": f"arn:aws:s3:::{bucket}",
        "DeploymentRole.Arn": deployment_role_arn,
        "FailedEvents.Arn": f"arn:aws:sqs:{region}:{ACCOUNT}:terraglue-failed-events",
        **{f"{name}.Arn": f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}:*" for name in logs},
    }


def ensure(
    clients: Callable[[str], Any], name: str, policies: Iterable[Json], known: Mapping[str, str]
) -> str:
    """Create a role for Lambda with the statements of all policies. Return its ARN."""
    statements: list[Json] = []
    for policy in policies:
        statements += [statement for statement in policy["Statement"] if statement not in statements]
    unique = [{key: value for key, value in statement.items() if key != "Sid"} for statement in statements]
    document = resolved({"Version": "2012-10-17", "Statement": unique}, known)
    iam = clients("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
    iam.put_role_policy(RoleName=name, PolicyName="calls", PolicyDocument=json.dumps(document))
    arn: str = iam.get_role(RoleName=name)["Role"]["Arn"]
    return arn


@dataclass(frozen=True)
class ServiceRoles:
    """ARNs of the service's roles and of the permissions boundary of sandboxes, and credentials."""

    deployment: str
    boundary: str
    service: str
    inspector: str
    reader: str
    user: str
    credentials: Credentials


def ensure_all(clients: Callable[[str], Any], table: str, bucket: str, region: str = REGION) -> ServiceRoles:
    """Create the service's roles with their packaged policies. One role has those of all functions."""
    known = arns(table, bucket, f"arn:aws:iam::{ACCOUNT}:role/{DEPLOYMENT}", region)
    deployment, boundary = ensure_deployment(clients, known)
    service = ensure(clients, SERVICE, functions().values(), known)
    inspector, reader, user = ensure_sandbox_roles(clients, known, lambda _: service)
    credentials = session(clients, service)
    return ServiceRoles(deployment, boundary, service, inspector, reader, user, credentials)


def ensure_deployment(clients: Callable[[str], Any], known: Mapping[str, str]) -> tuple[str, str]:
    """Create CloudFormation's role for sandboxes and their permissions boundary. Return both ARNs.

    Without CloudFormation, because a stack takes simulated time.
    """
    resources = json.loads((ROOT / "chalice_app" / "resources.json").read_text(encoding="utf-8"))["Resources"]
    iam = clients("iam")
    limits = resolved(resources["SandboxBoundary"]["Properties"], known)
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/{limits['ManagedPolicyName']}"
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_policy(
            PolicyName=limits["ManagedPolicyName"], PolicyDocument=json.dumps(limits["PolicyDocument"])
        )
    role = resolved(resources["DeploymentRole"]["Properties"], {**known, "SandboxBoundary": boundary})
    return _create(clients, role), boundary


def ensure_sandbox_roles(
    clients: Callable[[str], Any], known: Mapping[str, str], role_of: Callable[[str], str]
) -> tuple[str, str, str]:
    """Create the roles that inspect, read, and work in, one sandbox for its owner. Return their ARNs.

    `role_of` returns the ARN of a function's role. The functions of `RECONCILERS` can assume the roles.
    """
    functions = json.loads((ROOT / "chalice_app" / "functions.json").read_text(encoding="utf-8"))
    trusted = {**known, **{f"{name}.Arn": role_of(function) for name, function in RECONCILERS.items()}}
    inspector, reader, user = (
        _create(clients, resolved(functions["Resources"][name]["Properties"], trusted))
        for name in ("SandboxInspector", "SandboxReader", "SandboxUser")
    )
    return inspector, reader, user


def _create(clients: Callable[[str], Any], role: Json) -> str:
    iam, name = clients("iam"), role["RoleName"]
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    for policy in role["Policies"]:
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    return arn


def session(clients: Callable[[str], Any], role_arn: str) -> Credentials:
    """Return credentials of a role."""
    given = clients("sts").assume_role(RoleArn=role_arn, RoleSessionName="lambda")["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def resolved(value: Any, known: Mapping[str, str]) -> Any:
    """Resolve Fn::Sub, Fn::GetAtt and Ref. Raises `KeyError` for an unknown name."""
    if isinstance(value, list):
        return [resolved(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([^}]+)\}", lambda match: known[match[1]], value["Fn::Sub"])
    if "Ref" in value:
        return known[value["Ref"]]
    if "Fn::GetAtt" in value:
        return known[".".join(value["Fn::GetAtt"])]
    return {key: resolved(item, known) for key, item in value.items()}
