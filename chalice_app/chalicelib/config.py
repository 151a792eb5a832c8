"""The one place that reads the process environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from chalicelib.accounts import Allowance
from chalicelib.capacity import Capacity
from chalicelib.pricing import Prices
from chalicelib.settings import Limits


@dataclass(frozen=True)
class Config:
    """What the operator decides, read once from the environment of the Lambda function.

    `issuer`, `audience` and `jwks_uri` name the OIDC provider; `owner_claim` and `groups_claim` say where its
    tokens keep who somebody is. `cursor_key` is the secret that page cursors are signed with. `lease_seconds`
    is how long one worker may hold a slow step (seeding, emptying) before another takes it over.
    `permissions_boundary_arn` is the most that a sandbox's role may ever be allowed; `stack_tags` are the
    operator's own tags (cost allocation) on every resource; pages of `portal_origin` may call from a browser.
    `budget_usd` is what the runs of one owner may cost in `budget_days`, `creations_per_day` how many
    environments one may create. `capacity` is how many stacks may be in creation at once and how many
    environments may exist.
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
    budget_usd: Decimal = Decimal("5")
    budget_days: int = 30
    creations_per_day: int = 10
    price_per_dpu_hour_usd: Decimal = Prices.dpu_hour
    price_per_m_dpu_hour_usd: Decimal = Prices.m_dpu_hour
    lease_seconds: int = 60
    permissions_boundary_arn: str = ""
    log_retention_days: int = 30
    portal_origin: str | None = None
    stack_tags: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    capacity: Capacity = field(default_factory=Capacity)

    @property
    def allowance(self) -> Allowance:
        """What each owner may spend and create."""
        return Allowance(int(self.budget_usd * 1_000_000), self.budget_days, self.creations_per_day)

    @property
    def prices(self) -> Prices:
        """The region's prices of Glue."""
        return Prices(self.price_per_dpu_hour_usd, self.price_per_m_dpu_hour_usd)

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
            budget_usd=Decimal(environ.get("BUDGET_USD") or cls.budget_usd),
            price_per_dpu_hour_usd=Decimal(
                environ.get("PRICE_PER_DPU_HOUR_USD") or cls.price_per_dpu_hour_usd
            ),
            price_per_m_dpu_hour_usd=Decimal(
                environ.get("PRICE_PER_M_DPU_HOUR_USD") or cls.price_per_m_dpu_hour_usd
            ),
            budget_days=_whole(environ, "BUDGET_DAYS", cls.budget_days),
            creations_per_day=_whole(environ, "MAX_CREATIONS_PER_DAY", cls.creations_per_day),
            lease_seconds=_whole(environ, "LEASE_SECONDS", cls.lease_seconds, least=0),
            permissions_boundary_arn=environ.get("PERMISSIONS_BOUNDARY_ARN") or "",
            log_retention_days=_whole(environ, "LOG_RETENTION_DAYS", cls.log_retention_days),
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
