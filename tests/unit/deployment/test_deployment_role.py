"""The deployment role: exactly the permissions that the registry requires, and only on sandboxes' names.

The source is the registry's own schemas, bundled with cfn-lint: `handlers.*.permissions` of every type of
resource in the template. cfn-lint's list of IAM actions shows which of them do not exist.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from glue_assets.template_builder import assemble, parse
from tests.support.paths import ROOT

_CFNLINT = importlib.util.find_spec("cfnlint")  # found, not imported: that takes a second
assert _CFNLINT is not None and _CFNLINT.origin is not None
DATA = Path(_CFNLINT.origin).parent / "data"
RESOURCES = json.loads((ROOT / "chalice_app/resources.json").read_text(encoding="utf-8"))["Resources"]
ROLE = RESOURCES["DeploymentRole"]["Properties"]
STATEMENTS: list[dict[str, Any]] = ROLE["Policies"][0]["PolicyDocument"]["Statement"]
BOUNDARY: list[dict[str, Any]] = RESOURCES["SandboxBoundary"]["Properties"]["PolicyDocument"]["Statement"]
TEMPLATE = parse(assemble(ROOT / "glue_assets"))

WITHHELD = {
    "iam:DeleteRolePermissionsBoundary": "a role without its boundary could be given anything",
    # These have no resource, and the template uses none of the properties that need them.
    "logs:CreateLogDelivery": "for DataProtectionPolicy",
    "logs:DeleteResourcePolicy": "for ResourcePolicyDocument; it would delete policies of other log groups",
    "logs:PutResourcePolicy": "for ResourcePolicyDocument; it would open the log groups of the account",
}
ACCOUNT_WIDE = {  # the Service Authorization Reference gives these no resource to be limited to
    *("kms:ListAliases", "kms:CreateKey", "kms:TagResource"),
    *("logs:DescribeIndexPolicies", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies"),
    *(
        "glue:CreateSecurityConfiguration",
        "glue:DeleteSecurityConfiguration",
        "glue:GetSecurityConfiguration",
    ),
    *("lakeformation:DescribeLakeFormationIdentityCenterConfiguration", "lakeformation:DescribeResource"),
    *("lakeformation:GetDataAccess", "lakeformation:ListResources"),
}


def types() -> set[str]:
    """Every resource type of the template. The data's databases and tables add no others."""
    return {resource["Type"] for resource in TEMPLATE["Resources"].values()} | {"AWS::Glue::Table"}


def required(*handlers: str) -> set[str]:
    index = json.loads((DATA / "schemas/providers/us-east-1.json").read_text(encoding="utf-8"))
    needed: set[str] = set()
    for kind in types():
        schema = json.loads((DATA / f"schemas/resources/{index[kind]}.json").read_text(encoding="utf-8"))
        for handler in handlers or ("create", "read", "update", "delete"):
            needed |= set(schema["handlers"].get(handler, {}).get("permissions", []))
    known = json.loads((DATA / "AdditionalSpecs/Policies.json").read_text(encoding="utf-8"))
    actions = {f"{service}:{name}".lower() for service in known for name in known[service].get("Actions", {})}
    return {action for action in needed if action.lower() in actions}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_role_has_exactly_what_the_registry_requires() -> None:
    given = [action for statement in STATEMENTS for action in listed(statement["Action"])]
    # The key policy grants what the role may do with a sandbox's key, and IAM what it needs for any new key.
    [manages] = [
        statement["Fn::If"][1]
        for statement in TEMPLATE["Resources"]["Key"]["Properties"]["KeyPolicy"]["Statement"]
        if statement.get("Fn::If", [""])[0] == "HasDeploymentRole"
    ]
    assert sorted({*given, *manages["Action"]}) == sorted(required() - WITHHELD.keys())
    assert not {action for action in given if given.count(action) > 1}
    # An alias requires permission for its key, too, and tags for a key that does not exist yet.
    both = {action for action in manages["Action"] if action in given}
    assert both == {"kms:CreateAlias", "kms:DeleteAlias", "kms:TagResource", "kms:UpdateAlias"}


def test_the_inspector_has_exactly_what_the_registry_requires_to_read() -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    detection = {
        *(
            "cloudformation:BatchDescribeTypeConfigurations",
            "cloudformation:DescribeStackDriftDetectionStatus",
        ),
        *("cloudformation:DescribeStackResourceDrifts", "cloudformation:DetectStackDrift"),
        "cloudformation:DetectStackResourceDrift",
    }
    # These change or read data, or read a resource that the template does not have.
    withheld = {"glue:CreateTable", "glue:GetConnection", "lakeformation:GetDataAccess"}
    functions = json.loads((ROOT / "chalice_app/functions.json").read_text())["Resources"]
    [policy] = functions["SandboxInspector"]["Properties"]["Policies"]
    given = {action for s in policy["PolicyDocument"]["Statement"] for action in listed(s["Action"])}
    assert sorted(given) == sorted(detection | (required("read") - withheld))


