"""The checks that an environment can be read, and that it accepts work."""

from __future__ import annotations

from chalicelib.domain.environment import Environment
from chalicelib.errors import EnvironmentFrozen, EnvironmentNotReady


def require_ready(environment: Environment, purpose: str) -> None:
    """Raise `EnvironmentNotReady` unless the environment is READY. Its message contains `purpose`."""
    if not environment.is_ready:
        raise EnvironmentNotReady(f"The environment is {environment.condition}. It must be READY {purpose}.")


def require_active(environment: Environment, purpose: str) -> None:
    """Raise `EnvironmentFrozen` if the environment is frozen, and what `require_ready` raises."""
    require_not_frozen(environment)
    require_ready(environment, purpose)


def require_not_frozen(environment: Environment) -> None:
    """Raise `EnvironmentFrozen` if the environment is frozen."""
    if environment.frozen is not None:
        raise EnvironmentFrozen(f"The environment is frozen: {environment.frozen.reason}")
