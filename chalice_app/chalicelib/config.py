"""The one place that reads the process environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from chalicelib.capacity import Capacity
from chalicelib.settings import Limits

LEAST_SCAN_LIMIT_BYTES = 10_000_000
"""https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html"""


@dataclass(frozen=True)
class Config:
    """What the operator decides, read once from the environment of the Lambda function.

    `issuer`, `audience` and `jwks_uri` name the OIDC provider; `owner_claim` and `groups_claim` say where its
    tokens keep who somebody is. `cursor_key` is the secret that page cursors are signed with. `lease_seconds`
    is how long one worker may hold a slow step (seeding, emptying) before another takes it over.
    `sandbox_reader_role_arn` is the role that reads a sandbox on behalf of its owner; without it none can.
    `permissions_boundary_arn` is the most that a sandbox's role may ever be allowed; `stack_tags` are the
    operator's own tags (cost allocation) on every resource; pages of `portal_origin` may call from a browser.
    `athena_scan_limit_bytes` is what a query of a sandbox's workgroup may read.
    `capacity` is how many stacks may be in creation at once and how many environments may exist.
    """

    table_name: str
    assets_bucket: str
    issuer: str
    audience: str
    jwks_uri: str
    cursor_key: str
    owner_claim: str = "sub"
    groups_claim: str = "cognito:groups"
    admin_group: str = "admins"
    deployment_role_arn: str | None = None
    sandbox_reader_role_arn: str = ""
    budget_usd: Decimal = Decimal("5")
    price_per_dpu_hour_usd: Decimal = Decimal("0.44")
    lease_seconds: int = 60
    permissions_boundary_arn: str = ""
    log_retention_days: int = 30
    athena_scan_limit_bytes: int = 1024**3
    portal_origin: str | None = None
    stack_tags: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    capacity: Capacity = field(default_factory=Capacity)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read the configuration.

        A missing required variable is a `KeyError` that names it, a number that is none a `ValueError`.
        """
        environ = os.environ if environ is None else environ
        issuer = environ["ISSUER"].rstrip("/")
        return cls(
            table_name=environ["TABLE_NAME"],
            assets_bucket=environ["ASSETS_BUCKET"],
            issuer=issuer,
            audience=environ["AUDIENCE"],
            jwks_uri=environ.get("JWKS_URI") or f"{issuer}/.well-known/jwks.json",
            cursor_key=environ["CURSOR_KEY"],
            owner_claim=environ.get("OWNER_CLAIM") or cls.owner_claim,
            groups_claim=environ.get("GROUPS_CLAIM") or cls.groups_claim,
            admin_group=environ.get("ADMIN_GROUP") or cls.admin_group,
            deployment_role_arn=environ.get("DEPLOYMENT_ROLE_ARN") or None,
            sandbox_reader_role_arn=environ["SANDBOX_READER_ROLE_ARN"],
            budget_usd=Decimal(environ.get("BUDGET_USD") or cls.budget_usd),
            price_per_dpu_hour_usd=Decimal(
                environ.get("PRICE_PER_DPU_HOUR_USD") or cls.price_per_dpu_hour_usd
            ),
            lease_seconds=_whole(environ, "LEASE_SECONDS", cls.lease_seconds, least=0),
            permissions_boundary_arn=environ.get("PERMISSIONS_BOUNDARY_ARN") or "",
            log_retention_days=_whole(environ, "LOG_RETENTION_DAYS", cls.log_retention_days),
            athena_scan_limit_bytes=_whole(
                environ, "ATHENA_SCAN_LIMIT_BYTES", cls.athena_scan_limit_bytes, least=LEAST_SCAN_LIMIT_BYTES
            ),
            portal_origin=environ.get("PORTAL_ORIGIN") or None,
            stack_tags=dict(pair.split("=", 1) for pair in _listed(environ, "STACK_TAGS")),
            limits=Limits(
                expires_in_hours=_whole(environ, "MAX_HOURS", Limits().expires_in_hours),
                number_of_workers=_whole(environ, "MAX_WORKERS", Limits().number_of_workers),
                timeout_minutes=_whole(environ, "MAX_TIMEOUT_MINUTES", Limits().timeout_minutes),
                role_arns=_listed(environ, "SHARED_ROLE_ARNS"),
                kms_key_arns=_listed(environ, "SHARED_KMS_KEY_ARNS"),
            ),
            capacity=Capacity(
                creating=_whole(environ, "MAX_CREATING", Capacity.creating),
                environments=_whole(environ, "MAX_ENVIRONMENTS", Capacity.environments),
            ),
        )


def _whole(environ: Mapping[str, str], name: str, default: int, *, least: int = 1) -> int:
    """A variable that is a whole number."""
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, and is {text!r}.")
    return int(text)


def _listed(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """A variable with commas in between."""
    return tuple(item.strip() for item in environ.get(name, "").split(",") if item.strip())
