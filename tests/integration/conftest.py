"""The whole service in this process, on moto: real boto3 clients, a small template that moto can build."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from chalice.config import Config as ChaliceConfig
from chalice.test import Client
from moto import mock_aws
from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import CloudFormationBackend

from glue_assets import template_builder
from local.api import gateway
from local.moto_patches import dynamodb
from local.moto_patches.patching import replace_methods
from local.setup import roles
from tests.contract import Contract
from tests.identity import AUDIENCE, ISSUER, Issuer, serving_issuer
from tests.sandbox_stacks import Account, account

PROJECT = Path(__file__).parents[2]
TABLE = "terraglue"
ASSETS = "terraglue-assets"
RELEASE = "0.0.1-abcdef012345"
READER = "arn:aws:iam::123456789012:role/terraglue-sandbox-reader"

BUCKETS = ("SorBucket", "SotBucket", "SpecBucket", "GlueAssetsBucket", "AthenaResultsBucket")
PARAMETERS = tuple(template_builder.parse(template_builder.assemble(PROJECT / "glue_assets"))["Parameters"])

ARGUMENTS = """
Metadata:
    Arguments:
        --DATA_FORMAT: parquet
        # releases.py: the arguments of the settings
"""


def small_template() -> dict[str, Any]:
    """The real template's parameters and outputs, but only the resources that moto itself knows."""
    prefix = "terraglue-${EnvironmentId}"
    return {
        "Parameters": {name: {"Type": "String"} for name in PARAMETERS},
        "Resources": {
            logical_id: {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": {"Fn::Sub": f"{prefix}-${{{logical_id}Name}}"}},
            }
            for logical_id in BUCKETS
        },
        "Outputs": {
            **{logical_id: {"Value": {"Ref": logical_id}} for logical_id in BUCKETS},
            "SotDatabase": {"Value": {"Fn::Sub": "terraglue_${EnvironmentId}_sot"}},
            "DatabaseDbShop": {"Value": {"Fn::Sub": "terraglue_${EnvironmentId}_db_shop"}},
            "JobId": {"Value": {"Fn::Sub": "terraglue-${EnvironmentId}-${JobName}"}},
            "RoleArn": {"Value": {"Fn::Sub": "arn:aws:iam::123456789012:role/${RoleName}"}},
            **{
                f"{stream}LogGroup": {"Value": {"Fn::Sub": f"/aws-glue/jobs/{prefix}/{name}"}}
                for stream, name in (("Output", "output"), ("Error", "error"))
            },
        },
    }


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Api:
    """The API as a caller sees it, held to its document, and a way to let time's work be done."""

    client: Client
    issuer: Issuer
    app: Any
    contract: Contract

    def call(
        self,
        method: str,
        path: str,
        *,
        owner: str | None = "ana",
        groups: tuple[str, ...] = (),
        body: Any = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = {"Content-Type": "application/json"} if body is not None or raw is not None else {}
        if owner is not None:
            sent["Authorization"] = f"Bearer {self.issuer.token(owner, groups=groups)}"
        sent |= headers or {}
        payload = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        response = self.client.http.request(method, path, headers=sent, body=payload)
        answered = gateway.remapped(response.headers)
        is_json = "json" in answered.get("Content-Type", "json")
        text = response.body
        answer = Answer(
            response.status_code, answered, json.loads(text) if text and is_json else text or None
        )
        self.contract.check(method, path, answer.status, answer.headers, answer.body)
        return answer

    def stack_event(self, environment_id: str) -> None:
        """What CloudFormation sends when the stack of an environment has changed."""
        stack = f"arn:aws:cloudformation:us-east-1:123456789012:stack/terraglue-{environment_id}/x"
        self.app.service().events.stack_changed({"stack-id": stack})

    def ready_environment(self, owner: str = "ana", **settings: Any) -> dict[str, Any]:
        asked = self.call("POST", "/environments", owner=owner, body=settings)
        assert asked.status == 202, asked.body
        self.stack_event(asked.body["id"])
        environment = self.call("GET", f"/environments/{asked.body['id']}", owner=owner).body
        assert environment["status"] == "READY", environment
        boto3.client("glue").create_job(
            Name=environment["outputs"]["job_id"],
            Role="r",
            Command={"Name": "glueetl"},
            ExecutionProperty={"MaxConcurrentRuns": 1},
        )
        return environment


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with serving_issuer() as issuer:
        yield issuer


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, issuer: Issuer) -> Iterator[None]:
    """An empty moto account with what the service itself needs, and one small release."""
    settings = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TABLE_NAME": TABLE,
        "ASSETS_BUCKET": ASSETS,
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "JWKS_URI": issuer.jwks_uri,
        "BUDGET_USD": "1",
        "CURSOR_KEY": "not a secret",
        "SANDBOX_READER_ROLE_ARN": READER,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    dynamodb.install()  # tests ask from several threads
    restore = replace_methods(
        CloudFormationBackend,
        {
            "describe_change_set": _describe_change_set,
            "delete_change_set": _delete_change_set,
        },
    )
    with mock_aws():
        create_table()
        publish_small_release()
        yield
    restore()


