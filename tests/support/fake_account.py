"""In-memory account with fakes of DynamoDB, CloudFormation and S3, and a clock that the fakes advance."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.config import Config
from chalicelib.domain.capacity import Capacity
from local.chaos import initial_state
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.small_account import small_template

OUTPUTS = small_template()["Outputs"]
STACK_SECONDS = 50
CALLS_A_SECOND = 10.0
BURST = 20.0
CALL_SECONDS = 0.04


@dataclass
class Clock:
    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class CloudFormation:
    """Fake with stacks that complete after a while. Throttles when all calls together exceed one rate.

    The client repeats a throttled call like boto3, after 0.5, 1 and 2 s. `given_up` has those
    whose error the service received, by stack.
    """

    clock: Clock
    stacks: dict[str, datetime] = field(default_factory=dict)
    given_up: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    throttled: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    calls_a_second: float = CALLS_A_SECOND
    most_at_once: int = 0
    _tokens: float = BURST
    _refilled: datetime | None = None

    def create_stack(self, *, StackName: str, **_: Any) -> dict[str, Any]:
        self._call("CreateStack", StackName)
        assert StackName not in self.stacks, "made twice"
        self.stacks[StackName] = self.clock()
        building = sum(not self._is_complete(name) for name in list(self.stacks)[-400:])
        self.most_at_once = max(self.most_at_once, building)
        return {"StackId": stack_id(StackName)}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        name = StackName.split("/")[1] if "/" in StackName else StackName
        self._call("DescribeStacks", name)
        status = "CREATE_COMPLETE" if self._is_complete(name) else "CREATE_IN_PROGRESS"
        outputs = [{"OutputKey": key, "OutputValue": "x"} for key in OUTPUTS]
        return {"Stacks": [{"StackId": stack_id(name), "StackStatus": status, "Outputs": outputs}]}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_stack_resources", operation
        return self

    def paginate(self, *, StackName: str) -> Iterator[dict[str, Any]]:
        self._call("ListStackResources", StackName.split("/")[1])
        yield {"StackResourceSummaries": []}

    def _is_complete(self, name: str) -> bool:
        return (self.clock() - self.stacks[name]).total_seconds() >= STACK_SECONDS

    def _call(self, operation: str, name: str) -> None:
        for seconds in (0.5, 1, 2, 0):
            if self._has_room(operation):
                return
            self.clock.wait(seconds)
        self.given_up[name].append(self.clock())
        error = {"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}
        raise ClientError(error, operation)  # type: ignore[arg-type]

    def _has_room(self, operation: str) -> bool:
        self.clock.wait(CALL_SECONDS)
        now = self.clock()
        passed = (now - (self._refilled or now)).total_seconds()
        self._tokens, self._refilled = min(BURST, self._tokens + passed * self.calls_a_second), now
        if self._tokens < 1:
            self.throttled += 1
            return False
        self._tokens -= 1
        self.answered[operation] += 1
        return True


class S3:
    """The assets bucket, with a release that has nothing to copy."""

    meta = SimpleNamespace(region_name="us-east-1", partition="aws")

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        manifest = {**initial_state.manifest(), "files": []}
        body = manifest if Key.endswith("manifest.json") else {"release": initial_state.RELEASE}
        return {"Body": BytesIO(json.dumps(body).encode()), "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}


@dataclass
class Account:
    """Fake AWS account, which also serves as the service's session."""

    clock: Clock
    dynamodb: FastDynamoDb
    cloudformation: CloudFormation
    region_name: str = "us-east-1"

    def get_partition_for_region(self, _: str) -> str:
        return "aws"

    def client(self, service: str, **_: Any) -> Any:
        return {"dynamodb": self.dynamodb, "cloudformation": self.cloudformation, "s3": S3()}.get(service)


def stack_id(name: str) -> str:
    return f"arn:aws:cloudformation:us-east-1:123456789012:stack/{name}/1"


def account() -> Account:
    clock = Clock()
    return Account(clock, FastDynamoDb(INDEXES), CloudFormation(clock))


def config(capacity: Capacity) -> Config:
    return Config("table", "assets", "issuer", "audience", "jwks", "key", capacity=capacity)
