"""What `make plan` finds in accounts that differ from a healthy one in one thing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cfnlint
import pytest

from deploy.findings import Finding, Severity, find
from deploy.findings.permissions import DEPLOYING, ROLLING_OUT, deployer
from deploy.findings.quotas import QUOTAS, table
from deploy.findings.sandbox import STACK, sandbox
from deploy.package import merged
from tests.support.aws_answers import session
from tests.support.paths import ROOT

ACCOUNT = "123456789012"
GRANT = {
    "Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"},
    "Permissions": ["ALL"],
}


def quotas(**values: float) -> Any:
    """Answer ListServiceQuotas with AWS's defaults, except for these codes (L_83192DBF=100)."""

    def answer(params: Any) -> dict[str, Any]:
        service = json.loads(params["body"])["ServiceCode"]
        return {
            "Quotas": [
                {
                    "QuotaCode": quota.code or "L-00000000",
                    "QuotaName": quota.name,
                    "Value": float(values.get((quota.code or quota.name).replace("-", "_"), quota.default)),
                }
                for quota in QUOTAS
                if quota.service == service
            ]
        }

    return answer


def stacks(*names: str) -> dict[str, Any]:
    return {
        "StackSummaries": [
            {"StackName": name, "CreationTime": "2026-11-26T00:00:00Z", "StackStatus": "CREATE_COMPLETE"}
            for name in names
        ]
    }


