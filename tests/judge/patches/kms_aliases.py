"""IAM checks a request with a KMS alias on the alias, even if it does not exist. AWS checks it on the key.

See "Controlling access to KMS keys with aliases" in the AWS KMS Developer Guide. AWS does not document the
response to an alias that does not exist; here it is NotFoundException, without a check.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions
from ministack.services import kms

_HEADERS = {"x-amz-target": "TrentService.DescribeKey"}


def needed() -> bool:
    request = ("kms", "POST", "/", _HEADERS, b'{"KeyId": "alias/none"}', {})
    return iam_actions.extract_iam_action(*request) == "kms:DescribeKey"


def apply() -> None:
    action_of, resource_of = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def extract_iam_action(*request: Any) -> str | None:
        alias = _alias(request)
        return action_of(*request) if alias is None or kms._resolve_key(alias) else None

    def extract_resource_arn(*request: Any) -> str:
        alias = _alias(request)
        return str(kms._resolve_key(alias)["Arn"] if alias is not None else resource_of(*request))

    iam_actions.extract_iam_action = extract_iam_action
    iam_actions.extract_resource_arn = extract_resource_arn


def _alias(request: tuple[Any, ...]) -> str | None:
    service, _, _, headers, body, *_ = request
    is_of_key = service == "kms" and not headers.get("x-amz-target", "").endswith("Alias")
    alias = iam_actions._safe_json_field(body, "KeyId") if is_of_key else ""
    return alias if alias.startswith("alias/") else None
