"""Portal: the web page at `/`, served from the files that `make portal` builds of `portal/`.

The page loads nothing from other hosts, and sends requests only to this API and to the identity provider's
token endpoint.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from chalice.app import Response

from chalicelib.domain.sign_in import SignIn
from chalicelib.errors import NotFound

_FOLDER = Path(__file__).parent.parent / "portal"
_HEAD = "<head>"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Media types of assets. All of them are text, which API Gateway compresses and never needs as base64."""
MEDIA_TYPES = tuple(sorted(_TYPES.values()))


def policy(urls: Iterable[str] = ()) -> str:
    """Return the Content-Security-Policy of the page, which may send requests to the origins of `urls`."""
    return f"{meta_policy(urls)}; frame-ancestors 'none'"


def meta_policy(urls: Iterable[str]) -> str:
    """Return the part of the policy that browsers accept in a <meta> element."""
    origins = "".join(f" {origin}" for origin in dict.fromkeys(map(_origin, urls)))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'{origins}; base-uri 'self'; form-action 'none'"
    )


def with_element(page: str, element: str) -> str:
    """Return the page with an element at the beginning of its head."""
    return page.replace(_HEAD, f"{_HEAD}\n    {element}", 1)


def page(base: str, sign_in: SignIn | None, folder: Path = _FOLDER) -> Response:
    """Return the page. `base` is the part of the URL's path before the route.

    API Gateway also serves the page at the URL of a stage without a slash at its end. The page's URLs are
    relative, so a `<base>` element states what they are relative to.
    """
    path = f"/{base.strip('/')}/".replace("//", "/")
    element = f'<base href="{html.escape(path)}" />'
    text = with_element(_read(folder / "index.html"), element)
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy([sign_in.token_endpoint] if sign_in else []),
        "Cache-Control": "no-cache",
    }
    return Response(text, headers=headers)


def asset(name: str, folder: Path = _FOLDER) -> Response:
    """Return a file of the page. Raise `NotFound` if it has no such file.

    The names contain a hash of the content, so browsers need not ask again.
    """
    media_type = _TYPES.get(Path(name).suffix)
    if media_type is None or name not in {file.name for file in folder.glob("assets/*")}:
        raise NotFound("The page has no such file.")
    headers: dict[str, str | list[str]] = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable",
    }
    return Response(_read(folder / "assets" / name), headers=headers)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(
            "The portal has not been built: run `make portal`. The API does not need it."
        ) from error


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
