"""Handling of a request: authentication, validation, the caller's limit, the view, and AWS errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Request, Response
from pydantic import BaseModel

from chalicelib.api import fields, parsing, routes
from chalicelib.api.aws_failures import aws_failure
from chalicelib.api.call import Call, Service
from chalicelib.api.operations import Operation
from chalicelib.api.query_parameters import NoQuery, PageQuery
from chalicelib.api.validation import Check
from chalicelib.aws.errors import AwsError, calling
from chalicelib.errors import ServiceError

GetService = Callable[[], Service]


def handle(
    module: str, route: str, request: Request, service: GetService, path_parameters: Mapping[str, str]
) -> Response:
    """Return the response of the operation that a module of `routes` declares for method and path.

    Converts AWS errors: Chalice passes only `ChaliceUnhandledError`s to the middleware.
    """
    [operation] = [found for found in routes.declared(module) if found.route == route]
    try:
        with calling():
            return _response(operation, request, service, path_parameters)
    except AwsError as error:
        raise aws_failure(error) from error


def _response(
    operation: Operation, request: Request, service: GetService, path_parameters: Mapping[str, str]
) -> Response:
    caller = None
    if not operation.public:
        caller = service().authenticator.caller(request.headers.get("authorization"))
    arguments: dict[str, Any] = dict(path_parameters)
    query = parsing.parse_query(request, operation.query or NoQuery)
    chosen = _chosen(operation, query)
    if operation.query:
        arguments["query"] = query
    if operation.body:
        arguments["body"] = parsing.parse_body(request, operation.body, _check(operation, service))
    quota = None
    if operation.cost and caller is not None:
        quota = service().rate_limits.take(caller.owner, operation.cost)
    limits = quota.headers if quota else {}
    try:
        returned = operation.view(Call(request, operation.route, caller, service), **arguments)
    except ServiceError as error:
        error.headers.update(limits)
        raise
    if isinstance(returned, BaseModel):
        status = next(iter(operation.returns))
        returned = Response(returned.model_dump(mode="json"), status_code=status)
    response: Response = returned
    response.headers.update(limits)
    if chosen and isinstance(response.body, dict):
        response.body = fields.selected(response.body, chosen)
    return response


def _check(operation: Operation, service: GetService) -> Check | None:
    check = operation.invalid_combinations
    return None if check is None else lambda body: check(body, service().config.limits)


def _chosen(operation: Operation, query: BaseModel) -> fields.Fields:
    """Return the fields that the query selects from the items of a page, empty for all."""
    page = operation.returns.get(200)
    if not isinstance(query, PageQuery) or query.fields is None or not isinstance(page, type):
        return {}
    return fields.parse(query.fields, page)