class _ChangeSetNotFound(CloudFormationError):
    code = "ChangeSetNotFound"


def _describe_change_set(backend: CloudFormationBackend, change_set_name: str) -> Any:
    """moto says of a change set that is not there that the stack is not."""
    for change_set in backend.change_sets.values():
        if change_set.change_set_name == change_set_name:
            return change_set
    raise _ChangeSetNotFound(f"ChangeSet [{change_set_name}] does not exist")


def _delete_change_set(backend: CloudFormationBackend, change_set_name: str) -> None:
    """moto crashes when there is none."""
    for change_set_id, change_set in list(backend.change_sets.items()):
        if change_set.change_set_name == change_set_name:
            del backend.change_sets[change_set_id]


def create_reader_role() -> None:
    """The role that reads sandboxes, for tests with IAM in force."""
    resources = json.loads((PROJECT / "chalice_app/functions.json").read_text())["Resources"]
    [policy] = resources["SandboxReader"]["Properties"]["Policies"]
    known = {**roles.arns(TABLE, ASSETS, ""), "ApiHandlerRole.Arn": "*"}
    iam, name = boto3.client("iam"), READER.rpartition("/")[2]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    document = json.dumps(roles.resolved(policy["PolicyDocument"], known))
    iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)


def create_table() -> None:
    resources = json.loads((PROJECT / "chalice_app/resources.json").read_text())["Resources"]
    properties = resources["Table"]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    boto3.client("dynamodb").create_table(TableName=TABLE, **{name: properties[name] for name in wanted})


def publish_small_release() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=ASSETS)
    script, data = "jobs/sot_ecommerce.py", "db_shop/tbl/a.csv"
    manifest = {
        "release": RELEASE,
        "version": "0.0.1",
        "notes": "The first.",
        "template": {"path": "template.yaml"},
        "files": [
            {"path": script, "target": "glue_assets", "key": script, "size": 15, "sha256": "0" * 64},
            {"path": f"data/{data}", "target": "sor", "key": data, "size": 5, "sha256": "1" * 64},
        ],
        "resources": [
            {"logical_id": logical_id, "type": "AWS::S3::Bucket", "when": None} for logical_id in BUCKETS
        ],
        "tables": [{"database": "db_shop", "table": "tbl"}],
    }
    files = {
        f"releases/{RELEASE}/template.yaml": yaml.safe_dump(small_template()) + ARGUMENTS,
        f"releases/{RELEASE}/{script}": "print('hello')\n",
        f"releases/{RELEASE}/data/{data}": "id\n1\n",
        f"releases/{RELEASE}/manifest.json": json.dumps(manifest),
        "releases/latest.json": json.dumps({"release": RELEASE}),
    }
    for key, text in files.items():
        s3.put_object(Bucket=ASSETS, Key=key, Body=text.encode())


@pytest.fixture
def api(aws: None, issuer: Issuer) -> Iterator[Api]:
    import app  # the unchanged chalice_app
    from chalicelib.api import openapi

    app.service.cache_clear()
    with Client(app.app, project_dir=str(PROJECT / "chalice_app")) as client:
        yield Api(client, issuer, app, Contract(openapi.document(app.api.all)))
    app.service.cache_clear()
    sys.modules.pop("app", None)


@pytest.fixture
def url(api: Api) -> Iterator[str]:
    """Where the API is served over HTTP, by the laptop's gateway."""
    restore = _make_stacks_one_by_one()
    server = gateway.create_server(api.app.app, ChaliceConfig(chalice_stage="local"), 0).server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
    restore()


def _make_stacks_one_by_one() -> Callable[[], None]:
    """moto's CloudFormation looks through its stacks while another thread adds one."""
    lock, original = threading.Lock(), CloudFormationBackend.create_stack

    def create_stack(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return original(*args, **kwargs)

    return replace_methods(CloudFormationBackend, {"create_stack": create_stack})


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small table, for stacks that are about everything else."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "db_shop/tbl_orders").mkdir(parents=True)
    (folder / "db_shop/tbl_orders/orders.csv").write_text("order_id\n1\n")
    return folder


@pytest.fixture
def operated(monkeypatch: pytest.MonkeyPatch, small_data: Path) -> Iterator[Account]:
    """An account that an operator has set up for sandboxes' stacks."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with account(small_data) as operated:
        yield operated
