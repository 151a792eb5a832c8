"""Claims about the permissions of roles and keys, which `prove_permissions.py` proves.

Each claim says what no request of a principal may do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

ANY = ("*",)
FUNCTIONS = ("api_handler", "stack_changed", "resource_changed", "job_changed", "tick", "deliver")


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
    yield from _inspector()
    yield from _reader()
    yield from _user()
    yield from _session(names["sandbox"])
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
_ROLES_OF_SANDBOXES = "arn:aws:iam::123456789012:role/terraglue-??????????-*"
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
        "the deployment role changes neither itself nor the roles for sandboxes",
        *("deployment", ["iam:*", "sts:*"]),
        resources=[
            names["DeploymentRole"],
            *(names[f"Sandbox{role}"] for role in ("Inspector", "Reader", "User")),
        ],
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


_ASSUMED = {
    "api_handler": ["SandboxInspector", "SandboxReader", "SandboxUser"],
    "stack_changed": ["SandboxUser"],
    "resource_changed": [],
    "job_changed": ["SandboxUser"],
    "tick": ["SandboxUser"],
    "deliver": [],
}
"""The roles for sandboxes that each function may assume."""


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
            f"{function} assumes no role but its own for sandboxes",
            *(function, ["sts:*"]),
            but=[names[role] for role in _ASSUMED[function]],
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

    yield Claim(
        "deliver reaches no sandbox: only the table, topics of notifications and its own log",
        "deliver",
        but=[
            names["Table"],
            f"{names['Table']}/index/due",
            "arn:aws:sns:us-east-1:123456789012:terraglue-notifications*",
        ],
        but_actions=[
            *("logs:CreateLogStream", "logs:PutLogEvents"),
            *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        ],
    )


def _inspector() -> Iterator[Claim]:
    verbs = ("Attach", "Batch", "Create", "Delete", "Pass", "Put", "Remove", "Set", "Start", "Tag", "Update")
    services = ("athena", "cloudformation", "glue", "iam", "kms", "lakeformation", "logs", "s3")
    yield Claim(
        "the inspector changes nothing",
        "inspector",
        [f"{service}:{verb}*" for service in services for verb in verbs],
        but_actions=["cloudformation:BatchDescribeTypeConfigurations"],
    )
    yield Claim(
        "the inspector reads no data",
        "inspector",
        [
            *("s3:GetObject*", "kms:Decrypt", "kms:GenerateDataKey*", "athena:GetQuery*", "logs:GetLog*"),
            *("glue:GetPartition*", "lakeformation:GetDataAccess"),
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


def _user() -> Iterator[Claim]:
    """Yield claims about the role of sandboxes' users without a session policy."""
    yield Claim(
        "the user reaches nothing but sandboxes, default, the data catalog and keys",
        "user",
        but=[*_SANDBOXES, _KEYS, _ROLES_OF_SANDBOXES, *_OF_ALL_USERS],
    )
    yield from _limits("the user", "user")


def _session(own: str) -> Iterator[Claim]:
    """Yield claims about a session of one sandbox's user: the role with its session policy."""
    who = "a session of a user"
    yield Claim(
        f"{who} reaches nothing outside of its sandbox",
        "session",
        but=[
            *_own(own),
            f"arn:aws:athena:us-east-1:123456789012:workgroup/terraglue-{own}",
            f"arn:aws:iam::123456789012:role/terraglue-{own}-glue-job",
            "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
            *_OF_ALL_USERS,
        ],
    )
    yield from _limits(who, "session")


