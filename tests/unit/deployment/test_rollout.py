"""Revision of the API's function: a hash of what a version of it contains."""

from __future__ import annotations

import json
import re
from typing import Any

from deploy import parameters, rollout, stack
from deploy.rollout import with_revision

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "BudgetUsd": {"Default": 5},
        "Issuer": {},
        "Revision": {},
        "Rollout": {"Default": "AllAtOnce"},
    },
    "Resources": {"APIHandler": {"Properties": {"CodeUri": {"Key": "code/1.zip"}}}},
    "Outputs": {"PackageVersion": {"Value": "1"}},
}
GIVEN = {"Issuer": "https://issuer.example/"}


def revision(template: dict[str, Any] = TEMPLATE, **given: str) -> str:
    found = with_revision(template, GIVEN | given)
    assert found == GIVEN | given | {"Revision": found["Revision"]}
    return found["Revision"]


def test_code_and_configuration_change_the_revision() -> None:
    other: dict[str, Any] = json.loads(json.dumps(TEMPLATE).replace("code/1.zip", "code/2.zip"))
    default: dict[str, Any] = json.loads(json.dumps(TEMPLATE).replace("5", "6"))
    revisions = [
        revision(),
        revision(BudgetUsd="7"),
        revision(Issuer="x"),
        revision(other),
        revision(default),
    ]
    assert len(set(revisions)) == len(revisions)


def test_nothing_else_changes_the_revision() -> None:
    # The package's version is a hash of the release, too.
    release: dict[str, Any] = {**TEMPLATE, "Outputs": {"PackageVersion": {"Value": "2"}}}
    same = [
        revision(BudgetUsd="5"),
        revision(Rollout="Canary10Percent5Minutes"),
        revision(release),
        revision(json.loads(json.dumps(TEMPLATE, sort_keys=True))),
    ]
    assert set(same) == {revision()}


def test_the_template_accepts_the_revision_and_an_earlier_package_gets_none() -> None:
    declared = parameters.declared()
    assert "Default" not in declared["Revision"]  # with one, no version would follow a change of parameters
    assert [*parameters.errors(declared, {"Revision": revision()})] == []
    earlier = {**TEMPLATE, "Parameters": {"BudgetUsd": {"Default": 5}}}
    assert with_revision(earlier, {"BudgetUsd": "7"}) == {"BudgetUsd": "7"}


def test_a_deployment_waits_longer_than_any_rollout_that_is_watched_afterwards() -> None:
    rollouts = " ".join(parameters.declared()["Rollout"]["AllowedValues"])
    canaries = [int(minutes) for minutes in re.findall(r"Canary10Percent(\d+)Minutes", rollouts)]
    lines = [10 * int(minutes) for minutes in re.findall(r"Linear10PercentEvery(\d+)Minute", rollouts)]
    watch, resources = 39, 30
    assert len(canaries) + len(lines) == len(rollouts.split()) - 1  # and AllAtOnce
    assert max(canaries + lines) + watch + resources < stack._OPERATION_MINUTES


def test_the_api_and_its_permission_are_moved_to_the_alias() -> None:
    uri = {"Fn::Sub": "arn:lambda:path/functions/${APIHandler.Arn}/invocations"}
    template = {
        "Resources": {
            "RestAPI": {"Properties": {"DefinitionBody": {"paths": {"/health": {"get": uri}}}}},
            "APIHandlerInvokePermission": {"Properties": {"FunctionName": {"Ref": "APIHandler"}}},
            "Tick": {"Properties": {"Target": {"Fn::Sub": "${Tick.Arn}"}}},
        }
    }
    moved = rollout.through_alias(template)["Resources"]
    assert "${APIHandler.Alias}/invocations" in json.dumps(moved["RestAPI"])
    assert moved["APIHandlerInvokePermission"]["Properties"]["FunctionName"] == {"Ref": "APIHandler.Alias"}
    assert moved["Tick"] == template["Resources"]["Tick"]
    assert uri["Fn::Sub"].count("APIHandler.Arn") == 1  # the argument is unchanged
