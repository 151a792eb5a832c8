"""A stage's deployment on moto, with a small package, in-process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from deploy import stage
from deploy.aws import Account
from deploy.context import Context
from deploy.findings import Finding
from deploy.http import Response
from deploy.packages import Built
from glue_assets.release import Release
from tests.support.one_stack import Interruptions, OneStack

Json = dict[str, Any]
ACCOUNT = "123456789012"
ISSUER = "https://issuer.example/"
STACK = "self-service-terraglue-dev"
CODE_BUCKET = f"terraglue-code-{ACCOUNT}-us-east-1"
FILE = f"""
ACCOUNT={ACCOUNT}
REGION=us-east-1
ISSUER={ISSUER}
AUDIENCE=portal
API_URL=https://api.example/v1
"""
DISCOVERY = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}.well-known/jwks.json"}
KEYS = {"keys": [{"kty": "RSA", "use": "sig", "kid": "1"}]}


class Session:
    """A session whose CloudFormation is a fake, and whose every call may end the process."""

    def __init__(self) -> None:
        self.interruptions = Interruptions()
        self._inside = boto3.Session(region_name="us-east-1")
        self.cloudformation = OneStack(self.interruptions, self._inside)
        self._session = boto3.Session(region_name="us-east-1")
        self._session.events.register_first(
            "before-call.*.*", lambda model, **_: self.interruptions.begin(model.name)
        )
        self._session.events.register_last("after-call.*.*", lambda **_: self.interruptions.end())

    def client(self, name: str) -> Any:
        return self.cloudformation if name == "cloudformation" else self._session.client(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def built(release: Release, *, code: bytes = b"zip", **properties: Any) -> Built:
    """A package of a table, a bucket and a function."""
    parameters = {
        **{name: {"Type": "String", "Default": ""} for name in ("Issuer", "Audience", "JwksUri", "Stage")},
        **{name: {"Type": "Number", "Default": 5} for name in ("BudgetUsd", "MaxEnvironments")},
    }
    kept = {"DeletionPolicy": "Retain"}
    sam = {
        "Parameters": parameters,
        "Resources": {
            "Table": {"Type": "AWS::DynamoDB::Table", **kept, **properties},
            "AssetsBucket": {"Type": "AWS::S3::Bucket", **kept},
            "Tick": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}},
        },
        "Outputs": {
            "TableName": {"Value": {"Ref": "Table"}},
            "AssetsBucketName": {"Value": {"Ref": "AssetsBucket"}},
        },
    }
    return Built(code=code, sam=sam, release=release)


class Deployment:
    """Runs the commands of one stage, and keeps what they print."""

    def __init__(self, folder: Path, package: Built, text: str = FILE) -> None:
        self.path = folder / "dev.env"
        self.path.write_text(text, encoding="utf-8")
        self.session = Session()
        self.package = package
        self.said: list[str] = []
        self.answers: list[str] = []
        self.found: list[Finding] = []
        self.pages: dict[str, Response] = {
            f"GET {ISSUER}.well-known/openid-configuration": page(DISCOVERY),
            f"GET {ISSUER}.well-known/jwks.json": page(KEYS),
            "GET https://api.example/v1/health": page({"status": "ok"}),
            "GET https://api.example/v1/openapi.json": page({"paths": {"/environments": {}}}),
            "POST https://api.example/v1/environments": page({}, 401, "application/problem+json"),
        }
        self.seconds = 0.0

    def give_bucket_to_another_account(self, bucket: str) -> None:
        """Answer HeadBucket as S3 does for a bucket that anybody may read and another account owns."""

        def head(params: Json, **_: Any) -> Any:
            if params["url_path"].strip("/") != bucket and bucket not in params["url"]:
                return None
            status = 403 if params["headers"].get("x-amz-expected-bucket-owner") == ACCOUNT else 200
            answer = {"Error": {"Code": "403"}} if status == 403 else {}
            return SimpleNamespace(status_code=status), {
                **answer,
                "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
            }

        self.session.events.register("before-call.s3.HeadBucket", head)

    @property
    def stack(self) -> OneStack:
        return self.session.cloudformation

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def run(self, command: Callable[..., Any], *arguments: Any, yes: bool = False) -> Any:
        chosen = stage.read(str(self.path))
        account: Any = self.session
        context = Context(
            chosen,
            Account(account, ACCOUNT, "us-east-1", f"arn:aws:iam::{ACCOUNT}:role/deployer"),
            assume_yes=yes,
            say=self.said.append,
            ask=self._ask,
            send=lambda method, url: self.pages[f"{method} {url}"],
            build=lambda data, work: self.package,
            find=lambda session, parameters: self.found,
            clock=lambda: self.seconds,
            sleep=self._sleep,
        )
        return command(context, *arguments)

    def _ask(self, question: str) -> str:
        self.said.append(question)
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds


def page(document: Json, status: int = 200, kind: str = "application/json") -> Response:
    return Response(status, {"content-type": kind}, json.dumps(document).encode())
