"""What every request needs: authentication, cursors and the caller's limit."""

from __future__ import annotations

from chalicelib.api.auth import Authenticator
from chalicelib.api.cursors import Cursors
from chalicelib.aws.client_options import BRIEF
from chalicelib.aws.dynamodb import Table
from chalicelib.storage.rate_limits import RateLimits
from chalicelib.wiring.shared import Shared


def authenticator(shared: Shared) -> Authenticator:
    """Return what verifies tokens."""
    return Authenticator(shared.config)


def cursors(shared: Shared) -> Cursors:
    """Return what signs and reads cursors."""
    return Cursors(shared.config.cursor_key)


def rate_limits(shared: Shared) -> RateLimits:
    """Return the callers' limits."""
    # The client waits at most two seconds in all, because a call that is not checked is admitted.
    table = Table(shared.client("dynamodb", BRIEF), shared.config.table_name)
    return RateLimits(table, shared.config.rate_limit, clock=shared.clock)
