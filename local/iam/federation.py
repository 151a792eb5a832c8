"""AWS's federation endpoint in the emulator: sign-in tokens for sessions, and a page for the console.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
"""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.sts.models import sts_backends

from local.aws.clients import ACCOUNT

PATH = "/federation"
_TOKEN_IS_VALID = timedelta(minutes=15)
_CONSOLES = (".console.aws.amazon.com", ".console.amazonaws.cn", ".console.amazonaws-us-gov.com")


class Federation:
    """Serves the federation endpoint, and everything else with another application."""

    def __init__(self, application: WSGIApplication, clock: Callable[[], datetime] | None = None) -> None:
        self._application = application
        self._clock = clock or (lambda: datetime.now(UTC))
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") != PATH:
            return self._application(environ, start_response)
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        actions = {"getSigninToken": self._sign_in_token, "login": self._login}
        status, kind, body = actions.get(query.get("Action", ""), _unknown)(query)
        headers = [
            ("Content-Type", kind),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response(status, headers)
        return [body.encode()]

    def _sign_in_token(self, query: dict[str, str]) -> tuple[str, str, str]:
        # The session of a chained role must not have SessionDuration (`chalicelib/aws/federation.py`). Every
        # role here is assumed by another.
        session = None if "SessionDuration" in query else _session(query.get("Session", ""))
        if session is None:
            return "400 Bad Request", "text/plain", "Invalid session"
        token = secrets.token_urlsafe(32)
        self._tokens[token] = session, self._clock() + _TOKEN_IS_VALID
        return "200 OK", "application/json", json.dumps({"SigninToken": token})

    def _login(self, query: dict[str, str]) -> tuple[str, str, str]:
        session, until = self._tokens.get(
            query.get("SigninToken", ""), ("", datetime.min.replace(tzinfo=UTC))
        )
        destination = query.get("Destination", "")
        is_console = (urlsplit(destination).hostname or "").endswith(_CONSOLES)
        if until <= self._clock() or not is_console:
            return "400 Bad Request", "text/plain", "The sign-in link is invalid or expired"
        return (
            "200 OK",
            "text/html; charset=utf-8",
            _PAGE.format(session=html.escape(session), destination=html.escape(destination)),
        )


_PAGE = """<!doctype html>
<html lang="en"><title>AWS console</title>
<h1>Signed in</h1>
<p>You are <code>{session}</code>. In AWS, this link opens <code>{destination}</code>.</p>
<p>The local AWS emulator has no console. Use the AWS CLI or boto3 instead.</p>
</html>
"""


def _unknown(_: dict[str, str]) -> tuple[str, str, str]:
    return "400 Bad Request", "text/plain", "Action must be getSigninToken or login"


def _session(text: str) -> str | None:
    """Return the ARN of the session with these credentials, or None."""
    try:
        given = json.loads(text)
        key, secret, token = given["sessionId"], given["sessionKey"], given["sessionToken"]
    except (ValueError, KeyError, TypeError):
        return None
    for session in list(sts_backends[ACCOUNT]["aws"].assumed_roles):
        known = session.access_key_id, session.secret_access_key, session.session_token
        if known == (key, secret, token):
            return str(session.arn)
    return None
