"""Requests about usage."""

from __future__ import annotations

from chalicelib.services.usage import Usage
from chalicelib.wiring.shared import Shared


def usage(shared: Shared) -> Usage:
    """Return what handles requests about usage."""
    return Usage(shared.config, shared.store, shared.releases, clock=shared.clock)
