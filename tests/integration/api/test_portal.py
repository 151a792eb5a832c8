"""The portal's page, files and configuration, as the service serves them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.api import portal
from chalicelib.domain.sign_in import SignIn
from chalicelib.errors import NotFound
from tests.support.api import Api
from tests.support.portal_build import BUILT

SIGN_IN = SignIn(
    client_id="portal",
    authorization_endpoint="https://login.example/authorize",
    token_endpoint="https://login.example:8443/realms/token",
)
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@pytest.fixture
def signed_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    for name, value in (
        ("SIGN_IN_CLIENT_ID", SIGN_IN.client_id),
        ("SIGN_IN_AUTHORIZATION_ENDPOINT", SIGN_IN.authorization_endpoint),
        ("SIGN_IN_TOKEN_ENDPOINT", SIGN_IN.token_endpoint),
    ):
        monkeypatch.setenv(name, value)
    api.app.service.cache_clear()
    return api


def test_the_page_allows_only_its_own_scripts_and_the_token_endpoint(signed_in: Api) -> None:
    page = signed_in.call("GET", "/", owner=None)
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    directives = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self' https://login.example:8443",
        "base-uri": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page.body.decode())


def test_the_page_loads_files_that_exist(api: Api) -> None:
    page = api.call("GET", "/", owner=None)
    files = re.findall(r'(?:src|href)="\./assets/([^"]+)"', page.body.decode())
    assert {Path(name).suffix for name in files} == KINDS.keys(), page.body
    for name in files:
        assert api.call("GET", f"/assets/{name}", owner=None).status == 200


def test_files_are_cached_forever_and_have_their_media_type(api: Api) -> None:
    built = sorted((BUILT / "assets").iterdir())
    assert {path.suffix for path in built} == KINDS.keys()
    for path in built:
        file = api.call("GET", f"/assets/{path.name}", owner=None)
        assert (file.status, file.body) == (200, path.read_bytes())
        assert file.headers["Content-Type"] == f"{KINDS[path.suffix]}; charset=utf-8"
        assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        known = {"If-None-Match": file.headers["ETag"]}
        assert api.call("GET", f"/assets/{path.name}", owner=None, headers=known).status == 304
        head = api.call("HEAD", f"/assets/{path.name}", owner=None)
        assert (head.status, head.body, head.headers["ETag"]) == (200, None, file.headers["ETag"])


@pytest.mark.parametrize(
    "name",
    ["index.html", "nothing.js", "..", ".", "..%2Findex.html", "%2Fetc%2Fpasswd", "..%5Cx.js"],
)
def test_nothing_but_assets_is_served(api: Api, name: str) -> None:
    assert api.call("GET", f"/assets/{name}", owner=None).status == 404
    with pytest.raises(NotFound):
        portal.asset(name)


def test_a_file_outside_of_the_assets_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "secret.js").write_text("1")
    with pytest.raises(NotFound):
        portal.asset("../secret.js", folder=tmp_path)


def test_the_page_accepts_the_query_of_a_sign_in(api: Api) -> None:
    plain = api.call("GET", "/", owner=None)
    query = "code=abc&state=x&session_state=1&iss=https%3A%2F%2Flogin.example"
    returned = api.call("GET", f"/?{query}", owner=None)
    assert (returned.status, returned.body) == (200, plain.body)
    assert api.call("GET", "/config.json?x=1", owner=None).status == 422


def test_the_configuration_has_the_sign_in_and_nothing_else(signed_in: Api) -> None:
    config = signed_in.call("GET", "/config.json", owner=None)
    assert config.body == {
        "api": None,
        "sign_in": {
            "issuer": signed_in.app.service().config.issuer,
            "client_id": "portal",
            "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example:8443/realms/token",
            "end_session_endpoint": None,
            "scope": "openid",
            "token": "id_token",
        },
    }
    assert config.headers["Cache-Control"] == "private, no-cache"
    assert (
        signed_in.call("GET", "/config.json", headers={"If-None-Match": config.headers["ETag"]}).status == 304
    )


def test_a_portal_without_a_provider_says_so(api: Api) -> None:
    assert api.call("GET", "/config.json", owner=None).body == {"api": None, "sign_in": None}
    policy = api.call("GET", "/", owner=None).headers["Content-Security-Policy"]
    assert "connect-src 'self';" in policy


def test_a_checkout_without_built_files_says_how_to_build_them(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="make portal"):
        portal.page("", None, folder=tmp_path)
    with pytest.raises(NotFound):
        portal.asset("index.js", folder=tmp_path)


@pytest.mark.parametrize(
    ("base", "folder"),
    [
        ("", "/"),
        ("/api", "/api/"),
        ("/api/", "/api/"),
        ("//host.example", "/host.example/"),
        ('/"', "/&quot;/"),
    ],
)
def test_the_base_of_the_pages_urls_is_on_this_host(base: str, folder: str) -> None:
    page = str(portal.page(base, None).body)
    assert re.findall(r'<base href="([^"]*)" />', page) == [folder]
