"""Findings about an account: quotas and settings that will stop the service, with what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import boto3


@dataclass(frozen=True)
class Finding:
    """Something about the account. A blocking one makes the deployment or every sandbox fail."""

    title: str
    fix: str
    is_blocking: bool = False


def find(session: boto3.Session, parameters: Mapping[str, str]) -> list[Finding]:
    """Return the findings about the session's account and region. Only reads."""
    return []
