"""Documentation of settings: docs/settings.md and docs/configuration.md list every variable."""

from __future__ import annotations

import json
import re

import pytest

from chalicelib.config import Config
from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.domain.settings import BucketNames, JobSettings, Limits, Settings
from chalicelib.variables import InvalidConfiguration
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
TEXT = (DOCS / "settings.md").read_text(encoding="utf-8")
TABLES = TEXT.partition("## All settings")[2].partition("\n## ")[0]

# The variables of terraglue's two versions, from its variables.tf files.
TERRAGLUE = [
    "aws_provider_config",
    "local_data_path",
    "flag_upload_data_files",
    "flag_s3_block_public_access",
    "catalog_table_parameters",
    "flag_create_athena_workgroup",
    "athena_workgroup_name",
    "s3_kms_key_alias",
    "iam_policies_path",
    "iam_glue_role_name",
    "kms_key_usage",
    "kms_customer_master_key_spec",
    "kms_is_enabled",
    "kms_enable_key_rotation",
    "kms_policy_path",
    "kms_policy_file_name",
    "glue_app_dir",
    "glue_app_src_dir",
    "glue_app_utils_dir",
    "glue_extra_py_files",
    "glue_script_file_name",
    "glue_job_name",
    "glue_job_description",
    "glue_job_version",
    "glue_job_max_retries",
    "glue_job_timeout",
    "glue_job_worker_type",
    "glue_job_number_of_workers",
    "glue_job_python_version",
    "glue_job_max_concurrent_runs",
    "glue_job_general_arguments",
    "glue_job_user_arguments",
    "glue_job_trigger_cron_expr",
    "glue_apply_security_configuration",
    "glue_cloudwatch_encryption_mode",
    "glue_job_bookmark_encryption_mode",
    "glue_s3_encryption_mode",
    "mode",
    "flag_create_iam_role",
    "glue_policies_path",
    "glue_role_name",
    "glue_role_arn",
    "flag_create_kms_key",
    "kms_policies_path",
    "kms_key_alias",
    "kms_key_arn",
    "subfolders_to_upload",
    "file_extensions_to_upload",
    "glue_scripts_bucket_name",
    "glue_scripts_bucket_prefix",
    "glue_main_script_path",
    "glue_job_args",
    "job_output_bucket_name",
    "job_output_database",
    "glue_job_bucket_scripts_key",
]


def test_every_variable_of_terraglue_is_in_a_table() -> None:
    rows = [line.split("|")[1:-1] for line in TABLES.splitlines() if line.startswith("| ")]
    cells = " ".join(row[-1] if len(row) == 4 else row[0] for row in rows)
    assert [name for name in TERRAGLUE if f"`{name}`" not in cells] == []


def test_every_setting_is_listed_with_its_default() -> None:
    rows = [line.split("|")[1:3] for line in TABLES.partition("\n### ")[0].splitlines() if line[:2] == "| "]
    listed = {name: default for names, default in rows for name in re.findall(r"`([a-z0-9_.]+)`", names)}
    for name, default in (
        *((f.lower(), getattr(Settings(), f)) for f in Settings.model_fields if f not in ("job", "buckets")),
        *((f"job.{f}", getattr(JobSettings(), f)) for f in JobSettings.model_fields),
    ):
        assert name in listed, name
        if isinstance(default, bool | int | str) and name != "job.description":
            shown = json.dumps(default) if isinstance(default, bool | int) else default
            assert f"`{shown}`" in listed[name], name
    assert all(f".{key}`" in TABLES for key in BucketNames.model_fields)


def test_the_example_is_valid() -> None:
    [example] = re.findall(r"```json\n(.+?)```", TEXT, re.DOTALL)
    assert invalid_combinations(Settings.model_validate_json(example), Limits()) == []


def test_every_variable_of_the_operator_is_in_the_table() -> None:
    class Listed(dict[str, str]):
        def get(self, name: str, default: object = None) -> None:  # type: ignore[override]
            assert f"`{name}`" in first_cells, name

    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    first_cells = " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    with pytest.raises(InvalidConfiguration):  # after it has read all of them
        Config.from_environment(Listed())
