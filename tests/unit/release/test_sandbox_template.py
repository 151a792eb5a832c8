"""The sandbox template, glue_assets/template.yaml and its modules: valid, secure, isolated."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.config import Config
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.domain.settings import Settings
from chalicelib.sandbox.template_parameters import template_parameters
from glue_assets.template_builder import assemble, parse
from tests.support.paths import ROOT

TEMPLATE = parse(assemble(ROOT / "glue_assets"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
CONFIG = Config(
    "t", "b", "https://issuer", "a", "https://issuer/jwks", "key", permissions_boundary_arn="arn:b"
)
ENVIRONMENT = Environment(
    id="abcdefgh23",
    owner="Ana Souza",
    status=Status.QUEUED,
    release="0.0.1-abcdef012345",
    settings=Settings().resolved(),
    created_at="2026-11-23T12:00:00.000Z",
    updated_at="2026-11-23T12:00:00.000Z",
    expires_at="2026-11-26T12:00:00.000Z",
)
KEY = {"Fn::If": ["CreatesKey", {"Fn::GetAtt": ["Key", "Arn"]}, {"Ref": "KmsKeyArn"}]}


def of_type(kind: str) -> dict[str, Any]:
    return {name: entry["Properties"] for name, entry in RESOURCES.items() if entry["Type"] == kind}


def statements() -> list[dict[str, Any]]:
    [role] = of_type("AWS::IAM::Role").values()
    [policy] = role["Policies"]
    entries = policy["PolicyDocument"]["Statement"]
    return [entry["Fn::If"][1] if "Fn::If" in entry else entry for entry in entries]


def test_the_service_sets_every_parameter_to_a_valid_value() -> None:
    job = ENVIRONMENT.settings.job.model_copy(update={"extra_files": ["query.sql"]})
    environment = ENVIRONMENT.replace(settings=ENVIRONMENT.settings.model_copy(update={"job": job}))
    given, declared = template_parameters(environment, CONFIG), TEMPLATE["Parameters"]
    assert given.keys() == declared.keys()
    for name, value in given.items():
        rule = declared[name]
        assert re.fullmatch(rule.get("AllowedPattern", ".*"), value), name
        assert value in [str(allowed) for allowed in rule.get("AllowedValues", [value])], name
        if rule["Type"] == "Number" and "MinValue" in rule:
            assert rule["MinValue"] <= int(value) <= rule.get("MaxValue", int(value)), name


@pytest.mark.parametrize(("mode", "most"), [("learning", "1"), ("production", "3")])
def test_runs_of_the_releases_job_are_never_concurrent(mode: str, most: str) -> None:
    """Each run replaces the same partition. Glue queues the second run, whoever started it."""
    job = ENVIRONMENT.settings.job.model_copy(update={"max_concurrent_runs": 3})
    settings = ENVIRONMENT.settings.model_copy(update={"mode": mode, "job": job})
    environment = ENVIRONMENT.replace(settings=settings)
    assert template_parameters(environment, CONFIG)["MaxConcurrentRuns"] == most


def test_the_defaults_of_the_template_are_those_of_the_service() -> None:
    given = template_parameters(ENVIRONMENT, CONFIG)
    defaults = {n: str(rule["Default"]) for n, rule in TEMPLATE["Parameters"].items() if "Default" in rule}
    assert defaults == {name: given.get(name, "") for name in defaults}


def test_a_parameter_that_older_templates_lack_is_sent_only_with_a_value() -> None:
    """CloudFormation refuses the update of an older release's stack: "do not exist in the template"."""
    missing = TEMPLATE["Parameters"].keys() - template_parameters(ENVIRONMENT, CONFIG).keys()
    assert missing == {"ExtraFiles"}
    assert TEMPLATE["Parameters"]["ExtraFiles"]["Default"] == ""


