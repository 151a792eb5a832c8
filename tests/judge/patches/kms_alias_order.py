"""KMS checks IAM before it looks for an alias. The service proves that a key's alias is gone by NotFoundException."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions
from ministack.services import kms

_extract = iam_actions.extract_iam_action


def needed() -> bool:
    headers, body = {"x-amz-target": "TrentService.DescribeKey"}, b'{"KeyId": "alias/none"}'
    return _extract("kms", "POST", "/", headers, body, {}) == "kms:DescribeKey"


def apply() -> None:
    iam_actions.extract_iam_action = _extract_iam_action


def _extract_iam_action(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, params: Any
) -> str | None:
    if service == "kms":
        alias = iam_actions._safe_json_field(body, "KeyId")
        if alias.startswith("alias/") and not any(str(name).endswith(alias) for name in kms._aliases):
            return None
    return _extract(service, method, path, headers, body, params)
