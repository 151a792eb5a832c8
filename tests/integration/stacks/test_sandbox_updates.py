"""Updates of a sandbox's stack between settings, with the deployment role's permissions."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from chalicelib.domain.environment import Environment
from chalicelib.domain.settings import BucketNames
from local.setup import roles
from tests.support.sandbox_stacks import Account, random_settings
from tests.support.sandbox_state import described
from tests.support.size import sized

NAME = "abcdefgh23"


def sandbox(operated: Account, **given: Any) -> Environment:
    return operated.environment(NAME, given)


def state(operated: Account) -> dict[str, Any]:
    """The stack with its resources. Keeps the IDs of existing keys that settings refer to."""
    keep = frozenset(arn.rpartition("/")[2] for arn in operated.config.limits.kms_key_arns)
    return described(operated.aws, f"terraglue-{NAME}", keep)


def changes(shown: dict[str, Any]) -> dict[str, str]:
    """Actions of a change set by resource: Add, Remove, or the value of Replacement."""
    found = [change["ResourceChange"] for change in shown["Changes"]]
    return {one["LogicalResourceId"]: one.get("Replacement", one["Action"]) for one in found}


def test_worker_counts_timeout_and_arguments_change_only_the_job(operated: Account) -> None:
    operated.deploy(sandbox(operated))
    job = {"number_of_workers": 7, "timeout_minutes": 9, "arguments": {"--MORE": "a: b # c"}}
    wanted = sandbox(operated, job=job)
    # Resources that refer to an attribute of the job would be listed here too. The outputs use only its name.
    assert changes(operated.propose(wanted)) == {"GlueJob": "False"}
    assert operated.update(wanted)["StackStatus"] == "UPDATE_COMPLETE", operated.failures(wanted)
    shown = operated.aws("glue").get_job(JobName=wanted.job_id)["Job"]
    assert (shown["NumberOfWorkers"], shown["Timeout"]) == (7, 9)
    assert shown["DefaultArguments"]["--MORE"] == "a: b # c"
    assert shown["DefaultArguments"]["--OUTPUT_DB"] == wanted.sot_database


def test_a_key_is_added_and_removed(operated: Account) -> None:
    without = sandbox(operated, kms_key=False)
    operated.deploy(without)
    before = state(operated)
    found = changes(operated.propose(sandbox(operated)))
    assert (found["Key"], found["KeyAlias"]) == ("Add", "Add")
    assert {found[f"{name}Bucket"] for name in ("Sor", "Sot", "Spec", "GlueAssets", "AthenaResults")} == {
        "False"
    }
    assert found["JobEncryption"] == "True"
    with_key = sandbox(operated)
    outputs = operated.outputs(with_key, operated.update(with_key))
    assert operated.settled(with_key)["StackStatus"] == "UPDATE_COMPLETE", operated.failures(with_key)
    rules = operated.aws("s3").get_bucket_encryption(Bucket=with_key.bucket("sor"))
    [rule] = rules["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": outputs.kms_key_arn,
    }
    policy = operated.aws("iam").get_role_policy(RoleName=with_key.role_name, PolicyName="sandbox")
    assert outputs.kms_key_arn in json.dumps(policy["PolicyDocument"])
    operated.update(without)
    assert state(operated) == before
    key = operated.aws("kms").describe_key(KeyId=outputs.kms_key_arn)["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"


def test_a_workgroup_is_added_renamed_and_removed(operated: Account) -> None:
    without = sandbox(operated, athena_workgroup=False)
    operated.deploy(without)
    wanted = sandbox(operated)
    assert changes(operated.propose(wanted)) == {"Workgroup": "Add"}
    operated.update(wanted)
    renamed = sandbox(operated, athena_workgroup_name="w")
    assert changes(operated.propose(renamed)) == {"Workgroup": "True"}
    outputs = operated.outputs(renamed, operated.update(renamed))
    assert outputs.athena_workgroup == f"terraglue-{NAME}-w"
    groups = [group["Name"] for group in operated.aws("athena").list_work_groups()["WorkGroups"]]
    assert sorted(groups) == ["primary", f"terraglue-{NAME}-w"]
    assert changes(operated.propose(without)) == {"Workgroup": "Remove"}
    operated.update(without)
    groups = [group["Name"] for group in operated.aws("athena").list_work_groups()["WorkGroups"]]
    assert groups == ["primary"]


def test_another_name_of_a_bucket_is_a_replacement(operated: Account) -> None:
    operated.deploy(sandbox(operated))
    found = changes(operated.propose(sandbox(operated, buckets={"sor": "raw"})))
    assert (found["SorBucket"], found["SorBucketPolicy"]) == ("True", "Conditional")
    assert {name for name, change in found.items() if name.endswith("Bucket") and change == "True"} == {
        "SorBucket"
    }


NEW = ("glue:CreateSecurityConfiguration", "athena:CreateWorkGroup", "kms:CreateKey")
CHANGES = ("glue:UpdateJob", "s3:PutEncryptionConfiguration", "iam:PutRolePolicy")


@pytest.mark.parametrize("action", [*NEW, "kms:CreateAlias", "logs:CreateLogGroup", *CHANGES])
def test_a_failed_update_leaves_the_sandbox_as_it_was(operated: Account, action: str) -> None:
    before = sandbox(operated, kms_key=False, athena_workgroup=False)
    operated.deploy(before)
    was = state(operated)
    statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
    operated.aws("iam").put_role_policy(
        RoleName=roles.DEPLOYMENT,
        PolicyName="less",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    after = sandbox(operated, job={"number_of_workers": 9, "schedule": "cron(0 9 ? * * *)"})
    stack = operated.update(after)
    first = operated.failures(after)[-1]
    assert f"is not authorized to perform: {action}" in first
    if action in CHANGES:  # an update without permission also has no permission for its rollback
        assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
        operated.aws("iam").delete_role_policy(RoleName=roles.DEPLOYMENT, PolicyName="less")
        operated.aws("cloudformation").continue_update_rollback(StackName=after.name)
        stack = operated.settled(after)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert state(operated) == was


@pytest.mark.parametrize("seed", range(sized(1, 2)))
def test_an_update_between_any_settings_equals_a_creation(operated: Account, seed: int) -> None:
    """Draw 20 pairs at full size. A failure names its draw, and the same seed repeats it."""
    chance = random.Random(seed)
    for draw in range(sized(4, 10)):
        before, wanted = (
            sandbox(operated, **random_settings(chance, operated.config.limits)) for _ in range(2)
        )
        where = f"seed {seed}, draw {draw}: {before.settings} -> {wanted.settings}"
        operated.deploy(before, as_root=bool(draw % 3))
        was = state(operated)
        stack = operated.update(wanted)
        if hands_a_bucket_on(before, wanted):  # the old bucket exists as long as the new one may fail
            assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", where
            assert "already exists" in operated.failures(wanted)[-1], where
            assert state(operated) == was, where
        else:
            assert stack["StackStatus"] == "UPDATE_COMPLETE", (where, operated.failures(wanted))
            assert operated.failures(wanted) == [], where
            updated = state(operated)
            assert operated.delete(wanted)["StackStatus"] == "DELETE_COMPLETE", where
            operated.deploy(wanted, as_root=bool(draw % 3))
            assert updated == state(operated), where
        assert operated.delete(wanted)["StackStatus"] == "DELETE_COMPLETE", where


def hands_a_bucket_on(before: Environment, wanted: Environment) -> bool:
    """Whether a bucket is to have the name of another one."""
    old, new = before.settings.buckets, wanted.settings.buckets
    pairs = itertools.permutations(BucketNames.model_fields, 2)
    return any(getattr(new, key) == getattr(old, other) for key, other in pairs)
