"""Commands of the deployment on moto and a CloudFormation that fails and stops halfway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.storage.items import QUEUE_KEY
from deploy.deployment import deploy, list_versions
from deploy.destroy import destroy
from deploy.errors import DeploymentError
from deploy.findings import Finding, Severity
from deploy.http import Response
from deploy.packages import Built, Packages
from deploy.plan import plan
from deploy.publish import publish
from glue_assets.release import Release
from local.moto_patches import bucket_policies
from tests.support.deployments import ACCOUNT, CODE_BUCKET, FILE, ISSUER, STACK, Deployment, built, page
from tests.support.one_stack import Killed
from tests.support.paths import ROOT
from tests.support.releases import built_release
from tests.support.size import sized

DATA = ROOT / "data"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    bucket_policies.install()


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("data")
    table = folder / "db" / "tbl"
    table.mkdir(parents=True)
    (table / "rows.csv").write_text("id,name\n1,a\n", encoding="utf-8")
    return built_release(folder, "1.0.0")


@pytest.fixture
def dev(tmp_path: Path, release: Release) -> Iterator[Deployment]:
    with mock_aws():
        yield Deployment(tmp_path, built(release))


def objects(bucket: str) -> set[str]:
    found = boto3.client("s3", region_name="us-east-1").list_objects_v2(Bucket=bucket)
    return {item["Key"] for item in found.get("Contents", [])}


def assets(dev: Deployment) -> str:
    name: str = dev.stack.stacks[-1]["outputs"]["AssetsBucketName"]
    return name


def test_a_deployment_creates_bucket_stack_and_release_and_tests_the_api(
    dev: Deployment, release: Release
) -> None:
    dev.run(deploy, None, DATA)
    [stack] = dev.stack.stacks
    assert (stack["name"], stack["status"]) == (STACK, "CREATE_COMPLETE")
    assert (stack["parameters"]["Stage"], stack["parameters"]["Issuer"]) == ("dev", ISSUER)
    function = stack["template"]["Resources"]["Tick"]["Properties"]["CodeUri"]
    assert function["Bucket"] == CODE_BUCKET
    assert function["Key"] in objects(CODE_BUCKET)
    assert {"releases/latest.json", f"releases/{release.id}/manifest.json"} <= objects(assets(dev))
    assert "CREATE_COMPLETE AssetsBucket (AWS::S3::Bucket)" in dev.text
    assert "curl -s https://api.example/v1/me" in dev.text


def test_the_code_bucket_is_private_encrypted_versioned_and_requires_tls(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    s3 = boto3.client("s3", region_name="us-east-1")
    block = s3.get_public_access_block(Bucket=CODE_BUCKET)["PublicAccessBlockConfiguration"]
    assert all(block.values()) and len(block) == 4
    assert s3.get_bucket_versioning(Bucket=CODE_BUCKET)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(Bucket=CODE_BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    [statement] = json.loads(s3.get_bucket_policy(Bucket=CODE_BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_repeated_deployment_changes_nothing_and_tests_again(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    before = dev.session.interruptions.calls.copy()
    dev.run(deploy, None, DATA)
    repeated = dev.session.interruptions.calls[len(before) :]
    assert {"execute_change_set", "CopyObject"} <= {*before}
    assert {"execute_change_set", "CopyObject", "PutObject"} & {*repeated} == set()
    assert "Stack     has no changes" in dev.said
    assert dev.text.count("401 without a token") == 2


def test_a_deployment_killed_after_any_call_to_aws_is_completed_by_the_next(
    tmp_path: Path, release: Release
) -> None:
    with mock_aws():
        whole = Deployment(tmp_path, built(release))
        whole.run(deploy, None, DATA)
    calls = whole.session.interruptions.calls
    assert len(calls) > 30
    moving = calls.index("execute_change_set")
    deaths = [n for n, name in enumerate(calls, 1) if not _reads(name) or n > moving]
    first_of_each_kind = [
        n for n in deaths if calls.index(calls[n - 1], moving if n > moving else 0) == n - 1
    ]
    for number in sized(first_of_each_kind, deaths):
        with mock_aws():
            dev = Deployment(tmp_path, built(release))
            dev.session.interruptions.at = number
            with pytest.raises(Killed):
                dev.run(deploy, None, DATA)
            dev.session.interruptions.at = None
            dev.run(deploy, None, DATA)
            live = [stack for stack in dev.stack.stacks if stack["status"] != "DELETE_COMPLETE"]
            assert [stack["status"] for stack in live] == ["CREATE_COMPLETE"], calls[number - 1]
            assert "releases/latest.json" in objects(assets(dev)), calls[number - 1]


def _reads(name: str) -> bool:
    return name.lower().startswith(("get", "head", "list", "describe"))


def test_the_first_failure_is_shown_before_the_rollback_and_the_next_deployment_starts_anew(
    dev: Deployment,
) -> None:
    dev.stack.fails = "AssetsBucket"
    with pytest.raises(DeploymentError, match=r"AssetsBucket.*The name exists"):
        dev.run(deploy, None, DATA)
    shown = [line for line in dev.said if "AssetsBucket" in line and "FAILED" in line]
    rollback = next(line for line in dev.said if "ROLLBACK_IN_PROGRESS" in line)
    assert dev.said.index(shown[0]) < dev.said.index(rollback)
    assert boto3.client("dynamodb", region_name="us-east-1").list_tables()["TableNames"] == []
    dev.run(deploy, None, DATA)
    assert [stack["status"] for stack in dev.stack.stacks] == ["DELETE_COMPLETE", "CREATE_COMPLETE"]


def test_a_failed_update_is_reported_with_its_cause_and_can_be_repeated(
    dev: Deployment, release: Release
) -> None:
    dev.run(deploy, None, DATA)
    dev.package = built(release, code=b"new")
    dev.stack.fails = "Tick"
    with pytest.raises(DeploymentError, match=r"UPDATE_ROLLBACK_COMPLETE\. The first failure: Tick"):
        dev.run(deploy, None, DATA)
    dev.run(deploy, None, DATA)
    assert dev.stack.stacks[-1]["outputs"]["PackageVersion"] == dev.package.version


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        ("UPDATE_ROLLBACK_FAILED", f"continue-update-rollback --stack-name {STACK} --region us-east-1"),
        ("UPDATE_FAILED", f"rollback-stack --stack-name {STACK}"),
        ("DELETE_FAILED", "make destroy STAGE=.*dev.env"),
    ],
)
def test_a_stuck_stack_is_left_alone_with_the_command_that_frees_it(
    dev: Deployment, status: str, fix: str
) -> None:
    dev.run(deploy, None, DATA)
    dev.stack.set_status(status, "because")
    with pytest.raises(DeploymentError, match=fix):
        dev.run(deploy, None, DATA)
    assert dev.stack.stacks[-1]["status"] == status


def test_an_earlier_package_is_deployed_without_building_it(dev: Deployment, release: Release) -> None:
    dev.run(deploy, None, DATA)
    first = dev.package.version
    dev.package = built(release, code=b"broken")
    dev.run(deploy, None, DATA)
    dev.run(list_versions)
    shown = {line[:2] + line[2:].split()[0] for line in dev.said[-2:]}
    assert shown == {f"* {dev.package.version}", f"  {first}"}
    del dev.package  # building would fail
    dev.run(deploy, first, DATA)
    assert dev.stack.stacks[-1]["outputs"]["PackageVersion"] == first
    with pytest.raises(DeploymentError, match=r"has no package 0\.0\.0"):
        dev.run(deploy, "0.0.0", DATA)


def test_updates_are_watched_if_the_stage_asks_for_it(dev: Deployment, release: Release) -> None:
    dev.path.write_text(FILE + "WATCH_MINUTES=20\n", encoding="utf-8")
    dev.run(deploy, None, DATA)
    assert dev.stack.rollback == {}  # a new stack has no alarms yet
    topic = "arn:aws:sns:us-east-1:123456789012:alarms"
    dev.stack.stacks[-1]["outputs"]["AlarmsTopicArn"] = topic
    dev.package = built(release, code=b"new")
    dev.run(deploy, None, DATA)
    assert dev.stack.rollback["MonitoringTimeInMinutes"] == 20
    assert len(dev.stack.rollback["RollbackTriggers"]) == 4
    assert "undoes the update if an alarm is raised in 20 minutes" in dev.text


def with_rollout(release: Release, code: bytes = b"zip") -> Built:
    """A package whose function has an alias."""
    package = built(release, code=code)
    parameters = {
        **package.sam["Parameters"],
        "Revision": {"Type": "String"},
        "Rollout": {"Type": "String", "Default": "AllAtOnce"},
    }
    return replace(package, sam={**package.sam, "Parameters": parameters})


def test_a_changed_parameter_or_package_has_a_new_revision_and_a_repetition_has_none(
    dev: Deployment, release: Release
) -> None:
    dev.package = with_rollout(release)
    revisions = []
    for text, code in (("", b"zip"), ("BUDGET_USD=5\n", b"zip"), ("BUDGET_USD=7\n", b"zip"), ("", b"new")):
        dev.path.write_text(FILE + text, encoding="utf-8")
        dev.package = with_rollout(release, code)
        dev.run(deploy, None, DATA)
        revisions.append(dev.stack.stacks[-1]["parameters"]["Revision"])
    assert revisions[0] == revisions[1]  # the default
    assert len(set(revisions)) == 3
    assert dev.said.count("Stack     has no changes") == 1


def test_a_gradual_rollout_has_requests_and_takes_its_time(dev: Deployment, release: Release) -> None:
    health = "GET https://api.example/v1/health"
    requests: list[float] = []

    class Pages(dict[str, Response]):
        def __getitem__(self, request: str) -> Response:
            if request == health:
                requests.append(dev.seconds)
            return super().__getitem__(request)

    dev.pages = Pages(dev.pages)
    dev.path.write_text(FILE + "ROLLOUT=Canary10Percent30Minutes\n", encoding="utf-8")
    dev.package = with_rollout(release)
    dev.run(deploy, None, DATA)
    assert len(requests) == 1  # the smoke test of a new stack, which has no version to compare with
    dev.package = with_rollout(release, b"new")
    dev.stack.lasts = 1_000
    dev.run(deploy, None, DATA)
    assert dev.seconds >= 2_000
    assert len(requests) > 1_000
    assert "gets its requests by Canary10Percent30Minutes" in dev.text


def with_portal(release: Release) -> Built:
    """A package with a user pool, whose API has a URL after it was created."""
    package = with_rollout(release)
    sam = {
        **package.sam,
        "Parameters": package.sam["Parameters"]
        | {name: {"Type": "String", "Default": ""} for name in ("Identity", "ServiceUrl")},
        "Outputs": package.sam["Outputs"]
        | {
            "EndpointURL": {"Value": "https://api.example/v1/"},
            "UserPoolId": {"Value": "pool"},
            "SignInClientId": {"Value": "client"},
        },
    }
    return replace(package, sam=sam)


COGNITO = f"ACCOUNT={ACCOUNT}\nREGION=us-east-1\nIDENTITY=cognito\nWATCH_MINUTES=20\n"


def executions(dev: Deployment) -> int:
    return dev.session.interruptions.calls.count("execute_change_set")


def test_cognito_gets_the_url_of_the_portal_in_a_second_update(dev: Deployment, release: Release) -> None:
    dev.path.write_text(COGNITO, encoding="utf-8")
    dev.package = with_portal(release)
    assert dev.run(plan, None, DATA)
    assert "returns users of the\nportal to this URL (ServiceUrl)." in dev.text
    dev.run(deploy, None, DATA)
    first = dev.stack.stacks[-1]["parameters"]
    assert (first["ServiceUrl"], executions(dev)) == ("https://api.example/v1/", 2)
    assert dev.stack.rollback["MonitoringTimeInMinutes"] == 0
    assert "The portal is at https://api.example/v1/." in dev.said
    # Later, the URL is known from the beginning.
    dev.said.clear()
    assert dev.run(plan, None, DATA)
    assert "ServiceUrl" not in dev.text
    dev.run(deploy, None, DATA)
    assert (dev.stack.stacks[-1]["parameters"], executions(dev)) == (first, 2)
    dev.path.write_text(COGNITO + "API_URL=http://localhost/other\n", encoding="utf-8")
    dev.pages |= {
        request.replace("https://api.example/v1", "http://localhost/other"): response
        for request, response in dev.pages.items()
    }
    dev.said.clear()
    assert dev.run(plan, None, DATA)
    assert "  ServiceUrl: https://api.example/v1/ -> http://localhost/other/" in dev.said
    dev.run(deploy, None, DATA)
    changed = dev.stack.stacks[-1]["parameters"]
    assert (changed["ServiceUrl"], executions(dev)) == ("http://localhost/other/", 3)
    assert changed["Revision"] == first["Revision"]  # no function gets the URL


def test_a_deployment_killed_between_its_two_updates_is_completed_by_the_next(
    dev: Deployment, release: Release
) -> None:
    dev.path.write_text(COGNITO, encoding="utf-8")
    dev.package = with_portal(release)

    class Said(list[str]):
        def append(self, line: str) -> None:
            if line.startswith("Portal "):
                raise Killed(line)

    dev.said = Said()
    with pytest.raises(Killed):
        dev.run(deploy, None, DATA)
    assert (dev.stack.stacks[-1]["parameters"]["ServiceUrl"], executions(dev)) == ("", 1)
    dev.said = []
    dev.run(deploy, None, DATA)
    url = dev.stack.stacks[-1]["parameters"]["ServiceUrl"]
    assert (url, executions(dev)) == ("https://api.example/v1/", 2)


def test_a_package_that_does_not_know_a_parameter_is_deployed_without_it(
    dev: Deployment, release: Release
) -> None:
    dev.path.write_text(FILE + "MAX_HOURS=24\n", encoding="utf-8")
    dev.run(deploy, None, DATA)
    assert dev.text.count("does not know MaxHours: ignored.") == 1


def test_the_issuer_is_checked_before_anything_is_created(dev: Deployment) -> None:
    dev.pages[f"GET {ISSUER}.well-known/openid-configuration"] = page({"issuer": ISSUER.rstrip("/")})
    with pytest.raises(DeploymentError, match="not the issuer of its discovery document"):
        dev.run(deploy, None, DATA)
    assert all(_reads(name) for name in dev.session.interruptions.calls)
    assert not dev.run(plan, None, DATA)


def test_a_bucket_of_another_account_is_not_used(dev: Deployment) -> None:
    dev.give_bucket_to_another_account(CODE_BUCKET)
    with pytest.raises(DeploymentError, match="belongs to another account"):
        dev.run(deploy, None, DATA)
    assert dev.stack.stacks == []


def test_each_request_to_s3_rejects_buckets_of_other_accounts(dev: Deployment) -> None:
    without: set[str] = set()

    def look(params: dict[str, Any], model: Any, **_: Any) -> None:
        if params.get("ExpectedBucketOwner") != ACCOUNT:
            without.add(model.name)

    dev.session.events.register("provide-client-params.s3", look)
    dev.run(plan, None, DATA)
    dev.run(deploy, None, DATA)
    dev.run(list_versions)
    dev.run(destroy, True, yes=True)
    assert without == {"CreateBucket"}  # fails if the bucket exists elsewhere


def test_a_bucket_of_the_operator_must_exist_and_keeps_its_properties(dev: Deployment) -> None:
    dev.path.write_text(FILE + "CODE_BUCKET=our-packages\n", encoding="utf-8")
    with pytest.raises(DeploymentError, match="our-packages does not exist"):
        dev.run(deploy, None, DATA)
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="our-packages")
    dev.run(deploy, None, DATA)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="our-packages")


def test_the_stack_of_something_else_is_not_touched(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    dev.stack.stacks[-1]["parameters"] = {"Stage": "dev"}
    for command in (lambda: dev.run(deploy, None, DATA), lambda: dev.run(destroy, False, yes=True)):
        with pytest.raises(DeploymentError, match="is not this service"):
            command()
    dev.stack.stacks[-1]["parameters"] = {"BudgetUsd": "5", "MaxEnvironments": "5", "Stage": "prod"}
    with pytest.raises(DeploymentError, match="belongs to the stage prod"):
        dev.run(deploy, None, DATA)


def test_a_change_that_loses_data_must_be_confirmed(dev: Deployment, release: Release) -> None:
    dev.run(deploy, None, DATA)
    dev.package = built(release, Metadata={"replacement": "True"})
    with pytest.raises(DeploymentError, match="YES=1"):
        dev.run(deploy, None, DATA)
    assert dev.stack.change_sets == {}
    dev.answers = ["prod"]
    with pytest.raises(DeploymentError, match="Not confirmed"):
        dev.run(deploy, None, DATA)
    dev.answers = ["dev"]
    dev.run(deploy, None, DATA)
    assert dev.stack.stacks[-1]["status"] == "UPDATE_COMPLETE"


def test_a_blocking_finding_must_be_confirmed(dev: Deployment) -> None:
    dev.found = [Finding(Severity.BLOCKS, "No role", "It fails.", "Create one.", "https://example.com")]
    with pytest.raises(DeploymentError, match="YES=1"):
        dev.run(deploy, None, DATA)
    assert "Problem: No role\n  It fails.\n  Create one.\n  https://example.com" in dev.text
    dev.run(deploy, None, DATA, yes=True)


def test_an_api_that_does_not_work_fails_the_deployment(dev: Deployment) -> None:
    dev.pages["GET https://api.example/v1/health"] = page({"detail": "no configuration"}, 500)
    with pytest.raises(DeploymentError, match="GET /health answers 500 instead of 200"):
        dev.run(deploy, None, DATA)
    assert dev.seconds >= 90


@pytest.mark.parametrize("document", [[], {"paths": None}, {"paths": 5}])
def test_an_api_that_answers_something_else_fails_the_deployment(dev: Deployment, document: Any) -> None:
    dev.pages["GET https://api.example/v1/openapi.json"] = page(document)
    with pytest.raises(DeploymentError, match=r"GET /openapi.json answers 200 instead of"):
        dev.run(deploy, None, DATA)


def test_a_package_that_was_damaged_in_the_bucket_is_uploaded_again(
    dev: Deployment, release: Release
) -> None:
    dev.run(deploy, None, DATA)
    s3 = boto3.client("s3", region_name="us-east-1")
    template = f"packages/{dev.package.version}/template.json"
    good = s3.get_object(Bucket=CODE_BUCKET, Key=template)["Body"].read()
    s3.put_object(Bucket=CODE_BUCKET, Key=template, Body=b"{}")
    s3.delete_object(Bucket=CODE_BUCKET, Key=dev.package.code_key)
    dev.run(deploy, None, DATA)
    assert s3.get_object(Bucket=CODE_BUCKET, Key=template)["Body"].read() == good
    s3.put_object(Bucket=CODE_BUCKET, Key=dev.package.code_key, Body=b"other")
    dev.run(deploy, None, DATA)
    assert s3.get_object(Bucket=CODE_BUCKET, Key=dev.package.code_key)["Body"].read() == b"zip"


@pytest.mark.parametrize(
    ("description", "template"),
    [
        (b"\xff", b"{}"),
        (b"[]", b"{}"),
        (b'{"release": "1"}', b"[" * 100_000),
        (b'{"release": "1"}', b'{"Resources": {}}'),
        (b'{"release": "../../v"}', b'{"Parameters": {}, "Resources": {}}'),
    ],
)
def test_a_package_that_cannot_be_read_is_refused(
    dev: Deployment, description: bytes, template: bytes
) -> None:
    dev.run(deploy, None, DATA)
    s3, folder = boto3.client("s3", region_name="us-east-1"), f"packages/{dev.package.version}"
    s3.put_object(Bucket=CODE_BUCKET, Key=f"{folder}/package.json", Body=description)
    s3.put_object(Bucket=CODE_BUCKET, Key=f"{folder}/template.json", Body=template)
    with pytest.raises(DeploymentError, match="is damaged"):
        dev.run(deploy, dev.package.version, DATA)


def test_a_release_that_is_not_in_the_code_bucket_is_a_sentence(dev: Deployment, release: Release) -> None:
    dev.run(deploy, None, DATA)
    s3, key = boto3.client("s3", region_name="us-east-1"), f"releases/{release.id}/manifest.json"
    s3.delete_object(Bucket=CODE_BUCKET, Key=key)
    with pytest.raises(DeploymentError, match="has no release"):
        dev.run(deploy, dev.package.version, DATA)


# -- plan -------------------------------------------------------------------------------------------------


def test_a_plan_of_a_new_stage_creates_nothing(dev: Deployment) -> None:
    assert dev.run(plan, None, DATA)
    assert all(_reads(name) for name in dev.session.interruptions.calls)
    assert "deploy creates the bucket" in dev.text
    assert "1 AWS::DynamoDB::Table" in dev.text


def test_a_plan_shows_changes_and_leaves_no_change_set_template_or_stack(
    dev: Deployment, release: Release
) -> None:
    dev.run(deploy, None, DATA)
    before = objects(CODE_BUCKET)
    dev.package = built(release, code=b"new")
    dev.path.write_text(FILE + "BUDGET_USD=10\n", encoding="utf-8")
    assert dev.run(plan, None, DATA)
    assert "0 to add, 1 to change, 0 to replace, 0 to remove" in dev.said
    assert "  BudgetUsd: 5 -> 10" in dev.said
    assert (dev.stack.change_sets, objects(CODE_BUCKET)) == ({}, before)
    dev.run(destroy, False, yes=True)
    assert dev.run(plan, None, DATA)
    assert [stack["status"] for stack in dev.stack.stacks] == ["DELETE_COMPLETE"] * 2


def test_two_plans_at_once_do_not_share_a_template(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    store = Packages(boto3.client("s3", region_name="us-east-1"), CODE_BUCKET, ACCOUNT)
    made = dev.package.in_bucket(CODE_BUCKET)
    first, second = store.put_plan(made), store.put_plan(made)
    store.delete_plan(first)
    assert second in objects(CODE_BUCKET)


def test_a_plan_leaves_the_new_stack_of_a_deployment_that_is_about_to_begin(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    dev.run(destroy, True, yes=True)
    store = f"https://{CODE_BUCKET}.s3.us-east-1.amazonaws.com/packages/{dev.package.version}/template.json"
    created = dev.stack.create_change_set(
        StackName=STACK,
        ChangeSetName="of-a-deployment",
        ChangeSetType="CREATE",
        TemplateURL=store,
        Parameters=[],
        ClientToken="of-a-deployment",
        Capabilities=[],
        RollbackConfiguration={},
    )
    dev.run(plan, None, DATA)
    assert [*dev.stack.change_sets] == [created["Id"]]
    assert dev.stack.stacks[-1]["status"] == "REVIEW_IN_PROGRESS"


# -- destroy ----------------------------------------------------------------------------------------------


def kept() -> tuple[list[str], list[str]]:
    tables = boto3.client("dynamodb", region_name="us-east-1").list_tables()["TableNames"]
    buckets = boto3.client("s3", region_name="us-east-1").list_buckets()["Buckets"]
    return tables, [bucket["Name"] for bucket in buckets if bucket["Name"] != CODE_BUCKET]


def test_destroying_keeps_the_data_and_deletes_it_on_request(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    dev.answers = ["dev"]
    dev.run(destroy, False)
    assert dev.stack.stacks[-1]["status"] == "DELETE_COMPLETE"
    [[table], [bucket]] = kept()
    assert table in dev.text and bucket in dev.text
    dev.answers = ["dev"]
    dev.run(destroy, True)
    assert kept() == ([], [])
    dev.run(destroy, True)
    assert dev.said[-1] == f"The stack {STACK} does not exist."


def test_destroying_needs_the_name_of_the_stage(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    dev.answers = ["yes"]
    with pytest.raises(DeploymentError, match="Not confirmed"):
        dev.run(destroy, True)
    assert dev.stack.stacks[-1]["status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(("live", "waiting"), [(2, 0), (0, 1)])
def test_a_stage_with_environments_is_not_destroyed(dev: Deployment, live: int, waiting: int) -> None:
    dev.run(deploy, None, DATA)
    table = boto3.resource("dynamodb", region_name="us-east-1").Table(
        dev.stack.stacks[-1]["outputs"]["TableName"]
    )
    table.put_item(Item={**QUEUE_KEY, "live": live, "waiting": waiting})
    with pytest.raises(DeploymentError, match=f"Environments still exist: {live + waiting}"):
        dev.run(destroy, True, yes=True)
    assert dev.stack.stacks[-1]["status"] == "CREATE_COMPLETE"


def test_an_environment_that_is_created_during_the_confirmation_is_not_left_behind(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    name = dev.stack.stacks[-1]["outputs"]["TableName"]
    table = boto3.resource("dynamodb", region_name="us-east-1").Table(name)

    class Answers(list[str]):
        def pop(self, *_: Any) -> str:
            table.put_item(Item={**QUEUE_KEY, "live": 1})
            return "dev"

    dev.answers = Answers(["dev"])
    with pytest.raises(DeploymentError, match="Environments still exist: 1"):
        dev.run(destroy, True)
    assert dev.stack.stacks[-1]["status"] == "CREATE_COMPLETE"


def test_what_a_deleted_stack_of_something_else_kept_is_not_touched(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    dev.run(destroy, False, yes=True)
    before, stack = kept(), dev.stack.stacks[-1]
    own = stack["parameters"]
    for others in ({}, {**own, "Stage": "prod"}):
        stack["parameters"] = others
        dev.run(destroy, True, yes=True)
        assert kept() == before
    stack["parameters"] = own
    dev.run(destroy, True, yes=True)
    assert kept() == ([], [])


def test_data_that_a_repeated_deletion_kept_twice_is_deleted_once(dev: Deployment) -> None:
    dev.run(deploy, None, DATA)
    dev.run(destroy, False, yes=True)
    events = dev.stack.stacks[-1]["events"]
    events += [event for event in events if event["ResourceStatus"] == "DELETE_SKIPPED"]
    dev.run(destroy, True, yes=True)
    assert kept() == ([], [])


def test_a_destruction_killed_at_any_change_is_completed_by_the_next(
    tmp_path: Path, release: Release
) -> None:
    def deployed() -> Deployment:
        dev = Deployment(tmp_path, built(release))
        dev.run(deploy, None, DATA)
        dev.session.interruptions.calls.clear()
        return dev

    with mock_aws():
        whole = deployed()
        whole.run(destroy, True, yes=True)
    calls = whole.session.interruptions.calls
    deaths = [number for number, name in enumerate(calls, 1) if not _reads(name)]
    assert {calls[n - 1] for n in deaths} == {"delete_stack", "DeleteTable", "DeleteObjects", "DeleteBucket"}
    for number in deaths:
        with mock_aws():
            dev = deployed()
            dev.session.interruptions.at = number
            with pytest.raises(Killed):
                dev.run(destroy, True, yes=True)
            dev.session.interruptions.at = None
            dev.run(destroy, True, yes=True)
            assert kept() == ([], []), calls[number - 1]


def test_publish_makes_a_folder_a_data_set_or_the_default(dev: Deployment, tmp_path: Path) -> None:
    data = tmp_path / "sales"
    (data / "db/Sales").mkdir(parents=True)
    (data / "db/Sales/rows.csv").write_text("id\n1\n", encoding="utf-8")
    with pytest.raises(DeploymentError, match=r"no assets bucket yet. Run `make deploy STAGE="):
        dev.run(publish, data, "sales")
    dev.run(deploy, None, DATA)
    s3 = boto3.client("s3", region_name="us-east-1")

    def pointed(key: str) -> str:
        content = json.loads(s3.get_object(Bucket=assets(dev), Key=key)["Body"].read())
        return str(content["release"])

    default = pointed("releases/latest.json")
    dev.run(publish, data, "sales")
    sales = pointed("releases/data-sets/sales.json")
    assert pointed("releases/latest.json") == default != sales
    assert f"releases/{sales}/data/db/sales/rows.csv" in objects(assets(dev))
    assert "  the table Sales is called sales, because a name " in dev.text
    assert dev.said[-1] == f"{sales} is now the data set sales"
    dev.run(publish, data, None)
    assert pointed("releases/latest.json") == sales


def test_publish_names_all_faults_of_the_data(dev: Deployment, tmp_path: Path) -> None:
    dev.run(deploy, None, DATA)
    for table in ("a", "b"):
        (tmp_path / f"data/db/{table}").mkdir(parents=True)
        (tmp_path / f"data/db/{table}/rows.csv").write_text("id,x\n1\n", encoding="utf-8")
    with pytest.raises(DeploymentError, match=r"(?s)db/a/rows\.csv:2: .*db/b/rows\.csv:2: "):
        dev.run(publish, tmp_path / "data", None)
    with pytest.raises(DeploymentError, match="'My data' cannot be the name of a data set"):
        dev.run(publish, tmp_path / "data", "My data")
