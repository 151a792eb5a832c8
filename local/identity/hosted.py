"""Hosted sign-in and OAuth 2.0 endpoints of a user pool's domain, in front of the emulator.

Authorization code grant with PKCE, and refresh tokens. The sign-in needs no password. As in Cognito, a
cookie keeps the user signed in for an hour, codes are valid for five minutes, and users return to registered
URLs only.

- https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html
- https://docs.aws.amazon.com/cognito/latest/developerguide/login-endpoint.html
- https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
- https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
- https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html (openid-configuration)
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from local.identity import pages, token_endpoint
from local.identity.authorization import Answered, Authorization, Codes, Grant, parse, redirect
from local.identity.pool import AppClient, is_user_name
from local.identity.registration import SCOPES

_CONFIGURATION = "/.well-known/openid-configuration"
_SESSION_IS_VALID = timedelta(hours=1)
_MOST_FORM_BYTES = 65_536


class HostedSignIn:
    """Serves the endpoints of the user pool's domain, and everything else with another application."""

    def __init__(
        self, application: WSGIApplication, region: str, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._application = application
        self._region = region
        self._clock = clock or (lambda: datetime.now(UTC))
        self._codes = Codes(self._clock)
        self._sessions: dict[str, tuple[str, datetime]] = {}
        self._views: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "/oauth2/authorize"): self._authorize,
            ("GET", "/login"): self._show_sign_in,
            ("POST", "/login"): self._sign_in,
            ("POST", "/oauth2/token"): self._token,
            ("OPTIONS", "/oauth2/token"): self._preflight,
            ("HEAD", "/oauth2/token"): self._preflight,
            ("GET", "/logout"): self._sign_out,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        view = self._views.get((method, path))
        if method == "GET" and path.endswith(_CONFIGURATION):
            view = self._configuration
        # A signed request is one for S3, whose paths begin with the name of a bucket.
        if view is None or environ.get("HTTP_AUTHORIZATION", "").startswith("AWS"):
            return self._application(environ, start_response)
        request = Request(environ)
        request.max_content_length = _MOST_FORM_BYTES
        try:
            response = view(request)
        except Answered as answered:
            response = answered.response
        except HTTPException as error:
            response = Response(error.name, error.code)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"  # with no-referrer, forms would have no Origin
        return response(environ, start_response)

    def _authorize(self, request: Request) -> Response:
        authorization = parse(request, self._region)
        name, until = self._sessions.get(_cookie(request), ("", self._clock()))
        if until > self._clock() and authorization.prompt != "login":
            return self._grant(authorization, name)
        if authorization.prompt == "none":
            return authorization.answer(error="login_required")
        return redirect(f"/login?{_query(request)}")

    def _show_sign_in(self, request: Request) -> Response:
        authorization = parse(request, self._region)
        return pages.sign_in(_query(request), authorization.redirect_uri, name=authorization.login_hint)

    def _sign_in(self, request: Request) -> Response:
        authorization = parse(request, self._region)
        own = request.host_url.rstrip("/")
        if request.headers.get("Origin", own) != own:
            raise Answered(
                pages.failed("invalid_request", "Another page sent this form. Open the portal again.")
            )
        if "cancel" in request.form:
            return authorization.answer(error="access_denied", error_description="The sign-in was cancelled.")
        name = request.form.get("username", "").strip()
        if not is_user_name(name):
            text = "A name has 1 to 128 letters, digits, symbols or punctuation marks, and no spaces."
            return pages.sign_in(_query(request), authorization.redirect_uri, name=name[:128], error=text)
        authorization.client.ensure_user(name)
        self._end_session(request)
        session = secrets.token_urlsafe(32)
        self._sessions[session] = name, self._clock() + _SESSION_IS_VALID
        response = self._grant(authorization, name)
        response.set_cookie(
            _cookie_name(request), session, max_age=_SESSION_IS_VALID, httponly=True, samesite="Lax"
        )
        return response

    def _grant(self, authorization: Authorization, name: str) -> Response:
        return authorization.answer(code=self._codes.issue(Grant(authorization, name)))

    def _end_session(self, request: Request) -> None:
        self._sessions.pop(_cookie(request), None)
        for session, (_, until) in list(self._sessions.items()):
            if until <= self._clock():
                self._sessions.pop(session, None)

    def _sign_out(self, request: Request) -> Response:
        self._end_session(request)
        response = self._after_sign_out(request)
        response.delete_cookie(_cookie_name(request), httponly=True, samesite="Lax")
        return response

    def _after_sign_out(self, request: Request) -> Response:
        """Return to a registered URL of the client, or to its sign-in page."""
        client = AppClient.find(self._region, request.args.get("client_id", ""))
        if client is not None and request.args.get("logout_uri") in client.urls("LogoutURLs"):
            return redirect(request.args["logout_uri"])
        if client is not None and request.args.get("redirect_uri") in client.urls("CallbackURLs"):
            return redirect(f"/login?{_query(request)}")
        return pages.failed(
            "redirect_mismatch", "You are signed out. The app client has no such page to return to."
        )

    def _token(self, request: Request) -> Response:
        response = token_endpoint.respond(request, self._region, self._codes)
        token_endpoint.allow_origin(request, response, self._region)
        return response

    def _preflight(self, request: Request) -> Response:
        response = Response(status=204)
        token_endpoint.allow_origin(request, response, self._region)
        return response

    def _configuration(self, request: Request) -> Response:
        """Return the OpenID Connect discovery document of a pool; without its ID, of the only one."""
        pool_id = request.path.removesuffix(_CONFIGURATION).strip("/")
        ids = {client.pool.id for client in AppClient.all(self._region)}
        if not pool_id and len(ids) == 1:
            [pool_id] = ids
        if pool_id not in ids:
            return Response("There is no such user pool.", 404)
        own = request.host_url.rstrip("/")
        document = {
            "issuer": f"https://cognito-idp.{self._region}.amazonaws.com/{pool_id}",
            "authorization_endpoint": f"{own}/oauth2/authorize",
            "token_endpoint": f"{own}/oauth2/token",
            "end_session_endpoint": f"{own}/logout",
            "jwks_uri": f"{own}/{pool_id}/.well-known/jwks.json",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": list(SCOPES),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return Response(json.dumps(document), content_type="application/json")


def _cookie_name(request: Request) -> str:
    """Return the name of the session cookie. It has the port, which browsers ignore."""
    return f"cognito-{request.environ['SERVER_PORT']}"


def _cookie(request: Request) -> str:
    return request.cookies.get(_cookie_name(request), "")


def _query(request: Request) -> str:
    """Return the query of a request, encoded anew."""
    return urlencode(list(request.args.items(multi=True)))
