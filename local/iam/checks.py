"""Permission check: an action on a resource, with the condition keys of the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Context = dict[str, "str | list[str]"]
"""Values of condition keys, by key."""


@dataclass(frozen=True)
class PermissionCheck:
    """An action on a resource that must be allowed, with the condition keys of the request."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """The region and the account of a request."""

    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource, such as `table/a`."""
        region = "" if service == "iam" else self.region
        return f"arn:aws:{service}:{region}:{self.account}:{resource}"
