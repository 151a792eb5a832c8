"""The templates of `make package`, checked with AWS's translator and cfn-lint."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config import Config
from chalicelib.variables import InvalidConfiguration
from local.api.dispatch import subscriptions
from local.setup import roles
from tests.support.translation import FUNCTION_IDS, FUNCTIONS

pytestmark = pytest.mark.xdist_group("package")

NAMES = {
    *("RoleName", "ManagedPolicyName", "TableName", "BucketName", "QueueName", "TopicName"),
    *("LogGroupName", "AlarmName", "DashboardName"),
}
"""Properties with which a template names a resource."""
VARIABLES_OF_THE_EMULATOR = {"FEDERATION_URL", "UNSUPPORTED_FEATURES", "WEBHOOK_NETWORKS", "WEBHOOK_PORTS"}
VARIABLES_OF_OTHERS = {
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": None,
    # A search for libraries and for plugins, which a zip does not have, would take 30 ms of each cold start.
    "PYCRYPTODOME_DISABLE_GMP": "1",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}


def test_cfn_lint_accepts_the_template_and_its_translations(
    packaged: Path, translated: Path, gradual: Path
) -> None:
    lint = "import sys; from cfnlint.runner import main; sys.exit(main())"
    # API Gateway's account settings must follow the API, and its stage must follow them. Before the
    # translation, API and stage are one resource, and therefore a circle. E1019: cfn-lint does not know
    # SAM's reference to the alias of a function.
    of_sam = (packaged / "sam.json", ["--ignore-checks", "E3004", "E1019"])
    for template, ignored in (of_sam, (translated, []), (gradual, [])):
        command = [sys.executable, "-c", lint, *ignored, "--", template]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), template


def test_the_template_does_not_exceed_cloudformations_limit(packaged: Path, translated: Path) -> None:
    # Limit of 1 MB from a bucket. `aws cloudformation package` rewrites the template, 50 % longer.
    for template in (packaged / "sam.json", translated):
        assert template.stat().st_size < 600_000


def test_the_functions_have_every_variable_that_the_configuration_reads(
    resources: dict[str, Any],
) -> None:
    class Read(Mapping[str, str]):
        def __init__(self) -> None:
            self.names: set[str] = set()

        def __getitem__(self, name: str) -> str:
            self.names.add(name)
            return "1"

        def __iter__(self) -> Iterator[str]:
            raise NotImplementedError

        def __len__(self) -> int:
            raise NotImplementedError

    read = Read()
    with pytest.raises(InvalidConfiguration):  # after reading all variables
        Config.from_environment(read)
    for name in FUNCTIONS:
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        assert set(variables) == read.names - VARIABLES_OF_THE_EMULATOR | VARIABLES_OF_OTHERS.keys()
        fixed = {name: value for name, value in variables.items() if not isinstance(value, dict)}
        assert fixed == {name: value for name, value in VARIABLES_OF_OTHERS.items() if value}


def test_every_parameter_is_used(sam: dict[str, Any]) -> None:
    text = json.dumps({part: sam[part] for part in sam if part != "Parameters"})
    for name in sam["Parameters"]:
        assert f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text, name


def test_the_emulator_applies_the_packaged_event_patterns(resources: dict[str, Any]) -> None:
    import app

    rules = {name: of["Properties"] for name, of in resources.items() if of["Type"] == "AWS::Events::Rule"}
    packaged = {
        rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]: roles.resolved(
            rule["EventPattern"], roles.account_values()
        )
        for rule in rules.values()
        if "EventPattern" in rule
    }
    applied = {FUNCTION_IDS[rule.name]: rule.pattern for rule in subscriptions(app.app, "us-east-1")}
    assert packaged == applied
    assert len(applied) == 3


def test_stages_of_one_account_share_no_name(resources: dict[str, Any]) -> None:
    # Names that CloudFormation generates contain the stack's name; the others must contain the stage.
    named = {
        logical_id: of["Properties"][name]
        for logical_id, of in resources.items()
        for name in NAMES & of.get("Properties", {}).keys()
    }
    assert set(named) >= {"DeploymentRole", "SandboxReader", "SandboxUser", "SandboxInspector"}
    for logical_id, name in named.items():
        assert "${Stage}" in json.dumps(name) or "${AWS::StackName}" in json.dumps(name), logical_id


def test_aws_generates_the_cursor_key(resources: dict[str, Any]) -> None:
    assert resources["CursorKey"]["Properties"]["GenerateSecretString"]["PasswordLength"] >= 32
    variables = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert variables["CURSOR_KEY"] == {"Fn::Sub": "{{resolve:secretsmanager:${CursorKey}}}"}


def test_every_function_has_a_timeout_and_log_retention(resources: dict[str, Any]) -> None:
    import app

    seconds = {name: resources[name]["Properties"]["Timeout"] for name in FUNCTIONS}
    assert seconds["APIHandler"] == 30  # API Gateway times out after 29
    assert seconds["Deliver"] >= app._DELIVER_SECONDS + 60
    assert app._TICK_SECONDS + 60 <= seconds["Tick"] <= 900
    assert seconds["StackChanged"] >= 660  # reconcile works for 600 s, and finishes its step
    assert seconds["JobChanged"] >= 660
    for name in FUNCTIONS:
        properties = resources[name]["Properties"]
        group = resources[properties["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert properties["TracingConfig"] == {"Mode": "Active"}
        assert properties["Runtime"] == "python3.11"
    # Accounts with Lambda's smallest quota cannot reserve any concurrency.
    reserved = resources["Tick"]["Properties"]["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["ReservesTick", 1, {"Ref": "AWS::NoValue"}]}


def test_every_log_group_expires_its_lines(resources: dict[str, Any]) -> None:
    groups = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == len(FUNCTIONS) + 1
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups)


def test_no_event_is_lost_silently(resources: dict[str, Any]) -> None:
    queue = {"Fn::GetAtt": ["FailedEvents", "Arn"]}
    rules = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::Events::Rule"]
    assert len(rules) == 5
    for rule in rules:
        [target] = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": queue}
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 60
    # The queue accepts messages of these rules. CloudFormation shortens the stack's part of their names, so a
    # pattern of names would not match.
    [policy] = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::SQS::QueuePolicy"]
    [allowed] = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert sorted(
        arn["Fn::GetAtt"][0] for arn in allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    ) == sorted(name for name, of in resources.items() if of["Type"] == "AWS::Events::Rule")
    failed = {
        of["Properties"]["FunctionName"]["Ref"]: of["Properties"].get("DestinationConfig") or None
        for of in resources.values()
        if of["Type"] == "AWS::Lambda::EventInvokeConfig"
    }
    asked_for = {"OnFailure": {"Destination": queue}}
    # The next tick follows a failed one within a minute.
    assert failed == {
        **{name: asked_for for name in ("StackChanged", "ResourceChanged", "JobChanged")},
        "Tick": None,
        "Deliver": None,
    }
