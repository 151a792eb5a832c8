"""Credentials for one sandbox: the session policy and the cache."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from chalicelib.aws.errors import AwsThrottled
from chalicelib.aws.sandbox_credentials import SESSION_SECONDS, SandboxCredentials
from chalicelib.aws.session_policies import MOST_CHARACTERS, SessionPolicy, reader_policy, user_policy
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import Outputs
from chalicelib.domain.settings import BucketNames, Settings
from local.iam.checks import PermissionCheck
from local.iam.policies import Verdict, verdict

ROLE = "arn:aws:iam::123456789012:role/sandbox-reader"
REGION = "us-east-1"
LOGS = f"arn:aws:logs:{REGION}:123456789012:log-group:/aws-glue/jobs/terraglue-aaaaaaaaaa/output:*"
KEY = f"arn:aws:kms:{REGION}:123456789012:key/11111111-2222-3333-4444-555555555555"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


OUTPUTS = Outputs(*({}, {}, "job", "role", {}), athena_workgroup="terraglue-aaaaaaaaaa", kms_key_arn=KEY)


def environment(**outputs: Any) -> Environment:
    return Environment(
        id="aaaaaaaaaa",
        owner="ana",
        status=Status.READY,
        release="1",
        settings=Settings().resolved(),
        created_at="",
        updated_at="",
        expires_at="",
        outputs=dataclasses.replace(OUTPUTS, **outputs),
    )


def allowed(policy: str, action: str, resource: str) -> bool:
    return verdict([json.loads(policy)], PermissionCheck(action, resource)) is Verdict.ALLOWED


def glue(resource: str) -> str:
    return f"arn:aws:glue:{REGION}:123456789012:{resource}"


def workgroup(name: str) -> str:
    return f"arn:aws:athena:{REGION}:123456789012:workgroup/{name}"


def test_the_policy_reaches_one_sandbox_and_nothing_else() -> None:
    policy = reader_policy(environment(), ROLE, REGION)
    for action, resource, other in (
        (
            "s3:GetObject",
            "arn:aws:s3:::terraglue-aaaaaaaaaa-sot/a/b",
            "arn:aws:s3:::terraglue-bbbbbbbbbb-sot/a",
        ),
        ("s3:GetObject", "arn:aws:s3:::terraglue-aaaaaaaaaa-sor/a", "arn:aws:s3:::assets/environments/a"),
        ("s3:ListBucket", "arn:aws:s3:::terraglue-aaaaaaaaaa-sot", "arn:aws:s3:::terraglue-aaaaaaaaaab-sot"),
        (
            "s3:PutObject",
            "arn:aws:s3:::terraglue-aaaaaaaaaa-athena-results/x.csv",
            "arn:aws:s3:::terraglue-aaaaaaaaaa-sot/x.csv",
        ),
        ("glue:GetTable", glue("table/terraglue_aaaaaaaaaa_sot/t"), glue("table/terraglue_bbbbbbbbbb_sot/t")),
        ("glue:GetDatabase", glue("database/default"), glue("database/sales")),
        ("glue:GetDatabase", glue("database/terraglue_aaaaaaaaaa_sot"), glue("database/global_temp")),
        ("athena:StartQueryExecution", workgroup("terraglue-aaaaaaaaaa"), workgroup("primary")),
        ("kms:Decrypt", KEY, KEY.replace("1111", "2222")),
    ):
        assert allowed(policy, action, resource), resource
        assert not allowed(policy, action, other), other
    for action in (
        "glue:UpdateTable",
        "glue:CreateTable",
        "s3:DeleteObject",
        "sts:AssumeRole",
        "kms:Encrypt",
    ):
        assert not allowed(policy, action, "*")


def test_a_sandbox_without_workgroup_and_key_uses_the_primary_workgroup() -> None:
    policy = reader_policy(environment(athena_workgroup=None, kms_key_arn=None), ROLE, REGION)
    assert allowed(policy, "athena:StartQueryExecution", workgroup("primary"))
    assert not allowed(policy, "kms:Decrypt", KEY)


OWN_ROLE = "arn:aws:iam::123456789012:role/terraglue-aaaaaaaaaa-glue-job"


def test_a_user_works_in_one_sandbox_and_nowhere_else() -> None:
    policy = user_policy(environment(role_arn=OWN_ROLE), ROLE, REGION)
    for action, own in (
        ("s3:PutObject", "arn:aws:s3:::terraglue-aaaaaaaaaa-sot/a/b"),
        ("s3:DeleteObject", "arn:aws:s3:::terraglue-aaaaaaaaaa-sor/a"),
        ("glue:CreateTable", glue("table/terraglue_aaaaaaaaaa_sot/t")),
        ("glue:BatchCreatePartition", glue("database/terraglue_aaaaaaaaaa_sot")),
        ("glue:UpdateJob", glue("job/terraglue-aaaaaaaaaa-job")),
        ("iam:PassRole", OWN_ROLE),
        ("logs:GetLogEvents", LOGS),
        ("athena:ListQueryExecutions", workgroup("terraglue-aaaaaaaaaa")),
        ("kms:GenerateDataKey", KEY),
    ):
        assert allowed(policy, action, own), own
        other = own.replace("a" * 10, "b" * 10) if "aaaa" in own else own.replace("1111", "2222")
        assert not allowed(policy, action, other), other
    for action in ("glue:StartJobRun", "glue:CreateJob", "glue:DeleteJob", "glue:CreateTrigger"):
        assert not allowed(policy, action, glue("job/terraglue-aaaaaaaaaa-job")), action
    for action in ("sts:AssumeRole", "iam:CreateRole", "glue:DeleteDatabase", "athena:ListWorkGroups"):
        assert not allowed(policy, action, "*"), action


def test_no_key_policy_extends_a_session() -> None:
    """A key policy that names a role by `aws:PrincipalArn` is limited by an explicit denial only."""
    for policy in (reader_policy, user_policy):
        for given, own in ((environment(), KEY), (environment(kms_key_arn=None), None)):
            denied = [json.loads(policy(given, ROLE, REGION))]
            for key in (KEY, KEY.replace("1111", "2222")):
                found = verdict(denied, PermissionCheck("kms:Decrypt", key))
                assert found is (Verdict.ALLOWED if key == own else Verdict.DENIED)


def test_a_user_passes_no_role_that_sandboxes_share() -> None:
    shared = OWN_ROLE.replace("aaaaaaaaaa-glue-job", "shared-analysts")
    settings = Settings(iam_role=False, role_arn=shared).resolved()
    using = environment(role_arn=shared).replace(settings=settings)
    assert not allowed(user_policy(using, ROLE, REGION), "iam:PassRole", shared)


def test_a_user_has_no_queries_in_the_workgroup_that_sandboxes_share() -> None:
    policy = user_policy(environment(athena_workgroup=None), ROLE, REGION)
    assert not allowed(policy, "athena:StartQueryExecution", workgroup("primary"))
    assert "athena" not in policy.replace("athena-results", "")


@pytest.mark.parametrize("policy", [reader_policy, user_policy])
def test_sts_accepts_the_longest_policy(policy: SessionPolicy) -> None:
    longest = environment(
        athena_workgroup=f"terraglue-aaaaaaaaaa-{'x' * 64}",
        role_arn=f"arn:aws-us-gov:iam::123456789012:role/{'x' * 64}",
        kms_key_arn=f"arn:aws-us-gov:kms:ap-southeast-99:123456789012:key/mrk-{'1' * 32}",
    )
    buckets = BucketNames(**dict.fromkeys(BucketNames.model_fields, "x" * 40))
    longest = longest.replace(settings=longest.settings.model_copy(update={"buckets": buckets}))
    role = ROLE.replace("arn:aws:", "arn:aws-us-gov:")
    assert len(policy(longest, role, "ap-southeast-99")) <= MOST_CHARACTERS


@dataclasses.dataclass
class Sts:
    stub: Stubber
    credentials: SandboxCredentials
    moment: datetime = NOW

    def give(self, key: str, **asked: Any) -> None:
        given = {
            "AccessKeyId": key.ljust(16, "x"),
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": self.moment + timedelta(seconds=SESSION_SECONDS),
        }
        expected = {
            "RoleArn": ROLE,
            "RoleSessionName": "terraglue-aaaaaaaaaa",
            "Policy": ANY,
            "DurationSeconds": SESSION_SECONDS,
        }
        self.stub.add_response("assume_role", {"Credentials": given}, expected | asked)


@pytest.fixture
def sts() -> Iterator[Sts]:
    client = boto3.client("sts", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        made = Sts(stub, SandboxCredentials(client, ROLE, reader_policy, REGION, clock=lambda: made.moment))
        yield made
        stub.assert_no_pending_responses()


def test_credentials_are_kept_until_shortly_before_they_expire(sts: Sts) -> None:
    sts.give("first")
    assert sts.credentials.of(environment()) is sts.credentials.of(environment())
    sts.moment += timedelta(seconds=SESSION_SECONDS - 121)
    assert sts.credentials.of(environment()).access_key_id.startswith("first")
    sts.moment += timedelta(seconds=1)
    sts.give("second")
    assert sts.credentials.of(environment()).access_key_id.startswith("second")


def test_other_sandboxes_and_changed_resources_get_separate_credentials(sts: Sts) -> None:
    sts.give("first")
    sts.credentials.of(environment())
    sts.give("changed")
    changed = environment(athena_workgroup="terraglue-aaaaaaaaaa-w")
    assert sts.credentials.of(changed).access_key_id.startswith("changed")
    sts.give("other", RoleSessionName="terraglue-bbbbbbbbbb")
    other = environment().replace(id="bbbbbbbbbb")
    assert sts.credentials.of(other).access_key_id.startswith("other")
    assert sts.credentials.of(environment()).access_key_id.startswith("first")


def test_secrets_are_not_shown(sts: Sts) -> None:
    sts.give("key")
    shown = repr(sts.credentials.of(environment()))
    assert "secret" not in shown.replace("secret_access_key", "")
    assert "'token'" not in shown


def test_an_error_of_sts_is_not_cached(sts: Sts) -> None:
    sts.stub.add_client_error("assume_role", "Throttling", "Rate exceeded", 400)
    with pytest.raises(AwsThrottled):
        sts.credentials.of(environment())
    sts.give("key")
    assert sts.credentials.of(environment()).access_key_id.startswith("key")
