"""The local API's secret for signing page cursors."""

from __future__ import annotations

import pytest

from local.api import server
from local.aws import clients
from local.setup import bootstrap, roles

IDENTITY = bootstrap.Identity("pool", "client", "https://issuer", "https://issuer/jwks.json")
MADE = roles.ServiceRoles(*["arn:r"] * 6, clients.Credentials("a", "b", "c"))


def key() -> str:
    return server._settings("http://127.0.0.1:1", "us-east-1", IDENTITY, MADE)["CURSOR_KEY"]


def test_the_key_cannot_be_derived_from_public_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CURSOR_KEY", raising=False)
    one, other = key(), key()
    assert one != other
    assert len(bytes.fromhex(one)) == 32


def test_a_restarted_api_keeps_the_key_of_its_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURSOR_KEY", "of this instance")
    assert key() == "of this instance"
