"""CloudWatch Logs resources."""

from __future__ import annotations

from typing import Any

from local.cloudformation.resources import (
    CallFailed,
    Context,
    Former,
    Json,
    changed,
    resource,
    tag_changes,
)
from local.cloudformation.template import Placed
from local.iam.kms import allows_service, find_key

_KEY_ACTIONS = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom")


def _update_log_group(context: Context, former: Former, properties: Json) -> Placed:
    def call(operation: str, **arguments: Any) -> None:
        context.call("logs", operation, **arguments)

    name = former.name
    if changed(former, properties, "RetentionInDays"):
        if "RetentionInDays" in properties:
            call("put_retention_policy", logGroupName=name, retentionInDays=properties["RetentionInDays"])
        else:
            call("delete_retention_policy", logGroupName=name)
    if changed(former, properties, "KmsKeyId"):
        if "KmsKeyId" in properties:
            _check_key(context, name, properties["KmsKeyId"])
            call("associate_kms_key", logGroupName=name, kmsKeyId=properties["KmsKeyId"])
        else:
            call("disassociate_kms_key", logGroupName=name)
    arn = str(former.placed.attributes["Arn"]).removesuffix(":*")  # the tagging calls take no suffix
    wanted, unwanted = tag_changes(context, former, properties)
    if wanted:
        call("tag_resource", resourceArn=arn, tags=wanted)
    if unwanted:
        call("untag_resource", resourceArn=arn, tagKeys=unwanted)
    return former.placed


def _check_key(context: Context, name: str, key_arn: str) -> None:
    """Raise an error if the key's policy does not let CloudWatch Logs encrypt the log group.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    arn = f"arn:aws:logs:{context.region}:{context.account}:log-group:{name}"
    encryption: Json = {"kms:EncryptionContext:aws:logs:arn": arn}
    service, key = f"logs.{context.region}.amazonaws.com", find_key(key_arn)
    if key is None or not all(allows_service(key, service, action, encryption) for action in _KEY_ACTIONS):
        message = f"The specified KMS key does not exist or is not allowed to be used with LogGroup '{arn}'"
        raise CallFailed("logs", "InvalidParameterException", message, 400, "null")


def _delete_log_group(context: Context, name: str, _: Json) -> None:
    context.call("logs", "delete_log_group", logGroupName=name)


@resource(
    "AWS::Logs::LogGroup",
    "LogGroupName RetentionInDays KmsKeyId Tags",
    missing="ResourceNotFoundException",
    update=_update_log_group,
    delete=_delete_log_group,
)
def _log_group(context: Context, properties: Json) -> Placed:
    name = context.name(properties.get("LogGroupName"))
    arguments: dict[str, Any] = {"tags": context.tag_map(properties.get("Tags"))}
    if "KmsKeyId" in properties:
        _check_key(context, name, properties["KmsKeyId"])
        arguments["kmsKeyId"] = properties["KmsKeyId"]
    context.call("logs", "create_log_group", logGroupName=name, **arguments)
    group = Placed(name, {"Arn": f"arn:aws:logs:{context.region}:{context.account}:log-group:{name}:*"})
    context.made(group)
    if "RetentionInDays" in properties:
        days = properties["RetentionInDays"]
        context.call("logs", "put_retention_policy", logGroupName=name, retentionInDays=days)
    return group
