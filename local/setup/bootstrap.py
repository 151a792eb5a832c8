"""One-time setup of the service in the emulator: identity provider, table, bucket, roles and release.

Every function reuses existing resources, so that a restarted process can call it again.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.clients import client
from local.identity.registration import ADMIN_GROUP
from local.metastore.folders import WAREHOUSE
from local.setup import roles
from local.setup.table import table_properties

TABLE = "terraglue"
ASSETS_BUCKET = "terraglue-assets"

_POOL = "terraglue"

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


def everything(aws: str, region: str, data: Path) -> None:
    """Set up an emulator that has just started."""
    from glue_assets import release as releases  # the API process does not need it
    from local.setup.built_releases import built

    make_client = functools.partial(client, endpoint=aws, region=region)
    ensure_storage(make_client)
    ensure_identity(make_client, aws, region)
    roles.ensure_all(make_client, TABLE, ASSETS_BUCKET, region)
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
