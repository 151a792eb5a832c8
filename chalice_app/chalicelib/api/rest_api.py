"""REST API: registers the operations of `routes` with Chalice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalice.app import Chalice, Response

from chalicelib.api.middleware import preflight
from chalicelib.api.routes import MODULES, all_operations
from chalicelib.errors import MethodNotAllowed
from chalicelib.lazy import imported

if TYPE_CHECKING:
    from chalicelib.api.call import Service
    from chalicelib.api.operations import Operation

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""Methods of API Gateway: https://docs.aws.amazon.com/apigateway/latest/api/API_PutMethod.html"""

_handle = imported("chalicelib.api.handling", "handle")


@dataclass(frozen=True)
class RestApi:
    """The routes of a Chalice app."""

    app: Chalice
    service: Callable[[], Service]

    @property
    def all(self) -> list[Operation]:
        """Return all operations, which imports their modules."""
        return all_operations()

    def register_all(self) -> None:
        """Add a route for each operation. GET includes HEAD."""
        for module, routes in MODULES.items():
            for route in routes:
                self._add(module, route)

    def _add(self, module: str, route: str) -> None:
        def view(**path_parameters: str) -> Response:
            response: Response = _handle(
                module, route, self.app.current_request, self.service, path_parameters
            )
            return response

        method, _, path = route.partition(" ")
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        # Bodies are checked after authentication, so Chalice must not check content types before.
        self.app.route(path, methods=methods, name=route, content_types=[])(view)

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
