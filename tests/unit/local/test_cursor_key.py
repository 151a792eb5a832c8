"""The local API's secret for signing page cursors."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.api import server
from local.aws import clients
from local.setup import bootstrap

IDENTITY = bootstrap.Identity("pool", "client", "https://issuer", "https://issuer/jwks.json")
OPTIONS = server.ApiOptions(0, "http://127.0.0.1:1", "us-east-1", Path("ready"), None, watch_stdin=False)


def key() -> str:
    made = dict.fromkeys(bootstrap._ROLES, "arn:r")
    return server._settings(OPTIONS, IDENTITY, made, "arn:s", clients.Credentials("a", "b", "c"))[
        "CURSOR_KEY"
    ]


def test_the_key_cannot_be_derived_from_public_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CURSOR_KEY", raising=False)
    one, other = key(), key()
    assert one != other
    assert len(bytes.fromhex(one)) == 32


def test_a_restarted_api_keeps_the_key_of_its_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURSOR_KEY", "of this instance")
    assert key() == "of this instance"
