"""Classification and redaction of real AWS messages, with their sources."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.failures import failure, is_name_conflict, redacted

GITHUB = "https://github.com/"
OWN, OTHER = "abcdefgh23", "zzzzzzzz77"

# (class of the cause, the message, its source). Names and IDs in the messages are shortened.
SEEN = [
    (
        "permission",
        'Resource handler returned message: "User with accountId: 254377943029 is not authorized to perform '
        'CreateLogGroup with Tags (Service: CloudWatchLogs, Status Code: 400, Request ID: 72c1fa9c)" '
        "(RequestToken: 62e9f7dd, HandlerErrorCode: GeneralServiceException)",
        GITHUB + "awslabs/aws-well-architected-labs/pull/747",
    ),
    (
        "permission",
        "Insufficient Lake Formation permission(s): Required Create Database on Catalog (Service: AWSGlue; "
        "Status Code: 400; Error Code: AccessDeniedException; Request ID: 815bc078; Proxy: null)",
        GITHUB + "aws-solutions/workload-discovery-on-aws/issues/228",
    ),
    (
        "permission",
        "Could not create Glue Database x: Insufficient Lake Formation permission(s) on s3://bucket/",
        GITHUB + "data-dot-all/dataall/issues/423",
    ),
    (
        "permission",
        "API: iam:CreateRole User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: "
        "iam:CreateRole on resource: arn:aws:iam::111122223333:role/x with an explicit deny",
        GITHUB + "aws-solutions/quota-monitor-for-aws/issues/86",
    ),
    (
        "permission",
        "API: s3:PutBucketPolicy Access Denied",
        GITHUB + "prowler-cloud/prowler/issues/793",
    ),
    (
        "permission",
        'Resource handler returned message: "Access Denied (Service: S3, Status Code: 403, Request ID:XXX, '
        'Extended Request ID: XXX" (RequestToken: XXXX, HandlerErrorCode: AccessDenied)',
        GITHUB + "aws-samples/unishop-monolith-to-microservices/issues/47",
    ),
    (
        "quota",
        "You have attempted to create more buckets than allowed (Service: Amazon S3; Status Code: 400; "
        "Error Code: TooManyBuckets; Request ID: null; S3 Extended Request ID: null; Proxy: null)",
        GITHUB + "aws-solutions-library-samples/qnabot-on-aws/issues/285",
    ),
    (
        "quota",
        'Resource handler returned message: "Cannot exceed quota for PoliciesPerRole: 10 (Service: Iam, '
        'Status Code: 409, Request ID: a42eda91) (SDK Attempt Count: 1)" (RequestToken: a6dcd513, '
        "HandlerErrorCode: ServiceLimitExceeded)",
        GITHUB + "aws/eks-hybrid/pull/741",
    ),
    (
        "quota",
        "LimitExceeded: Cannot exceed quota for RolesPerAccount: 1000",
        GITHUB + "serverless-nextjs/serverless-next.js/issues/2234",
    ),
    (
        "quota",
        'Resource handler returned message: "Maximum policy size of 10240 bytes exceeded for role r '
        "(Service: Iam, Status Code: 409, Request ID: ",
        GITHUB + "gchq/sleeper/issues/1459",
    ),
    (
        "name_conflict",
        "api-portal-code already exists",
        GITHUB + "awslabs/aws-api-gateway-developer-portal/issues/543",
    ),
    (
        "name_conflict",
        "Resource handler returned message: \"Resource of type 'AWS::Logs::LogGroup' with identifier "
        '\'{"/properties/LogGroupName":"/aws/lambda/x"}\' already exists." (RequestToken: 258db5a1, '
        "HandlerErrorCode: AlreadyExists)",
        GITHUB + "aws-solutions/amazon-marketing-cloud-uploader-from-aws/issues/167",
    ),
    (
        "name_conflict",
        "An error occurred (AlreadyExistsException) when calling the CreateDatabase operation: Database "
        "already exists.",
        GITHUB + "moj-analytical-services/etl_manager/issues/71",
    ),
    (
        "name_conflict",
        "The bucket policy already exists on bucket XYZ",
        GITHUB + "aws-samples/aws-cdk-examples/issues/1022",
    ),
    (
        "throttling",
        "Rate exceeded for operation 'Rate exceeded (Service: Lambda, Status Code: 429, Request ID: 2d5768a, "
        "Extended Request ID: null)'.",
        GITHUB + "aws/aws-cdk/issues/9882",
    ),
    (
        "throttling",
        "Request limit exceeded. (Service: AmazonEC2; Status Code: 503; Error Code: RequestLimitExceeded; "
        "Request ID: 7fd6cf20)",
        GITHUB + "cloudfoundry/bosh-aws-cpi-release/issues/61",
    ),
    (
        "throttling",
        "Unable to create alarms due to reason: Rate exceeded (Service: AmazonCloudWatch; Status Code: 400; "
        "Error Code: Throttling; Request ID: 1f0a35b7)",
        GITHUB + "aws/aws-cli/issues/3002",
    ),
    (
        "throttling",
        "A conflicting conditional operation is currently in progress against this resource. Please try "
        "again. (Service: Amazon S3; Status Code: 409; Error Code: OperationAborted; Request ID: F8AD1BA8)",
        GITHUB + "FINRAOS/herd-mdl/issues/87",
    ),
    (
        "invalid_request",
        'Resource handler returned message: "The new key policy will not allow you to update the key policy '
        'in the future. (Service: Kms, Status Code: 400, Request ID: X) (SDK Attempt Count: 1)" '
        "(RequestToken: X, HandlerErrorCode: InvalidRequest)",
        GITHUB + "aws-solutions/innovation-sandbox-on-aws/issues/31",
    ),
    (
        "invalid_request",
        "The new key policy will not allow you to update the key policy in the future.",
        GITHUB + "convox/praxis/issues/180",
    ),
    (
        "invalid_request",
        "S3 bucket does not exist. (Service: AWSGlue; Status Code: 400; Error Code: InvalidInputException",
        GITHUB + "data-dot-all/dataall/issues/384",
    ),
    (
        "invalid_request",
        "Given GlueVersion [4.0] is not valid. (Service: AWSGlueJobExecutor; Status Code: 400; Error Code: "
        "InvalidInputException; Request ID: XXXX; Proxy: null)",
        GITHUB + "aws-samples/cql-replicator/issues/160",
    ),
    (
        "invalid_request",
        "Worker Type is not supported for Job Command pythonshell",
        GITHUB + "cloudposse/terraform-aws-glue/issues/42",
    ),
    (
        "invalid_request",
        "Properties validation failed for resource key with message: #: extraneous key [KeyFormat] is not "
        "permitted",
        GITHUB + "aws/aws-cdk/issues/28984",
    ),
    (
        "invalid_request",
        "InvalidRequestException: primary workGroup could not be created",
        GITHUB + "hashicorp/terraform-provider-aws/issues/37845",
    ),
    (
        "internal",
        "Internal Failure",
        GITHUB + "aws-cloudformation/cloudformation-coverage-roadmap/issues/607",
    ),
]


@pytest.mark.parametrize(
    ("cause", "words", "source"), SEEN, ids=[f"{c}-{n}" for n, (c, *_) in enumerate(SEEN)]
)
def test_messages_of_aws_are_classified(cause: str, words: str, source: str) -> None:
    found = failure("Thing", "AWS::X::Y", words)
    assert found.cause == cause, source
    assert found.fix
    assert is_name_conflict(words) == (cause == "name_conflict")


def test_the_missing_permission_is_shown_without_role_and_account() -> None:
    words = (
        "User: arn:aws:sts::123456789012:assumed-role/self-service-terraglue-x-deployment/AWS is not "
        f"authorized to perform: glue:CreateJob on resource: arn:aws:glue:us-east-1:123456789012:job/"
        f"terraglue-{OWN}-sot because no identity-based policy allows the glue:CreateJob action"
    )
    assert redacted(words, OWN) == (
        "User: [a resource of the account] is not authorized to perform: glue:CreateJob on resource: "
        f"arn:aws:glue:us-east-1:[account]:job/terraglue-{OWN}-sot because no identity-based policy allows "
        "the glue:CreateJob action"
    )


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (f"terraglue-{OWN}-sor already exists", f"terraglue-{OWN}-sor already exists"),
        (f"terraglue-{OTHER}-sor already exists", "[another environment] already exists"),
        (f"terraglue_{OTHER}_sot, terraglue_{OWN}_sot", f"[another environment], terraglue_{OWN}_sot"),
        (
            f"exists in stack arn:aws:cloudformation:us-east-1:123456789012:stack/terraglue-{OTHER}/1f",
            "exists in stack [a resource of the account]",
        ),
        (
            f"arn:aws:s3:::terraglue-{OWN}-sor/terraglue-{OTHER}-x",  # redacted despite the own name
            "[a resource of the account]",
        ),
        ("User with accountId: 254377943029 is not", "User with accountId: [account] is not"),
        ("asked by ben.lee@example.com, AROAEXAMPLEID123456", "asked by [address], [id]"),
        ("object of 1234567890123 bytes", "object of 1234567890123 bytes"),
    ],
)  # fmt: skip
def test_only_names_of_the_own_environment_are_shown(words: str, shown: str) -> None:
    assert redacted(words, OWN) == shown
    assert redacted(shown, OWN) == shown, "to redact twice changes nothing"


def test_without_an_environment_no_name_is_shown() -> None:
    assert redacted(f"terraglue-{OWN}-sor", "") == "[another environment]"
    assert failure(None, None, f"terraglue-{OWN}-sor exists").message == "[another environment] exists"


def test_a_long_message_is_truncated() -> None:
    assert len(redacted("x" * 5000, OWN).encode()) == 600
    assert len(redacted("é" * 5000, OWN).encode()) <= 600


@pytest.mark.parametrize("word", ["a", "a.-", "a@", "a@b.", "arn:", "terraglue-", "AKIA", "9", "ab@c.d-"])
def test_redaction_time_is_bounded_for_any_message(word: str) -> None:
    began = time.process_time()
    redacted(word * (64 * 1024 // len(word)), "abcdefgh23")
    assert time.process_time() - began < 1
