"""A sandbox's stack, created by the local CloudFormation with the deployment role's permissions."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.kms.models import kms_backends

from chalicelib.domain.environment import Environment
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.sandbox.template_parameters import template_parameters
from glue_assets.template_builder import assemble, parse
from local.cloudformation.schemas import schema
from local.iam import access
from local.moto_patches import kms
from local.setup import roles
from tests.support.paths import ROOT
from tests.support.sandbox_stacks import ACCOUNT, REGION, Account, client, random_settings
from tests.support.size import sized

NOBODY = '{"Version": "2012-10-17", "Statement": []}'


def sandbox(operated: Account, name: str = "abcdefgh23", **given: Any) -> Environment:
    return operated.environment(name, given)


def holdings(operated: Account) -> dict[str, set[str]]:
    """Everything in the account, of every kind that a sandbox contains."""
    aws = operated.aws
    keys = kms_backends[ACCOUNT][REGION].keys.values()  # a call for each deleted key would take long
    return {
        "buckets": {bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]},
        "roles": {role["RoleName"] for role in aws("iam").list_roles()["Roles"]},
        "keys": {key.arn for key in keys if key.key_state != "PendingDeletion"},
        "aliases": {alias["AliasName"] for alias in aws("kms").list_aliases()["Aliases"]},
        "databases": {database["Name"] for database in aws("glue").get_databases()["DatabaseList"]},
        "jobs": set(aws("glue").list_jobs()["JobNames"]),
        "security": {s["Name"] for s in aws("glue").get_security_configurations()["SecurityConfigurations"]},
        "workgroups": {group["Name"] for group in aws("athena").list_work_groups()["WorkGroups"]},
        "log_groups": {group["logGroupName"] for group in aws("logs").describe_log_groups()["logGroups"]},
    }


def check_references(operated: Account, made: Environment, stack: dict[str, Any]) -> None:
    """Check that every reference of a resource, and of its environment, points to an existing resource."""
    there, glue, outputs = holdings(operated), operated.aws("glue"), operated.outputs(made, stack)
    job = glue.get_job(JobName=outputs.job_id)["Job"]
    assert job["Role"] == outputs.role_arn
    assert job["Role"].rpartition("/")[2] == made.role_name
    assert made.role_name in there["roles"]
    assert set(outputs.buckets.values()) <= there["buckets"]
    assert outputs.buckets == {key: made.bucket(key) for key in outputs.buckets}
    assert job["Command"]["ScriptLocation"] == made.job_file_uri(made.settings.job.script)
    assert {**job["DefaultArguments"], **made.settings.job.arguments} == job["DefaultArguments"]
    assert set(outputs.log_groups.values()) <= there["log_groups"]
    assert job.get("SecurityConfiguration") == outputs.security_configuration
    assert outputs.kms_key_arn is None or outputs.kms_key_arn in there["keys"]
    [table] = glue.get_tables(DatabaseName=outputs.databases["db_shop"])["TableList"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{made.bucket('sor')}/db_shop/tbl_orders/"
    if outputs.athena_workgroup:
        group = operated.aws("athena").get_work_group(WorkGroup=outputs.athena_workgroup)["WorkGroup"]
        place = group["Configuration"]["ResultConfiguration"]["OutputLocation"]
        assert place == f"s3://{made.bucket('athena_results')}/"
        assert int(group["Configuration"]["BytesScannedCutoffPerQuery"]) == 2**30
    described = operated.aws("cloudformation").describe_stack_resources(StackName=made.name)
    release = operated.releases.get(made.release)
    expected = release.resource_count(template_parameters(made, operated.config))
    assert len(described["StackResources"]) == expected
    console = "https://us-east-1.console.aws.amazon.com/"
    assert all(link.startswith(console) for link in outputs.console.values())


@pytest.mark.parametrize("seed", range(sized(1, 4)))
def test_any_valid_settings_create_a_complete_stack_and_leave_no_trace(operated: Account, seed: int) -> None:
    """Draw 200 settings at full size. A failure names its draw, and the same seed repeats it."""
    chance = random.Random(seed)
    before = holdings(operated)
    for draw in range(sized(12, 50)):
        given = random_settings(chance, operated.config.limits)
        where = f"seed {seed}, draw {draw}: {given}"
        made = sandbox(operated, "".join(chance.choices("abcdefghij234567", k=10)), **given)
        stack = operated.deploy(made, as_root=bool(draw % 10))
        assert stack["StackStatus"] == "CREATE_COMPLETE", (where, operated.failures(made))
        check_references(operated, made, stack)
        assert operated.delete(made)["StackStatus"] == "DELETE_COMPLETE", where
        assert holdings(operated) == before, where


def test_a_missing_permission_fails_the_resource_that_needs_it(
    operated: Account,
) -> None:
    add_policy(operated, roles.DEPLOYMENT, "Deny", "glue:CreateJob")
    made = sandbox(operated)
    assert operated.deploy(made)["StackStatus"] == "ROLLBACK_COMPLETE"
    [reason] = operated.failures(made)
    assert roles.DEPLOYMENT in reason
    assert "is not authorized to perform: glue:CreateJob" in reason


def test_a_deployment_role_creates_nothing_with_a_foreign_name(operated: Account) -> None:
    arn = operated.config.deployment_role_arn
    credentials = access.assume(client, str(arn), "cloudformation.amazonaws.com", "test")
    mine = functools.partial(client, credentials=credentials)
    trust = {"AssumeRolePolicyDocument": NOBODY}
    boundary = operated.config.permissions_boundary_arn
    ours = [{"TagKey": "terraglue:environment", "TagValue": "abcdefgh23"}]
    foreign = operated.aws("kms").create_key()["KeyMetadata"]["KeyId"]
    shared = [*ours, {"TagKey": "terraglue:shared", "TagValue": "true"}]
    mine("kms").create_key(Tags=ours)
    mine("kms").tag_resource(KeyId=foreign, Tags=ours)  # which gives no permission for the key
    kms.let_tags_count()
    for call in (
        lambda: mine("s3").create_bucket(Bucket="terraglue-prod"),
        lambda: mine("s3").delete_bucket(Bucket="assets"),
        lambda: mine("iam").create_role(RoleName="admin", PermissionsBoundary=boundary, **trust),
        lambda: mine("iam").create_role(RoleName="terraglue-abcdefgh23-glue-job", **trust),
        lambda: mine("iam").delete_role(RoleName=roles.DEPLOYMENT),
        lambda: mine("glue").delete_database(Name="sales"),
        lambda: mine("kms").schedule_key_deletion(KeyId=operated.config.limits.kms_key_arns[0]),
        lambda: mine("kms").schedule_key_deletion(KeyId=foreign),
        lambda: mine("kms").decrypt(KeyId=foreign, CiphertextBlob=f"{foreign}x".encode()),
        lambda: mine("kms").put_key_policy(KeyId=foreign, PolicyName="default", Policy="{}"),
        lambda: mine("kms").tag_resource(KeyId=foreign, Tags=shared),
        lambda: mine("kms").create_key(Tags=shared),
        lambda: mine("kms").create_key(),
        lambda: mine("kms").create_key(Tags=[{"TagKey": "a", "TagValue": "b"}]),
        lambda: mine("logs").delete_log_group(logGroupName="/aws-glue/jobs/output"),
    ):
        assert refused(call)


def test_every_resource_that_can_have_tags_has_them(operated: Account) -> None:
    made = sandbox(operated, job={"schedule": "rate(1 day)"})
    stack = operated.deploy(made)
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    aws, glue = operated.aws, "arn:aws:glue:us-east-1:123456789012"
    found = [
        *(_pairs(aws("s3").get_bucket_tagging(Bucket=made.bucket(key))["TagSet"]) for key in BUCKET_KEYS),
        _pairs(aws("iam").list_role_tags(RoleName=made.role_name)["Tags"]),
        _pairs(aws("kms").list_resource_tags(KeyId=outputs["KmsKeyArn"])["Tags"], "Tag"),
        aws("glue").get_tags(ResourceArn=f"{glue}:job/{outputs['JobId']}")["Tags"],
        aws("logs").list_tags_log_group(logGroupName=outputs["OutputLogGroup"])["tags"],
    ]
    for tags in found:
        assert tags == {
            "cost-center": "learning",
            "terraglue:environment": "abcdefgh23",
            "terraglue:owner": "Ana-Souza",
            "terraglue:release": operated.release.id,
        }


def test_every_physical_id_is_the_identifier_of_the_registry(operated: Account) -> None:
    made = sandbox(operated, kms_key=True)
    operated.deploy(made)
    found = operated.aws("cloudformation").describe_stack_resources(StackName=made.name)["StackResources"]
    template = parse(assemble(ROOT / "glue_assets"))["Resources"].values()
    kinds = {each["Type"] for each in template} | {"AWS::Glue::Table"}
    assert {each["ResourceType"] for each in found} == kinds
    for each in found:
        kind, parts = each["ResourceType"], each["PhysicalResourceId"].split("|")
        identifier = ["/".join(path) for path in schema(kind).identifier]
        assert len(parts) == len(identifier), (kind, parts, identifier)
        if kind == "AWS::Glue::Table":
            assert identifier == ["CatalogId", "DatabaseName", "Name"]
            table = operated.aws("glue").get_table(DatabaseName=parts[1], Name=parts[2])["Table"]
            assert (parts[0], table["Name"]) == (ACCOUNT, parts[2])
        elif kind == "AWS::KMS::Key":
            assert operated.aws("kms").describe_key(KeyId=parts[0])["KeyMetadata"]["KeyId"] == parts[0]
        else:  # named by the template
            assert made.id in parts[0] and not parts[0].startswith("arn:"), (kind, parts)


def test_one_sandbox_cannot_read_list_or_change_another(operated: Account) -> None:
    mine, theirs = (sandbox(operated, name) for name in ("aaaaaaaaaa", "bbbbbbbbbb"))
    outputs = {}
    for made in (mine, theirs):
        stack = operated.deploy(made)
        outputs[made.id] = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        for kind in ("sor", "sot", "glue_assets"):
            operated.aws("s3").put_object(Bucket=made.bucket(kind), Key="a", Body=b"1")
    aws = as_role(mine)
    data_type = {"Name": "t", "StorageDescriptor": {"Columns": []}}

    aws("s3").get_object(Bucket=mine.bucket("sor"), Key="a")
    aws("s3").put_object(Bucket=mine.bucket("sot"), Key="b", Body=b"")
    tags = {"TagSet": [{"Key": "GuardDutyMalwareScanStatus", "Value": "NO_THREATS_FOUND"}]}
    operated.aws("s3").put_object_tagging(Bucket=mine.bucket("sot"), Key="b", Tagging=tags)
    # Spark renames its output with copies, which copy the tags.
    aws("s3").copy_object(Bucket=mine.bucket("sot"), Key="c", CopySource=f"{mine.bucket('sot')}/b")
    aws("glue").get_table(DatabaseName=outputs[mine.id]["DatabaseDbShop"], Name="tbl_orders")
    aws("glue").create_table(DatabaseName=mine.sot_database, TableInput=data_type)
    listed = {database["Name"] for database in aws("glue").get_databases()["DatabaseList"]}
    assert listed == {mine.sot_database, outputs[mine.id]["DatabaseDbShop"]}
    # The boundary identifies keys by their tags, except those that S3 uses.
    assert refused(lambda: aws("kms").encrypt(KeyId=outputs[mine.id]["KmsKeyArn"], Plaintext=b"x"))
    kms.let_tags_count()
    aws("kms").encrypt(KeyId=outputs[mine.id]["KmsKeyArn"], Plaintext=b"x")

    group = outputs[theirs.id]["OutputLogGroup"]
    for call in (
        lambda: aws("s3").get_object(Bucket=theirs.bucket("sor"), Key="a"),
        lambda: aws("s3").list_objects_v2(Bucket=theirs.bucket("sot")),
        lambda: aws("s3").put_object(Bucket=theirs.bucket("sot"), Key="x", Body=b""),
        lambda: aws("s3").delete_object(Bucket=theirs.bucket("sot"), Key="a"),
        lambda: aws("s3").list_buckets(),
        lambda: aws("s3").put_object(Bucket=mine.bucket("sor"), Key="a", Body=b""),  # the source of record
        lambda: aws("s3").put_object(Bucket=mine.bucket("glue_assets"), Key="jobs/x.py", Body=b""),
        lambda: aws("glue").get_database(Name=theirs.sot_database),
        lambda: aws("glue").get_tables(DatabaseName=outputs[theirs.id]["DatabaseDbShop"]),
        lambda: aws("glue").create_table(DatabaseName=theirs.sot_database, TableInput=data_type),
        lambda: aws("glue").create_database(DatabaseInput={"Name": "default", "LocationUri": "s3://x/"}),
        lambda: aws("glue").create_database(DatabaseInput={"Name": "global_temp"}),
        lambda: aws("glue").create_database(DatabaseInput={"Name": f"terraglue_{mine.id}_more"}),
        lambda: aws("glue").delete_table(DatabaseName=outputs[mine.id]["DatabaseDbShop"], Name="tbl_orders"),
        lambda: aws("glue").start_job_run(JobName=outputs[theirs.id]["JobId"]),
        lambda: aws("glue").get_job(JobName=outputs[theirs.id]["JobId"]),
        lambda: aws("glue").list_jobs(),
        lambda: aws("kms").encrypt(KeyId=outputs[theirs.id]["KmsKeyArn"], Plaintext=b"x"),
        lambda: aws("logs").create_log_stream(logGroupName=group, logStreamName="x"),
        lambda: aws("logs").describe_log_groups(),
        lambda: aws("iam").list_roles(),
        lambda: aws("cloudformation").list_stacks(),
        lambda: aws("athena").list_work_groups(),
        lambda: aws("dynamodb").list_tables(),
    ):
        assert refused(call)


def test_a_bucket_of_another_account_is_inaccessible_under_any_name(
    operated: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sandbox(operated, "aaaaaaaaaa")
    operated.deploy(made)
    aws, bucket = as_role(made), made.bucket("sot")
    aws("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    operated.aws("s3").delete_object(Bucket=bucket, Key="a")
    for version in operated.aws("s3").list_object_versions(Bucket=bucket).get("Versions", []):
        operated.aws("s3").delete_object(Bucket=bucket, Key="a", VersionId=version["VersionId"])
    with monkeypatch.context() as patch:  # it was deleted by hand, and another account took the name
        operated.aws("s3").delete_objects(
            Bucket=bucket,
            Delete={
                "Objects": [
                    {"Key": marker["Key"], "VersionId": marker["VersionId"]}
                    for marker in operated.aws("s3").list_object_versions(Bucket=bucket)["DeleteMarkers"]
                ]
            },
        )
        operated.aws("s3").delete_bucket(Bucket=bucket)
        patch.setenv("MOTO_ACCOUNT_ID", "999999999999")
        client("s3").create_bucket(Bucket=bucket)
    for call in (
        lambda: aws("s3").put_object(Bucket=bucket, Key="a", Body=b"1"),
        lambda: aws("s3").list_objects_v2(Bucket=bucket),
    ):
        assert refused(call)


def test_the_boundary_limits_a_role_with_full_access(operated: Account) -> None:
    made = sandbox(operated)
    operated.deploy(made)
    add_policy(operated, made.role_name, "Allow", "*")
    aws = as_role(made)
    for call in (
        lambda: aws("s3").list_objects_v2(Bucket="assets"),
        lambda: aws("iam").list_roles(),
        lambda: aws("s3").delete_bucket(Bucket=made.bucket("spec")),
        lambda: aws("glue").delete_job(JobName=made.job_id),
        lambda: aws("dynamodb").list_tables(),
    ):
        assert refused(call)


def as_role(made: Environment) -> Callable[[str], Any]:
    """Clients with the credentials of a run of the sandbox's job."""
    credentials = access.assume(client, made.role_name, "glue.amazonaws.com", "run")
    return functools.partial(client, credentials=credentials)


def add_policy(operated: Account, role: str, effect: str, action: str) -> None:
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    operated.aws("iam").put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=document)


def refused(call: Callable[[], Any]) -> bool:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403")


def _pairs(tags: list[dict[str, str]], prefix: str = "") -> dict[str, str]:
    return {tag[f"{prefix}Key"]: tag[f"{prefix}Value"] for tag in tags}
