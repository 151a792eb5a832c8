"""CloudFormation and the services behind it accept all valid settings.

Settings are generated from the service's models and rendered through the real template. The result is checked
against the template's own rules, CloudFormation's limits, the registry's schemas (cfn-lint's copy) and limits
that the schemas do not contain.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import cfnlint
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from chalicelib import config as configuration
from chalicelib.config import LOG_RETENTION_DAYS, Config
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.pricing import DPU_PER_WORKER
from chalicelib.domain.settings import JobSettings, Limits, Settings
from chalicelib.sandbox.template_parameters import stack_tags, template_parameters
from chalicelib.storage.template_copies import template_copy, with_arguments
from glue_assets.template_builder import parse
from local.cloudformation.template import Placed, Template
from tests.support.paths import ROOT
from tests.support.releases import built_release
from tests.support.settings_strategies import accepted, texts
from tests.support.size import sized

WRITTEN = built_release(ROOT / "data", "0.0.0").template
PARSED = parse(WRITTEN)
DECLARED = PARSED["Parameters"]
SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas"
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "ap-southeast-99",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "terraglue-abcdefgh23",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/terraglue-abcdefgh23/x",
}
NAMES = ("BucketName", "LogGroupName", "RoleName", "AliasName", "Name")
NUMBERS = (
    "RetentionInDays",
    "NumberOfWorkers",
    "Timeout",
    "MaxRetries",
    "MaxConcurrentRuns",
    "BytesScannedCutoffPerQuery",
)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = re.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-)(?!.*(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3|-an)\Z)"
    r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)
MARK = next(f"{line}\n" for line in WRITTEN.splitlines() if "releases.py: the arguments" in line)
# Without shrinking, which would take minutes here.
QUICK = settings(
    deadline=None,
    suppress_health_check=[*HealthCheck],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    database=None,
)
TAG = re.compile(r"(?!(?i:aws:))[\w .:/=+@-]+")


@functools.cache
def validator(kind: str) -> Draft7Validator:
    index = json.loads((SCHEMAS / "providers/us-east-1.json").read_text(encoding="utf-8"))
    return Draft7Validator(
        json.loads((SCHEMAS / f"resources/{index[kind]}.json").read_text(encoding="utf-8"))
    )


@st.composite
def configs(draw: st.DrawFn) -> Config:
    roles = draw(st.lists(texts(configuration.SHARED_ROLE_ARN), max_size=2, unique=True))
    keys = draw(st.lists(texts(configuration.KMS_KEY_ARN), max_size=2, unique=True))
    boundary = draw(st.just("") | texts(configuration.POLICY_ARN))
    letters = st.text("aZ9 _.:/=+-@\u00e9\u4e2d", min_size=1, max_size=128)
    tags = draw(
        st.dictionaries(letters, letters, max_size=3) | st.just({f"t{n}": "v" * 256 for n in range(47)})
    )
    return Config.from_environment(
        {
            "TABLE_NAME": "table",
            "SANDBOX_INSPECTOR_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-inspector",
            "SANDBOX_READER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-reader",
            "SANDBOX_USER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-user",
            "ASSETS_BUCKET": "assets",
            "ISSUER": "https://issuer.example",
            "AUDIENCE": "portal",
            "CURSOR_KEY": "a secret of ours",
            "SHARED_ROLE_ARNS": ",".join(roles),
            "SHARED_KMS_KEY_ARNS": ",".join(keys),
            "PERMISSIONS_BOUNDARY_ARN": boundary,
            "LOG_RETENTION_DAYS": str(draw(st.sampled_from(LOG_RETENTION_DAYS))),
            "MAX_WORKERS": str(draw(st.integers(2, 10))),
            "MAX_TIMEOUT_MINUTES": str(draw(st.integers(1, 60))),
            "STACK_TAGS": ",".join(
                f"{key}={value}"
                for key, value in tags.items()
                if key.strip() == key and "=" not in key and value.strip() and "aws:" not in key + value
            ),
        }
    )


@st.composite
def environments(draw: st.DrawFn) -> tuple[Environment, Config]:
    config = draw(configs())
    owner = st.text(min_size=1, max_size=128).filter(str.isprintable) | st.sampled_from(
        ["aws:me", "AWS:", "😀" * 128]
    )
    return environment(draw(accepted(config.limits)), draw(owner)), config


def environment(chosen: Settings, owner: str = "ana") -> Environment:
    return Environment(
        id="abcdefgh23",
        owner=owner,
        status=Status.QUEUED,
        release="0.0.1-abcdef012345",
        settings=chosen,
        created_at="2026-11-23T12:00:00.000Z",
        updated_at="2026-11-23T12:00:00.000Z",
        expires_at="2026-11-26T12:00:00.000Z",
    )


def typed(value: Any, key: str = "") -> Any:
    """Values as CloudFormation turns them into the types of a schema."""
    if isinstance(value, dict):
        return {name: typed(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if key in NUMBERS:
        return int(value)
    is_flag = key in ("EnableKeyRotation", "BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls")
    return value == "true" if is_flag or key == "RestrictPublicBuckets" else value


def built(made: Environment, config: Config) -> dict[str, tuple[str, dict[str, Any]]]:
    """Type and properties of every resource of the stack."""
    own = parse(template_copy(WRITTEN, made)) if made.settings.has_own_template else PARSED
    template = Template(json.dumps(own), template_parameters(made, config), PSEUDO)
    placed: dict[str, Placed] = {}
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for logical_id in template.order():
        kind, properties = template.resources[logical_id]["Type"], template.properties(logical_id, placed)
        name = next((str(properties[key]) for key in NAMES if key in properties), None)
        name = name or properties.get("DatabaseInput", {}).get("Name", logical_id)
        arns = {
            "AWS::S3::Bucket": f"arn:aws:s3:::{name}",
            "AWS::KMS::Key": "arn:aws:kms:us-east-1:123456789012:key/0b5a3c1e-0000-4000-8000-000000000000",
        }
        placed[logical_id] = Placed(name, {"Arn": arns.get(kind, f"arn:aws:iam::123456789012:role/{name}")})
        found[logical_id] = (kind, typed(properties))
    return found


def check(made: Environment, config: Config) -> None:
    given = template_parameters(made, config)
    assert DECLARED.keys() - given.keys() <= {"ExtraFiles"} and given.keys() <= DECLARED.keys()
    assert len(given) <= 200
    for (
        name,
        text,
    ) in (
        given.items()
    ):  # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        assert len(text.encode()) <= 4096, name
    check_tags(stack_tags(made, config))
    for logical_id, (kind, properties) in built(made, config).items():
        errors = [
            f"{logical_id} {list(error.path)}: {error.message[:300]}"
            for error in validator(kind).iter_errors(properties)
        ]
        assert errors == []
        check_limits(kind, properties)


def check_tags(tags: dict[str, str]) -> None:
    assert len(tags) <= 50
    for key, value in tags.items():
        assert 1 <= len(key) <= 128 and 1 <= len(value) <= 256, key
        assert TAG.fullmatch(key) and TAG.fullmatch(value), (key, value)


def check_limits(kind: str, properties: dict[str, Any]) -> None:
    """Check limits that the schemas do not contain."""
    if kind == "AWS::S3::Bucket":
        assert BUCKET.fullmatch(properties["BucketName"])
    if kind == "AWS::S3::BucketPolicy":
        assert len(json.dumps(properties["PolicyDocument"])) <= 20 * 1024
    if kind == "AWS::KMS::Key":
        assert len(json.dumps(properties["KeyPolicy"])) <= 32 * 1024
    if kind == "AWS::IAM::Role":  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        documents = [policy["PolicyDocument"] for policy in properties["Policies"]]
        assert len(json.dumps(documents, separators=(",", ":"))) <= 10_240
    if kind == "AWS::Glue::Job":  # https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html
        assert len(properties["Description"].encode()) <= 2048
        assert len(properties["Name"].encode()) <= 255
        assert len(properties["Command"]["ScriptLocation"].split("/", 3)[3].encode()) <= 1024
    if kind == "AWS::Athena::WorkGroup":
        assert re.fullmatch("[a-zA-Z0-9._-]{1,128}", properties["Name"])


@settings(QUICK, max_examples=sized(15, 150))
@given(environments())
def test_aws_accepts_all_settings_that_the_service_accepts(given: tuple[Environment, Config]) -> None:
    check(*given)


@settings(QUICK, max_examples=sized(15, 100))
@given(accepted(Limits()))
def test_arguments_pass_through_the_template_unchanged(chosen: Settings) -> None:
    body = with_arguments(f"Arguments:\n{MARK}", chosen.job.arguments)
    assert (yaml.safe_load(body)["Arguments"] or {}) == chosen.job.arguments
    sizes = len(WRITTEN.encode()) + len(body.encode())
    assert sizes <= 1_000_000  # a template in S3, and a request's body has 64 KiB


@pytest.mark.full
def test_the_generated_settings_reach_every_field() -> None:
    seen: set[str] = set()

    # Derandomized: 200 random examples sometimes miss a field.
    @settings(QUICK, max_examples=300, derandomize=True)
    @given(accepted(Limits()))
    def look(chosen: Settings) -> None:
        default = Settings().resolved()
        seen.update(name for name, value in chosen if value != getattr(default, name))
        for job in chosen.jobs:
            seen.update(f"job.{name}" for name, value in job if value != getattr(default.job, name))

    look()
    every = {*Settings.model_fields, *(f"job.{name}" for name in JobSettings.model_fields)}
    assert every - seen <= {"role_arn", "iam_role", "kms_key_arn"}  # the operator shares none here


def test_the_allowed_retention_days_equal_cloudwatchs() -> None:
    known = validator("AWS::Logs::LogGroup").schema["properties"]["RetentionInDays"]["enum"]
    assert [*LOG_RETENTION_DAYS] == known == DECLARED["LogRetentionDays"]["AllowedValues"]
    service = json.loads((ROOT / "chalice_app/functions.json").read_text(encoding="utf-8"))
    assert service["Parameters"]["LogRetentionDays"]["AllowedValues"] == known


def test_every_glue_version_supports_every_worker_type() -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/worker-types.html: G.12X, G.16X and R.* need Glue 4.0."""
    versions = JobSettings.model_json_schema()["properties"]["glue_version"]["enum"]
    assert [float(version) >= 4 for version in versions] == [True] * len(versions)
    known = validator("AWS::Glue::Job").schema["properties"]["WorkerType"]["enum"]
    assert set(DPU_PER_WORKER) == set(DECLARED["WorkerType"]["AllowedValues"]) <= set(known)
    assert versions == DECLARED["GlueVersion"]["AllowedValues"]
