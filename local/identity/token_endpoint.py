"""Token endpoint: codes and refresh tokens for tokens.

https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from werkzeug.wrappers import Request, Response

from local.identity.authorization import Codes
from local.identity.pages import origin
from local.identity.pool import AppClient, Refused


def respond(request: Request, region: str, codes: Codes) -> Response:
    """Return the tokens for a code or a refresh token, or the error."""
    try:
        status, body = 200, _tokens(request, region, codes)
    except Refused as refused:
        status, body = refused.status, {"error": refused.error}
    return Response(json.dumps(body), status, content_type="application/json")


def allow_origin(request: Request, response: Response, region: str) -> None:
    """Let pages at the registered URLs of app clients read a response (CORS). Cookies are not sent."""
    response.headers.add("Vary", "Origin")
    sender = request.headers.get("Origin", "")
    if sender in {origin(url) for client in AppClient.all(region) for url in client.urls("CallbackURLs")}:
        response.headers["Access-Control-Allow-Origin"] = sender
        response.headers["Access-Control-Allow-Methods"] = "POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"


def _tokens(request: Request, region: str, codes: Codes) -> dict[str, Any]:
    form = request.form
    if any(len(values) > 1 for values in form.listvalues()):
        raise Refused("invalid_request")
    basic = request.authorization
    named = (basic.username if basic is not None and basic.type == "basic" else "") or ""
    client = AppClient.find(region, form.get("client_id", named))
    if client is None or (named and client.id != named):
        raise Refused("invalid_client")
    grant_type = form.get("grant_type")
    if grant_type == "authorization_code":
        return _of_code(client, form.to_dict(), codes)
    if grant_type == "refresh_token":
        if "refresh_token" not in form:
            raise Refused("invalid_request")
        return client.renewed(form["refresh_token"])
    raise Refused("unsupported_grant_type" if grant_type else "invalid_request")


def _of_code(client: AppClient, form: dict[str, str], codes: Codes) -> dict[str, Any]:
    if "code" not in form or "redirect_uri" not in form:
        raise Refused("invalid_request")
    grant = codes.use(form["code"])
    if grant is None:
        raise Refused("invalid_grant")
    asked = grant.authorization
    is_bound = asked.client.id == client.id and asked.redirect_uri == form["redirect_uri"]
    if not is_bound or not _is_verified(asked.challenge, form.get("code_verifier")):
        raise Refused("invalid_grant")
    return client.tokens(grant.name, asked.nonce)


def _is_verified(challenge: str | None, verifier: str | None) -> bool:
    """Return whether a verifier proves who asked for the code (RFC 7636, section 4.6)."""
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).decode().rstrip("="), challenge)
