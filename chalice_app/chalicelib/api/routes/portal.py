"""Portal: the web page, its files and its configuration."""

from __future__ import annotations

from dataclasses import asdict

from chalice.app import Response

from chalicelib.api import portal, responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Files, Operations
from chalicelib.api.query_parameters import AnyQuery
from chalicelib.errors import NotFound

operations = Operations("Service")


@operations.add("GET", "/", returns={200: Files(("text/html",))}, errors=(NotFound,), public=True)
def get_portal(call: Call, query: AnyQuery) -> Response:
    """Get the portal, a web page.

    Uses this API with the user's token. Ignores query parameters, which are those of the OIDC provider when
    a user returns from its sign-in page. Requires no token.
    """
    return portal.page(call.base, call.service.config.sign_in)


@operations.add("GET", "/assets/{name}", returns={200: Files(portal.MEDIA_TYPES)}, public=True)
def get_portal_file(call: Call, name: str) -> Response:
    """Get a static file of the portal.

    Returns a script, style sheet or image of the page at `/`. Requires no token.
    """
    return portal.asset(name)


@operations.add("GET", "/config.json", returns={200: responses.PortalConfig}, public=True)
def get_portal_config(call: Call) -> responses.PortalConfig:
    """Get the configuration of the portal.

    Returns how users sign in. Requires no token.
    """
    config = call.service.config
    sign_in = config.sign_in
    if sign_in is None:
        return responses.PortalConfig(api=None, sign_in=None)
    client = responses.PortalSignIn(issuer=config.issuer, **asdict(sign_in))
    return responses.PortalConfig(api=None, sign_in=client)
