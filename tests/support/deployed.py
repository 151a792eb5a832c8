"""Context of the deployment commands, on the table and stacks of the small account."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from deploy.aws import Account
from deploy.context import Context
from deploy.stack import Stack
from deploy.stage import Stage
from tests.support.small_account import TABLE

ROLE = "arn:aws:iam::123456789012:role/self-service-terraglue-dev-deployment"
_OUTPUTS = {"TableName": TABLE, "EndpointURL": "https://api.example", "DeploymentRoleArn": ROLE}
_PARAMETERS = {"OwnerClaim": "email", "LogRetentionDays": "30", "Issuer": "https://issuer.example"}


class _Deployed(Context):
    """Context of a deployed service with some functions."""

    functions: tuple[str, ...] = ()

    def find_stack(self) -> Stack | None:
        return Stack("id", "CREATE_COMPLETE", parameters=_PARAMETERS, outputs=_OUTPUTS)

    @cached_property
    def stacks(self) -> Any:
        resources = [("AWS::Lambda::Function", name) for name in self.functions]
        return SimpleNamespace(resources=lambda _: resources)


def context(said: Callable[[str], Any] = print, functions: tuple[str, ...] = (), **more: Any) -> Context:
    kind = type("Deployed", (_Deployed,), {"functions": functions})
    stage = Stage("dev", Path("dev.env"), "123456789012", "us-east-1", "service-dev")
    account = Account(boto3.Session(region_name="us-east-1"), stage.account, stage.region, "arn")
    made: Context = kind(stage, account, say=said, **{"assume_yes": True, **more})
    return made


def records() -> list[dict[str, Any]]:
    return list(boto3.resource("dynamodb").Table(TABLE).scan(ConsistentRead=True)["Items"])
