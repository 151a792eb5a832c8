"""The one place that reads the process environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Config:
    """What the operator decides, read once from the environment of the Lambda function.

    `issuer`, `audience` and `jwks_uri` name the OIDC provider; `owner_claim` and `groups_claim` say where its
    tokens keep who somebody is. `lease_seconds` is how long one worker may hold a slow step (seeding,
    emptying) before another takes it over.
    """

    table_name: str
    assets_bucket: str
    issuer: str
    audience: str
    jwks_uri: str
    owner_claim: str = "sub"
    groups_claim: str = "cognito:groups"
    admin_group: str = "admins"
    deployment_role_arn: str | None = None
    budget_usd: Decimal = Decimal("5")
    price_per_dpu_hour_usd: Decimal = Decimal("0.44")
    lease_seconds: int = 60

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read the configuration; a missing required variable is a `KeyError` that names it."""
        environ = os.environ if environ is None else environ
        issuer = environ["ISSUER"].rstrip("/")
        return cls(
            table_name=environ["TABLE_NAME"],
            assets_bucket=environ["ASSETS_BUCKET"],
            issuer=issuer,
            audience=environ["AUDIENCE"],
            jwks_uri=environ.get("JWKS_URI") or f"{issuer}/.well-known/jwks.json",
            owner_claim=environ.get("OWNER_CLAIM") or cls.owner_claim,
            groups_claim=environ.get("GROUPS_CLAIM") or cls.groups_claim,
            admin_group=environ.get("ADMIN_GROUP") or cls.admin_group,
            deployment_role_arn=environ.get("DEPLOYMENT_ROLE_ARN") or None,
            budget_usd=Decimal(environ.get("BUDGET_USD") or cls.budget_usd),
            price_per_dpu_hour_usd=Decimal(
                environ.get("PRICE_PER_DPU_HOUR_USD") or cls.price_per_dpu_hour_usd
            ),
            lease_seconds=int(environ.get("LEASE_SECONDS") or cls.lease_seconds),
        )
