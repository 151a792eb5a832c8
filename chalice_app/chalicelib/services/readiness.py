"""The check that an environment is READY."""

from __future__ import annotations

from chalicelib.domain.environment import Environment
from chalicelib.errors import EnvironmentNotReady


def require_ready(environment: Environment, purpose: str) -> None:
    """Raise `EnvironmentNotReady` unless the environment is READY. Its message contains `purpose`."""
    if not environment.is_ready:
        raise EnvironmentNotReady(f"The environment is {environment.condition}. It must be READY {purpose}.")
