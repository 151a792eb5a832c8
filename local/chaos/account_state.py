"""State of the simulated account: the service's table and the resources that exist.

The table is read directly from DynamoDB and not through the service's code.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from local.chaos.world import World
from local.setup.bootstrap import ASSETS_BUCKET, TABLE

Item = dict[str, Any]

_NAME = re.compile(r"terraglue[-_]([a-z2-7]{10})(?:[-_/].*)?")
_deserializer = TypeDeserializer()


class State:
    """A snapshot of the table and the account."""

    def __init__(self, world: World) -> None:
        self.items = list(_scan(world.clients("dynamodb")))
        self.environments = {item["id"]: item for item in self.items if item["sk"] == "ENV"}
        self.cohorts = [item for item in self.items if item["sk"] == "COHORT"]
        self.admitted = {name for name, item in self.environments.items() if item.get("admitted_at")}
        self.runs = [item for item in self.items if item["sk"].startswith("RUN#")]
        self.queries = [item for item in self.items if item["sk"].startswith("QUERY#")]
        self.charges = [item for item in self.items if item["pk"].startswith("LEDGER#")]
        self.locks = [item for item in self.items if item["sk"] == "OWNER"]
        self.accounts = {item["pk"].partition("#")[2]: item for item in self.items if item["sk"] == "BUDGET"}
        self.events: dict[str, list[Item]] = defaultdict(list)
        for item in sorted(self.items, key=lambda item: item["sk"]):
            if item["sk"].startswith("EVENT#"):
                self.events[item["pk"].partition("#")[2]].append(item)
        self.things = dict(_things(world.clients))
        self.stacks: dict[str, list[str]] = defaultdict(list)
        for stack in _pages(world.clients("cloudformation"), "describe_stacks", "Stacks"):
            self.stacks[stack["StackName"].removeprefix("terraglue-")].append(stack["StackStatus"])


def read_again(world: World, item: Item) -> Item:
    """Return an item of the table as it is now."""
    key = {name: {"S": item[name]} for name in ("pk", "sk")}
    return _deserialized(world.clients("dynamodb").get_item(TableName=TABLE, Key=key)["Item"])


def _scan(dynamodb: Any) -> Iterator[Item]:
    for item in _pages(dynamodb, "scan", "Items", TableName=TABLE):
        yield _deserialized(item)


def _deserialized(item: Item) -> Item:
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


def _things(clients: Callable[[str], Any]) -> Iterator[tuple[str, str]]:
    """Yield every resource in the account that belongs to an environment, with the environment's ID."""
    s3, glue, kms = clients("s3"), clients("glue"), clients("kms")
    found = [f"bucket {bucket['Name']}" for bucket in s3.list_buckets()["Buckets"]]
    found += [f"alias {alias['AliasName']}" for alias in _pages(kms, "list_aliases", "Aliases")]
    found += [f"role {role['RoleName']}" for role in _pages(clients("iam"), "list_roles", "Roles")]
    for database in _pages(glue, "get_databases", "DatabaseList"):
        found.append(f"database {database['Name']}")
        for table in _pages(glue, "get_tables", "TableList", DatabaseName=database["Name"]):
            found.append(f"table {database['Name']}.{table['Name']}")
    found += [f"job {name}" for name in _pages(glue, "list_jobs", "JobNames")]
    groups = clients("athena").list_work_groups()["WorkGroups"]
    found += [f"workgroup {group['Name']}" for group in groups if group["Name"] != "primary"]
    for group in _pages(clients("logs"), "describe_log_groups", "logGroups"):
        found.append(f"log group {group['logGroupName']}")
    copies = _pages(s3, "list_objects_v2", "Contents", Bucket=ASSETS_BUCKET, Prefix="environments/")
    for copy in copies:
        yield f"template {copy['Key']}", copy["Key"].split("/")[1]
    for thing in found:
        match = _NAME.search(thing)
        if match:
            yield thing, match[1]
    for key in _pages(kms, "list_keys", "Keys"):
        described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
        if described["KeyState"] != "PendingDeletion":
            yield f"key {key['KeyId']}", tags.get("terraglue:environment", "?")


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])