HEALTHY: dict[str, Any] = {
    "GetCallerIdentity": {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ana"},
    "GetRole": {
        "Role": {
            "Path": "/team/",
            "RoleName": "deployer",
            "RoleId": "AROAEXAMPLEEXAMPLE",
            "Arn": f"arn:aws:iam::{ACCOUNT}:role/team/deployer",
            "CreateDate": "2026-11-26T00:00:00Z",
        }
    },
    "SimulatePrincipalPolicy": {"EvaluationResults": []},
    "GetDataLakeSettings": {
        "DataLakeSettings": {
            "CreateDatabaseDefaultPermissions": [GRANT],
            "CreateTableDefaultPermissions": [GRANT],
        }
    },
    "ListPermissions": {"PrincipalResourcePermissions": [{**GRANT, "Permissions": ["CREATE_DATABASE"]}]},
    "GetDataCatalogEncryptionSettings": {
        "DataCatalogEncryptionSettings": {"EncryptionAtRest": {"CatalogEncryptionMode": "DISABLED"}}
    },
    "GetAccount": {"cloudwatchRoleArn": f"arn:aws:iam::{ACCOUNT}:role/gateway"},
    "GetWorkGroup": {
        "WorkGroup": {
            "Name": "primary",
            "State": "ENABLED",
            "Configuration": {
                "EnforceWorkGroupConfiguration": False,
                "BytesScannedCutoffPerQuery": 10_000_000_000,
            },
        }
    },
    "ListServiceQuotas": quotas(),
    "ListStacks": stacks(),
    "GetAccountSummary": {"SummaryMap": {"Roles": 0, "Policies": 0}},
    "ListJobs": {"JobNames": []},
    "GetSecurityConfigurations": {"SecurityConfigurations": []},
    "GetDatabases": {"DatabaseList": []},
    "ListWorkGroups": {"WorkGroups": []},
    "ListBuckets": {"Buckets": []},
    "DescribeAccountLimits": {"AccountLimits": [{"Name": "ConcurrentResourcesLimit", "Value": 2500}]},
    "GetAccountSettings": {
        "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    },
    "DescribeOrganization": "AWSOrganizationsNotInUseException",
    "ListTypes": {"TypeSummaries": []},
    "GetPublicAccessBlock": {
        "PublicAccessBlockConfiguration": dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
    },
    "ListMalwareProtectionPlans": {"MalwareProtectionPlans": []},
}
ROOM = "The account has room for 250 environments"
AT_ONCE = "At most 150 environments can work at the same time"


ANSWERS: dict[str, Any] = {}
CALLS: list[str] = []
SESSIONS = {region: session(ANSWERS, CALLS, region=region) for region in ("us-east-1", "eu-west-1")}
"""Shared, because botocore reads the models of the services once for each session."""


def found(
    changed: dict[str, Any] | None = None, *, region: str = "us-east-1", **parameters: str
) -> list[Finding]:
    ANSWERS.clear()
    ANSWERS.update({**HEALTHY, **(changed or {})})
    CALLS.clear()
    return find(SESSIONS[region], parameters)


def titles(findings: list[Finding]) -> list[str]:
    return [f"{finding.severity}: {finding.title}" for finding in findings]


def test_a_healthy_account_has_room_and_nothing_to_mend() -> None:
    assert titles(found()) == [f"advice: {AT_ONCE}", f"advice: {ROOM}"]


def test_a_plan_makes_few_calls_and_reads_only() -> None:
    found()
    assert len(CALLS) <= 40
    assert {call for call in CALLS if not call.startswith(("Get", "List", "Describe"))} == {
        "SimulatePrincipalPolicy"
    }


def test_a_gradual_rollout_needs_further_permissions_of_the_caller() -> None:
    denied = [{"EvalActionName": "codedeploy:CreateDeployment", "EvalDecision": "explicitDeny"}]

    def pages(*_: str, ActionNames: list[str], **__: str) -> list[dict[str, str]]:
        return [result for result in denied if result["EvalActionName"] in ActionNames]

    account: Any = SimpleNamespace(caller=f"arn:aws:iam::{ACCOUNT}:user/deployer", pages=pages)
    assert [*deployer(account, is_gradual=False)] == []
    blocked = titles([*deployer(account, is_gradual=True)])
    assert blocked == ["blocks: A policy denies actions of the deployment"]


SIMULATED = {"EvalActionName": "iam:CreateRole", "EvalDecision": "implicitDeny"}
GROUP = HEALTHY["GetWorkGroup"]["WorkGroup"]
SETTINGS: list[tuple[str, dict[str, Any], str]] = [
    (
        "no IAMAllowedPrincipals",
        {"GetDataLakeSettings": {"DataLakeSettings": {"CreateDatabaseDefaultPermissions": [GRANT]}}},
        "blocks: Lake Formation controls access to new databases and tables",
    ),
    (
        "nobody creates databases",
        {"ListPermissions": {"PrincipalResourcePermissions": []}},
        "limits: Lake Formation decides who creates databases",
    ),
    (
        "encrypted catalog",
        {
            "GetDataCatalogEncryptionSettings": {
                "DataCatalogEncryptionSettings": {
                    "EncryptionAtRest": {"CatalogEncryptionMode": "SSE-KMS", "SseAwsKmsKeyId": "1234"}
                }
            }
        },
        "blocks: The Data Catalog is encrypted with the KMS key 1234",
    ),
    (
        "catalog encrypted by AWS",
        {
            "GetDataCatalogEncryptionSettings": {
                "DataCatalogEncryptionSettings": {"EncryptionAtRest": {"CatalogEncryptionMode": "SSE-KMS"}}
            }
        },
        "advice: The Data Catalog is encrypted with the AWS managed key",
    ),
    (
        "encrypted passwords",
        {
            "GetDataCatalogEncryptionSettings": {
                "DataCatalogEncryptionSettings": {
                    "ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": True}
                }
            }
        },
        "advice: Passwords of Glue connections are encrypted",
    ),
    (
        "enforced workgroup",
        {"GetWorkGroup": {"WorkGroup": {**GROUP, "Configuration": {"EnforceWorkGroupConfiguration": True}}}},
        "limits: The Athena workgroup primary is disabled or enforces its settings",
    ),
    (
        "disabled workgroup",
        {"GetWorkGroup": {"WorkGroup": {**GROUP, "State": "DISABLED"}}},
        "limits: The Athena workgroup primary is disabled or enforces its settings",
    ),
    (
        "unlimited workgroup",
        {"GetWorkGroup": {"WorkGroup": {**GROUP, "Configuration": {}}}},
        "advice: The Athena workgroup primary has no limit of scanned bytes",
    ),
    (
        "public buckets",
        {"GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration"},
        "advice: The account does not block public access to S3",
    ),
    ("no log role", {"GetAccount": {}}, "blocks: API Gateway has no CloudWatch role in this Region"),
    (
        "deleted log role",
        {
            "GetAccount": {"cloudwatchRoleArn": f"arn:aws:iam::{ACCOUNT}:role/service/gone"},
            "GetRole": lambda params: (
                "NoSuchEntity" if params["body"]["RoleName"] == "gone" else HEALTHY["GetRole"]
            ),
        },
        "blocks: API Gateway's CloudWatch role does not exist",
    ),
    (
        "hooks",
        {"ListTypes": {"TypeSummaries": [{"TypeName": "Org::Rules::Hook"}]}},
        "advice: CloudFormation hooks can reject stacks",
    ),
    (
        "GuardDuty",
        {"ListMalwareProtectionPlans": {"MalwareProtectionPlans": [{"MalwareProtectionPlanId": "1"}]}},
        "advice: GuardDuty Malware Protection for S3 is in use",
    ),
    (
        "new account",
        {
            "GetAccountSettings": {
                "AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
            }
        },
        "blocks: Lambda runs only 10 functions at the same time",
    ),
    (
        "reserved concurrency",
        {
            "GetAccountSettings": {
                "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 100}
            }
        },
        "limits: Other functions reserve all of Lambda's concurrency",
    ),
    (
        "few stack operations",
        {"DescribeAccountLimits": {"AccountLimits": [{"Name": "ConcurrentResourcesLimit", "Value": 500}]}},
        "limits: CloudFormation works on 500 resources at the same time",
    ),
    (
        "member of an organization",
        {"DescribeOrganization": {"Organization": {"Id": "o-abc", "MasterAccountId": "210987654321"}}},
        "advice: The account belongs to the organization o-abc",
    ),
    (
        "management account",
        {"DescribeOrganization": {"Organization": {"Id": "o-abc", "MasterAccountId": ACCOUNT}}},
        "advice: This is the management account of an organization",
    ),
    (
        "denied by the organization",
        {
            "SimulatePrincipalPolicy": {
                "EvaluationResults": [
                    {**SIMULATED, "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}
                ]
            }
        },
        "blocks: The organization denies actions of the deployment",
    ),
    (
        "denied",
        {"SimulatePrincipalPolicy": {"EvaluationResults": [{**SIMULATED, "EvalDecision": "explicitDeny"}]}},
        "blocks: A policy denies actions of the deployment",
    ),
    (
        "boundary required",
        {
            "SimulatePrincipalPolicy": {
                "EvaluationResults": [{**SIMULATED, "MissingContextValues": ["iam:PermissionsBoundary"]}]
            }
        },
        "blocks: New roles need a permissions boundary",
    ),
    (
        "not allowed on everything",
        {"SimulatePrincipalPolicy": {"EvaluationResults": [SIMULATED]}},
        "advice: The caller may lack permissions",
    ),
]


@pytest.mark.parametrize(("changed", "title"), [s[1:] for s in SETTINGS], ids=[s[0] for s in SETTINGS])
def test_each_setting_makes_one_finding(changed: dict[str, Any], title: str) -> None:
    additional = [each for each in found(changed) if each.title not in (ROOM, AT_ONCE)]
    assert titles(additional) == [title]
    [finding] = additional
    assert finding.fix.endswith((".", "true")) or "aws " in finding.fix
    assert finding.detail.endswith(".")
    assert finding.document.startswith("https://docs.aws.amazon.com/")


def test_the_stack_can_create_the_gateway_s_role_itself() -> None:
    assert titles(found({"GetAccount": {}}, ApiGatewayAccount="create")) == titles(found())


def test_a_quota_below_the_wanted_environments_limits_them() -> None:
    [limit] = [f for f in found(MaxEnvironments="300") if f.severity is Severity.LIMITS]
    assert limit.title == "Quota for 250 environments: Max security configurations per account (glue)"
    assert "at most 250 can exist" in limit.detail
    assert "--quota-code L-83192DBF --desired-value 300 --region us-east-1" in limit.fix


def test_what_others_use_of_a_quota_is_subtracted_and_sandboxes_are_not_others() -> None:
    changed = {
        "GetSecurityConfigurations": {"SecurityConfigurations": [{"Name": str(n)} for n in range(60)]},
        "ListStacks": stacks("terraglue-abcdefgh23", "terraglue-abcdefgh24", "billing"),
    }
    [limit] = [f for f in found(changed) if f.severity is Severity.LIMITS]
    assert limit.title.startswith("Quota for 192 environments")
    assert "of which others use 58" in limit.detail
    assert "--desired-value 258 " in limit.fix


def test_the_account_s_value_counts_and_not_aws_s_default() -> None:
    raised = {"ListServiceQuotas": quotas(L_83192DBF=5_000, L_FE177D64=700)}
    assert "advice: The account has room for 700 environments" in titles(found(raised))


def test_a_quota_of_zero_is_not_aws_s_default() -> None:
    closed = {"ListServiceQuotas": quotas(L_83192DBF=0)}
    assert "advice: The account has room for 0 environments" in titles(found(closed))


def test_global_quotas_are_raised_in_their_home_region() -> None:
    lowered = {"ListServiceQuotas": quotas(L_FE177D64=150)}
    [limit] = [f for f in found(lowered, region="eu-west-1") if f.severity is Severity.LIMITS]
    assert "--quota-code L-FE177D64 --desired-value 200 --region us-east-1" in limit.fix


def test_a_quota_without_an_applied_value_has_aws_s_default_of_the_region() -> None:
    only_jobs = {"Quotas": [{"QuotaCode": "L-611FDDE4", "QuotaName": "jobs", "Value": 900.0}]}
    changed = {
        "ListServiceQuotas": only_jobs,
        "GetAWSDefaultServiceQuota": {"Quota": {"Value": 120.0}},
    }
    assert "advice: The account has room for 13 environments" in titles(found(changed))  # 9 tables each


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnknownOperationException", "501"])
def test_what_cannot_be_read_is_named_once(code: str) -> None:
    findings = found(dict.fromkeys(HEALTHY, code))
    assert titles(findings) == [
        f"advice: {AT_ONCE}",
        f"advice: {ROOM}",
        "advice: Some settings could not be read",
    ]
    expected = "denied" if code == "AccessDeniedException" else code
    for permission in ("lakeformation:GetDataLakeSettings", "servicequotas:ListServiceQuotas"):
        assert f"{permission} ({expected})" in findings[-1].detail


def test_the_table_of_the_documentation_is_that_of_the_code() -> None:
    text = (ROOT / "docs/quotas.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- quotas -->\n")
    shown, _, _ = rest.partition("\n<!-- /quotas -->")
    assert shown == table(), "python -m deploy.findings.quotas prints the current table"


def test_a_sandbox_is_counted_in_the_template() -> None:
    counted = sandbox()
    assert counted.resources["AWS::S3::Bucket"] == 5
    assert counted.resources["AWS::Glue::SecurityConfiguration"] == 1
    assert counted.resources[STACK] == 1
    assert counted.dpus == 5  # 5 workers G.1X


def test_the_simulated_actions_are_those_of_the_service_s_resources() -> None:
    """Each type of the service's own template has actions, and its schema requires them to create it."""
    data = Path(cfnlint.__file__).parent / "data/schemas"
    index = json.loads((data / "providers/us-east-1.json").read_text())
    resources = merged(ROOT / "chalice_app")["Resources"].values()
    # Conditional resources need further permissions only of those who choose them.
    types = {of["Type"] for of in resources if "Type" in of and "Condition" not in of}
    policies = {kind for kind in types if kind.endswith("Policy") and kind not in DEPLOYING}
    assert policies == {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"}  # by owner
    assert types - policies <= DEPLOYING.keys()
    for kind, actions in [*DEPLOYING.items(), *ROLLING_OUT.items()]:
        schema = json.loads((data / f"resources/{index[kind]}.json").read_text())
        required = {action.lower() for action in schema["handlers"]["create"]["permissions"]}
        own = [action for action in actions if action.lower() in required]
        assert own or kind == STACK, (kind, sorted(required))
