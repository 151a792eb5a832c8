"""Sandboxes' stacks on moto: the real template, the enforced deployment role, and leftovers."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import random
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from chalicelib.aws.cloudformation import Stack
from chalicelib.aws.s3 import Buckets
from chalicelib.config import Config
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import Outputs
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import Limits, Settings
from chalicelib.sandbox.stack import SandboxStacks
from chalicelib.sandbox.template_parameters import stack_tags, template_parameters
from chalicelib.storage.releases import Releases
from glue_assets.release import Release, publish
from local.cloudformation.engine import CloudFormation, CloudFormationOptions
from local.iam import access
from local.moto_patches import bucket_policies, kms, shortcuts
from local.setup import roles
from tests.support.releases import built_release

REGION, ACCOUNT = "us-east-1", "123456789012"
_ROLE_OF_FUNCTION = f"arn:aws:iam::{ACCOUNT}:role/service-{{}}".format
SERVICE_ROLES = tuple(map(_ROLE_OF_FUNCTION, roles.RECONCILERS.values()))
SHARED_ROLE = f"arn:aws:iam::{ACCOUNT}:role/terraglue-shared-analysts"


_SHARED_KEY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}
            for principal in (
                {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                {"Service": f"logs.{REGION}.amazonaws.com"},
            )
        ],
    }
)


def client(service: str, credentials: Any = None) -> Any:
    given = credentials.client_arguments if credentials else {}
    return boto3.client(service, region_name=REGION, **given)  # type: ignore[call-overload]


@dataclasses.dataclass(frozen=True)
class Account:
    """An AWS account that an operator has set up, and one release."""

    release: Release
    config: Config

    def aws(self, service: str) -> Any:
        return _client(service)

    @property
    def releases(self) -> Releases:
        """The published releases, as the service reads them."""
        return Releases(Buckets(self.aws("s3")), "assets")

    def outputs(self, environment: Environment, stack: dict[str, Any]) -> Outputs:
        """The stack's outputs, as the service parses them."""
        nothing: Any = None
        stacks = SandboxStacks(self.config, stacks=nothing, releases=self.releases, store=nothing)
        values = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return stacks.outputs(environment, Stack(stack["StackId"], stack["StackStatus"], None, values))

    def environment(self, environment_id: str, given: dict[str, Any]) -> Environment:
        """A new environment with these settings, which must be valid."""
        settings = Settings.model_validate(given)
        assert invalid_combinations(settings, self.config.limits) == []
        return Environment(
            id=environment_id,
            owner="Ana Souza",
            status=Status.QUEUED,
            release=self.release.id,
            settings=settings.resolved(),
            created_at="2026-11-23T12:00:00.000Z",
            updated_at="2026-11-23T12:00:00.000Z",
            expires_at="2026-11-26T12:00:00.000Z",
        )

    def deploy(self, environment: Environment, *, as_root: bool = False) -> dict[str, Any]:
        """Create the stack as the service requests it. Return it when it has settled."""
        roles = {} if as_root else {"RoleARN": self.config.deployment_role_arn}
        self.aws("cloudformation").create_stack(**self._request(environment), **roles)
        return self.settled(environment)

    def propose(self, environment: Environment, **arguments: Any) -> dict[str, Any]:
        """Create a change set to the environment's desired stack. Return it when it has settled."""
        made = self.aws("cloudformation").create_change_set(
            ChangeSetName=f"c-{uuid.uuid4()}", **self._request(environment), **arguments
        )
        deadline = time.monotonic() + 60
        while True:
            shown = self.aws("cloudformation").describe_change_set(ChangeSetName=made["Id"])
            if shown["Status"] in ("CREATE_COMPLETE", "FAILED"):
                return dict(shown)
            assert time.monotonic() < deadline, shown
            time.sleep(0.01)

    def update(self, environment: Environment) -> dict[str, Any]:
        """Update the stack to the environment's desired state if needed. Return it when it has settled."""
        shown = self.propose(environment)
        if shown["Status"] == "CREATE_COMPLETE":
            self.aws("cloudformation").execute_change_set(ChangeSetName=shown["ChangeSetId"])
        else:
            assert shown["StatusReason"].startswith("The submitted information didn't contain changes.")
        return self.settled(environment)

    def _request(self, environment: Environment) -> dict[str, Any]:
        parameters = template_parameters(environment, self.config)
        return {
            "StackName": environment.name,
            "TemplateURL": self.releases.template_url(environment),
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            "Tags": [{"Key": k, "Value": v} for k, v in stack_tags(environment, self.config).items()],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }

    def delete(self, environment: Environment) -> dict[str, Any]:
        stack_id = self.settled(environment)["StackId"]
        self.aws("cloudformation").delete_stack(StackName=stack_id)
        return self.settled(environment, stack_id)

    def settled(self, environment: Environment, stack_id: str | None = None) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            name = stack_id or environment.name
            [stack] = self.aws("cloudformation").describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return dict(stack)
            assert time.monotonic() < deadline, stack
            time.sleep(0.02)

    def failures(self, environment: Environment) -> list[str]:
        events = self.aws("cloudformation").describe_stack_events(StackName=environment.name)["StackEvents"]
        failed = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")
        return [e["ResourceStatusReason"] for e in events if e["ResourceStatus"] in failed]


