"""What independent judges of IAM say about the policies, and that they notice a policy that allows more."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.iam.policies import listed
from tests.support.paths import ROOT
from tests.support.policy_documents import account, documents, sandbox_resources, service_resources

JUDGES = Path(sys.prefix) / "iam/bin/python"
Change = Callable[[list[dict[str, Any]]], None]


@pytest.fixture(scope="module")
def judged() -> dict[str, Any]:
    return account(service_resources(), sandbox_resources())


def judge(tool: str, path: Path, *arguments: str) -> tuple[int, str]:
    assert JUDGES.exists(), "make test sets up .venv/iam"
    command = [JUDGES, ROOT / "tests/tools" / tool, path, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def statement(statements: list[dict[str, Any]], sid: str) -> dict[str, Any]:
    return next(each for each in statements if each.get("Sid") == sid)


def unconditional(sid: str) -> Change:
    return lambda statements: statement(statements, sid).pop("Condition")


def everywhere(sid: str) -> Change:
    return lambda statements: statement(statements, sid).update(Resource="*")


def without(sid: str) -> Change:
    return lambda statements: statements.remove(statement(statements, sid))


def allowing(*actions: str, resource: str = "*") -> Change:
    return lambda statements: statements.append(
        {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    )


def neighbours(sid: str) -> Change:
    def change(statements: list[dict[str, Any]]) -> None:
        text = json.dumps(statement(statements, sid)["Resource"])
        statement(statements, sid)["Resource"] = json.loads(text.replace("abcdefgh23", "??????????"))

    return change


WIDER: list[tuple[str, str, Change, str]] = [
    (
        "roles without boundary",
        "deployment",
        unconditional("RolesWithinTheBoundary"),
        "iam:CreateRole only with",
    ),
    ("roles of others", "deployment", everywhere("Roles"), "changes roles of sandboxes only"),
    ("passing any role", "deployment", everywhere("PassRolesToGlue"), "passes roles of sandboxes and shared"),
    ("passing to any service", "deployment", unconditional("PassRolesToGlue"), "passes roles to Glue only"),
    ("keys of others", "deployment", allowing("kms:Decrypt"), "uses and changes no key by its own policies"),
    ("tags of keys", "deployment", unconditional("NewKeys"), "adds no tag to a key but those of a sandbox"),
    ("buckets of others", "deployment", everywhere("Buckets"), "reaches no bucket but those of sandboxes"),
    (
        "foreign buckets",
        "deployment",
        unconditional("Buckets"),
        "only creates buckets outside of the account",
    ),
    ("boundary", "deployment", allowing("iam:CreatePolicyVersion"), "changes no managed policy"),
    ("lost boundary", "deployment", allowing("iam:DeleteRolePermissionsBoundary"), "removes no boundary"),
    ("functions", "deployment", allowing("lambda:UpdateFunctionCode"), "no service of the control plane"),
    (
        "logs of others",
        "deployment",
        allowing("logs:PutResourcePolicy"),
        "reaches nothing but sandboxes, keys",
    ),
    ("any stack role", "tick", everywhere("DeploymentRole"), "passes only the deployment role"),
    ("any stack", "tick", everywhere("Stacks"), "changes no stack but those of sandboxes"),
    ("any topic", "deliver", everywhere("NotificationsTopic"), "deliver reaches no sandbox"),
    ("neighbours' tables", "job", neighbours("ReadCatalog"), "reaches nothing outside of its sandbox"),
    ("neighbours' data", "job", neighbours("ReadObjects"), "reaches nothing outside of its sandbox"),
    ("runs", "user", allowing("glue:StartJobRun"), "starts no run"),
    ("any role", "user", everywhere("RolesOfJobs"), "passes only roles of sandboxes"),
    ("roles for any service", "user", unconditional("RolesOfJobs"), "passes roles to Glue only"),
    ("sessions", "user", allowing("sts:GetSessionToken"), "no rights in IAM, STS"),
    ("buckets of other accounts", "user", unconditional("Objects"), "reaches no bucket of another account"),
    ("keys", "user", unconditional("SandboxKeysThroughS3"), "uses keys through S3 only"),
    ("stored files", "user", without("UploadedJobFilesAreTheServices"), "does not change the files that"),
]


@pytest.mark.parametrize(("principal", "change", "claim"), [w[1:] for w in WIDER], ids=[w[0] for w in WIDER])
def test_a_wider_policy_refutes_a_claim(
    judged: dict[str, Any], tmp_path: Path, principal: str, change: Change, claim: str
) -> None:
    wider = copy.deepcopy(judged)
    [found] = [each for each in wider["principals"] if each["arn"] == principal]
    change(found["policies"][0]["document"]["Statement"])
    path = tmp_path / "account.json"
    path.write_text(json.dumps(wider), encoding="utf-8")
    code, text = judge("prove_permissions.py", path, principal)
    assert code == 1, text
    assert any(line.startswith("not true: ") and claim in line for line in text.splitlines()), text


_WIDER_NAMES = {
    "s3": (":::terraglue-abcdefgh23", ":::terraglue-??????????"),
    "glue": ("/terraglue_abcdefgh23_", "/terraglue_??????????_"),
    "job": (":job/terraglue-abcdefgh23", ":job/terraglue-??????????"),
    "role": (":role/terraglue-abcdefgh23", ":role/terraglue-??????????"),
    "logs": ("/jobs/terraglue-abcdefgh23", "/jobs/terraglue-??????????"),
    "workgroup": ("workgroup/terraglue-abcdefgh23", "workgroup/terraglue-??????????"),
    "key": (":key/11111111-2222-3333-4444-555555555555", ":key/*"),
}


@pytest.mark.parametrize("service", _WIDER_NAMES)
def test_a_wider_session_policy_refutes_a_claim(judged: dict[str, Any], tmp_path: Path, service: str) -> None:
    """Widen the names of one service in the session policy to those of all sandboxes."""
    wider = copy.deepcopy(judged)
    [found] = [each for each in wider["principals"] if each["arn"] == "session"]
    text = json.dumps(found["permission_boundary"])
    own, other = _WIDER_NAMES[service]
    assert own in text
    text = text.replace(own, other)
    found["permission_boundary"] = json.loads(text)
    path = tmp_path / "account.json"
    path.write_text(json.dumps(wider), encoding="utf-8")
    code, said = judge("prove_permissions.py", path, "session")
    assert code == 1, said
    assert "not true: a session of a user reaches nothing outside of its sandbox" in said


def test_a_wider_boundary_refutes_a_claim(judged: dict[str, Any], tmp_path: Path) -> None:
    wider = copy.deepcopy(judged)
    for principal in wider["principals"]:
        if "permission_boundary" in principal:
            allowing("iam:PassRole")(principal["permission_boundary"]["Statement"])
    path = tmp_path / "account.json"
    path.write_text(json.dumps(wider), encoding="utf-8")
    code, text = judge("prove_permissions.py", path, "bounded")
    assert code == 1
    assert "an administrator with the boundary has no rights outside of data: iam:PassRole" in text


@pytest.mark.parametrize(
    ("key", "claim"),
    [
        ("aws:PrincipalArn", "to the deployment role and the functions only"),
        ("kms:CallerAccount", "to this account only"),
        ("kms:ViaService", "through S3 only"),
    ],
)
def test_a_key_policy_without_a_condition_refutes_a_claim(
    judged: dict[str, Any], tmp_path: Path, key: str, claim: str
) -> None:
    wider = copy.deepcopy(judged)
    for each in wider["resource_policies"][0]["document"]["Statement"]:
        for operator in each.get("Condition", {}).values():
            operator.pop(key, None)
    path = tmp_path / "account.json"
    path.write_text(json.dumps(wider), encoding="utf-8")
    code, text = judge("prove_permissions.py", path, "stranger")
    assert code == 1
    assert any(line.startswith("not true: ") and claim in line for line in text.splitlines()), text


def test_the_policies_prove_every_claim_and_parliament_finds_nothing_unexplained(
    judged: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps(judged), encoding="utf-8")
    code, text = judge("prove_permissions.py", path)
    assert code == 0, text
    policies = [vars(document) for document in documents()]
    path.write_text(json.dumps(policies), encoding="utf-8")
    code, text = judge("lint_policies.py", path)
    assert code == 0, text

    next(each for each in policies if each["owner"] == "tick")["document"]["Statement"].append(
        {"Effect": "Allow", "Action": ["s3:GetObjects"], "Resource": "arn:aws:s3:::a/*"}
    )
    path.write_text(json.dumps(policies), encoding="utf-8")
    code, text = judge("lint_policies.py", path)
    assert code == 1
    assert "UNKNOWN_ACTION: tick identity" in text


def test_roles_trust_exactly_their_users() -> None:
    """The functions' roles, which SAM adds, trust Lambda (test_package_policies.py)."""
    trusted = {
        document.owner: [each["Principal"] for each in listed(document.document["Statement"])]
        for document in documents()
        if document.kind == "trust"
    }
    assert trusted == {
        "ApiGatewayLogsRole": [{"Service": "apigateway.amazonaws.com"}],
        "DeploymentRole": [{"Service": "cloudformation.amazonaws.com"}],
        "SandboxInspector": [{"AWS": "arn:aws:iam::123456789012:role/ApiHandlerRole"}],
        "SandboxReader": [{"AWS": "arn:aws:iam::123456789012:role/ApiHandlerRole"}],
        "SandboxUser": [
            {
                "AWS": [
                    f"arn:aws:iam::123456789012:role/{function}Role"
                    for function in ("ApiHandler", "JobChanged", "StackChanged", "Tick")
                ]
            }
        ],
        "GlueJobRole": [{"Service": "glue.amazonaws.com"}],
    }
