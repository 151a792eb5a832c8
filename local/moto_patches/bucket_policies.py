"""Bucket policies with a condition on TLS, which moto's S3 reads without the condition.

A policy that denies whatever comes without TLS would deny everything there. What goes over the loopback
cannot be listened to from outside, so it counts as TLS here: such a statement never applies, all others stay.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

_ONLY_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def install() -> None:
    """Put the change into moto; doing it twice changes nothing more."""
    original = FakeBucket.get_permission

    @wraps(original)
    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        policy = json.loads(self.policy)
        statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        applying = [statement for statement in statements if not _is_about_tls(statement)]
        if not applying:
            return PermissionResult.NEUTRAL
        return IAMPolicy({**policy, "Statement": applying}).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission  # type: ignore[method-assign]


def _is_about_tls(statement: dict[str, Any]) -> bool:
    condition = json.loads(json.dumps(statement.get("Condition", {})).replace(": false", ': "false"'))
    return bool(statement["Effect"] == "Deny" and condition == _ONLY_WITHOUT_TLS)
