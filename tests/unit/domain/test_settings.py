"""Settings: defaults, invalid combinations, and values that could reach beyond the sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import Limits, Settings
from chalicelib.storage.template_copies import with_arguments

ROLE = "arn:aws:iam::123456789012:role/terraglue-shared-analysts"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0b5a3c1e-0000-4000-8000-000000000000"
LIMITS = Limits(role_arns=(ROLE,), kms_key_arns=(KEY,))


def pointers(**given: Any) -> list[str]:
    return [wrong["pointer"] for wrong in invalid_combinations(Settings.model_validate(given), LIMITS)]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, []),
        ({"iam_role": False}, ["/role_arn"]),
        ({"iam_role": False, "role_arn": ROLE}, []),
        ({"iam_role": False, "role_arn": ROLE + "-2"}, ["/role_arn"]),
        ({"role_arn": ROLE}, ["/role_arn"]),
        ({"kms_key": False, "kms_key_arn": KEY}, []),
        ({"kms_key_arn": KEY}, ["/kms_key_arn"]),
        ({"kms_key": False, "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/x"}, ["/kms_key_arn"]),
        ({"kms_key": False, "kms_key_rotation": True}, ["/kms_key_rotation"]),
        ({"kms_key": False, "s3_encryption": "SSE-KMS"}, ["/s3_encryption"]),
        ({"kms_key": False, "s3_encryption": "SSE-S3"}, []),
        ({"kms_key": False, "kms_key_arn": KEY, "s3_encryption": "SSE-KMS"}, []),
        ({"security_configuration": False, "cloudwatch_encryption": "DISABLED"}, ["/cloudwatch_encryption"]),
        ({"athena_workgroup": False, "athena_workgroup_name": "w"}, ["/athena_workgroup_name"]),
        ({"buckets": {"sor": "same", "spec": "same"}}, ["/buckets/spec"]),
        ({"buckets": {"sor": "sot"}}, ["/buckets/sot"]),
        ({"mode": "production"}, ["/job/script"]),
        ({"mode": "production", "job": {"script": "main.py"}}, []),
        (
            {"mode": "production", "job": {"script": "main.py", "extra_files": ["main.py"]}},
            ["/job/extra_files"],
        ),
        ({"job": {"script": "main.py", "extra_files": ["a.py"]}}, ["/job/script", "/job/extra_files"]),
        (
            {"iam_role": False, "kms_key_arn": KEY, "mode": "production"},
            ["/kms_key_arn", "/role_arn", "/job/script"],
        ),
    ],
)
def test_all_invalid_combinations_are_returned_together(given: dict[str, Any], wrong: list[str]) -> None:
    assert pointers(**given) == wrong


@pytest.mark.parametrize(
    ("given", "modes"),
    [
        ({}, ("SSE-KMS", "CSE-KMS", "SSE-KMS")),
        ({"kms_key": False, "kms_key_arn": KEY}, ("SSE-KMS", "CSE-KMS", "SSE-KMS")),
        ({"kms_key": False}, ("DISABLED", "DISABLED", "SSE-S3")),
        ({"security_configuration": False}, ("DISABLED", "DISABLED", "SSE-S3")),
        ({"job_bookmarks_encryption": "DISABLED"}, ("SSE-KMS", "DISABLED", "SSE-KMS")),
    ],
)
def test_encryption_follows_from_the_key(given: dict[str, Any], modes: tuple[str, str, str]) -> None:
    settings = Settings.model_validate(given).resolved()
    assert (
        settings.cloudwatch_encryption,
        settings.job_bookmarks_encryption,
        settings.s3_encryption,
    ) == modes


@pytest.mark.parametrize(
    "job",
    [
        {"description": "{{resolve:secretsmanager:prod}}"},
        {"description": "two\nlines"},
        {"arguments": {"--A": "{{resolve:ssm:x}}"}},
        {"arguments": {"--extra-py-files": "s3://elsewhere/x.py"}},
        *(
            {"arguments": {name: "x"}}
            for name in (
                *("--custom-logGroup-prefix", "--CUSTOM-LOGGROUP-PREFIX", "--custom-logStream-prefix"),
                *(
                    "--continuous-log-logGroup",
                    "--Continuous-Log-LogGroup",
                    "--continuous-log-logStreamPrefix",
                ),
                *("--enable-continuous-cloudwatch-log", "--scriptlocation", "--SCRIPTLOCATION", "--job_name"),
                *("--JOB_RUN_ID", "--JOB_ID", "--Mode", "--class", "--job-language", "--encryption-type"),
                *("--python-modules-installer-option", "--security_configuration", "--Terraglue-Run-Id"),
                *("--terraglue-attempt", "--continuous-log-logG"),
            )
        ),
        {"arguments": {"A": "1"}},
        {"script": "../main.py"},
        {"script": "a/b/c/d/e/f/g/h/main.py"},
        {"script": ".hidden.py"},
        {"script": "main.sh"},
        {"extra_files": ["lib.tar"]},
        {"python_modules": ["pandas --index-url=https://elsewhere"]},
        {"python_modules": ["https://elsewhere/x.whl"]},
        {"files_prefix": "/jobs/"},
        {"files_prefix": "a/../"},
        {"name": "UPPER"},
        {"max_retries": 4},
    ],
)
def test_values_that_reach_beyond_the_sandbox_are_rejected(job: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"mode": "production", "job": {"script": "main.py", **job}})


@pytest.mark.parametrize(
    "name",
    ["--MODEL", "--CLASSES", "--TempDir", "--enable-auto-scaling", "--job-bookmark-option", "--custom"],
)
def test_arguments_with_the_prefix_of_a_reserved_name_are_accepted(name: str) -> None:
    settings = Settings.model_validate({"job": {"arguments": {name: "x"}}})
    assert settings.job.arguments == {name: "x"}


@pytest.mark.parametrize("name", ["a-s3alias", "x--ol-s3", "Upper", "-a", "a.b", "a" * 41])
def test_a_bucket_name_that_s3_rejects_is_rejected(name: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"buckets": {"sor": name}})


def test_arguments_of_the_settings_replace_the_templates() -> None:
    mark = "        # releases.py: the arguments of the settings\n"
    template = f"        --DATA_FORMAT: parquet\n        --NUM: '5'\n{mark}rest\n"
    made = with_arguments(template, {"--DATA_FORMAT": 'or"c', "--NEW": "${AWS::AccountId} \u00e9: #"})
    assert made == (
        f"        --NUM: '5'\n{mark}"
        '        --DATA_FORMAT: "or\\"c"\n        --NEW: "${AWS::AccountId} \u00e9: #"\nrest\n'
    )
