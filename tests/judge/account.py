"""The judge's own calls to the emulated account."""

from __future__ import annotations

import contextlib
import copy
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from tests.judge.emulator import ACCOUNT, REGION, Emulator
from tests.judge.steps import expect

_PASSWORD = "Judge-the-judge-1"
EVENT_FUNCTIONS = ("StackChanged", "ResourceChanged", "JobChanged")
FUNCTIONS = ("APIHandler", *EVENT_FUNCTIONS, "Tick")


class Account:
    """The account with the deployed stack of the service."""

    def __init__(self, emulator: Emulator, stack: str) -> None:
        self._environ = emulator.environ
        self._stack = stack
        self._making = threading.Lock()

    def client(self, service: str) -> Any:
        """Return a client with the credentials of the account's root."""
        with self._making:  # boto3's sessions are not thread-safe
            session = boto3.Session(
                self._environ["AWS_ACCESS_KEY_ID"], self._environ["AWS_SECRET_ACCESS_KEY"], region_name=REGION
            )
            proxies = {"https": self._environ["HTTPS_PROXY"]}
            return session.client(service, verify=self._environ["AWS_CA_BUNDLE"], config=Config(proxies=proxies))

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Outputs of the stack."""
        [stack] = self.client("cloudformation").describe_stacks(StackName=self._stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @cached_property
    def _resources(self) -> dict[str, str]:
        resources = self.client("cloudformation").describe_stack_resources(StackName=self._stack)
        return {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in resources["StackResources"]}

    def token(self, pool: str, client_id: str, user: str) -> str:
        """Create a user in the pool. Return an access token for them."""
        cognito = self.client("cognito-idp")
        cognito.admin_create_user(UserPoolId=pool, Username=user)
        cognito.admin_set_user_password(UserPoolId=pool, Username=user, Password=_PASSWORD, Permanent=True)
        signed_in = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": user, "PASSWORD": _PASSWORD},
        )
        return str(signed_in["AuthenticationResult"]["AccessToken"])

    def switch(self, functions: tuple[str, ...], *, on: bool) -> None:
        """Enable or disable the EventBridge rules of functions."""
        events = self.client("events")
        for logical_id, rule in self._resources.items():
            if logical_id.startswith(functions) and logical_id.endswith("Event"):
                (events.enable_rule if on else events.disable_rule)(Name=rule.rpartition("|")[2])

    def tick(self) -> None:
        """Invoke the function of the schedule, as EventBridge does every minute."""
        event = {
            "version": "0",
            "id": "1",
            "source": "aws.events",
            "detail-type": "Scheduled Event",
            "account": ACCOUNT,
            "region": REGION,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "resources": [],
            "detail": {},
        }
        answer = self.client("lambda").invoke(FunctionName=self._resources["Tick"], Payload=json.dumps(event))
        expect("FunctionError" not in answer, f"The tick failed: {answer['Payload'].read().decode()}")

    @contextlib.contextmanager
    def without_statement(self, role: str, sid: str) -> Iterator[None]:
        """Take a statement out of a role's policy, and put it back at the end."""
        iam, name = self.client("iam"), self._resources[role]
        [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        less = copy.deepcopy(document)
        less["Statement"] = [statement for statement in document["Statement"] if statement["Sid"] != sid]
        expect(less != document, f"The policy of {role} has no statement {sid}.")
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(less))
        try:
            yield
        finally:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))

    def logs(self, lines: int) -> str:
        """Return the last log lines of each function."""
        logs, text = self.client("logs"), []
        for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/cloudformation/{self._stack}")["logGroups"]:
            events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            text += [f"--- {group['logGroupName']}", *(event["message"].rstrip() for event in events[-lines:])]
        return "\n".join(text)
