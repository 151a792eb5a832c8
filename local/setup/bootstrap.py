"""One-time setup of the service in the emulator: identity provider, table, bucket, roles and release.

Every function reuses existing resources, so that a restarted process can call it again.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.clients import ACCOUNT, client
from local.identity.registration import ADMIN_GROUP
from local.metastore.folders import WAREHOUSE
from local.runtime.paths import ROOT
from local.setup import roles
from local.setup.table import table_properties

TABLE = "terraglue"
ASSETS_BUCKET = "terraglue-assets"

_POOL = "terraglue"
_STACK = "terraglue-roles"
_ROLES = {
    "DeploymentRoleArn": ("DeploymentRole", {"Fn::GetAtt": ["DeploymentRole", "Arn"]}),
    "SandboxBoundaryArn": ("SandboxBoundary", {"Ref": "SandboxBoundary"}),
    "SandboxInspectorArn": ("SandboxInspector", {"Fn::GetAtt": ["SandboxInspector", "Arn"]}),
    "SandboxReaderArn": ("SandboxReader", {"Fn::GetAtt": ["SandboxReader", "Arn"]}),
    "SandboxUserArn": ("SandboxUser", {"Fn::GetAtt": ["SandboxUser", "Arn"]}),
}

Clients = Callable[[str], Any]
"""Function that returns the boto3 client of a service."""


@dataclass(frozen=True)
class Identity:
    """The user pool that signs the tokens, and the app client that is their audience."""

    user_pool_id: str
    client_id: str
    issuer: str
    jwks_uri: str

    @classmethod
    def described(cls, ready: Mapping[str, str]) -> Identity:
        """Return the identity in a ready file."""
        return cls(ready["user_pool_id"], ready["client_id"], ready["issuer"], ready["jwks_uri"])


def description(aws: str, region: str, identity: Identity) -> dict[str, str]:
    """Return the description of the running product for ready files."""
    return {
        "aws": aws,
        "region": region,
        "issuer": identity.issuer,
        "client_id": identity.client_id,
        "jwks_uri": identity.jwks_uri,
        "user_pool_id": identity.user_pool_id,
        "table": TABLE,
        "assets_bucket": ASSETS_BUCKET,
    }


def ensure_identity(clients: Clients, aws: str, region: str) -> Identity:
    """Return the user pool and its app client. Create them if missing."""
    cognito = clients("cognito-idp")
    pools = cognito.list_user_pools(MaxResults=60)["UserPools"]
    pool = next((pool["Id"] for pool in pools if pool["Name"] == _POOL), None)
    if pool is None:
        pool = cognito.create_user_pool(PoolName=_POOL)["UserPool"]["Id"]
        cognito.create_group(UserPoolId=pool, GroupName=ADMIN_GROUP)
    app_clients = cognito.list_user_pool_clients(UserPoolId=pool, MaxResults=60)["UserPoolClients"]
    if app_clients:
        client_id = app_clients[0]["ClientId"]
    else:
        client_id = cognito.create_user_pool_client(
            UserPoolId=pool, ClientName=_POOL, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
        )["UserPoolClient"]["ClientId"]
    return Identity(
        user_pool_id=pool,
        client_id=client_id,
        issuer=f"https://cognito-idp.{region}.amazonaws.com/{pool}",
        jwks_uri=f"{aws}/{pool}/.well-known/jwks.json",
    )


def ensure_storage(clients: Clients) -> None:
    """Create what is missing of the table, as `resources.json` defines it, the assets bucket and a database.

    The database `default` belongs to the account. Spark SQL requires it, and jobs may not create it. Its
    location is the one that a job would give it.
    """
    dynamodb, s3, glue = clients("dynamodb"), clients("s3"), clients("glue")
    with contextlib.suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": "default", "LocationUri": WAREHOUSE})
    if TABLE not in dynamodb.list_tables()["TableNames"]:
        dynamodb.create_table(TableName=TABLE, **table_properties())
    if ASSETS_BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=ASSETS_BUCKET)


def ensure_roles(
    clients: Clients, role_of: Callable[[str], str] = lambda function: roles.SERVICE
) -> dict[str, str]:
    """Create the roles of the service. Return their ARNs by output name.

    The roles are CloudFormation's role for sandboxes, the permissions boundary of sandbox roles, and the two
    roles that act in a sandbox on behalf of its owner. These trust the roles of functions, whose names
    `role_of` returns. A separate stack creates them from the packaged resources, as in the cloud.
    """
    cloudformation = clients("cloudformation")
    app = ROOT / "chalice_app"
    parts = [json.loads((app / name).read_text("utf-8")) for name in ("resources.json", "functions.json")]
    whole = {name: resource for part in parts for name, resource in part["Resources"].items()}
    parameters = {name: rule for part in parts for name, rule in part["Parameters"].items()}
    template = json.dumps(
        {
            "Parameters": {"Stage": parameters["Stage"]},
            "Resources": {name: whole[name] for name, _ in _ROLES.values()},
            "Outputs": {output: {"Value": value} for output, (_, value) in _ROLES.items()},
        }
    )
    for logical_id, function in roles.RECONCILERS.items():
        trusted = json.dumps(f"arn:aws:iam::{ACCOUNT}:role/{role_of(function)}")
        template = template.replace(json.dumps({"Fn::GetAtt": [logical_id, "Arn"]}), trusted)
    with contextlib.suppress(cloudformation.exceptions.AlreadyExistsException):
        cloudformation.create_stack(
            StackName=_STACK,
            TemplateBody=template,
            Parameters=[{"ParameterKey": "Stage", "ParameterValue": roles.STAGE}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=_STACK, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600}
    )
    [stack] = cloudformation.describe_stacks(StackName=_STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def everything(aws: str, region: str, data: Path) -> None:
    """Set up an emulator that has just started."""
    from glue_assets import release as releases  # the API process does not need it
    from local.setup.built_releases import built

    make_client = functools.partial(client, endpoint=aws, region=region)
    ensure_storage(make_client)
    ensure_identity(make_client, aws, region)
    ensure_roles(make_client)
    releases.publish(built(data), make_client("s3"), ASSETS_BUCKET)


def token(clients: Clients, user_pool_id: str, client_id: str, name: str, *, is_admin: bool | None) -> str:
    """Return a fresh ID token of a user, created if missing.

    `is_admin` gives or removes the admin role; None leaves it.
    """
    cognito = clients("cognito-idp")
    user = {"UserPoolId": user_pool_id, "Username": name}
    password = f"Laptop-1-{client_id}"
    with contextlib.suppress(cognito.exceptions.UsernameExistsException):
        cognito.admin_create_user(**user, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**user, Password=password, Permanent=True)
    membership = {**user, "GroupName": ADMIN_GROUP}
    if is_admin:
        cognito.admin_add_user_to_group(**membership)
    elif is_admin is False:
        cognito.admin_remove_user_from_group(**membership)
    result = cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    id_token: str = result["AuthenticationResult"]["IdToken"]
    return id_token
