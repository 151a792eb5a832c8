"""Bucket policies: support for the condition on TLS, which moto's S3 ignores.

Without the condition, a policy that denies requests without TLS would deny every request. Traffic on the
loopback interface counts as TLS, so such a statement never applies. All other statements still apply.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

_ONLY_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def install() -> None:
    """Install the patch. Repeated calls have no effect."""
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
