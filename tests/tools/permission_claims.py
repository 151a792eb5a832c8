"""Claims about the permissions of roles and keys, which `prove_permissions.py` proves.

Each claim says what no request of a principal may do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

ANY = ("*",)
FUNCTIONS = ("api_handler", "stack_changed", "resource_changed", "job_changed", "tick")


@dataclass(frozen=True)
class Claim:
    """What a principal can never do: `actions` on `resources`, except on `but` or with `but_actions`.

    `unlike` limits the claim to requests whose context value matches none of the patterns.
    """

    what: str
    principal: str
    actions: Sequence[str] = ANY
    resources: Sequence[str] = ANY
    but: Sequence[str] = ()
    but_actions: Sequence[str] = ()
    unlike: Mapping[str, Sequence[str]] = field(default_factory=dict)


def claims(names: Mapping[str, str]) -> Iterator[Claim]:
    """Yield every claim. `names` are ARNs of the service, and the ID of the sandbox of the role `job`."""
    yield from _deployment(names)
    yield from _functions(names)
    yield from _reader()
    yield from _sandbox(names["sandbox"])
    yield from _key(names)


_SANDBOXES = (
    "arn:aws:s3:::terraglue-??????????-*",
    "arn:aws:glue:us-east-1:123456789012:catalog",
    *(
        f"arn:aws:glue:us-east-1:123456789012:{kind}/terraglue_??????????_*"
        for kind in ("database", "table", "userDefinedFunction")
    ),
    *(
        f"arn:aws:glue:us-east-1:123456789012:{kind}/terraglue-??????????-*"
        for kind in ("job", "connection", "schema")
    ),
    "arn:aws:athena:us-east-1:123456789012:workgroup/terraglue-??????????",
    "arn:aws:athena:us-east-1:123456789012:workgroup/terraglue-??????????-*",
    "arn:aws:iam::123456789012:role/terraglue-??????????-glue-job",
    "arn:aws:kms:us-east-1:123456789012:alias/terraglue-??????????",
    "arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/jobs/terraglue-??????????/*",
    "arn:aws:s3tables:us-east-1:123456789012:bucket/terraglue-??????????-*",
    "arn:aws:firehose:us-east-1:123456789012:deliverystream/terraglue-??????????-*",
)
"""Names of every sandbox. Keys have no name; `_KEYS` are claims of their own."""
_KEYS = "arn:aws:kms:us-east-1:123456789012:key/*"
_OWN_ROLE = "arn:aws:iam::123456789012:role/terraglue-??????????-glue-job"
_SHARED_ROLE = "arn:aws:iam::123456789012:role/terraglue-shared-*"
_ENVIRONMENT, _SHARED = "aws:ResourceTag/terraglue:environment", "aws:ResourceTag/terraglue:shared"


def _deployment(names: Mapping[str, str]) -> Iterator[Claim]:
    bounded = (
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
    )
    for action in bounded:
        yield Claim(
            f"the deployment role calls {action} only with the boundary of sandboxes",
            *("deployment", [action]),
            unlike={"iam:PermissionsBoundary": [names["SandboxBoundary"]]},
        )
    yield Claim(
        "the deployment role changes roles of sandboxes only",
        *("deployment", ["iam:*"]),
        but=[_OWN_ROLE],
        but_actions=["iam:GetRole", "iam:PassRole", "iam:CreateServiceLinkedRole"],
    )
    yield Claim(
        "the deployment role creates no service-linked role but Athena's",
        *("deployment", ["iam:CreateServiceLinkedRole"]),
        but=["arn:aws:iam::123456789012:role/aws-service-role/athena.amazonaws.com/*"],
    )
    yield Claim(
        "the deployment role removes no boundary", "deployment", ["iam:DeleteRolePermissionsBoundary"]
    )
    yield Claim(
        "the deployment role changes no managed policy, and thus not the boundary",
        *("deployment", ["iam:*Policy*Version*", "iam:CreatePolicy", "iam:DeletePolicy"]),
    )
    yield Claim(
        "the deployment role changes neither itself nor the reader",
        *("deployment", ["iam:*", "sts:*"], [names["DeploymentRole"], names["SandboxReader"]]),
    )
    yield Claim(
        "the deployment role passes roles of sandboxes and shared roles only",
        *("deployment", ["iam:PassRole"]),
        but=[_OWN_ROLE, _SHARED_ROLE],
    )
    yield Claim(
        "the deployment role passes roles to Glue only",
        *("deployment", ["iam:PassRole"]),
        unlike={"iam:PassedToService": ["glue.amazonaws.com"]},
    )
    yield Claim("the deployment role assumes no role", "deployment", ["sts:*"])
    yield Claim(
        "the deployment role reaches no service of the control plane",
        "deployment",
        [
            *("apigateway:*", "cloudformation:*", "codebuild:*", "cognito-idp:*", "dynamodb:*", "ec2:*"),
            *("events:*", "lambda:*", "organizations:*", "secretsmanager:*", "sns:*", "sqs:*", "ssm:*"),
        ],
    )
    yield Claim(
        "the deployment role does not touch the assets of the service",
        *("deployment", ["s3:*"], [f"{names['AssetsBucket']}*"]),
    )
    yield Claim(
        "the deployment role reaches no bucket but those of sandboxes",
        *("deployment", ["s3:*"]),
        but=["arn:aws:s3:::terraglue-??????????-*"],
    )
    yield Claim(
        "the deployment role only creates buckets outside of the account, with tags",
        *("deployment", ["s3:*"]),
        but_actions=["s3:CreateBucket", "s3:TagResource"],
        unlike={"aws:ResourceAccount": ["123456789012"]},
    )
    yield Claim(
        "the deployment role uses and changes no key by its own policies",
        *("deployment", ["kms:*"], [_KEYS]),
        but_actions=["kms:CreateKey", "kms:ListAliases", "kms:TagResource"],
    )
    yield Claim(
        "the deployment role adds no tag to a key but those of a sandbox",
        *("deployment", ["kms:TagResource"]),
        unlike={"aws:RequestTag/terraglue:environment": ["??????????"]},
    )
    yield Claim(
        "the deployment role reaches nothing but sandboxes, keys and actions without a resource",
        "deployment",
        but=[*_SANDBOXES, _KEYS, _SHARED_ROLE, "arn:aws:iam::*:role/aws-service-role/athena.amazonaws.com/*"],
        but_actions=[*_WITHOUT_RESOURCE, "kms:TagResource"],
    )


_WITHOUT_RESOURCE = (
    *("glue:CreateSecurityConfiguration", "glue:DeleteSecurityConfiguration"),
    *("glue:GetSecurityConfiguration", "kms:CreateKey", "kms:ListAliases"),
    *("lakeformation:DescribeLakeFormationIdentityCenterConfiguration", "lakeformation:DescribeResource"),
    *("lakeformation:GetDataAccess", "lakeformation:ListResources"),
    *("logs:DescribeIndexPolicies", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies"),
)
"""Actions of the deployment role without a resource in the Service Authorization Reference."""


def _functions(names: Mapping[str, str]) -> Iterator[Claim]:
    for function in FUNCTIONS:
        yield Claim(
            f"{function} passes only the deployment role",
            *(function, ["iam:PassRole"]),
            but=[names["DeploymentRole"]],
        )
        yield Claim(
            f"{function} passes roles to CloudFormation only",
            *(function, ["iam:PassRole"]),
            unlike={"iam:PassedToService": ["cloudformation.amazonaws.com"]},
        )
        yield Claim(
            f"{function} changes nothing in IAM",
            *(function, ["iam:*"]),
            but_actions=["iam:GetRole", "iam:PassRole"],
        )
        yield Claim(
            f"{function} assumes no role" + (" but the reader" if function == "api_handler" else ""),
            *(function, ["sts:*"]),
            but=[names["SandboxReader"]] if function == "api_handler" else [],
        )
        yield Claim(
            f"{function} changes no stack but those of sandboxes",
            *(function, ["cloudformation:*"]),
            but=["arn:aws:cloudformation:us-east-1:123456789012:stack/terraglue-??????????/*"],
        )
        yield Claim(
            f"{function} changes no function, API, rule, secret or queue policy",
            function,
            [
                *("apigateway:*", "events:*", "secretsmanager:*", "sqs:SetQueueAttributes"),
                *("lambda:*", "ec2:*", "ssm:*"),
            ],
        )
        yield Claim(
            f"{function} cannot change a published release",
            *(function, ["s3:Put*", "s3:Delete*", "s3:Abort*"], [f"{names['AssetsBucket']}*"]),
            but=[f"{names['AssetsBucket']}/environments/*"],
        )
        yield Claim(
            f"{function} reads no object of a sandbox but uploaded job files",
            *(function, ["s3:GetObject"], ["arn:aws:s3:::terraglue-??????????-*"]),
            but=["arn:aws:s3:::terraglue-??????????-*/*/.content/*"],
        )
        yield Claim(
            f"{function} has no right to bookmarks"
            + (" but to reset them" if function == "api_handler" else ""),
            function,
            ["glue:*Bookmark"],
            but_actions=["glue:ResetJobBookmark"] if function == "api_handler" else [],
        )
        yield Claim(
            f"{function} creates no job, role or key, and no permission of a bucket",
            function,
            [
                *("glue:CreateJob", "glue:UpdateJob", "kms:Create*", "kms:PutKeyPolicy", "s3:CreateBucket"),
                *("s3:PutBucketPolicy", "s3:PutBucketAcl", "s3:PutObjectAcl"),
            ],
        )


def _reader() -> Iterator[Claim]:
    yield Claim(
        "the reader reaches nothing but sandboxes, primary, default and keys",
        "reader",
        but=[
            *_SANDBOXES,
            _KEYS,
            "arn:aws:athena:us-east-1:123456789012:workgroup/primary",
            "arn:aws:glue:us-east-1:123456789012:database/default",
        ],
    )
    yield Claim("the reader has no rights in IAM, STS and CloudFormation", "reader", _ADMINISTRATION)
    yield Claim(
        "the reader changes nothing but objects",
        "reader",
        ["s3:Delete*", "s3:PutBucket*", "glue:Create*", "glue:Update*", "glue:Delete*", "glue:BatchCreate*"],
    )


_ADMINISTRATION = (
    *("iam:*", "sts:*", "cloudformation:*", "lambda:*", "dynamodb:*", "organizations:*", "ec2:*", "ssm:*"),
    *("secretsmanager:*", "events:*", "apigateway:*", "sqs:*", "sns:*", "lakeformation:*"),
)


def _sandbox(own: str) -> Iterator[Claim]:
    """Yield claims about the role of a user's job, and about any role with the boundary."""
    mine = [
        *(f"arn:aws:s3:::terraglue-{own}-*",),
        "arn:aws:glue:us-east-1:123456789012:catalog",
        *(f"arn:aws:glue:us-east-1:123456789012:{kind}/terraglue_{own}_*" for kind in ("database", "table")),
        f"arn:aws:glue:us-east-1:123456789012:job/terraglue-{own}-*",
        f"arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/jobs/terraglue-{own}/*",
    ]
    shared = [f"arn:aws:glue:us-east-1:123456789012:database/{name}" for name in ("default", "global_temp")]
    yield Claim(
        "a job reaches nothing outside of its sandbox",
        "job",
        but=[*mine, *shared, _KEYS],
        but_actions=["cloudwatch:PutMetricData"],
    )
    yield Claim(
        "a job uses only its own key",
        *("job", ["kms:*"]),
        but=["arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"],
    )
    yield Claim(
        "a job writes metrics of Glue only",
        *("job", ["cloudwatch:*"]),
        unlike={"cloudwatch:namespace": ["Glue"]},
    )
    yield Claim(
        "a job does not change the databases that all jobs share",
        *("job", ["glue:*"], shared),
        but_actions=["glue:GetDatabase"],
    )
    yield Claim(
        "a job changes neither its job nor its tables of the release",
        "job",
        [
            "glue:UpdateJob",
            "glue:CreateJob",
            "glue:StartJobRun",
            "glue:*Database",
            "glue:*SecurityConfiguration",
        ],
        but_actions=["glue:GetDatabase"],
    )
    for principal, who in (("job", "a job"), ("bounded", "an administrator with the boundary")):
        yield Claim(f"{who} has no rights outside of data", principal, _ADMINISTRATION)
        yield Claim(
            f"{who} reaches no bucket of others",
            principal,
            ["s3:*"],
            but=["arn:aws:s3:::terraglue-??????????-*"],
        )
    yield Claim(
        "an administrator with the boundary reaches nothing but sandboxes",
        "bounded",
        but=[*_SANDBOXES, *shared, _KEYS],
        but_actions=["cloudwatch:PutMetricData"],
    )
    yield Claim(
        "an administrator with the boundary uses keys with a tag, or those of buckets of sandboxes",
        *("bounded", ["kms:*"]),
        unlike={
            _ENVIRONMENT: ["??????????"],
            _SHARED: ["true"],
            "kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::terraglue-??????????-*"],
        },
    )
    yield Claim(
        "an administrator with the boundary changes no key, and no permission of a bucket",
        "bounded",
        [
            "kms:PutKeyPolicy",
            "kms:CreateGrant",
            "kms:ScheduleKeyDeletion",
            "s3:PutBucket*",
            "s3:DeleteBucket*",
        ],
    )


def _key(names: Mapping[str, str]) -> Iterator[Claim]:
    """Yield claims about what a sandbox's key policy grants to a principal without any policy of its own."""
    yield Claim(
        "the key policy grants the key to the deployment role and the functions only",
        "stranger",
        unlike={"aws:PrincipalArn": [names["DeploymentRole"], names["ServiceRole"]]},
    )
    yield Claim(
        "the key policy grants the key to this account only",
        "stranger",
        unlike={"kms:CallerAccount": ["123456789012"]},
    )
    yield Claim(
        "the key policy grants the functions the key through S3 only",
        "stranger",
        unlike={
            "kms:ViaService": ["s3.us-east-1.amazonaws.com"],
            "aws:PrincipalArn": [names["DeploymentRole"]],
        },
    )
