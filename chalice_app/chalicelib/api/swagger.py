"""Swagger UI at `/docs`, served from the files in powertools: the page loads nothing from other hosts.

Its scripts are files of the same origin, so its Content-Security-Policy allows no inline scripts.
"""

from __future__ import annotations

from pathlib import Path

import aws_lambda_powertools
from chalice.app import Response

from chalicelib.errors import NotFound

# A path: `importlib.resources` would import the package, and with it powertools' models of OpenAPI.
_FOLDER = Path(aws_lambda_powertools.__file__).parent / "event_handler/openapi/swagger_ui"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>self-service terraglue: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{base}/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{base}/docs/swagger-ui.js"></script>
<script src="{base}/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: document.currentScript.src.replace("docs/start.js", "openapi.json"),
  dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: false,
  validatorUrl: null, tryItOutEnabled: true, displayRequestDuration: true
});
"""
_FILES = {
    "swagger-ui.js": ("text/javascript", "swagger-ui-bundle.min.js"),
    "swagger-ui.css": ("text/css", "swagger-ui.min.css"),
    "start.js": ("text/javascript", None),
}
MEDIA_TYPES = tuple(sorted({media_type for media_type, _ in _FILES.values()}))


def page(base: str) -> Response:
    """Return the page. `base` is the part of the URL's path before the route."""
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-cache",
    }
    return Response(_PAGE.replace("{base}", base), headers=headers)


def static_file(name: str) -> Response:
    """Return a static file of the page. Raise `NotFound` if it has no such file."""
    if name not in _FILES:
        raise NotFound("The page has no such file.")
    media_type, file = _FILES[name]
    text = (_FOLDER / file).read_text(encoding="utf-8") if file else _START
    headers: dict[str, str | list[str]] = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Cache-Control": "public, max-age=3600",
    }
    return Response(text, headers=headers)
