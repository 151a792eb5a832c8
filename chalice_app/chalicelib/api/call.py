"""Call: one HTTP request and the service, as a view receives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.api import http_request
from chalicelib.services.idempotency import IdempotentRequest, checked_key, fingerprint

if TYPE_CHECKING:
    from chalice.app import Request
    from pydantic import BaseModel

    from chalicelib.api.auth import Authenticator
    from chalicelib.api.cursors import Cursors
    from chalicelib.clock import Clock
    from chalicelib.config import Config
    from chalicelib.domain.caller import Caller
    from chalicelib.lifecycle.aws_events import AwsEvents
    from chalicelib.notifications.deliverer import Deliverer
    from chalicelib.services.cohorts import Cohorts
    from chalicelib.services.drift import Drift
    from chalicelib.services.environments import Environments
    from chalicelib.services.forecasts import Forecasts
    from chalicelib.services.job_files import JobFiles
    from chalicelib.services.jobs import Jobs
    from chalicelib.services.queries import Queries
    from chalicelib.services.sandbox_access import SandboxAccess
    from chalicelib.services.tables import Tables
    from chalicelib.services.usage import Usage
    from chalicelib.storage.rate_limits import RateLimits
    from chalicelib.storage.releases import Releases


@dataclass(frozen=True)
class Service:
    """What routes and event handlers call. `wiring` builds it."""

    config: Config
    clock: Clock
    authenticator: Authenticator
    environments: Environments
    jobs: Jobs
    drift: Drift
    job_files: JobFiles
    tables: Tables
    queries: Queries
    usage: Usage
    forecasts: Forecasts
    access: SandboxAccess
    releases: Releases
    cohorts: Cohorts
    events: AwsEvents
    cursors: Cursors
    rate_limits: RateLimits
    notices: Deliverer


@dataclass(frozen=True)
class Call:
    """One request to an operation. `route` is its method and path, `verified` its caller, if any."""

    request: Request
    route: str
    verified: Caller | None
    get_service: Callable[[], Service]

    @property
    def service(self) -> Service:
        """Return the service, which is built at the first request that needs it."""
        return self.get_service()

    @property
    def caller(self) -> Caller:
        """Return the authenticated caller. Public operations have none."""
        if self.verified is None:
            raise RuntimeError(f"{self.route} is public: its caller is not authenticated")
        return self.verified

    @property
    def base(self) -> str:
        """Return the part of the URL's path before the route, for links."""
        return http_request.base_path(self.request)

    @property
    def request_id(self) -> str:
        """Return the request ID."""
        return http_request.request_id_of(self.request)

    def idempotent(self, body: BaseModel | None = None) -> IdempotentRequest:
        """Return the request with its Idempotency-Key and the fingerprint of route, path and body."""
        key = checked_key(self.request.headers.get("idempotency-key"))
        sent = (
            http_request.raw_body(self.request).decode("latin-1")
            if body is None
            else body.model_dump(mode="json")
        )
        digest = fingerprint(self.route, [self.request.uri_params, sent])
        return IdempotentRequest(self.caller, self.request_id, key, digest)
