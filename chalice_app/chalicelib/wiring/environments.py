"""Requests about environments."""

from __future__ import annotations

from chalicelib.services.environment_writes import EnvironmentWrites
from chalicelib.services.environments import Environments
from chalicelib.services.forecasts import Forecasts
from chalicelib.wiring.shared import Shared


def environments(shared: Shared) -> Environments:
    """Return what handles requests about environments."""
    return Environments(shared.config, shared.store, shared.releases, shared.reconciler, clock=shared.clock)


def writes(shared: Shared) -> EnvironmentWrites:
    """Return what writes environments for other requests."""
    return EnvironmentWrites(
        shared.config, shared.store, shared.reconciler, shared.environments.visible, shared.clock
    )


def forecasts(shared: Shared) -> Forecasts:
    """Return what computes forecasts."""
    return Forecasts(shared.config, shared.releases)
