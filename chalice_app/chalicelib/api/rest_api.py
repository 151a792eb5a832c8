"""REST API: registers operations with Chalice and handles their requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalice.app import Chalice, Response
from pydantic import BaseModel

from chalicelib.api import fields, http_request
from chalicelib.api.call import Call, Service
from chalicelib.api.middleware import preflight
from chalicelib.api.operations import Operation, Operations
from chalicelib.api.problems import aws_failure
from chalicelib.api.query_parameters import NoQuery, PageQuery
from chalicelib.api.validation import Check
from chalicelib.aws.errors import AwsError, calling
from chalicelib.errors import MethodNotAllowed, ServiceError

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""Methods of API Gateway: https://docs.aws.amazon.com/apigateway/latest/api/API_PutMethod.html"""


@dataclass(frozen=True)
class RestApi:
    """The routes of a Chalice app. `all` lists the operations behind them."""

    app: Chalice
    service: Callable[[], Service]
    all: list[Operation] = field(default_factory=list)

    def register(self, operations: Operations) -> None:
        """Add a route for each operation. GET includes HEAD."""
        for operation in operations.all:
            self._route(operation)

    def _route(self, operation: Operation) -> None:
        def handle(**path_parameters: str) -> Response:
            return self._handle(operation, path_parameters)

        methods = ["GET", "HEAD"] if operation.method == "GET" else [operation.method]
        # Bodies are checked after authentication, so Chalice must not check content types before.
        self.app.route(operation.path, methods=methods, name=operation.name, content_types=[])(handle)
        self.all.append(operation)

    def reject_other_methods(self) -> None:
        """Answer OPTIONS of every path with the CORS preflight response, and other methods with 405."""
        for path, methods in list(self.app.routes.items()):
            allowed = sorted({*methods, "OPTIONS"})

            def answer_preflight(_allowed: list[str] = allowed, **_: str) -> Response:
                return preflight(_allowed)

            def refuse(_allowed: list[str] = allowed, **_: str) -> Response:
                raise MethodNotAllowed(_allowed)

            others = [method for method in _METHODS if method not in allowed]
            self.app.route(path, methods=["OPTIONS"], name=f"preflight {path}", content_types=[])(
                answer_preflight
            )
            self.app.route(path, methods=others, name=f"refuse {path}", content_types=[])(refuse)

    def _handle(self, operation: Operation, path_parameters: Mapping[str, str]) -> Response:
        """Convert AWS errors: Chalice passes only `ChaliceUnhandledError`s to the middleware."""
        try:
            with calling():
                return self._call(operation, path_parameters)
        except AwsError as error:
            raise aws_failure(error) from error

    def _call(self, operation: Operation, path_parameters: Mapping[str, str]) -> Response:
        request = self.app.current_request
        if request is None:  # for the type checker: Chalice sets it before it calls a view
            raise RuntimeError("no request")
        caller = None
        if not operation.public:
            caller = self.service().authenticator.caller(request.headers.get("authorization"))
        arguments: dict[str, Any] = dict(path_parameters)
        query = http_request.parse_query(request, operation.query or NoQuery)
        chosen = _chosen(operation, query)
        if operation.query:
            arguments["query"] = query
        if operation.body:
            arguments["body"] = http_request.parse_body(request, operation.body, self._check(operation))
        quota = None
        if operation.cost and caller is not None:
            quota = self.service().rate_limits.take(caller.owner, operation.cost)
        limits = quota.headers if quota else {}
        try:
            returned = operation.view(Call(request, operation.route, caller, self.service), **arguments)
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

    def _check(self, operation: Operation) -> Check | None:
        check = operation.invalid_combinations
        return None if check is None else lambda body: check(body, self.service().config.limits)


def _chosen(operation: Operation, query: BaseModel) -> fields.Fields:
    """Return the fields that the query selects from the items of a page, empty for all."""
    page = operation.returns.get(200)
    if not isinstance(query, PageQuery) or query.fields is None or not isinstance(page, type):
        return {}
    return fields.parse(query.fields, page)
