"""Client of the API in this process. Checks every response against the OpenAPI document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3
from chalice.test import Client

from local.api import gateway
from tests.support.contract import Contract
from tests.support.event_bridge import event_with
from tests.support.identity import Issuer


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Api:
    """Client of the API that checks responses against the document, and runs the scheduled work."""

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
        """CloudFormation's event about a changed stack of an environment."""
        stack = f"arn:aws:cloudformation:us-east-1:123456789012:stack/terraglue-{environment_id}/x"
        self.app.service().events.stack_changed(event_with({"stack-id": stack}))

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
