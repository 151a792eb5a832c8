"""API reference: the OpenAPI document, and the page that shows it."""

from __future__ import annotations

from chalice.app import Response

from chalicelib.api import openapi, swagger
from chalicelib.api.call import Call
from chalicelib.api.operations import Files, Operations
from chalicelib.api.routes import all_operations

operations = Operations("Service")


@operations.add("GET", "/openapi.json", returns={200: Files(("application/json",))}, public=True)
def get_openapi(call: Call) -> Response:
    """Get the OpenAPI document.

    Describes this API in OpenAPI 3.1. Requires no token.
    """
    return Response(
        openapi.document(all_operations(), call.base), headers={"Content-Type": "application/json"}
    )


@operations.add("GET", "/docs", returns={200: Files(("text/html",))}, public=True)
def get_docs(call: Call) -> Response:
    """Get the API reference as a web page.

    Shows the OpenAPI document in Swagger UI. Requires no token.
    """
    return swagger.page(call.base)


@operations.add("GET", "/docs/{name}", returns={200: Files(swagger.MEDIA_TYPES)}, public=True)
def get_docs_file(call: Call, name: str) -> Response:
    """Get a static file of the API reference.

    Returns a script or style sheet of the page at `/docs`. Requires no token.
    """
    return swagger.static_file(name)
