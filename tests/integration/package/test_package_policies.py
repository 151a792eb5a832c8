"""Policies of the functions in the package: one role each, and no more than its work needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from local.iam.policies import listed
from local.setup import roles
from tests.support.paths import ROOT
from tests.support.translation import FUNCTIONS

pytestmark = pytest.mark.xdist_group("package")

IAM = json.loads(
    (Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text(encoding="utf-8")
)


def test_every_function_has_a_separate_role_with_the_policy_of_its_file(resources: dict[str, Any]) -> None:
    assert {name for name, of in resources.items() if of["Type"] == "AWS::Lambda::Function"} == set(FUNCTIONS)
    used = []
    for name, function in FUNCTIONS.items():
        role = resources[name]["Properties"]["Role"]["Fn::GetAtt"][0]
        used.append(role)
        properties = resources[role]["Properties"]
        assert [policy["PolicyDocument"] for policy in properties["Policies"]] == [
            roles.functions()[function]
        ]
        assert "ManagedPolicyArns" not in properties
        [trust] = properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert len(set(used)) == len(FUNCTIONS)


def test_every_handler_of_the_app_has_a_policy_and_no_policy_is_left_over() -> None:
    import app

    functions = [*app.app.event_sources, *app.app.pure_lambda_functions, *app.app.builtin_auth_handlers]
    handlers = {"api_handler", *(function.name for function in functions)}
    assert set(roles.functions()) == handlers == set(FUNCTIONS.values())
    there = {path.stem for path in (ROOT / "chalice_app/.chalice/policies").iterdir()}
    assert there == handlers


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for function, policy in roles.functions().items():
        for statement in policy["Statement"]:
            yield function, statement


def test_policies_name_existing_actions_without_wildcards() -> None:
    for function, statement in statements():
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            service, _, name = action.partition(":")
            assert name.lower() in IAM[service]["Actions"], (function, action)


def test_only_actions_without_resource_level_permissions_use_a_star() -> None:
    everywhere = set()
    for _, statement in statements():
        if statement["Resource"] == "*":
            everywhere |= set(listed(statement["Action"]))
    assert everywhere == {
        "glue:ResetJobBookmark",  # of the job that the service has verified; reads and deletes no data
        "glue:GetSecurityConfiguration",  # checks whether a sandbox's own is deleted; returns only settings
        "kms:ListAliases",  # checks whether a sandbox's alias is deleted; returns only names
        "logs:DescribeLogGroups",  # lists the log groups of a prefix; returns only names
        "xray:PutTelemetryRecords",  # a function's own traces
        "xray:PutTraceSegments",
    }
    for action in everywhere:
        service, _, name = action.partition(":")
        assert IAM[service]["Actions"][name.lower()] == {}, action


def test_policies_reach_only_sandboxes_and_the_services_own_table_bucket_role_queue_and_logs() -> None:
    sandbox = re.compile(
        r":::terraglue-\?{10}-\*(/\*(/\.content/\*)?)?$|:workgroup/terraglue-\?{10}(-\*)?$|:stack/terraglue-\?{10}/\*$|:job/terraglue-\?{10}-\*$|:catalog$"
        r"|:(database|table|userDefinedFunction)/terraglue_\?{10}_\*(/\*)?$|:role/terraglue-\?{10}-\*$|:log-group:/aws-glue/jobs/terraglue-\?{10}/\*$|:role/self-service-terraglue-\$\{Stage\}-sandbox-(inspector|reader|user)$"
    )
    for function, statement in statements():
        for resource in listed(statement["Resource"]):
            if resource == "*":
                continue  # the test before
            if "Fn::GetAtt" in resource:
                name, attribute = resource["Fn::GetAtt"]
                own = {"Table", "AssetsBucket", "DeploymentRole", "FailedEvents"}
                own |= {f"{''.join(part.capitalize() for part in function.split('_'))}Logs"}
                assert name in own and attribute == "Arn", (function, resource)
            elif statement["Action"] == ["kms:DescribeKey"]:  # any key, as a deleted one has no tags
                assert resource["Fn::Sub"].endswith(":${AWS::AccountId}:key/*")
            elif function == "deliver" and statement["Action"] == ["sns:Publish"]:  # the operator's topic
                assert resource["Fn::Sub"].endswith(":${AWS::AccountId}:terraglue-notifications*")
            elif ":key/*" in resource["Fn::Sub"]:  # a key has no name; its tag identifies the sandbox
                tags = {
                    key: value
                    for keys in statement["Condition"].values()
                    for key, value in keys.items()
                    if key.startswith("aws:ResourceTag/")
                }
                assert tags in (
                    {"aws:ResourceTag/terraglue:environment": "??????????"},
                    {"aws:ResourceTag/terraglue:shared": "true"},
                )
            else:
                text = resource["Fn::Sub"]
                assert sandbox.search(text) or re.match(r"\$\{(Table|AssetsBucket)\.Arn\}/", text), resource


def test_the_reconciling_functions_share_identical_statements() -> None:
    own = {"OwnLogs", "Indexes"}
    by_function = {
        function: {s["Sid"]: s for s in policy["Statement"] if s["Sid"] not in own}
        for function, policy in roles.functions().items()
        if function not in ("resource_changed", "deliver")
    }
    shared = set.intersection(*map(set, by_function.values()))
    assert {"Records", "Stacks", "SandboxObjects", "JobRuns", "DeploymentRole"} <= shared
    for sid in {sid for found in by_function.values() for sid in found}:
        words = [json.dumps(found[sid]) for found in by_function.values() if sid in found]
        assert len(set(words)) == 1, sid
    more = {function: set(found) - shared - {"FailedEvents"} for function, found in by_function.items()}
    assert more == {
        "api_handler": {"Bookmarks", "IndexedItems", "NewRuns", "SandboxInspector", "SandboxReader"},
        "stack_changed": {"IndexedItems"},
        "job_changed": {"NewRuns"},
        "tick": {"IndexedItems", "NewRuns"},
    }


def test_no_policy_exceeds_iams_limit() -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, white space not counted;
    # Real ARNs are longer than their placeholders here.
    for policy in roles.functions().values():
        text = re.sub(r"\s", "", json.dumps(policy))
        assert (
            len(re.sub(r'{"Fn::Sub":("[^"]*")}', r"\1", text)) < 8_000
        )  # IAM receives the result of Fn::Sub


def test_roles_are_passed_to_cloudformation_only() -> None:
    passing = [s for _, s in statements() if "iam:PassRole" in listed(s["Action"])]
    assert len(passing) == 4
    for statement in passing:
        assert listed(statement["Action"]) == ["iam:PassRole"]
        assert statement["Resource"] == {"Fn::GetAtt": ["DeploymentRole", "Arn"]}
        assert statement["Condition"] == {
            "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
        }
