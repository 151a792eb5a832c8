"""Authorization requests: validation, errors, and the codes that answer them (RFC 6749, 4.1)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from werkzeug.wrappers import Request, Response

from local.identity import pages
from local.identity.pool import AppClient

_CODE_IS_VALID = timedelta(minutes=5)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PARAMETERS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "prompt",
    "login_hint",
)


class Answered(Exception):
    """The request has no other answer than this one."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True)
class Authorization:
    """A valid authorization request. `challenge` is the one of PKCE (RFC 7636)."""

    client: AppClient
    redirect_uri: str
    state: str | None
    nonce: str | None
    challenge: str | None
    prompt: str
    login_hint: str

    def answer(self, **parameters: str) -> Response:
        """Return the redirect that sends the user back to the client."""
        if self.state is not None:
            parameters["state"] = self.state
        separator = "&" if urlsplit(self.redirect_uri).query else "?"
        return redirect(f"{self.redirect_uri}{separator}{urlencode(parameters)}")


def parse(request: Request, region: str) -> Authorization:
    """Return the authorization request of a query. Raises `Answered` if it is invalid.

    Errors go to the client, except for those of the client itself and of its URL. Those are shown, so that
    this endpoint redirects to registered URLs only.
    """
    sent = request.args
    client = AppClient.find(region, sent.get("client_id", ""))
    if client is None:
        text = "The app client does not exist: the emulator has started again. Open the portal again."
        raise Answered(pages.failed("invalid_client", text))
    redirect_uri = sent.get("redirect_uri", "")
    if redirect_uri not in client.urls("CallbackURLs"):
        text = (
            f"The app client does not allow to return to {redirect_uri[:200] or 'no URL'}. "
            "Open the portal at the address that the start of the product prints."
        )
        raise Answered(pages.failed("redirect_mismatch", text))
    authorization = Authorization(
        client=client,
        redirect_uri=redirect_uri,
        state=sent.get("state"),
        nonce=sent.get("nonce"),
        challenge=sent.get("code_challenge"),
        prompt=sent.get("prompt", ""),
        login_hint=sent.get("login_hint", "")[:128],
    )
    for error, text, is_valid in (
        (
            "invalid_request",
            "A parameter is repeated.",
            all(len(sent.getlist(name)) < 2 for name in (*_PARAMETERS, "code_challenge")),
        ),
        ("unsupported_response_type", "response_type must be code.", sent.get("response_type") == "code"),
        ("invalid_scope", "A scope is not allowed.", client.allows(sent.get("scope", "openid").split())),
        (
            "invalid_request",
            "code_challenge must be a SHA-256 hash in base64url, and code_challenge_method S256.",
            (sent.get("code_challenge_method") == "S256" and _CHALLENGE.fullmatch(sent["code_challenge"]))
            if "code_challenge" in sent
            else "code_challenge_method" not in sent,
        ),
    ):
        if not is_valid:
            raise Answered(authorization.answer(error=error, error_description=text))
    return authorization


@dataclass(frozen=True)
class Grant:
    """What a code stands for: the request that it answers, and the user who signed in."""

    authorization: Authorization
    name: str


class Codes:
    """Authorization codes. Each can be used once, within five minutes."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._grants: dict[str, tuple[Grant, datetime]] = {}

    def issue(self, grant: Grant) -> str:
        """Return a new code."""
        now = self._clock()
        for code, (_, until) in list(self._grants.items()):
            if until <= now:
                self._grants.pop(code, None)
        code = secrets.token_urlsafe(32)
        self._grants[code] = grant, now + _CODE_IS_VALID
        return code

    def use(self, code: str) -> Grant | None:
        """Return what a code stands for, once, or None. A failed attempt also uses the code."""
        grant, until = self._grants.pop(code, (None, self._clock()))
        return grant if until > self._clock() else None


def redirect(url: str) -> Response:
    """Return a redirect after which the browser sends a GET request."""
    return Response(status=303, headers={"Location": url})
