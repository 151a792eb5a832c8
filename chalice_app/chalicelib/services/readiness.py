"""The check that an environment is READY."""

from __future__ import annotations

from chalicelib.domain.environment import Environment
from chalicelib.errors import EnvironmentNotReady


def require_ready(environment: Environment, rule: str) -> None:
    """Raise `EnvironmentNotReady`, whose message ends with `rule`, unless the environment is READY."""
    if not environment.is_ready:
        raise EnvironmentNotReady(f"The environment is {environment.condition}; {rule}")
