"""Check of the OIDC issuer before a deployment: a wrong one makes the API reject every token."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deploy import http
from deploy.errors import DeploymentError

_DISCOVERY = "/.well-known/openid-configuration"


def check(parameters: Mapping[str, str], send: http.Send = http.send) -> None:
    """Check Issuer and JwksUri against the issuer's discovery document. Raise `DeploymentError`.

    The audience cannot be checked: no discovery document contains it.
    https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
    """
    issuer = parameters["Issuer"]
    document = _get(issuer.rstrip("/") + _DISCOVERY, "ISSUER", send)
    found = document.get("issuer")
    if found != issuer:
        raise DeploymentError(
            f"ISSUER={issuer} is not the issuer of its discovery document, which is {found!r}. "
            "Tokens contain that one, and the service compares every character. Correct ISSUER."
        )
    used = parameters.get("JwksUri") or f"{issuer.rstrip('/')}/.well-known/jwks.json"
    published = document.get("jwks_uri")
    if used != published and not parameters.get("JwksUri"):
        if not isinstance(published, str) or not re.fullmatch(r"https://[!-~]{1,2000}", published):
            raise DeploymentError(f"{issuer} does not publish where its keys are. Set JWKS_URI to their URL.")
        raise DeploymentError(f"The issuer publishes its keys at another URL. Set JWKS_URI={published}")
    keys = _get(used, "JWKS_URI", send).get("keys")
    usable = [key for key in keys if _signs(key)] if isinstance(keys, list) else []
    if not usable:
        raise DeploymentError(
            f"{used} has no key for RS256 or ES256, and the service accepts no other signatures. "
            "Choose one of them at the issuer, or correct JWKS_URI."
        )


def _get(url: str, key: str, send: http.Send) -> Mapping[str, object]:
    try:
        response = send("GET", url)
    except http.Unreachable as error:
        raise DeploymentError(f"{error}. Check {key}.") from error
    document = response.json()
    if response.status != 200 or not isinstance(document, dict):
        raise DeploymentError(f"{url} answers {response.status} and no JSON object. Check {key}.")
    return document


def _signs(key: object) -> bool:
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return False
    return key.get("kty") == "RSA" or (key.get("kty"), key.get("crv")) == ("EC", "P-256")