def test_only_required_permissions_are_withheld() -> None:
    assert required() >= WITHHELD.keys()


def test_no_statement_identifies_a_key_by_its_tags() -> None:
    # Creating a key with tags requires permission to tag all keys of the account, and a Deny cannot tell the
    # new key, whose tags do not count yet, from another one's:
    # https://docs.aws.amazon.com/kms/latest/developerguide/manage-tags-api.html. So a tag gives the role
    # nothing, and it cannot mark a key as shared.
    assert not [s for s in STATEMENTS if s["Effect"] == "Deny"]
    assert "aws:ResourceTag" not in json.dumps(STATEMENTS)
    [tagging] = [s for s in STATEMENTS if "kms:TagResource" in listed(s["Action"])]
    assert tagging["Condition"] == {
        "StringLike": {"aws:RequestTag/terraglue:environment": "??????????"},
        "Null": {"aws:RequestTag/terraglue:shared": "true"},
    }


def test_s3_access_is_limited_to_this_account() -> None:
    policies = [json.loads(path.read_text()) for path in (ROOT / "chalice_app/.chalice/policies").iterdir()]
    functions = json.loads((ROOT / "chalice_app/functions.json").read_text())["Resources"]
    acting = [
        statement
        for role in ("SandboxInspector", "SandboxReader", "SandboxUser")
        for statement in functions[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    job = TEMPLATE["Resources"]["GlueJobRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    statements = [*STATEMENTS, *BOUNDARY, *job, *acting]
    statements += [statement for policy in policies for statement in policy["Statement"]]
    found = 0
    for statement in statements:
        actions = listed(statement.get("Action", []))
        if any(action.startswith("s3:") for action in actions) and actions != ["s3:CreateBucket"]:
            # A bucket that does not exist yet may have no account.
            same = "StringEqualsIfExists" if actions == ["s3:TagResource"] else "StringEquals"
            assert statement["Condition"] == {same: {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}, (
                statement
            )
            found += 1
    assert found >= 20


def test_the_databases_shared_by_all_jobs_cannot_be_created() -> None:
    for statement in (*BOUNDARY, *TEMPLATE["Resources"]["GlueJobRole"]["Properties"]["Policies"]):
        assert "glue:CreateDatabase" not in json.dumps(statement)


def test_the_role_reaches_only_the_names_of_sandboxes() -> None:
    sandbox = re.compile(
        r"terraglue-\?{10}(-\*|-glue-job|/\*)?$|terraglue_\?{10}_\*(/\*)?$|terraglue-shared-\*$|catalog$"
        r"|role/aws-service-role/athena\.amazonaws\.com/\*$"
    )
    for statement in (statement for statement in STATEMENTS if statement["Effect"] == "Allow"):
        for resource in listed(statement["Resource"]):
            if resource == "*":
                assert set(listed(statement["Action"])) <= ACCOUNT_WIDE, statement["Sid"]
            else:
                assert sandbox.search(resource["Fn::Sub"]), resource


def test_a_role_without_the_boundary_cannot_be_created_or_extended() -> None:
    widening = {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:AttachRolePolicy",
        "iam:PutRolePermissionsBoundary",
    }
    for statement in STATEMENTS:
        if widening & set(listed(statement["Action"])):
            assert set(listed(statement["Action"])) == widening
            assert statement["Condition"] == {
                "StringEquals": {"iam:PermissionsBoundary": {"Ref": "SandboxBoundary"}}
            }


def test_roles_are_passed_to_glue_only() -> None:
    [passing] = [s for s in STATEMENTS if "iam:PassRole" in listed(s["Action"])]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}


def test_the_boundary_allows_a_sandboxs_role_and_little_more() -> None:
    role = TEMPLATE["Resources"]["GlueJobRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    wanted = {a for s in role for a in listed((s["Fn::If"][1] if "Fn::If" in s else s)["Action"])}
    assert {action for statement in BOUNDARY for action in listed(statement["Action"])} == wanted
    assert not [action for action in wanted if "*" in action]


def test_the_policies_fit_iams_size_limits() -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, white space not counted
    def size(document: Any) -> int:
        return len(re.sub(r"\s", "", json.dumps(document)))

    assert size(ROLE["Policies"][0]["PolicyDocument"]) <= 10_240
    assert size(RESOURCES["SandboxBoundary"]["Properties"]["PolicyDocument"]) <= 6_144
