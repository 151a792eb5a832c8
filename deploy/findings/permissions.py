"""Permission findings: actions that the caller lacks, and rules of the organization."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from deploy.findings.account import AccountReader
from deploy.findings.finding import Finding, Severity

DEPLOYING = {
    "AWS::ApiGateway::RestApi": ("apigateway:POST", "apigateway:PATCH"),
    "AWS::CloudFormation::Stack": (
        "cloudformation:CreateChangeSet",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
    ),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm",),
    "AWS::CloudWatch::Dashboard": ("cloudwatch:PutDashboard",),
    "AWS::DynamoDB::Table": ("dynamodb:CreateTable", "dynamodb:UpdateContinuousBackups"),
    "AWS::Events::Rule": ("events:PutRule", "events:PutTargets"),
    "AWS::IAM::ManagedPolicy": ("iam:CreatePolicy",),
    "AWS::IAM::Role": ("iam:CreateRole", "iam:PassRole", "iam:PutRolePolicy"),
    "AWS::KMS::Key": ("kms:CreateKey", "kms:PutKeyPolicy"),
    "AWS::Lambda::Alias": ("lambda:CreateAlias", "lambda:UpdateAlias"),
    "AWS::Lambda::Function": (
        "lambda:AddPermission",
        "lambda:CreateFunction",
        "lambda:PutFunctionConcurrency",
    ),
    "AWS::Lambda::Version": ("lambda:PublishVersion",),
    "AWS::Logs::LogGroup": ("logs:CreateLogGroup", "logs:PutRetentionPolicy"),
    "AWS::Logs::QueryDefinition": ("logs:PutQueryDefinition",),
    "AWS::S3::Bucket": ("s3:CreateBucket", "s3:PutBucketPolicy", "s3:PutEncryptionConfiguration"),
    "AWS::SNS::Topic": ("sns:CreateTopic", "sns:SetTopicAttributes"),
    "AWS::SQS::Queue": ("sqs:CreateQueue", "sqs:SetQueueAttributes"),
    "AWS::SecretsManager::Secret": ("secretsmanager:CreateSecret", "secretsmanager:GetRandomPassword"),
}
"""Actions without which the caller's stack cannot be created, by resource type."""

ROLLING_OUT = {
    "AWS::CodeDeploy::Application": ("codedeploy:CreateApplication",),
    "AWS::CodeDeploy::DeploymentGroup": (
        "codedeploy:CreateDeployment",
        "codedeploy:CreateDeploymentGroup",
        "codedeploy:GetDeployment",
        "codedeploy:GetDeploymentConfig",
        "codedeploy:RegisterApplicationRevision",
    ),
    "AWS::IAM::Role": ("iam:AttachRolePolicy",),  # SAM gives CodeDeploy's role a policy of AWS
}
"""Further actions with a gradual `ROLLOUT`."""

_SIMULATOR = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html"
_BOUNDARY = "iam:PermissionsBoundary"


def organization(account: AccountReader) -> Iterator[Finding]:
    """Yield advice if the account belongs to an organization, whose policies its members cannot read."""
    answer = account.read(
        "organizations:DescribeOrganization",
        account.client("organizations", account.home).describe_organization,
        absent="AWSOrganizationsNotInUseException",
    )
    if answer is None:
        return
    organization = answer["Organization"]
    if organization.get("MasterAccountId") == account.id:
        yield Finding(
            Severity.ADVICE,
            "This is the management account of an organization",
            "Service control policies do not apply to it, and AWS advises against workloads in it.",
            "Deploy to a member account.",
            "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_best-practices_mgmt-acct.html",
        )
        return
    yield Finding(
        Severity.ADVICE,
        f"The account belongs to the organization {organization.get('Id')}",
        "An account cannot read its service control and resource control policies. make plan simulates the "
        "caller's actions, which considers service control policies without conditions. It cannot see how "
        "they affect the roles of the service, which do not exist yet. It cannot see resource control "
        "policies and tag policies either.",
        f"Ask the administrators ({organization.get('MasterAccountEmail', 'of the management account')}) "
        "whether a policy restricts Regions, CloudFormation, Glue, KMS, or roles without a certain boundary "
        "or path.",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html",
    )


def deployer(account: AccountReader, *, is_gradual: bool) -> Iterator[Finding]:
    """Yield findings about what the caller may not do, as far as AWS's policy simulator can tell.

    With `is_gradual`, CloudFormation also lets CodeDeploy move the API's requests, as the caller.
    """
    source = _policy_source(account)
    if source is None:
        return
    groups = [*DEPLOYING.values(), *(ROLLING_OUT.values() if is_gradual else ())]
    actions = sorted(action for group in groups for action in group)
    results = account.pages(
        *("iam:SimulatePrincipalPolicy", "iam", "simulate_principal_policy", "EvaluationResults"),
        PolicySourceArn=source,
        ActionNames=actions,
    )
    by_organization = [r for r in results or () if not _allowed_by(r, "OrganizationsDecisionDetail")]
    denied = [r for r in results or () if r["EvalDecision"] == "explicitDeny" and r not in by_organization]
    unclear = [r for r in results or () if r["EvalDecision"] == "implicitDeny" and r not in by_organization]
    if by_organization:
        yield Finding(
            Severity.BLOCKS,
            "The organization denies actions of the deployment",
            f"Service control policies do not allow {_names(by_organization)}.",
            "Ask the administrators of the organization.",
            "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html",
        )
    if denied:
        yield Finding(
            Severity.BLOCKS,
            "A policy denies actions of the deployment",
            f"A policy of {source} denies {_names(denied)}.",
            "Use another identity, or remove the denial.",
            _SIMULATOR,
        )
    bounded = [r for r in unclear if _BOUNDARY in r.get("MissingContextValues", ())]
    if bounded:
        yield Finding(
            Severity.BLOCKS,
            "New roles need a permissions boundary",
            f"{_names(bounded)} are allowed to {source} only with a certain boundary ({_BOUNDARY}). The "
            "service's own roles have none.",
            "Deploy with an identity that may create roles without it.",
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
        )
    if missing := [r for r in unclear if r not in bounded]:
        yield Finding(
            Severity.ADVICE,
            "The caller may lack permissions",
            f"No policy of {source} allows {_names(missing)} on all resources. A policy that allows them on "
            "certain names or paths is enough, and the simulator does not see it.",
            "Compare the policy with the resources of the change set.",
            _SIMULATOR,
        )


def _policy_source(account: AccountReader) -> str | None:
    """Return the user or role whose policies the simulator reads, or None for the root user."""
    assumed = re.fullmatch(r"arn:([^:]+):sts::([0-9]{12}):assumed-role/([^/]+)/.*", account.caller)
    if assumed is None:
        return account.caller if ":user/" in account.caller else None
    # The ARN of a session lacks the role's path.
    client = account.client("iam")
    role: Any = account.read("iam:GetRole", lambda: client.get_role(RoleName=assumed[3]))
    return str(role["Role"]["Arn"]) if role else f"arn:{assumed[1]}:iam::{assumed[2]}:role/{assumed[3]}"


def _allowed_by(result: Any, layer: str) -> bool:
    detail = result.get(layer)
    return detail is None or bool(detail.get("AllowedByOrganizations", True))


def _names(results: list[Any]) -> str:
    return ", ".join(str(result["EvalActionName"]) for result in results)