def _limits(who: str, principal: str) -> Iterator[Claim]:
    yield Claim(
        f"{who} has no rights in IAM, STS and CloudFormation, but to pass a job's role",
        *(principal, _ADMINISTRATION),
        but_actions=["iam:PassRole"],
    )
    yield Claim(
        f"{who} passes only roles of sandboxes",
        *(principal, ["iam:PassRole"]),
        but=[_ROLES_OF_SANDBOXES],
    )
    yield Claim(
        f"{who} passes roles to Glue only",
        *(principal, ["iam:PassRole"]),
        unlike={"iam:PassedToService": ["glue.amazonaws.com"]},
    )
    yield Claim(
        f"{who} starts no run, and creates and deletes no job, trigger, session or database",
        principal,
        [
            *("glue:StartJobRun", "glue:BatchStopJobRun", "glue:CreateJob", "glue:DeleteJob"),
            *("glue:*Trigger*", "glue:*Workflow*", "glue:*Session*", "glue:*Crawler*", "glue:*DevEndpoint*"),
            *("glue:CreateDatabase", "glue:UpdateDatabase", "glue:DeleteDatabase", "glue:*Policy*"),
            *("glue:*UserDefinedFunction*", "glue:*Connection*", "glue:*SecurityConfiguration*"),
        ],
    )
    yield Claim(
        f"{who} changes no workgroup, and no data catalog but its databases",
        principal,
        ["athena:*WorkGroup", "athena:*DataCatalog", "athena:*CapacityReservation*", "athena:*Notebook*"],
        but_actions=["athena:GetWorkGroup", "athena:GetDataCatalog"],
    )
    yield Claim(
        f"{who} changes no setting of a bucket, and no permission or version of an object",
        principal,
        [
            *("s3:PutBucket*", "s3:DeleteBucket*", "s3:CreateBucket", "s3:Put*Configuration"),
            *("s3:PutObjectAcl", "s3:PutObjectVersion*", "s3:DeleteObjectVersion*", "s3:BypassGovernance*"),
        ],
    )
    yield Claim(
        f"{who} does not change the files that the service stored for jobs",
        principal,
        ["s3:Put*", "s3:Delete*", "s3:Abort*"],
        ["arn:aws:s3:::terraglue-??????????-*/*/.content/*"],
    )
    yield Claim(
        f"{who} reaches no bucket of another account",
        *(principal, ["s3:*"]),
        unlike={"aws:ResourceAccount": ["123456789012"]},
    )
    yield Claim(
        f"{who} uses keys through S3 only, and changes none",
        *(principal, ["kms:*"]),
        unlike={"kms:ViaService": ["s3.us-east-1.amazonaws.com"]},
    )
    yield Claim(
        f"{who} uses no key but to read and write data",
        *(principal, ["kms:*"]),
        but_actions=["kms:Decrypt", "kms:GenerateDataKey"],
    )
    yield Claim(
        f"{who} writes and deletes no log",
        *(principal, ["logs:*"]),
        but_actions=["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"],
    )


_OF_ALL_USERS = (
    "arn:aws:athena:us-east-1:123456789012:datacatalog/AwsDataCatalog",
    "arn:aws:glue:us-east-1:123456789012:database/default",
)
"""What the users of all sandboxes can see."""


def _own(sandbox: str) -> list[str]:
    """Return the names of one sandbox's resources."""
    return [
        *(f"arn:aws:s3:::terraglue-{sandbox}-*",),
        "arn:aws:glue:us-east-1:123456789012:catalog",
        *(
            f"arn:aws:glue:us-east-1:123456789012:{kind}/terraglue_{sandbox}_*"
            for kind in ("database", "table")
        ),
        f"arn:aws:glue:us-east-1:123456789012:job/terraglue-{sandbox}-*",
        f"arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/jobs/terraglue-{sandbox}/*",
    ]


_ADMINISTRATION = (
    *("iam:*", "sts:*", "cloudformation:*", "lambda:*", "dynamodb:*", "organizations:*", "ec2:*", "ssm:*"),
    *("secretsmanager:*", "events:*", "apigateway:*", "sqs:*", "sns:*", "lakeformation:*"),
)


def _sandbox(own: str) -> Iterator[Claim]:
    """Yield claims about the role of a user's job, and about any role with the boundary."""
    shared = [f"arn:aws:glue:us-east-1:123456789012:database/{name}" for name in ("default", "global_temp")]
    yield Claim(
        "a job reaches nothing outside of its sandbox",
        "job",
        but=[*_own(own), *shared, _KEYS],
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
