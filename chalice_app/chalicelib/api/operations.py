"""The operations of the API: what a view takes, gives and refuses, said once.

What is said here is what validates a request before its view is called, and what `/openapi.json` tells. A
view's parameters `query` and `body` are validated by the models of their annotations; path parameters come as
texts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from chalice.app import Chalice, Request, Response
from pydantic import BaseModel

from chalicelib.api import http
from chalicelib.api.queries import NoQuery
from chalicelib.aws.errors import AwsError, calling
from chalicelib.domain.caller import Caller
from chalicelib.errors import MethodNotAllowed, ServiceError
from chalicelib.services.idempotency import IdempotentRequest, checked_key, fingerprint

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""Those that API Gateway knows: https://docs.aws.amazon.com/apigateway/latest/api/API_PutMethod.html"""


@dataclass(frozen=True)
class Files:
    """An answer that is a file, of one of these media types."""

    media_types: tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """One method of one path. `gives` says what the statuses of success come with."""

    method: str
    path: str
    name: str
    words: str
    tag: str
    gives: Mapping[int, type[BaseModel] | Files]
    errors: tuple[type[ServiceError], ...]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    upload: bool = False
    public: bool = False
    idempotent: bool = False
    links: tuple[str, ...] = ()
    invalid_combinations: http.CombinationCheck | None = None


@dataclass(frozen=True)
class Call:
    """One request, as its view sees it."""

    request: Request
    by: Caller | None
    operation: Operation

    @property
    def caller(self) -> Caller:
        """Who is calling; not for public operations."""
        if self.by is None:
            raise RuntimeError(f"{self.operation.name} is public: nobody has proved who they are")
        return self.by

    @property
    def base(self) -> str:
        """What comes before the routes in the caller's URL."""
        return http.base_path(self.request)

    @property
    def request_id(self) -> str:
        """The id of the request."""
        return http.request_id_of(self.request)

    def idempotent(self, body: BaseModel | None = None) -> IdempotentRequest:
        """Return the request with its Idempotency-Key and the fingerprint of route, path and body."""
        key = checked_key(self.request.headers.get("idempotency-key"))
        route = f"{self.operation.method} {self.operation.path}"
        sent = http.raw_body(self.request).decode("latin-1") if body is None else body.model_dump(mode="json")
        digest = fingerprint(route, [self.request.uri_params, sent])
        return IdempotentRequest(self.caller, self.request_id, key, digest)


@dataclass(frozen=True)
class Operations:
    """Registers views with Chalice; `caller` finds out who calls."""

    app: Chalice
    caller: Callable[[Request], Caller]
    all: list[Operation] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        *,
        tag: str,
        gives: Mapping[int, type[BaseModel] | Files],
        errors: tuple[type[ServiceError], ...] = (),
        name: str | None = None,
        upload: bool = False,
        public: bool = False,
        idempotent: bool = False,
        links: tuple[str, ...] = (),
        invalid_combinations: http.CombinationCheck | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorates a view: `view(call, **path parameters, [query], [body])`.

        It gives a model, which is answered with the first status of `gives`, or a Response. Its docstring is
        what the document says of it; the operation's id is its name, or `name`. `invalid_combinations` checks
        the body's fields together; what it finds is returned with the fields that are invalid alone.
        """

        def register(view: Callable[..., Any]) -> Callable[..., Any]:
            hints = get_type_hints(view)
            operation = Operation(
                method,
                path,
                name or view.__name__,
                inspect.getdoc(view) or "",
                tag,
                gives,
                errors,
                hints.get("query"),
                hints.get("body"),
                upload,
                public,
                idempotent,
                links,
                invalid_combinations,
            )
            self.all.append(operation)

            def handle(**path_parameters: str) -> Response:
                return self._handle(operation, view, path_parameters)

            methods = ["GET", "HEAD"] if method == "GET" else [method]
            # The views look at the content type themselves, after they know who is calling.
            self.app.route(path, methods=methods, name=operation.name, content_types=[])(handle)
            return view

        return register

    def refuse_the_rest(self) -> None:
        """Answer every other method of the paths: browsers that ask with OPTIONS, and 405."""
        for path, methods in list(self.app.routes.items()):
            allowed = sorted({*methods, "OPTIONS"})

            def preflight(_allowed: list[str] = allowed, **_: str) -> Response:
                return http.preflight(_allowed)

            def refuse(_allowed: list[str] = allowed, **_: str) -> Response:
                raise MethodNotAllowed(_allowed)

            others = [method for method in _METHODS if method not in allowed]
            self.app.route(path, methods=["OPTIONS"], name=f"preflight {path}", content_types=[])(preflight)
            self.app.route(path, methods=others, name=f"refuse {path}", content_types=[])(refuse)

    def _handle(
        self, operation: Operation, view: Callable[..., Any], path_parameters: Mapping[str, str]
    ) -> Response:
        """Chalice hands only `ChaliceUnhandledError`s on to the middleware: AWS's become such ones here."""
        try:
            with calling():
                return self._called(operation, view, path_parameters)
        except AwsError as error:
            raise http.aws_failure(error) from error

    def _called(
        self, operation: Operation, view: Callable[..., Any], path_parameters: Mapping[str, str]
    ) -> Response:
        request = self.app.current_request
        if request is None:  # for the type checker: inside a view there is one
            raise RuntimeError("no request")
        call = Call(request, None if operation.public else self.caller(request), operation)
        given: dict[str, Any] = dict(path_parameters)
        query = http.query(request, operation.query or NoQuery)
        if operation.query:
            given["query"] = query
        if operation.body:
            given["body"] = http.body(request, operation.body, operation.invalid_combinations)
        answer = view(call, **given)
        if isinstance(answer, BaseModel):
            return Response(answer.model_dump(mode="json"), status_code=next(iter(operation.gives)))
        response: Response = answer
        return response
