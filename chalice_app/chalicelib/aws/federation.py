"""AWS's federation endpoint: exchanges temporary credentials for a link that signs in to the console.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from http.client import HTTPMessage

    from chalicelib.aws.sandbox_credentials import Credentials

_ENDPOINTS = {
    "aws": "https://signin.aws.amazon.com/federation",
    "aws-cn": "https://signin.amazonaws.cn/federation",
    "aws-us-gov": "https://signin.amazonaws-us-gov.com/federation",
}
_ISSUER = "self-service-terraglue"
_TIMEOUT_SECONDS = 4
_LARGEST_BYTES = 64 * 1024

Fetch = Callable[[str], bytes]


class SignInUnavailable(Exception):
    """AWS returned no sign-in token. The message says why, without the credentials."""


class Federation:
    """Makes sign-in links. `url` replaces the endpoint of the partition."""

    def __init__(self, partition: str, url: str = "", *, fetch: Fetch | None = None) -> None:
        self._url = url or _ENDPOINTS.get(partition, "")
        self._fetch = fetch or _get

    def sign_in_url(self, credentials: Credentials, destination: str) -> str:
        """Return a link that opens `destination` with the credentials. It is valid for 15 minutes.

        The request has no SessionDuration, which the endpoint refuses for sessions of chained roles: AWS does
        not document this, others saw it (https://github.com/synfinatic/aws-sso-cli/pull/1247). Raises
        `SignInUnavailable`.
        """
        if not self._url:
            raise SignInUnavailable("AWS has no console sign-in for this partition.")
        session = {
            "sessionId": credentials.access_key_id,
            "sessionKey": credentials.secret_access_key,
            "sessionToken": credentials.session_token,
        }
        query = urlencode({"Action": "getSigninToken", "Session": json.dumps(session)})
        token = self._token(f"{self._url}?{query}")
        login = {"Action": "login", "Issuer": _ISSUER, "Destination": destination, "SigninToken": token}
        return f"{self._url}?{urlencode(login)}"

    def _token(self, url: str) -> str:
        # The URL and an error that contains it have the credentials: neither is logged or chained.
        try:
            answer = json.loads(self._fetch(url))
        except (OSError, ValueError) as error:
            status = getattr(error, "code", None)
            why = f"HTTP status {status}" if isinstance(status, int) else type(error).__name__
            raise SignInUnavailable(f"The AWS sign-in endpoint gave no token: {why}.") from None
        token = answer.get("SigninToken") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise SignInUnavailable("The AWS sign-in endpoint gave no token: unexpected response.")
        return token


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects, because they would send the credentials to another address."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def _get(url: str) -> bytes:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError("the federation endpoint must be https")
    with urllib.request.build_opener(_NoRedirect).open(url, timeout=_TIMEOUT_SECONDS) as response:
        body: bytes = response.read(_LARGEST_BYTES)
    return body
