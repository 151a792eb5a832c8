"""The portal for another static host, as `make static-portal` writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy import http, static_portal
from deploy.errors import DeploymentError

API = "https://api.example/v1"
SIGN_IN = {"client_id": "portal", "token_endpoint": "https://login.example/oauth2/token"}
PAGE = '<!doctype html>\n<html>\n  <head>\n    <meta charset="utf-8" />\n  </head>\n</html>\n'


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets/index-a1.js").write_text("1")
    (folder / "sources.sha256").write_text("")
    return folder


def answering(status: int, document: Any) -> http.Send:
    def send(method: str, url: str) -> http.Response:
        assert (method, url) == ("GET", f"{API}/config.json")
        return http.Response(status, {}, json.dumps(document).encode())

    return send


SERVED = answering(200, {"api": None, "sign_in": SIGN_IN})


def test_the_page_knows_the_api_and_may_reach_nothing_else(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    policy = static_portal.publish(f"{API}/", out, SERVED, built)
    assert json.loads((out / "config.json").read_text()) == {"api": API, "sign_in": SIGN_IN}
    assert {path.name for path in out.rglob("*")} == {"index.html", "config.json", "assets", "index-a1.js"}
    inside = policy.removesuffix("; frame-ancestors 'none'")  # which browsers ignore in <meta>
    assert "connect-src 'self' https://api.example https://login.example; " in inside
    element = f'<meta http-equiv="Content-Security-Policy" content="{inside}" />'.replace("'", "&#x27;")
    assert (out / "index.html").read_text() == PAGE.replace("<head>", f"<head>\n    {element}")


def test_a_new_version_keeps_the_files_that_open_pages_load(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    static_portal.publish(API, out, SERVED, built)
    (built / "assets/index-a1.js").rename(built / "assets/index-b2.js")
    static_portal.publish(API, out, SERVED, built)
    assert {path.name for path in (out / "assets").iterdir()} == {"index-a1.js", "index-b2.js"}


def test_a_folder_of_something_else_is_not_touched(built: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DeploymentError, match="other files"):
        static_portal.publish(API, tmp_path, SERVED, built)
    assert (tmp_path / "config.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("api", "send", "reason"),
    [
        ("api.example", SERVED, "API must be the URL"),
        (API, answering(404, {}), "answers 404"),
        (API, answering(200, ["sign_in"]), "without the portal's configuration"),
        (API, answering(200, {"api": None, "sign_in": None}), r"Set SIGN_IN_\*"),
    ],
)
def test_an_api_without_a_sign_in_is_refused(
    built: Path, tmp_path: Path, api: str, send: http.Send, reason: str
) -> None:
    with pytest.raises(DeploymentError, match=reason):
        static_portal.publish(api, tmp_path / "site", send, built)
    assert not (tmp_path / "site").exists()


def test_a_checkout_without_built_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="make portal"):
        static_portal.publish(API, tmp_path / "site", SERVED, tmp_path)