def test_all_five_buckets_are_encrypted_private_versioned_and_require_tls() -> None:
    buckets = of_type("AWS::S3::Bucket")
    names = {entry["BucketName"]["Fn::Sub"] for entry in buckets.values()}
    kinds = ["".join(part.capitalize() for part in key.split("_")) for key in BUCKET_KEYS]
    assert names == {f"terraglue-${{EnvironmentId}}-${{{kind}BucketName}}" for kind in kinds}
    policies = {entry["Bucket"]["Ref"]: entry for entry in of_type("AWS::S3::BucketPolicy").values()}
    for name, entry in buckets.items():
        closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        assert entry["PublicAccessBlockConfiguration"] == {
            part: {"Ref": "BlockPublicAccess"} for part in closed
        }
        assert entry["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert entry["VersioningConfiguration"] == {"Status": "Enabled"}
        [rule] = entry["LifecycleConfiguration"]["Rules"]
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
        [rule] = entry["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        condition, with_key, without = rule["Fn::If"]
        assert condition == "HasKey"
        assert with_key["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
        assert without == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        [statement] = policies[name]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


def test_the_key_rotates_and_is_usable_by_account_service_and_log_groups_only() -> None:
    [key] = of_type("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] == {"Ref": "KmsKeyRotation"}
    account, deployment, service, logs = key["KeyPolicy"]["Statement"]
    assert account["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    own = {"kms:CallerAccount": {"Ref": "AWS::AccountId"}}
    condition, manages, _ = deployment["Fn::If"]
    assert (condition, manages["Principal"]) == ("HasDeploymentRole", {"AWS": "*"})
    assert manages["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": {"Ref": "DeploymentRoleArn"}},
        "StringEquals": own,
    }
    condition, copies, _ = service["Fn::If"]
    assert (condition, copies["Principal"]) == ("HasServiceRoles", {"AWS": "*"})
    assert copies["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert copies["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": {"Fn::Split": [",", {"Ref": "ServiceRoleArns"}]}},
        "StringEquals": {**own, "kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"}},
    }
    assert logs["Principal"] == {"Service": {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}}
    [own] = logs["Condition"]["ArnLike"].values()
    assert own["Fn::Sub"].endswith(":log-group:/aws-glue/jobs/terraglue-${EnvironmentId}/*")


def test_log_groups_have_a_retention_and_are_encrypted_with_the_key() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    assert set(groups) == {"OutputLogGroup", "ErrorLogGroup"}
    for group in groups.values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert group["KmsKeyId"] == {"Fn::If": ["EncryptsLogs", KEY, {"Ref": "AWS::NoValue"}]}


def test_the_role_reaches_nothing_outside_the_sandbox() -> None:
    name = r"terraglue[-_]\$\{EnvironmentId\}"
    own = re.compile(
        r"\$?\{?(Sor|Sot|Spec|GlueAssets)Bucket\.Arn\}?(/.+)?"
        r"|arn:\$\{AWS::Partition\}:(glue|logs):\$\{AWS::Region\}:\$\{AWS::AccountId\}:"
        rf"(catalog|(database|table)/({name}_\*|\$\{{SotDatabase\}})(/\*)?|job/{name}-\*"
        rf"|log-group:/aws-glue/jobs/{name}/\*)"
    )
    for statement in statements():
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]
        if statement["Sid"] == "WriteMetrics":
            assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Glue"}}
            continue
        if statement["Sid"] == "StartSpark":  # the two names that Spark itself requests
            names = [resource["Fn::Sub"].rpartition(":")[2] for resource in statement["Resource"]]
            assert names == ["catalog", "database/default", "database/global_temp"]
            continue
        if statement["Sid"] == "UseKey":
            assert statement["Resource"] == KEY
            continue
        given = statement["Resource"]
        for resource in given if isinstance(given, list) else [given]:
            [value] = resource.values()
            assert own.fullmatch(value if isinstance(value, str) else ".".join(value)), value


def test_the_role_has_the_operators_boundary_and_is_for_glue_only() -> None:
    [role] = of_type("AWS::IAM::Role").values()
    assert role["PermissionsBoundary"]["Fn::If"][:2] == ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "glue.amazonaws.com"}


def test_the_jobs_arguments_point_into_the_sandbox() -> None:
    [job] = of_type("AWS::Glue::Job").values()
    arguments = job["DefaultArguments"]
    assert arguments["--SOURCE_DB"] == {"Fn::Sub": "terraglue_${EnvironmentId}_db_ecommerce"}
    assert arguments["--conf"] == {"Fn::Sub": "spark.hadoop.fs.s3a.endpoint.region=${AWS::Region}"}
    assert arguments["--OUTPUT_BUCKET"] == {"Ref": "SotBucket"}
    assert arguments["--OUTPUT_DB"] == {"Ref": "SotDatabase"}
    assert arguments["--OUTPUT_TABLE_URI"] == {"Fn::Sub": "s3://${SotBucket}/tbsot_ecommerce_br"}
    assert job["Name"] == {"Fn::Sub": "terraglue-${EnvironmentId}-${JobName}"}


def test_no_file_of_the_template_is_over_500_lines() -> None:
    files = [ROOT / "glue_assets/template.yaml", *(ROOT / "glue_assets/modules").glob("*.yaml")]
    assert len(files) == 7
    assert all(len(file.read_text(encoding="utf-8").splitlines()) < 500 for file in files)


def test_every_checkov_exception_has_a_reason() -> None:
    skips = {
        (name, skip["id"]): skip["comment"]
        for name, resource in RESOURCES.items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }
    files = [ROOT / "glue_assets/template.yaml", *(ROOT / "glue_assets/modules").glob("*.yaml")]
    assert len(skips) == sum(file.read_text(encoding="utf-8").count("id: CKV") for file in files) > 0
    short = {place: comment for place, comment in skips.items() if len(comment) <= 20}
    assert short == {}
