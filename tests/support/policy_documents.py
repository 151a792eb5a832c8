"""Every policy of the service and of a sandbox, with CloudFormation's functions resolved.

`python -m tests.support.policy_documents DIR` writes them as JSON for the judges of `make check`, which run
in an environment of their own: `policies.json` for parliament and `account.json` for iamprover.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chalicelib.aws.session_policies import user_policy
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import Outputs
from chalicelib.domain.settings import Settings
from deploy.package import merged
from glue_assets.template_builder import assemble, complete
from local.cloudformation.template import SUBSTITUTION, Placed, Template
from local.iam.policies import listed
from local.setup import roles
from tests.support.paths import ROOT
from tests.support.releases import tables_of

Json = dict[str, Any]

ACCOUNT, REGION, SANDBOX = "123456789012", "us-east-1", "abcdefgh23"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "self-service-terraglue-dev",
    "AWS::URLSuffix": "amazonaws.com",
}
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/a-function-of-the-service"
"""Stands for the functions' roles, whose names CloudFormation makes, in key policies."""
_NAMES = (
    "BucketName",
    "RoleName",
    "ManagedPolicyName",
    "TableName",
    "QueueName",
    "TopicName",
    "LogGroupName",
)
_DOCUMENTS = {"PolicyDocument": "identity", "AssumeRolePolicyDocument": "trust", "KeyPolicy": "resource"}
_REFERENCED_BY_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"}
_ON_RESOURCES = {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"}
_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@dataclass(frozen=True)
class Document:
    """A policy document. `owner` is the logical ID of its resource, or the name of its function."""

    owner: str
    kind: str
    document: Json


def documents(service: Json | None = None, sandbox: Json | None = None) -> list[Document]:
    """Return all documents. `service` and `sandbox` are resources with resolved properties."""
    known = service or service_resources()
    found = [
        Document(name, "identity", document)
        for name, document in resolve_all(known, roles.functions()).items()
    ]
    for resources in (known, sandbox or sandbox_resources()):
        for logical_id, resource in resources.items():
            on_resources = resource.get("Type") in _ON_RESOURCES
            for kind, document in _documents(resource.get("Properties", {})):
                found.append(Document(logical_id, "resource" if on_resources else kind, document))
    return found


def _documents(value: Any) -> Iterator[tuple[str, Json]]:
    for item in value if isinstance(value, list) else []:
        yield from _documents(item)
    for key, item in value.items() if isinstance(value, dict) else []:
        if key in _DOCUMENTS:
            yield _DOCUMENTS[key], item
        else:
            yield from _documents(item)


def account(service: Json | None = None, sandbox: Json | None = None) -> Json:
    """Return the principals in iamprover's format, and the ARNs that its claims name."""
    known, inner = service or service_resources(), sandbox or sandbox_resources()
    boundary = known["SandboxBoundary"]["Properties"]["PolicyDocument"]
    # A session policy limits a role as a boundary does.
    limits = {"job": boundary, "bounded": boundary, "session": session_policy(known, inner)}
    user = [p["PolicyDocument"] for p in known["SandboxUser"]["Properties"]["Policies"]]
    job = inner["GlueJobRole"]["Properties"]["Policies"]
    principals = {
        **{name: [document] for name, document in resolve_all(known, roles.functions()).items()},
        "deployment": [p["PolicyDocument"] for p in known["DeploymentRole"]["Properties"]["Policies"]],
        "inspector": [p["PolicyDocument"] for p in known["SandboxInspector"]["Properties"]["Policies"]],
        "reader": [p["PolicyDocument"] for p in known["SandboxReader"]["Properties"]["Policies"]],
        "user": user,
        "session": user,
        "job": [policy["PolicyDocument"] for policy in job],
        "bounded": [{"Version": "2012-10-17", "Statement": [_EVERYTHING]}],
        "stranger": [],
    }
    return {
        "principals": [
            {
                "arn": name,
                "policies": [{"name": name, "document": document} for document in policies],
                **({"permission_boundary": limits[name]} if name in limits else {}),
            }
            for name, policies in principals.items()
        ],
        "resource_policies": [{"name": "Key", "document": inner["Key"]["Properties"]["KeyPolicy"]}],
        "names": {
            "sandbox": SANDBOX,
            "ServiceRole": SERVICE_ROLE,
            **{
                logical_id: known[logical_id]["Arn"]
                for logical_id in (
                    "AssetsBucket",
                    "DeploymentRole",
                    "SandboxBoundary",
                    "SandboxInspector",
                    "SandboxReader",
                    "SandboxUser",
                    "Table",
                )
            },
        },
    }


def session_policy(service: Json, sandbox: Json) -> Json:
    """Return the session policy of the user of the sandbox."""
    outputs = Outputs(
        buckets={},
        databases={},
        job_id=f"terraglue-{SANDBOX}-job",
        role_arn=_arn("GlueJobRole", sandbox),
        log_groups={},
        athena_workgroup=sandbox["Workgroup"]["Properties"]["Name"],
        kms_key_arn=_arn("Key", sandbox),
    )
    environment = Environment(
        id=SANDBOX,
        owner="ana",
        status=Status.READY,
        release="1",
        settings=Settings().resolved(),
        created_at="",
        updated_at="",
        expires_at="",
        outputs=outputs,
    )
    document: Json = json.loads(user_policy(environment, service["SandboxUser"]["Arn"], REGION))
    return document


@functools.cache
def _template() -> Json:
    return merged(ROOT / "chalice_app")


def service_resources() -> Json:
    """Return the resources of the service's own stack, with default parameters and resolved properties."""
    known: Json = _template()["Resources"]
    return {
        logical_id: {
            **resource,
            "Properties": _resolved(resource.get("Properties", {}), known),
            "Arn": _arn(logical_id, known),
        }
        for logical_id, resource in known.items()
    }


def resolve_all(service: Json, policies: Json) -> Json:
    """Resolve documents that refer to resources of the service."""
    return {name: _resolved(policy, service) for name, policy in policies.items()}


def sandbox_resources() -> Json:
    """Return the resources of a sandbox with default settings, with resolved properties."""
    service = service_resources()
    body = complete(assemble(ROOT / "glue_assets"), tables_of(ROOT / "data"))
    given = {
        "EnvironmentId": SANDBOX,
        "KmsKeyArn": "",
        "RoleArn": "",
        "RoleName": f"terraglue-{SANDBOX}-glue-job",
        "PermissionsBoundaryArn": service["SandboxBoundary"]["Arn"],
        "DeploymentRoleArn": service["DeploymentRole"]["Arn"],
        "ServiceRoleArns": SERVICE_ROLE,
    }
    template = Template(body, given, {**PSEUDO, "AWS::StackName": f"terraglue-{SANDBOX}"})
    placed: dict[str, Placed] = {}
    found: Json = {}
    for logical_id in template.order():
        properties = template.properties(logical_id, placed)
        resource = {"Type": template.resources[logical_id]["Type"], "Properties": properties}
        name = next((properties[key] for key in (*_NAMES, "Name") if key in properties), logical_id)
        if resource["Type"] == "AWS::Glue::Database":
            name = properties["DatabaseInput"]["Name"]
        placed[logical_id] = Placed(name, {"Arn": _arn(logical_id, {logical_id: resource})})
        found[logical_id] = resource
    return found


def _arn(logical_id: str, known: Json) -> str:
    """Return an ARN of the form that the type of the resource has."""
    resource = known.get(logical_id, {})
    kind = resource.get("Type", "")
    properties = resource.get("Properties", {})
    given = next((properties[key] for key in _NAMES if key in properties), logical_id)
    name = _resolved(given, known)
    return {
        "AWS::S3::Bucket": f"arn:aws:s3:::{name.lower()}",
        "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{name}",
        "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}",
        "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
        "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}",
        "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
        "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*",
    }.get(kind, f"arn:aws:iam::{ACCOUNT}:role/{name}")  # such as the roles that SAM adds


def _resolved(value: Any, known: Json) -> Any:
    if isinstance(value, list):
        return [_resolved(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return _named(value["Ref"], known)
    if "Fn::GetAtt" in value:
        return _named(".".join(listed(value["Fn::GetAtt"])), known)
    if "Fn::Sub" in value:
        text, own = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
        given = {name: str(_resolved(item, known)) for name, item in own.items()}
        return SUBSTITUTION.sub(lambda match: given.get(match[1]) or _named(match[1], known), text)
    if "Fn::If" in value:
        _, yes, no = value["Fn::If"]
        return _resolved(no if yes == {"Ref": "AWS::NoValue"} else yes, known)
    if "Fn::Join" in value:
        between, items = value["Fn::Join"]
        return between.join(_resolved(items, known))
    return {key: _resolved(item, known) for key, item in value.items()}


def _named(name: str, known: Json) -> str:
    """Return the value of a pseudo parameter, parameter, resource or attribute."""
    if name in PSEUDO:
        return PSEUDO[name]
    if name in _template()["Parameters"]:
        return str(_template()["Parameters"][name].get("Default", name.lower()))
    logical_id, _, attribute = name.partition(".")
    arn = _arn(logical_id, known)
    if attribute == "Arn" or known.get(logical_id, {}).get("Type") in _REFERENCED_BY_ARN:
        return arn
    return arn.rpartition(":")[2]


def main(folder: Path) -> None:
    """Write the input of the judges."""
    found = [asdict(document) for document in documents()]
    (folder / "policies.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    (folder / "account.json").write_text(json.dumps(account(), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
