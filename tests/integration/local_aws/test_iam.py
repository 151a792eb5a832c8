"""Local IAM: calls with a role's credentials under its policies and its boundary."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from local.aws.clients import Credentials
from local.iam import access
from local.iam.checks import PermissionCheck
from local.iam.policies import Verdict, verdict
from local.moto_patches import kms as kms_patch

REGION, ACCOUNT = "us-east-1", "123456789012"
TRUST = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
Aws = Callable[..., Any]


def client(service: str, credentials: Any = None, **more: Any) -> Any:
    given = credentials.client_arguments if credentials else {}
    return boto3.client(service, region_name=REGION, **given, **more)  # type: ignore[call-overload]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    unchecked = access.install()
    with mock_aws():
        yield
    unchecked()


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role(*statements: dict[str, Any], boundary: str | None = None) -> Aws:
    """A factory of clients with the credentials of a role that has these statements."""
    more = {"PermissionsBoundary": boundary} if boundary else {}
    client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=document(TRUST), **more)
    client("iam").put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=document(*statements))
    credentials = access.assume(client, "worker", "glue.amazonaws.com", "test")
    return functools.partial(client, credentials=credentials)


def allow(actions: Any, resources: Any, **condition: Any) -> dict[str, Any]:
    more = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    assert error["Code"] in ("AccessDenied", "AccessDeniedException"), error
    return str(error["Message"])


def test_calls_of_the_account_itself_are_never_checked(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    assert client("glue").get_databases()["DatabaseList"] == []


def test_objects_are_readable_only_under_the_policy(aws: None) -> None:
    for bucket in ("mine", "theirs"):
        client("s3").create_bucket(Bucket=bucket)
        client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    s3 = role(allow("s3:GetObject", "arn:aws:s3:::mine/*"), allow("s3:ListBucket", "arn:aws:s3:::mine"))("s3")
    assert s3.get_object(Bucket="mine", Key="a")["Body"].read() == b"1"
    assert s3.list_objects_v2(Bucket="mine")["KeyCount"] == 1
    words = refused(lambda: s3.get_object(Bucket="theirs", Key="a"))
    assert words == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/worker/test is not authorized to perform: s3:GetObject "
        "on resource: arn:aws:s3:::theirs/a because no identity-based policy allows the s3:GetObject action"
    )
    refused(lambda: s3.list_objects_v2(Bucket="theirs"))
    refused(lambda: s3.put_object(Bucket="mine", Key="b", Body=b""))
    refused(lambda: s3.delete_object(Bucket="mine", Key="a"))
    refused(lambda: s3.list_buckets())


def test_a_copy_needs_the_source_too(aws: None) -> None:
    for bucket in ("mine", "theirs"):
        client("s3").create_bucket(Bucket=bucket)
        client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    s3 = role(allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::mine/*"))("s3")
    s3.copy_object(Bucket="mine", Key="b", CopySource={"Bucket": "mine", "Key": "a"})
    refused(lambda: s3.copy_object(Bucket="mine", Key="c", CopySource={"Bucket": "theirs", "Key": "a"}))


def test_a_question_mark_matches_one_character_and_a_dot_only_a_dot(aws: None) -> None:
    for bucket in ("tg-aaaa-x", "tg-aaaaa-x", "tg.aaaa-x"):
        client("s3").create_bucket(Bucket=bucket)
    s3 = role(allow("s3:ListBucket", "arn:aws:s3:::tg-????-*"))("s3")
    s3.list_objects_v2(Bucket="tg-aaaa-x")
    refused(lambda: s3.list_objects_v2(Bucket="tg-aaaaa-x"))
    refused(lambda: s3.list_objects_v2(Bucket="tg.aaaa-x"))


def test_a_table_needs_catalog_database_and_table(aws: None) -> None:
    for database in ("mine", "theirs"):
        client("glue").create_database(DatabaseInput={"Name": database})
        client("glue").create_table(DatabaseName=database, TableInput={"Name": "t"})
    arn = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    glue = role(allow("glue:GetTable", [f"{arn}:catalog", f"{arn}:database/mine", f"{arn}:table/mine/*"]))(
        "glue"
    )
    assert glue.get_table(DatabaseName="mine", Name="t")["Table"]["Name"] == "t"
    assert "database/theirs" in refused(lambda: glue.get_table(DatabaseName="theirs", Name="t"))
    assert "glue:DeleteTable" in refused(lambda: glue.delete_table(DatabaseName="mine", Name="t"))
    refused(lambda: glue.get_databases())


def test_only_databases_with_permission_are_listed(aws: None) -> None:
    for database in ("mine", "theirs"):
        client("glue").create_database(DatabaseInput={"Name": database})
    arn = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    glue = role(allow("glue:GetDatabases", [f"{arn}:catalog", f"{arn}:database/mine"]))("glue")
    assert [found["Name"] for found in glue.get_databases()["DatabaseList"]] == ["mine"]


def test_a_session_policy_limits_a_grant_to_everybody_by_a_denial_only(aws: None) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/worker"
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    owner = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    role(allow("s3:ListBucket", "*"))
    condition = {"ArnEquals": {"aws:PrincipalArn": arn}}
    for principal, denial, allowed in (
        ({"AWS": arn}, [], False),
        ({"AWS": "*"}, [], True),
        ({"AWS": "*"}, [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}], False),
    ):
        named = {"Effect": "Allow", "Principal": principal, "Action": "kms:Encrypt", "Resource": "*"}
        key = client("kms").create_key(Policy=document(owner, named | {"Condition": condition}))
        session = client("sts").assume_role(
            RoleArn=arn, RoleSessionName="test", Policy=document(allow("s3:*", "*"), *denial)
        )["Credentials"]
        given = Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        kms = client("kms", given)
        if allowed:
            kms.encrypt(KeyId=key["KeyMetadata"]["KeyId"], Plaintext=b"x")
        else:
            refused(lambda: kms.encrypt(KeyId=key["KeyMetadata"]["KeyId"], Plaintext=b"x"))  # noqa: B023


def test_an_explicit_deny_takes_precedence(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    deny = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
    s3 = role(allow("s3:*", "*"), deny)("s3")
    s3.put_object(Bucket="mine", Key="a", Body=b"")
    words = refused(lambda: s3.delete_object(Bucket="mine", Key="a"))
    assert words.endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_limits_the_policy(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    boundary = client("iam").create_policy(PolicyName="most", PolicyDocument=document(allow("s3:Get*", "*")))[
        "Policy"
    ]["Arn"]
    s3 = role(allow("s3:*", "*"), boundary=boundary)("s3")
    words = refused(lambda: s3.put_object(Bucket="mine", Key="a", Body=b""))
    assert words.endswith("because no permissions boundary allows the s3:PutObject action")
    client("s3").put_object(Bucket="mine", Key="a", Body=b"1")
    assert s3.get_object(Bucket="mine", Key="a")["Body"].read() == b"1"


def test_an_unfulfilled_condition_allows_nothing(aws: None) -> None:
    datum = {"MetricName": "m", "Value": 1.0}
    metrics = role(allow("cloudwatch:PutMetricData", "*", StringEquals={"cloudwatch:namespace": "Glue"}))
    metrics("cloudwatch").put_metric_data(Namespace="Glue", MetricData=[datum])
    refused(lambda: metrics("cloudwatch").put_metric_data(Namespace="Other", MetricData=[datum]))


def test_creating_with_tags_requires_permission_to_tag(aws: None) -> None:
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:mine*"
    logs = role(allow("logs:CreateLogGroup", group))("logs")
    logs.create_log_group(logGroupName="mine-1")
    tagged = {"logGroupName": "mine-2", "tags": {"a": "b"}}
    assert "logs:TagResource" in refused(lambda: logs.create_log_group(**tagged))
    policy = document(allow(["logs:CreateLogGroup", "logs:TagResource"], group))
    client("iam").put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=policy)
    logs.create_log_group(**tagged)


def test_tags_of_a_key_count_after_five_minutes(aws: None) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    uninstall = kms_patch.install(lambda: moment)
    try:
        kms, arn = client("kms"), f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*"
        key = kms.create_key(Tags=[{"TagKey": "whose", "TagValue": "mine"}])["KeyMetadata"]["KeyId"]
        own = role(allow("kms:Encrypt", arn, StringEquals={"aws:ResourceTag/whose": "mine"}))("kms")
        refused(lambda: own.encrypt(KeyId=key, Plaintext=b"x"))
        moment += timedelta(minutes=5)
        own.encrypt(KeyId=key, Plaintext=b"x")
        kms.untag_resource(KeyId=key, TagKeys=["whose"])
        own.encrypt(KeyId=key, Plaintext=b"x")
        moment += timedelta(minutes=5)
        refused(lambda: own.encrypt(KeyId=key, Plaintext=b"x"))
    finally:
        uninstall()


def test_lists_of_keys_and_aliases_have_pages(aws: None) -> None:
    uninstall = kms_patch.install()
    try:
        kms = client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        for number in range(60):
            kms.create_alias(AliasName=f"alias/a{number}", TargetKeyId=key)
        first = kms.list_aliases()
        assert first["Truncated"] and len(first["Aliases"]) == 50
        pages = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 25})
        names = [alias["AliasName"] for page in pages for alias in page["Aliases"]]
        assert len(set(names)) == len(names) and {f"alias/a{number}" for number in range(60)} <= {*names}
        assert len(kms.list_aliases(KeyId=key, Limit=100)["Aliases"]) == 60
    finally:
        uninstall()


def test_a_missing_alias_is_denied_like_an_existing_one(aws: None) -> None:
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*"
    kms = role(allow("kms:DescribeKey", arn, StringEquals={"aws:ResourceTag/whose": "mine"}))("kms")
    assert "kms:DescribeKey" in refused(lambda: kms.describe_key(KeyId="alias/gone"))
    with pytest.raises(ClientError, match="NotFoundException"):
        client("kms").describe_key(KeyId="alias/gone")


@pytest.mark.parametrize(
    ("principal", "condition", "allowed"),
    [
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/worker"}, {}, True),
        ({"AWS": "*"}, {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/worker"}}, True),
        ({"AWS": "*"}, {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/other"}}, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {}, False),  # leaves it to IAM, which is silent
        ({"Service": "logs.us-east-1.amazonaws.com"}, {}, False),
    ],
)
def test_a_key_policy_grants_what_it_names(
    aws: None, principal: dict[str, str], condition: dict[str, Any], allowed: bool
) -> None:
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    owner = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    named = {"Effect": "Allow", "Principal": principal, "Action": "kms:Encrypt", "Resource": "*"}
    policy = document(owner, named | ({"Condition": condition} if condition else {}))
    key = client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    kms = role(allow("s3:ListBucket", "*"))("kms")
    if allowed:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    else:
        refused(lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))
    refused(lambda: kms.describe_key(KeyId=key))


def test_a_key_policy_without_the_account_excludes_iam(aws: None) -> None:
    closed = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "*", "Resource": "*"}
    key = client("kms").create_key(Policy=document(closed))["KeyMetadata"]["KeyId"]
    kms = role(allow("kms:*", "*"))("kms")
    assert "resource-based policy" in refused(lambda: kms.describe_key(KeyId=key))


def test_objects_that_a_key_encrypts_require_the_key(aws: None) -> None:
    s3, key = client("s3"), client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="mine")
    by_key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": by_key, "BucketKeyEnabled": True}]}
    s3.put_bucket_encryption(Bucket="mine", ServerSideEncryptionConfiguration=rules)
    s3.put_object(Bucket="mine", Key="a", Body=b"1")
    context = {
        "kms:ViaService": f"s3.{REGION}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::mine",
    }
    objects = allow(["s3:GetObject", "s3:PutObject"], "*")
    own = role(objects, allow("kms:Decrypt", key, StringEquals=context))("s3")
    own.get_object(Bucket="mine", Key="a")
    own.head_object(Bucket="mine", Key="a")
    assert "kms:GenerateDataKey" in refused(lambda: own.put_object(Bucket="mine", Key="b", Body=b"1"))
    assert "kms:GenerateDataKey" in refused(
        lambda: own.copy_object(Bucket="mine", Key="b", CopySource="mine/a")
    )
    client("iam").put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=document(objects))
    assert "kms:Decrypt" in refused(lambda: own.get_object(Bucket="mine", Key="a"))


def test_a_copy_of_a_tagged_object_requires_its_tags(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    client("s3").put_object(Bucket="mine", Key="a", Body=b"1", Tagging="scan=ok")
    objects = allow(["s3:GetObject", "s3:PutObject"], "*")
    s3 = role(objects)("s3")
    copy = {"Bucket": "mine", "Key": "b", "CopySource": "mine/a"}
    assert "s3:GetObjectTagging" in refused(lambda: s3.copy_object(**copy))
    s3.copy_object(**copy, TaggingDirective="REPLACE")
    policy = document(objects, allow("s3:GetObjectTagging", "arn:aws:s3:::mine/a"))
    client("iam").put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=policy)
    assert "s3:PutObjectTagging" in refused(lambda: s3.copy_object(**copy))


def test_a_key_is_matched_by_its_tag(aws: None) -> None:
    kms = client("kms")
    mine = kms.create_key(Tags=[{"TagKey": "whose", "TagValue": "mine"}])["KeyMetadata"]
    other = kms.create_key()["KeyMetadata"]
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*"
    own = role(allow("kms:Encrypt", arn, StringEquals={"aws:ResourceTag/whose": "mine"}))("kms")
    own.encrypt(KeyId=mine["KeyId"], Plaintext=b"x")
    own.encrypt(KeyId=mine["Arn"], Plaintext=b"x")
    assert other["KeyId"] in refused(lambda: own.encrypt(KeyId=other["KeyId"], Plaintext=b"x"))


def test_roles_are_created_only_with_the_boundary(aws: None) -> None:
    boundary = client("iam").create_policy(PolicyName="most", PolicyDocument=document(allow("s3:Get*", "*")))[
        "Policy"
    ]["Arn"]
    arn = f"arn:aws:iam::{ACCOUNT}:role/sandbox-*"
    actions = ["iam:CreateRole", "iam:PutRolePolicy"]
    iam = role(allow(actions, arn, StringEquals={"iam:PermissionsBoundary": boundary}))("iam")
    wanted = {"RoleName": "sandbox-a", "AssumeRolePolicyDocument": document(TRUST)}
    refused(lambda: iam.create_role(**wanted))
    iam.create_role(**wanted, PermissionsBoundary=boundary)
    everything = document(allow("*", "*"))
    iam.put_role_policy(RoleName="sandbox-a", PolicyName="p", PolicyDocument=everything)
    client("iam").create_role(
        **{**wanted, "RoleName": "sandbox-b"}
    )  # by the account itself, without a boundary
    refused(lambda: iam.put_role_policy(RoleName="sandbox-b", PolicyName="p", PolicyDocument=everything))
    refused(lambda: iam.create_role(**{**wanted, "RoleName": "other"}, PermissionsBoundary=boundary))


def test_a_role_is_passed_only_with_permission(aws: None) -> None:
    passing = allow("iam:PassRole", "*", StringEquals={"iam:PassedToService": "glue.amazonaws.com"})
    job = {"Name": "j", "Role": f"arn:aws:iam::{ACCOUNT}:role/worker", "Command": {"Name": "glueetl"}}
    glue = role(allow("glue:CreateJob", "*"))("glue")
    assert "iam:PassRole" in refused(lambda: glue.create_job(**job))
    client("iam").put_role_policy(RoleName="worker", PolicyName="pass", PolicyDocument=document(passing))
    glue.create_job(**job)


def test_a_role_that_does_not_trust_the_service_is_not_assumed(aws: None) -> None:
    role(allow("s3:*", "*"))
    with pytest.raises(access.NotTrusted, match=r"cannot be assumed by cloudformation\.amazonaws\.com"):
        access.assume(client, "worker", "cloudformation.amazonaws.com", "x")
    with pytest.raises(access.NotTrusted, match="does not exist"):
        access.assume(client, "nobody", "glue.amazonaws.com", "x")


def test_a_deleted_role_is_denied_everything(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    s3 = role(allow("s3:*", "*"))("s3")
    s3.list_buckets()
    client("iam").delete_role_policy(RoleName="worker", PolicyName="own")
    client("iam").delete_role(RoleName="worker")
    refused(lambda: s3.list_buckets())


def test_a_user_has_the_permissions_of_the_user_and_the_groups(aws: None) -> None:
    iam = client("iam")
    for bucket in ("ana", "shared", "bob"):
        client("s3").create_bucket(Bucket=bucket)
    iam.create_user(UserName="ana")
    iam.create_group(GroupName="all")
    iam.add_user_to_group(UserName="ana", GroupName="all")
    own = document(allow("s3:ListBucket", "arn:aws:s3:::${aws:username}"))
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=own)
    shared = iam.create_policy(
        PolicyName="shared", PolicyDocument=document(allow("s3:ListBucket", "arn:aws:s3:::shared"))
    )
    iam.attach_group_policy(GroupName="all", PolicyArn=shared["Policy"]["Arn"])
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    s3 = client("s3", Credentials(key["AccessKeyId"], key["SecretAccessKey"], ""))
    s3.list_objects_v2(Bucket="ana")
    s3.list_objects_v2(Bucket="shared")
    assert f"User: arn:aws:iam::{ACCOUNT}:user/ana " in refused(lambda: s3.list_objects_v2(Bucket="bob"))


def test_a_role_assumes_another_only_if_both_policies_allow_it(aws: None) -> None:
    make = role(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/friend*"))
    for name, who in (("friend", "root"), ("friend-of-nobody", None), ("stranger", "root")):
        principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:{who}"} if who else {"Service": "glue.amazonaws.com"}
        trust = document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
        client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)

    def take(name: str) -> Any:
        return make("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="xx")

    assert take("friend")["AssumedRoleUser"]["Arn"].endswith("assumed-role/friend/xx")
    refused(lambda: take("friend-of-nobody"))
    refused(lambda: take("stranger"))
    assert make("sts").get_caller_identity()["Arn"].endswith("assumed-role/worker/test")
    # The account itself can assume any role, so roles need not trust the tests.
    client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/friend-of-nobody", RoleSessionName="xx")


def test_a_session_policy_limits_the_role(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    role(allow("s3:*", "*"))
    given = client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/worker",
        RoleSessionName="xx",
        Policy=document(allow("s3:ListBucket", "*")),
    )["Credentials"]
    s3 = client("s3", Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))
    s3.list_objects_v2(Bucket="mine")
    assert "no session policy allows" in refused(lambda: s3.put_object(Bucket="mine", Key="a", Body=b""))


def test_a_bulk_deletion_needs_every_key(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    for key in ("out/a", "out/b", "in/a"):
        client("s3").put_object(Bucket="mine", Key=key, Body=b"")
    s3 = role(allow("s3:DeleteObject", "arn:aws:s3:::mine/out/*"))("s3")

    def delete(*keys: str) -> Any:
        return s3.delete_objects(Bucket="mine", Delete={"Objects": [{"Key": key} for key in keys]})

    assert len(delete("out/a", "out/b")["Deleted"]) == 2
    assert "mine/in/a " in refused(lambda: delete("in/a"))


def test_a_list_may_be_limited_to_a_prefix(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    s3 = role(allow("s3:ListBucket", "arn:aws:s3:::mine", StringLike={"s3:prefix": "out/*"}))("s3")
    s3.list_objects_v2(Bucket="mine", Prefix="out/x")
    refused(lambda: s3.list_objects_v2(Bucket="mine", Prefix="in/"))
    refused(lambda: s3.list_objects_v2(Bucket="mine"))


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_has_its_signers_permissions(aws: None, version: str) -> None:
    client("s3").create_bucket(Bucket="mine")
    for key in ("a", "b"):
        client("s3").put_object(Bucket="mine", Key=key, Body=b"1")
    s3 = role(allow("s3:GetObject", "arn:aws:s3:::mine/a"))("s3", config=Config(signature_version=version))

    def status(key: str) -> int:
        place = {"Bucket": "mine", "Key": key}
        return requests.get(s3.generate_presigned_url("get_object", Params=place), timeout=5).status_code

    assert (status("a"), status("b")) == (200, 403)


def test_a_log_group_arn_in_a_policy_ends_with_a_star(aws: None) -> None:
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
    logs = role(
        allow(["logs:CreateLogGroup", "logs:CreateLogStream"], [f"{group}:/with:*", f"{group}:/without"])
    )("logs")
    logs.create_log_group(logGroupName="/with")
    logs.create_log_stream(logGroupName="/with", logStreamName="s")
    words = refused(lambda: logs.create_log_group(logGroupName="/without"))
    assert f"{group}:/without:log-stream: " in words


def test_not_action_and_not_resource_match_everything_else(aws: None) -> None:
    client("s3").create_bucket(Bucket="mine")
    client("s3").create_bucket(Bucket="theirs")
    most = {"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::theirs*"}
    s3 = role(most)("s3")
    s3.list_objects_v2(Bucket="mine")
    refused(lambda: s3.list_objects_v2(Bucket="theirs"))
    refused(lambda: s3.put_object(Bucket="mine", Key="a", Body=b""))


def test_conditions_on_tags_and_paths_are_evaluated(aws: None) -> None:
    tagged = allow(["glue:CreateJob", "glue:TagResource"], "*", StringEquals={"aws:RequestTag/team": "a"})
    own = allow("glue:DeleteJob", "*", StringEquals={"aws:ResourceTag/team": "a"})
    passing = allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/jobs/*")
    policies = allow("iam:CreatePolicy", f"arn:aws:iam::{ACCOUNT}:policy/own/p-*")
    make = role(tagged, own, passing, policies)
    client("iam").create_role(RoleName="runner", Path="/jobs/", AssumeRolePolicyDocument=document(TRUST))
    job = {"Role": "runner", "Command": {"Name": "glueetl"}}
    make("glue").create_job(Name="a", Tags={"team": "a"}, **job)
    refused(lambda: make("glue").create_job(Name="b", Tags={"team": "b"}, **job))
    refused(lambda: make("glue").create_job(Name="b", **job))
    client("glue").create_job(Name="b", Tags={"team": "b"}, **job)
    refused(lambda: make("glue").delete_job(JobName="b"))
    make("glue").delete_job(JobName="a")
    policy = {"PolicyDocument": document(allow("*", "*"))}
    make("iam").create_policy(PolicyName="p-1", Path="/own/", **policy)
    refused(lambda: make("iam").create_policy(PolicyName="p-1", Path="/other/", **policy))


def test_deleting_a_database_requires_permission_for_its_tables(aws: None) -> None:
    client("glue").create_database(DatabaseInput={"Name": "d"})
    arn = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    delete = functools.partial(allow, "glue:DeleteDatabase")
    glue = role(delete([f"{arn}:catalog", f"{arn}:database/d"]))("glue")
    assert "table/d/* " in refused(lambda: glue.delete_database(Name="d"))
    more = document(delete(f"{arn}:table/d/*"))
    client("iam").put_role_policy(RoleName="worker", PolicyName="more", PolicyDocument=more)
    glue.delete_database(Name="d")


def test_a_transaction_requires_permission_for_its_items_and_an_index_is_no_table(aws: None) -> None:
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/mine"
    keys: Any = [{"AttributeName": "pk", "KeyType": "HASH"}]
    client("dynamodb").create_table(
        TableName="mine",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=keys,
        GlobalSecondaryIndexes=[
            {"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
            for name in ("one", "two")
        ],
    )
    some = allow(["dynamodb:PutItem", "dynamodb:Query"], table)
    dynamodb = role(some, allow("dynamodb:Query", f"{table}/index/one"))("dynamodb")
    put = {"Put": {"TableName": "mine", "Item": {"pk": {"S": "1"}}}}
    delete = {"Delete": {"TableName": "mine", "Key": {"pk": {"S": "2"}}}}
    dynamodb.transact_write_items(TransactItems=[put])
    assert "dynamodb:DeleteItem" in refused(lambda: dynamodb.transact_write_items(TransactItems=[delete]))
    assert "/mine because" in refused(lambda: dynamodb.get_item(TableName="mine", Key={"pk": {"S": "1"}}))
    query = {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"S": "1"}}}
    for index in ({}, {"IndexName": "one"}):
        assert dynamodb.query(TableName="mine", **query, **index)["Count"] == 1
    assert "/index/two" in refused(lambda: dynamodb.query(TableName="mine", IndexName="two", **query))
    refused(lambda: dynamodb.query(TableName="another", **query))
    refused(
        lambda: dynamodb.batch_write_item(
            RequestItems={"mine": [{"DeleteRequest": {"Key": {"pk": {"S": "2"}}}}]}
        )
    )
    refused(dynamodb.list_tables)


def test_the_trail_records_caller_action_and_result(aws: None) -> None:
    seen = []
    untold = access.install(lambda *told: seen.append(told))
    try:
        s3 = role(allow("s3:GetObject", "arn:aws:s3:::mine/*"))("s3")
        client("s3").create_bucket(Bucket="mine")
        refused(lambda: s3.delete_bucket(Bucket="mine"))
    finally:
        untold()
    [(principal, check, why)] = seen
    assert principal == f"arn:aws:iam::{ACCOUNT}:role/worker"
    assert (check.action, check.resource) == ("s3:DeleteBucket", "arn:aws:s3:::mine")
    assert why == "because no identity-based policy allows the s3:DeleteBucket action"


@pytest.mark.parametrize(
    ("condition", "given", "holds"),
    [
        ({"StringEquals": {"K": ["a", "b"]}}, "b", True),
        ({"StringEquals": {"k": "a*"}}, "ab", False),
        ({"StringEquals": {"k": "a"}}, None, False),
        ({"StringLike": {"k": "a?*"}}, "abc", True),
        ({"StringLike": {"k": "a.c"}}, "abc", False),
        ({"StringLike": {"k": "${PLACE}-*"}}, "here-1", True),
        ({"StringLike": {"k": "${nowhere}-*"}}, "-1", False),
        ({"StringNotEquals": {"k": ["a", "b"]}}, "b", False),
        ({"StringNotEquals": {"k": "a"}}, "b", True),
        ({"StringNotEquals": {"k": "a"}}, None, True),
        ({"StringNotLike": {"k": "a*"}}, "ab", False),
        ({"StringEqualsIgnoreCase": {"k": "A"}}, "a", True),
        ({"StringEqualsIfExists": {"k": "a"}}, None, True),
        ({"StringEqualsIfExists": {"k": "a"}}, "b", False),
        ({"ArnLike": {"k": "arn:aws:iam::*:role/a"}}, "arn:aws:iam::1:role/a", True),
        ({"ArnEquals": {"k": "arn:aws:iam::1:role/*"}}, "arn:aws:iam::1:user/a", False),
        ({"ArnNotEquals": {"k": "arn:aws:iam::1:role/*"}}, "arn:aws:iam::1:user/a", True),
        ({"Bool": {"k": True}}, "true", True),
        ({"Bool": {"k": "false"}}, "true", False),
        ({"Null": {"k": "true"}}, None, True),
        ({"Null": {"k": False}}, None, False),
        ({"Null": {"k": "false"}}, "a", True),
        ({"ForAnyValue:StringEquals": {"k": "a"}}, ["a", "b"], True),
        ({"ForAllValues:StringEquals": {"k": "a"}}, ["a", "b"], False),
        ({"ForAllValues:StringEquals": {"k": "a"}}, None, True),
        ({"StringEquals": {"k": "a"}, "StringLike": {"place": "t*"}}, "a", False),
    ],
)
def test_conditions_are_evaluated(condition: Any, given: Any, holds: bool) -> None:
    context = {"place": "here", **({} if given is None else {"k": given})}
    statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*", "Condition": condition}
    found = verdict([{"Statement": statement}], PermissionCheck("s3:GETObject", "arn:aws:s3:::a/b", context))
    assert found is (Verdict.ALLOWED if holds else Verdict.SILENT)


def test_an_unknown_condition_operator_allows_nothing(aws: None) -> None:
    s3 = role(allow("s3:*", "*", IpAddress={"aws:SourceIp": "127.0.0.1/32"}))("s3")
    with pytest.raises(NotImplementedError, match="IpAddress"):
        s3.list_buckets()
