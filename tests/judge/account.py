"""The judge's own calls to the emulated account, as its root user."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config

from tests.judge.emulator import ACCOUNT, REGION, Emulator
from tests.judge.steps import expect

STACK = "self-service-terraglue-judge"
"""Stack of the stage `judge`."""

_PASSWORD = "Judge-the-judge-1"

_LAMBDA = ("START ", "END ", "REPORT ")
"""Starts of Lambda's own log lines."""


class Account:
    """The account, and the service's stack in it."""

    def __init__(self, emulator: Emulator) -> None:
        environ = emulator.environ
        self._session = boto3.Session(
            environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )
        self._verify = environ["AWS_CA_BUNDLE"]
        self._config = Config(proxies={"https": environ["HTTPS_PROXY"]})
        self.client = cache(self._client)

    def _client(self, service: str) -> Any:
        return self._session.client(service, verify=self._verify, config=self._config)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Outputs of the stack."""
        [stack] = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @cached_property
    def _resources(self) -> dict[str, str]:
        answer = self.client("cloudformation").describe_stack_resources(StackName=STACK)
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in answer["StackResources"]}

    def token(self, name: str) -> str:
        """Create a user in the pool of the stack. Return an ID token, as an operator gets one."""
        cognito, pool = self.client("cognito-idp"), self.outputs["UserPoolId"]
        email = f"{name}@example.com"
        verified = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        cognito.admin_create_user(
            UserPoolId=pool, Username=email, UserAttributes=verified, MessageAction="SUPPRESS"
        )
        cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=_PASSWORD, Permanent=True)
        signed_in = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=self.outputs["SignInClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": _PASSWORD},
        )
        return str(signed_in["AuthenticationResult"]["IdToken"])

    def callbacks(self, client: str) -> list[str]:
        """Return the URLs to which the pool returns users of an app client."""
        cognito, pool = self.client("cognito-idp"), self.outputs["UserPoolId"]
        found = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
        return list(found["CallbackURLs"])

    def set_rules(self, *functions: str, enabled: bool) -> None:
        """Enable or disable the EventBridge rules that invoke functions."""
        events = self.client("events")
        change = events.enable_rule if enabled else events.disable_rule
        for function in functions:
            rules = [rule for rule, target in self._targets if target.startswith(self._arn(function))]
            expect(rules, f"No rule invokes the function {function}.")
            for rule in rules:
                change(Name=rule)

    @cached_property
    def _targets(self) -> list[tuple[str, str]]:
        events = self.client("events")
        rules = [rule["Name"] for rule in events.list_rules()["Rules"]]
        targets = {rule: events.list_targets_by_rule(Rule=rule)["Targets"] for rule in rules}
        return [(rule, target["Arn"]) for rule, found in targets.items() for target in found]

    def tick(self) -> None:
        """Invoke the function of the schedule, as EventBridge does every minute."""
        event = {
            **{"version": "0", "id": "1", "source": "aws.events", "detail-type": "Scheduled Event"},
            **{"account": ACCOUNT, "region": REGION, "resources": [], "detail": {}},
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        answer = self.client("lambda").invoke(FunctionName=self._arn("Tick"), Payload=json.dumps(event))
        expect("FunctionError" not in answer, f"The tick failed: {answer['Payload'].read().decode()}")

    def let_time_pass(self) -> None:
        """Make the due times of all records past, as if an hour went by."""
        dynamodb, table = self.client("dynamodb"), self.outputs["TableName"]
        past = {":past": {"S": f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}.000Z"}}
        for item in dynamodb.scan(TableName=table, FilterExpression="attribute_exists(due_shard)")["Items"]:
            key = {"pk": item["pk"], "sk": item["sk"]}
            dynamodb.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="SET due_at = :past",
                ExpressionAttributeValues=past,
            )

    @contextlib.contextmanager
    def without_statement(self, role: str, sid: str) -> Iterator[None]:
        """Remove a statement from the policy of a role, and put it back at the end."""
        iam, name = self.client("iam"), self._resources[role]
        [policy] = iam.list_role_policies(RoleName=name)["PolicyNames"]
        whole = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        less = copy.deepcopy(whole)
        less["Statement"] = [statement for statement in whole["Statement"] if statement["Sid"] != sid]
        expect(less != whole, f"The policy of {role} has no statement {sid}.")
        try:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(less))
            yield
        finally:
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(whole))

    def stacks(self) -> list[str]:
        """Return the names of all stacks."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return [stack["StackName"] for stack in stacks]

    def is_empty(self) -> bool:
        """Return whether there is no stack, function, table, user pool or bucket, except for code."""
        buckets = [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]]
        return not (
            self.stacks()
            or self.client("lambda").list_functions()["Functions"]
            or self.client("dynamodb").list_tables()["TableNames"]
            or self.client("cognito-idp").list_user_pools(MaxResults=1)["UserPools"]
            or [name for name in buckets if not name.startswith("terraglue-code-")]
        )

    def failed_events(self) -> int:
        """Return the number of messages in the queue of failed events."""
        sqs, url = self.client("sqs"), self.outputs["FailedEventsUrl"]
        number = "ApproximateNumberOfMessages"
        return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[number])["Attributes"][number])

    def log_lines(self) -> dict[str, list[str]]:
        """Return what each function has logged, by log group."""
        logs = self.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        pages = logs.get_paginator("filter_log_events").paginate
        messages = {
            group: [
                event["message"].rstrip() for page in pages(logGroupName=group) for event in page["events"]
            ]
            for group in groups
        }
        return {
            group: [message for message in found if not message.startswith(_LAMBDA)]
            for group, found in messages.items()
        }

    def _arn(self, function: str) -> str:
        name = self._resources[function]
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
