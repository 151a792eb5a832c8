"""The operator's configuration, read from environment variables."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from chalicelib.domain.capacity import Capacity
from chalicelib.domain.estimates import StoragePrices
from chalicelib.domain.owner_accounts import Allowance
from chalicelib.domain.owner_names import fold, is_folded
from chalicelib.domain.pricing import Prices
from chalicelib.domain.rate_limit import RateLimit
from chalicelib.domain.settings import Limits
from chalicelib.domain.sign_in import SignIn
from chalicelib.domain.webhooks import Networks, WebhookPolicy
from chalicelib.variables import ORIGIN, URL, Variables

LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

_ACCOUNT = r"arn:aws[a-z-]*:iam::[0-9]{12}"
ROLE_ARN = rf"{_ACCOUNT}:role/[A-Za-z0-9+=,.@_/-]{{1,576}}"
POLICY_ARN = r"arn:aws[a-z-]*:iam::(?:[0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]{1,640}"
# The deployment role may pass no other role. Names of log groups contain the role's and cannot have + = , @.
SHARED_ROLE_ARN = rf"{_ACCOUNT}:role/terraglue-shared-[A-Za-z0-9._-]{{1,47}}"
_KEY_ID = r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
KMS_KEY_ARN = rf"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:key/{_KEY_ID}"
# The role of the function `deliver` may publish to no other topic.
TOPIC_ARN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:terraglue-notifications[A-Za-z0-9_-]{0,200}"
_PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}"
_NETWORK = r"127\.0\.0\.0/8|10\.0\.0\.0/8|172\.16\.0\.0/12|192\.168\.0\.0/16|::1/128"
_FEATURE = r"(?:argument:--|connection:|format:|spark-format:)[A-Za-z0-9._-]+"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_FOLD = {"auto": None, "true": True, "false": False}

LEAST_SCAN_LIMIT_BYTES = 10_000_000
"""https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html"""


@dataclass(frozen=True)
class Config:
    """The operator's configuration.

    - `issuer`, `audience`, `jwks_uri`: the OIDC provider.
    - `owner_claim`, `groups_claim`: the claims with the user's name and groups.
    - `fold_owner`: whether owners that differ only in letter case are the same; None depends on the claim
      (`owner_names.py`).
    - `cursor_key`: the secret that encrypts page cursors.
    - `lease_seconds`: how long one worker may hold a slow step before another may take it over.
    - `sandbox_inspector_role_arn`: the role that reads the settings of a sandbox's resources.
    - `sandbox_reader_role_arn`: the role that reads a sandbox on behalf of its owner.
    - `sandbox_user_role_arn`: the role that works in a sandbox for its owner: queries, and credentials.
    - `federation_url`: the endpoint for console sign-in links. Empty in AWS, where the partition has its own.
    - `service_role_arns`: the roles that use a sandbox's key, of the functions and the two before.
    - `permissions_boundary_arn`: the limit of the permissions of a sandbox's role.
    - `stack_tags`: tags of every resource, for example for cost allocation.
    - `portal_origin`: the origin whose pages may call the API from a browser.
    - `sign_in`: the OIDC provider's sign-in for the portal, if any.
    - `athena_scan_limit_bytes`: bytes that one query of a sandbox's workgroup may read.
    - `budget_usd`, `budget_days`: the maximum cost of one owner's runs in a period of that many days.
    - `creations_per_day`: environments that one owner may create in 24 hours.
    - `notifications_topic_arn`: the SNS topic that gets all notices, if any.
    - `webhooks`: what webhooks may reach.
    - `rate_limit`: calls that one caller may make.
    - `capacity`: stacks in creation at the same time, and environments in total.
    - `unsupported_features`: what runs cannot do, such as `connection:mysql`. Empty in AWS, where Glue
      supports all of it; the local AWS emulator names its limits.
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
    service_role_arns: tuple[str, ...] = ()
    sandbox_inspector_role_arn: str = ""
    sandbox_reader_role_arn: str = ""
    sandbox_user_role_arn: str = ""
    federation_url: str = ""
    budget_usd: Decimal = Decimal("5")
    budget_days: int = 30
    creations_per_day: int = 10
    price_per_dpu_hour_usd: Decimal = Prices.dpu_hour
    price_per_m_dpu_hour_usd: Decimal = Prices.m_dpu_hour
    price_per_kms_key_month_usd: Decimal = StoragePrices.key_month
    price_per_s3_gb_month_usd: Decimal = StoragePrices.gb_month
    price_per_tb_scanned_usd: Decimal = Prices.tb_scanned
    lease_seconds: int = 60
    permissions_boundary_arn: str = ""
    log_retention_days: int = 30
    athena_scan_limit_bytes: int = 1024**3
    portal_origin: str | None = None
    sign_in: SignIn | None = None
    fold_owner: bool | None = None
    stack_tags: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    notifications_topic_arn: str | None = None
    webhooks: WebhookPolicy = field(default_factory=WebhookPolicy)
    rate_limit: RateLimit = field(default_factory=RateLimit)
    capacity: Capacity = field(default_factory=Capacity)
    unsupported_features: frozenset[str] = frozenset()

    @property
    def allowance(self) -> Allowance:
        """Return what each owner may spend and create."""
        return Allowance(int(self.budget_usd * 1_000_000), self.budget_days, self.creations_per_day)

    @property
    def prices(self) -> Prices:
        """Return the prices of Glue and Athena in the region."""
        return Prices(
            self.price_per_dpu_hour_usd, self.price_per_m_dpu_hour_usd, self.price_per_tb_scanned_usd
        )

    @property
    def storage_prices(self) -> StoragePrices:
        """Return the prices of keys and objects in the region, for estimates."""
        return StoragePrices(self.price_per_kms_key_month_usd, self.price_per_s3_gb_month_usd)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read the configuration. Raises `InvalidConfiguration` with every missing or invalid variable."""
        read = Variables(os.environ if environ is None else environ)
        issuer = read.text("ISSUER", pattern=URL, expected="the issuer's address, https://...")
        jwks_uri = f"{issuer.rstrip('/')}/.well-known/jwks.json"
        config = cls(
            table_name=read.text(
                "TABLE_NAME", pattern=r"[A-Za-z0-9_.-]{3,255}", expected="a DynamoDB table's name"
            ),
            assets_bucket=read.text("ASSETS_BUCKET", pattern=_BUCKET, expected="a bucket's name"),
            issuer=issuer,
            audience=read.text("AUDIENCE", pattern=".{1,256}", expected="at most 256 printable characters"),
            jwks_uri=read.text("JWKS_URI", jwks_uri, pattern=URL, expected="the keys' address, https://..."),
            cursor_key=read.text(
                "CURSOR_KEY", pattern=".{12,}", expected="at least 12 printable characters", is_secret=True
            ),
            owner_claim=read.text(
                "OWNER_CLAIM", cls.owner_claim, pattern=".{1,256}", expected="a claim's name"
            ),
            groups_claim=read.text(
                "GROUPS_CLAIM", cls.groups_claim, pattern=".{1,256}", expected="a claim's name"
            ),
            admin_group=read.text(
                "ADMIN_GROUP", cls.admin_group, pattern=".{1,256}", expected="a group's name"
            ),
            fold_owner=_FOLD[read.choice("FOLD_OWNER", "auto", _FOLD)],
            deployment_role_arn=read.text(
                "DEPLOYMENT_ROLE_ARN", "", pattern=ROLE_ARN, expected="a role's ARN"
            )
            or None,
            service_role_arns=read.listed("SERVICE_ROLE_ARNS", ROLE_ARN, "ARNs of roles"),
            sandbox_inspector_role_arn=read.text(
                "SANDBOX_INSPECTOR_ROLE_ARN", pattern=ROLE_ARN, expected="a role's ARN"
            ),
            sandbox_reader_role_arn=read.text(
                "SANDBOX_READER_ROLE_ARN", pattern=ROLE_ARN, expected="a role's ARN"
            ),
            sandbox_user_role_arn=read.text(
                "SANDBOX_USER_ROLE_ARN", pattern=ROLE_ARN, expected="a role's ARN"
            ),
            federation_url=read.text("FEDERATION_URL", "", pattern=URL, expected="an address, https://..."),
            budget_usd=read.amount("BUDGET_USD", cls.budget_usd),
            price_per_dpu_hour_usd=read.amount(
                "PRICE_PER_DPU_HOUR_USD",
                cls.price_per_dpu_hour_usd,
                least=Decimal("0.01"),
                most=Decimal(1000),
            ),
            price_per_m_dpu_hour_usd=read.amount(
                "PRICE_PER_M_DPU_HOUR_USD",
                cls.price_per_m_dpu_hour_usd,
                least=Decimal("0.01"),
                most=Decimal(1000),
            ),
            price_per_kms_key_month_usd=read.amount(
                "PRICE_PER_KMS_KEY_MONTH_USD", cls.price_per_kms_key_month_usd, most=Decimal(1000)
            ),
            price_per_s3_gb_month_usd=read.amount(
                "PRICE_PER_S3_GB_MONTH_USD", cls.price_per_s3_gb_month_usd, most=Decimal(1000)
            ),
            price_per_tb_scanned_usd=read.amount(
                "PRICE_PER_TB_SCANNED_USD",
                cls.price_per_tb_scanned_usd,
                least=Decimal("0.01"),
                most=Decimal(1000),
            ),
            budget_days=read.whole("BUDGET_DAYS", cls.budget_days, most=3650),
            creations_per_day=read.whole("MAX_CREATIONS_PER_DAY", cls.creations_per_day, most=1000),
            lease_seconds=read.whole("LEASE_SECONDS", cls.lease_seconds, least=0, most=600),
            permissions_boundary_arn=read.text(
                "PERMISSIONS_BOUNDARY_ARN", "", pattern=POLICY_ARN, expected="a policy's ARN"
            ),
            log_retention_days=int(
                read.choice(
                    "LOG_RETENTION_DAYS", str(cls.log_retention_days), [*map(str, LOG_RETENTION_DAYS)]
                )
            ),
            portal_origin=read.text(
                "PORTAL_ORIGIN", "", pattern=ORIGIN, expected="an origin, such as https://portal.example"
            )
            or None,
            sign_in=SignIn.read(read),
            stack_tags=read.tags("STACK_TAGS"),
            athena_scan_limit_bytes=read.whole(
                "ATHENA_SCAN_LIMIT_BYTES",
                cls.athena_scan_limit_bytes,
                least=LEAST_SCAN_LIMIT_BYTES,
                most=10**15,
            ),
            limits=Limits(
                expires_in_hours=read.whole("MAX_HOURS", Limits().expires_in_hours, most=720),
                number_of_workers=read.whole("MAX_WORKERS", Limits().number_of_workers, least=2, most=10),
                timeout_minutes=read.whole("MAX_TIMEOUT_MINUTES", Limits().timeout_minutes, most=60),
                role_arns=read.listed(
                    "SHARED_ROLE_ARNS", SHARED_ROLE_ARN, "ARNs of roles named terraglue-shared-*"
                ),
                kms_key_arns=read.listed("SHARED_KMS_KEY_ARNS", KMS_KEY_ARN, "ARNs of KMS keys (no aliases)"),
            ),
            notifications_topic_arn=read.text(
                "NOTIFICATIONS_TOPIC_ARN",
                "",
                pattern=TOPIC_ARN,
                expected="the ARN of a topic terraglue-notifications*",
            )
            or None,
            webhooks=WebhookPolicy(
                ports=_ports(read.listed("WEBHOOK_PORTS", _PORT, "ports, such as 443")),
                networks=_networks(
                    read.listed("WEBHOOK_NETWORKS", _NETWORK, "private networks, such as 127.0.0.0/8")
                ),
            ),
            rate_limit=RateLimit(
                per_minute=read.whole("CALLS_PER_MINUTE", RateLimit.per_minute, least=0, most=60_000),
                burst=read.whole("CALL_BURST", RateLimit.burst, most=10_000),
            ),
            capacity=Capacity(
                creating=read.whole("MAX_CREATING", Capacity.creating, most=1000),
                environments=read.whole("MAX_ENVIRONMENTS", Capacity.environments),
            ),
            unsupported_features=frozenset(
                read.listed("UNSUPPORTED_FEATURES", _FEATURE, "features, such as connection:mysql")
            ),
        )
        role = config.deployment_role_arn
        if role and not all(_account(arn) == _account(role) for arn in config.limits.role_arns):
            read.refuse("SHARED_ROLE_ARNS", "must list roles of the account of DEPLOYMENT_ROLE_ARN.")
        read.check()
        return config

    def owner(self, name: str) -> str:
        """Return the name of an owner as it is stored and compared."""
        folds = is_folded(self.owner_claim) if self.fold_owner is None else self.fold_owner
        return fold(name) if folds else name


def _ports(texts: Sequence[str]) -> frozenset[int]:
    """Return the ports among the texts; the others are errors already."""
    return frozenset(int(text) for text in texts if re.fullmatch(_PORT, text)) or WebhookPolicy.ports


def _networks(texts: Sequence[str]) -> Networks:
    """Return the networks among the texts; the others are errors already."""
    return tuple(ipaddress.ip_network(text) for text in texts if re.fullmatch(_NETWORK, text))


def _account(arn: str) -> str:
    return ":".join(arn.split(":")[:5])
