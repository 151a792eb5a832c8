"""self-service terraglue: routes, AWS events and the schedule."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, ConvertToMiddleware, Rate, Request, Response

from chalicelib.api import middleware
from chalicelib.api.rest_api import RestApi
from chalicelib.lazy import Once, imported
from chalicelib.observability import IN_LAMBDA, flush_metrics, logger, traced

_TICK_SECONDS = 600
_DELIVER_SECONDS = 50

# Chalice would add a handler to the logger of this name, and set its level to ERROR.
app = Chalice(app_name="terraglue", configure_logs=False)

# Chalice knows zip and tar as binary, but not gzip. API Gateway sends other bodies as text.
app.api.binary_types += ["application/gzip", "application/x-gzip"]

service = Once(imported("chalicelib.wiring", "build"))
"""The service, built at the first request of a process."""


app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context), "all")
app.register_middleware(ConvertToMiddleware(traced), "all")


@app.middleware("all")
def report_metrics(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Write the metrics of an invocation, also of one that fails."""
    try:
        return get_response(event)
    finally:
        flush_metrics()


@app.middleware("http")
def cross_origin(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Add CORS headers for the portal. It comes first, so error responses have them too."""
    response = get_response(request)
    with suppress(Exception):  # if the service cannot be built, the response is a 500 already
        return middleware.cross_origin(request, response, service().config.portal_origin)
    return response


app.register_middleware(middleware.complete, "http")
app.register_middleware(middleware.conditional, "http")

if IN_LAMBDA:  # every invocation uses it, and AWS imports with more CPU than invocations have (decision 35)
    import_module("chalicelib.storage.store")

api = RestApi(app, lambda: service())
api.register_all()
api.reject_other_methods()


@app.on_cw_event({"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Stack Status Change"]})
def stack_changed(event: CloudWatchEvent) -> None:
    """Handle a change of a stack's status."""
    service().events.stack_changed(event.to_dict())


@app.on_cw_event({"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Resource Status Change"]})
def resource_changed(event: CloudWatchEvent) -> None:
    """Handle a change of a stack resource's status."""
    service().events.resource_changed(event.to_dict())


@app.on_cw_event({"source": ["aws.glue"], "detail-type": ["Glue Job State Change"]})
def job_changed(event: CloudWatchEvent) -> None:
    """Handle a change of a Glue job run's state."""
    service().events.job_changed(event.to_dict())


@app.schedule(Rate(1, unit=Rate.MINUTES))
def tick(_event: CloudWatchEvent) -> None:
    """Process every record that is due."""
    service().events.tick(seconds=_TICK_SECONDS)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def deliver(_event: CloudWatchEvent) -> None:
    """Deliver the notices that are due to the operator's topic and to webhooks."""
    service().notices.deliver(seconds=_DELIVER_SECONDS)
