"""KMS resources."""

from __future__ import annotations

import json
from typing import Any

from local.cloudformation.resources import (
    Context,
    Former,
    Json,
    changed,
    document,
    given,
    resource,
    tag_changes,
)
from local.cloudformation.template import Placed


def _is(properties: Json, name: str, default: bool) -> bool:
    return str(properties.get(name, default)).lower() == "true"


def _update_key(context: Context, former: Former, properties: Json) -> Placed:
    def call(operation: str, **arguments: Any) -> None:
        context.call("kms", operation, KeyId=former.name, **arguments)

    is_enabled, was_enabled = _is(properties, "Enabled", True), _is(former.properties, "Enabled", True)
    if is_enabled and not was_enabled:
        call("enable_key")  # first, as a disabled key cannot be changed
    if changed(former, properties, "KeyPolicy"):
        policy = properties.get("KeyPolicy") or _default_policy(context)
        call("put_key_policy", PolicyName="default", Policy=document(policy))
    if changed(former, properties, "Description"):
        call("update_key_description", Description=properties.get("Description", ""))
    rotates = _is(properties, "EnableKeyRotation", False)
    if rotates != _is(former.properties, "EnableKeyRotation", False):
        call("enable_key_rotation" if rotates else "disable_key_rotation")
    wanted, unwanted = tag_changes(context, former, properties)
    if wanted:
        call("tag_resource", Tags=[{"TagKey": key, "TagValue": value} for key, value in wanted.items()])
    if unwanted:
        call("untag_resource", TagKeys=unwanted)
    if was_enabled and not is_enabled:
        call("disable_key")
    return former.placed


def _default_policy(context: Context) -> str:
    """Return the policy of https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""
    root = {"AWS": f"arn:aws:iam::{context.account}:root"}
    everything = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [everything]})


def _delete_key(context: Context, key_id: str, properties: Json) -> None:
    days = int(properties.get("PendingWindowInDays", 30))
    context.call("kms", "schedule_key_deletion", KeyId=key_id, PendingWindowInDays=days)


@resource(
    "AWS::KMS::Key",
    "Description KeyPolicy EnableKeyRotation PendingWindowInDays Tags KeySpec KeyUsage Enabled",
    missing="NotFoundException KMSInvalidStateException",
    update=_update_key,
    delete=_delete_key,
)
def _key(context: Context, properties: Json) -> Placed:
    policy = {"Policy": document(properties["KeyPolicy"])} if "KeyPolicy" in properties else {}
    tags = [
        {"TagKey": key, "TagValue": value} for key, value in context.tag_map(properties.get("Tags")).items()
    ]
    made = context.call(
        "kms",
        "create_key",
        **given(properties, "Description", "KeySpec", "KeyUsage"),
        **policy,
        Tags=tags,
    )["KeyMetadata"]
    key = Placed(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})
    context.made(key)
    if _is(properties, "EnableKeyRotation", False):
        context.call("kms", "enable_key_rotation", KeyId=made["KeyId"])
    if not _is(properties, "Enabled", True):
        context.call("kms", "disable_key", KeyId=made["KeyId"])
    return key


def _update_alias(context: Context, former: Former, properties: Json) -> Placed:
    context.call("kms", "update_alias", AliasName=former.name, TargetKeyId=properties["TargetKeyId"])
    return former.placed


def _delete_alias(context: Context, name: str, _: Json) -> None:
    context.call("kms", "delete_alias", AliasName=name)


@resource(
    "AWS::KMS::Alias",
    "AliasName TargetKeyId",
    missing="NotFoundException",
    update=_update_alias,
    delete=_delete_alias,
)
def _alias(context: Context, properties: Json) -> Placed:
    context.call("kms", "create_alias", **properties)
    return Placed(properties["AliasName"], {})
