"""Setting findings: settings of the account that stop sandboxes or the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy.findings.account import AccountReader
from deploy.findings.finding import Finding, Severity

_EVERYONE = "IAM_ALLOWED_PRINCIPALS"


def lake_formation(account: AccountReader) -> Iterator[Finding]:
    """Yield a finding if Lake Formation, and not IAM alone, decides about new databases and tables."""
    client = account.client("lakeformation")
    answer = account.read("lakeformation:GetDataLakeSettings", client.get_data_lake_settings)
    if answer is None:
        return
    settings = answer["DataLakeSettings"]
    governed = [
        kind
        for kind in ("Database", "Table")
        if not any(_grants_all(grant) for grant in settings.get(f"Create{kind}DefaultPermissions") or ())
    ]
    if governed:
        yield Finding(
            Severity.BLOCKS,
            "Lake Formation controls access to new databases and tables",
            f"The defaults for {' and '.join(kind.lower() + 's' for kind in governed)} do not give all "
            "permissions to IAMAllowedPrincipals. The roles of sandboxes have IAM permissions only, so their "
            "jobs and queries fail with 'Insufficient Lake Formation permission(s)'.",
            "In the Lake Formation console, under Data Catalog settings, select 'Use only IAM access "
            "control' for new databases and for new tables. Existing databases keep their settings.",
            "https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html",
        )
    yield from _catalog_creators(account, client)


def _grants_all(grant: Any) -> bool:
    principal = grant.get("Principal", {}).get("DataLakePrincipalIdentifier")
    return principal == _EVERYONE and "ALL" in grant.get("Permissions", ())


def _catalog_creators(account: AccountReader, client: Any) -> Iterator[Finding]:
    """Yield a finding if IAM permissions alone do not allow a role to create databases."""
    answer = account.read(
        "lakeformation:ListPermissions",
        lambda: client.list_permissions(
            Principal={"DataLakePrincipalIdentifier": _EVERYONE}, ResourceType="CATALOG"
        ),
    )
    if answer is None:
        return
    granted = {name for entry in answer["PrincipalResourcePermissions"] for name in entry["Permissions"]}
    if not granted & {"ALL", "CREATE_DATABASE"}:
        yield Finding(
            Severity.LIMITS,
            "Lake Formation decides who creates databases",
            "IAMAllowedPrincipals does not have CREATE_DATABASE on the Data Catalog. Unless another grant "
            "applies, CloudFormation cannot create the databases of a sandbox.",
            "Grant CREATE_DATABASE on the catalog to IAMAllowedPrincipals or to the deployment role of the "
            "service, in the Lake Formation console under Administrative roles and tasks.",
            "https://docs.aws.amazon.com/lake-formation/latest/dg/initial-lf-config.html",
        )


def data_catalog(account: AccountReader) -> Iterator[Finding]:
    """Yield findings about an encrypted Data Catalog."""
    answer = account.read(
        "glue:GetDataCatalogEncryptionSettings",
        account.client("glue").get_data_catalog_encryption_settings,
    )
    settings = (answer or {}).get("DataCatalogEncryptionSettings", {})
    at_rest = settings.get("EncryptionAtRest", {})
    key = at_rest.get("SseAwsKmsKeyId", "")
    document = "https://docs.aws.amazon.com/glue/latest/dg/encrypt-glue-data-catalog.html"
    if at_rest.get("CatalogEncryptionMode") == "SSE-KMS":
        # The key policy of the AWS managed key lets every principal of the account use it through Glue.
        own = not key or key.endswith("alias/aws/glue")
        yield Finding(
            Severity.ADVICE if own else Severity.BLOCKS,
            "The Data Catalog is encrypted with " + ("the AWS managed key" if own else f"the KMS key {key}"),
            "Each caller of the Data Catalog needs this key. "
            + (
                "Its key policy allows the account, but the permissions boundary of sandboxes may deny it."
                if own
                else "The roles of the service and of sandboxes may not use it."
            ),
            "Let Glue use the key with a role of its own: mode SSE-KMS-WITH-SERVICE-ROLE of the Data Catalog "
            "settings.",
            document,
        )
    passwords = settings.get("ConnectionPasswordEncryption", {})
    if passwords.get("ReturnConnectionPasswordEncrypted"):
        yield Finding(
            Severity.ADVICE,
            "Passwords of Glue connections are encrypted",
            "The service creates no connections, and roles of sandboxes cannot read any.",
            "You need not do anything.",
            "https://docs.aws.amazon.com/glue/latest/dg/encrypt-connection-passwords.html",
        )


def primary_workgroup(account: AccountReader) -> Iterator[Finding]:
    """Yield findings about the workgroup of environments that have none of their own."""
    client = account.client("athena")
    answer = account.read("athena:GetWorkGroup", lambda: client.get_work_group(WorkGroup="primary"))
    if answer is None:
        return
    group = answer["WorkGroup"]
    settings = group.get("Configuration", {})
    document = "https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html"
    if group.get("State") == "DISABLED" or settings.get("EnforceWorkGroupConfiguration"):
        place = settings.get("ResultConfiguration", {}).get("OutputLocation", "its own settings")
        yield Finding(
            Severity.LIMITS,
            "The Athena workgroup primary is disabled or enforces its settings",
            "Environments without a workgroup of their own (athena_workgroup: false) use primary. It would "
            f"ignore the sandbox's location of results and use {place}, which sandboxes cannot reach: their "
            "rows cannot be read.",
            "Enable primary and clear 'Override client-side settings', or do not use athena_workgroup: false "
            "in this account.",
            document,
        )
    elif "BytesScannedCutoffPerQuery" not in settings:
        yield Finding(
            Severity.ADVICE,
            "The Athena workgroup primary has no limit of scanned bytes",
            "ATHENA_SCAN_LIMIT_BYTES applies to the workgroups of sandboxes. Environments without one use "
            "primary.",
            "Set a per-query limit of primary.",
            "https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html",
        )


def public_access(account: AccountReader) -> Iterator[Finding]:
    """Yield advice if the account does not block public access to its buckets."""
    absent = "NoSuchPublicAccessBlockConfiguration"
    client = account.client("s3control")
    answer = account.read(
        "s3:GetAccountPublicAccessBlock",
        lambda: client.get_public_access_block(AccountId=account.id),
        absent=absent,
    )
    if answer is None and account.failed("s3:GetAccountPublicAccessBlock"):
        return
    blocked = (answer or {}).get("PublicAccessBlockConfiguration", {})
    if not blocked or not all(blocked.values()):
        yield Finding(
            Severity.ADVICE,
            "The account does not block public access to S3",
            "Users can create buckets without this block (block_public_access: false). Nobody but an "
            "administrator can then make them public, but the account should not allow it either.",
            f"aws s3control put-public-access-block --account-id {account.id} "
            "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,"
            "BlockPublicPolicy=true,RestrictPublicBuckets=true",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
        )


def gateway_logs(account: AccountReader, is_created: bool) -> Iterator[Finding]:
    """Yield a finding if API Gateway cannot write logs and the stack does not create a role for it."""
    answer = account.read("apigateway:GET", account.client("apigateway").get_account)
    if is_created or answer is None:
        return
    if role := answer.get("cloudwatchRoleArn"):
        # API Gateway keeps the ARN of a role that was deleted, for example with the stack that created it.
        client, name = account.client("iam", account.home), role.rpartition("/")[2]
        found = account.read("iam:GetRole", lambda: client.get_role(RoleName=name), absent="NoSuchEntity")
        if found or account.failed("iam:GetRole"):
            return
        yield Finding(
            Severity.BLOCKS,
            "API Gateway's CloudWatch role does not exist",
            f"The account's settings for API Gateway name {role}, which was deleted. The access log would "
            "stay empty.",
            "Add API_GATEWAY_ACCOUNT=create to the stage file, and the stack creates a role.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
        )
    else:
        yield Finding(
            Severity.BLOCKS,
            "API Gateway has no CloudWatch role in this Region",
            "The API has an access log, which API Gateway writes with this role of the account: 'CloudWatch "
            "Logs role ARN must be set in account settings to enable logging'.",
            "Add API_GATEWAY_ACCOUNT=create to the stage file, and the stack creates the role. Or create a "
            "role with the managed policy AmazonAPIGatewayPushToCloudWatchLogs and set it in the console "
            "under API Gateway, Settings.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
        )


def hooks(account: AccountReader) -> Iterator[Finding]:
    """Yield advice if CloudFormation hooks of the account can reject stacks."""
    types = account.pages(
        *("cloudformation:ListTypes", "cloudformation", "list_types", "TypeSummaries"),
        Type="HOOK",
        Visibility="PRIVATE",
    )
    if types:
        names = ", ".join(sorted(str(kind.get("TypeName")) for kind in types))
        yield Finding(
            Severity.ADVICE,
            "CloudFormation hooks can reject stacks",
            f"The account has {names}. A hook that fails stops the service's stack or every sandbox.",
            "Compare their rules with build/package/sam.json and glue_assets/modules/.",
            "https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/what-is-cloudformation-hooks.html",
        )


def malware_protection(account: AccountReader) -> Iterator[Finding]:
    """Yield advice if GuardDuty tags the objects that it scans."""
    client = account.client("guardduty")
    answer = account.read("guardduty:ListMalwareProtectionPlans", client.list_malware_protection_plans)
    if (answer or {}).get("MalwareProtectionPlans"):
        yield Finding(
            Severity.ADVICE,
            "GuardDuty Malware Protection for S3 is in use",
            "It adds tags to the objects that it scans. Copies of tagged objects need GetObjectTagging and "
            "PutObjectTagging, which the functions have for the assets bucket and for sandboxes.",
            "You need not do anything.",
            "https://docs.aws.amazon.com/guardduty/latest/ug/gdu-malware-protection-s3.html",
        )


def region(account: AccountReader) -> Iterator[Finding]:
    """Yield advice for services that botocore does not know in the Region."""
    services = ("glue", "athena", "lakeformation", "dynamodb", "kms", "lambda", "apigateway", "cognito-idp")
    missing = [service for service in services if not account.offers(service)]
    if missing:
        yield Finding(
            Severity.ADVICE,
            f"{account.region} may lack {', '.join(missing)}",
            "botocore's list of endpoints does not contain them. The list can be out of date.",
            "Check AWS's list of services by Region. AWS has no API for the Glue versions and worker types "
            "of a Region: run one job with Glue 5.1 before a class does.",
            "https://docs.aws.amazon.com/general/latest/gr/glue.html",
        )
