"""self-service terraglue: routes, AWS events and the schedule."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, ConvertToMiddleware, Rate, Request, Response

from chalicelib.api import middleware, openapi, swagger
from chalicelib.api.call import Call
from chalicelib.api.operations import Files, Operations
from chalicelib.api.rest_api import RestApi
from chalicelib.api.routes import (
    cohorts,
    credentials,
    drift,
    environments,
    job_files,
    jobs,
    portal,
    queries,
    tables,
    usage,
)
from chalicelib.api.routes import service as service_routes
from chalicelib.observability import flush_metrics, logger, tracer
from chalicelib.wiring import Once, build

_TICK_SECONDS = 600
_DELIVER_SECONDS = 50

# Chalice would add a handler to the logger of this name, and set its level to ERROR.
app = Chalice(app_name="terraglue", configure_logs=False)

# Chalice knows zip and tar as binary, but not gzip. API Gateway sends other bodies as text.
app.api.binary_types += ["application/gzip", "application/x-gzip"]

service = Once(build)
"""The service, built at the first request of a process."""


app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context), "all")
# Responses contain data of users, and X-Ray loses segments of more than 64 KB.
_traced = partial(tracer.capture_lambda_handler, capture_response=False)
app.register_middleware(ConvertToMiddleware(_traced), "all")


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

api = RestApi(app, lambda: service())
docs = Operations("Service")


@docs.add("GET", "/openapi.json", returns={200: Files(("application/json",))}, public=True)
def get_openapi(call: Call) -> Response:
    """Get the OpenAPI document.

    Describes this API in OpenAPI 3.1. Requires no token.
    """
    return Response(openapi.document(api.all, call.base), headers={"Content-Type": "application/json"})


@docs.add("GET", "/docs", returns={200: Files(("text/html",))}, public=True)
def get_docs(call: Call) -> Response:
    """Get the API reference as a web page.

    Shows the OpenAPI document in Swagger UI. Requires no token.
    """
    return swagger.page(call.base)


@docs.add("GET", "/docs/{name}", returns={200: Files(swagger.MEDIA_TYPES)}, public=True)
def get_docs_file(call: Call, name: str) -> Response:
    """Get a static file of the API reference.

    Returns a script or style sheet of the page at `/docs`. Requires no token.
    """
    return swagger.static_file(name)


for _operations in (
    environments.operations,
    drift.operations,
    cohorts.operations,
    tables.operations,
    queries.operations,
    credentials.operations,
    jobs.operations,
    job_files.operations,
    usage.operations,
    service_routes.operations,
    portal.operations,
    docs,
):
    api.register(_operations)
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