@contextlib.contextmanager
def account(data: Path, **environ: str) -> Iterator[Account]:
    """moto with the local CloudFormation and IAM, the service's roles, and a release of some data."""
    bucket_policies.install()
    with mock_aws(), contextlib.ExitStack() as ending:
        ending.callback(shortcuts.install())
        ending.callback(access.install())
        ending.callback(kms.install())
        _client.cache_clear()
        engine = CloudFormation(CloudFormationOptions(client, lambda *_: None, REGION, seconds_per_stack=0))
        try:
            known = roles.arns("table", "assets", "")
            deployment, boundary = roles.ensure_deployment(_client, known)
            inspector, reader, user = roles.ensure_sandbox_roles(_client, known, _ROLE_OF_FUNCTION)
            _client("s3").create_bucket(Bucket="assets")
            glue = {"Service": "glue.amazonaws.com"}
            trust = {"Effect": "Allow", "Principal": glue, "Action": "sts:AssumeRole"}
            _client("iam").create_role(
                RoleName=SHARED_ROLE.rpartition("/")[2],
                AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            )
            tags = [{"TagKey": "terraglue:shared", "TagValue": "true"}]
            key = _client("kms").create_key(Tags=tags, Policy=_SHARED_KEY_POLICY)["KeyMetadata"]["Arn"]
            kms.let_tags_count()  # the operator tagged the key long ago
            config = Config(
                *("table", "assets", "https://issuer", "audience", "https://issuer/jwks", "key"),
                deployment_role_arn=deployment,
                permissions_boundary_arn=boundary,
                sandbox_inspector_role_arn=inspector,
                sandbox_reader_role_arn=reader,
                sandbox_user_role_arn=user,
                federation_url="http://127.0.0.1:9/federation",  # where nothing listens
                service_role_arns=(*SERVICE_ROLES, reader, user),
                stack_tags={"cost-center": "learning"},
                limits=Limits(role_arns=(SHARED_ROLE,), kms_key_arns=(key,)),
            )
            release = _release(data)
            publish(release, _client("s3"), "assets")
            _scan("assets")
            yield Account(release, config)
        finally:
            engine.close()


def _scan(bucket: str) -> None:
    """Tag every object of a bucket, as GuardDuty Malware Protection for S3 does.

    https://docs.aws.amazon.com/guardduty/latest/ug/monitor-enable-s3-object-tagging-malware-protection.html
    """
    s3 = _client("s3")
    tags = {"TagSet": [{"Key": "GuardDutyMalwareScanStatus", "Value": "NO_THREATS_FOUND"}]}
    for item in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.put_object_tagging(Bucket=bucket, Key=item["Key"], Tagging=tags)


@functools.cache
def _release(data: Path) -> Release:
    return built_release(data, "1.0.0")


@functools.cache
def _client(service: str) -> Any:
    return client(service)


def random_settings(chance: random.Random, limits: Limits) -> dict[str, Any]:
    """Return random valid settings. Many draws cover every combination of options."""

    def coin(odds: float = 0.5) -> bool:
        return chance.random() < odds

    given: dict[str, Any] = {
        "upload_data": coin(),
        "block_public_access": coin(0.8),
        "athena_workgroup": coin(),
        "kms_key": coin(),
        "iam_role": coin(0.7),
        "security_configuration": coin(),
        "expires_in_hours": chance.randint(1, 720),
    }
    if given["athena_workgroup"] and coin():
        given["athena_workgroup_name"] = chance.choice(["w", "My.Group-1", "x" * 64])
    if given["kms_key"]:
        given["kms_key_rotation"] = coin()
    elif coin():
        given["kms_key_arn"] = limits.kms_key_arns[0]
    if not given["iam_role"]:
        given["role_arn"] = limits.role_arns[0]
    has_key = given["kms_key"] or "kms_key_arn" in given
    if given["security_configuration"]:
        modes = {
            "cloudwatch_encryption": ["SSE-KMS", "DISABLED"],
            "job_bookmarks_encryption": ["CSE-KMS", "DISABLED"],
            "s3_encryption": ["SSE-KMS", "SSE-S3", "DISABLED"],
        }
        for name, choices in modes.items():
            mode = chance.choice(choices)
            if coin() and (has_key or not mode.endswith("-KMS")):
                given[name] = mode
    if coin(0.3):
        names = chance.sample(["raw", "truth-1", "x" * 40, "1", "a-b-c"], 5)
        given["buckets"] = dict(zip(BUCKET_KEYS, names, strict=True))
    job: dict[str, Any] = {
        "worker_type": chance.choice(["G.1X", "G.2X", "R.1X"]),
        "number_of_workers": chance.randint(2, 10),
        "timeout_minutes": chance.randint(1, 60),
        "max_retries": chance.randint(0, 3),
        "max_concurrent_runs": chance.randint(1, 5),
        "glue_version": chance.choice(["5.0", "5.1"]),
    }
    if coin():
        job["schedule"] = chance.choice(["cron(0 21 ? * 6 *)", "rate(1 hour)", "cron(0/15 8 ? * MON-FRI *)"])
    if coin():
        job["name"] = chance.choice(["j", "my-job", "x" * 40])
        job["description"] = "Does \u201cwhat\u201d it must: 100 %"
    if coin(0.3):
        job["arguments"] = {"--OUTPUT_TABLE": 'my "table"', "--MORE": "a: b # c"}
    if coin():
        job["files_prefix"] = chance.choice(["scripts/", "a/b/c/"])
    if coin():
        job["python_modules"] = ["pandas==2.2.3", "pyyaml"]
    if coin():
        given["mode"] = "production"
        job |= {"script": "src/main.py", "extra_files": chance.choice([[], ["lib.zip", "util/x.py"]])}
    return given | {"job": job}
