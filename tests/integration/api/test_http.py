"""Response headers: ETag, Retry-After, security headers."""

from __future__ import annotations

import re

import pytest

from chalicelib.api import middleware
from chalicelib.api.json_text import json_text
from deploy import gateway_responses
from tests.support.api import Answer, Api


def test_a_current_etag_returns_304_without_a_body(api: Api) -> None:
    path = f"/environments/{api.ready_environment()['id']}"
    first = api.call("GET", path)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')  # the compressed response has the same one
    for header in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = api.call("GET", path, headers={"If-None-Match": header})
        assert (again.status, again.body, again.headers["ETag"]) == (304, None, tag), header
    assert api.call("GET", path, headers={"If-None-Match": '"other"'}).status == 200
    api.call("DELETE", path)
    changed = api.call("GET", path, headers={"If-None-Match": tag})
    assert changed.status == 200
    assert changed.headers["ETag"] != tag


def test_files_have_an_etag(api: Api) -> None:
    path = f"/environments/{api.ready_environment()['id']}/job/files/sot_ecommerce.py"
    tag = api.call("GET", path).headers["ETag"]
    assert api.call("GET", path, headers={"If-None-Match": tag}).status == 304


def test_the_gateways_headers_equal_the_apps() -> None:
    assert gateway_responses.SAFE_HEADERS == middleware.SAFE_HEADERS


def test_only_unfinished_work_returns_retry_after(api: Api) -> None:
    asked = api.call("POST", "/environments")
    assert (asked.body["poll_after_seconds"], asked.headers["Retry-After"]) == (1, "1")
    api.stack_event(asked.body["id"])
    ready = api.call("GET", asked.headers["Location"])
    assert ready.body["poll_after_seconds"] is None
    assert "Retry-After" not in ready.headers


def test_retry_after_grows_and_does_not_change_the_etag(api: Api) -> None:
    import dataclasses
    from datetime import timedelta

    asked = api.call("POST", "/environments")
    service = api.app.service()
    hints, tags = [], set()
    for seconds in (0, 60, 300, 3600):
        later = dataclasses.replace(service, clock=lambda s=seconds: service.clock() + timedelta(seconds=s))
        api.app.service.cache_clear()
        original, api.app.service = api.app.service, lambda later=later: later
        answer, listed = api.call("GET", asked.headers["Location"]), api.call("GET", "/environments")
        api.app.service = original
        hints.append(int(answer.headers["Retry-After"]))
        tags.add((answer.headers["ETag"], listed.headers["ETag"]))
    assert hints == [1, 3, 10, 30]
    assert len(tags) == 1


def test_the_etag_of_rows_covers_columns_of_any_name() -> None:
    one, other = ({"items": [{"forecast": value}], "links": {}} for value in (1, 2))
    assert middleware._tagged(one) != middleware._tagged(other)


def test_every_response_has_security_headers(api: Api) -> None:
    for answer in (
        api.call("GET", "/health", owner=None),
        api.call("GET", "/me", owner=None),
        api.call("GET", "/environments/aaaaaaaaaa"),
    ):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache")


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PORTAL_ORIGIN", "https://portal.example")
    return "https://portal.example"


def test_json_ends_with_a_newline_and_has_accents_as_themselves(api: Api) -> None:
    bodies = []
    for method, path, owner, body in (
        ("GET", "/me", "joão", None),
        ("GET", "/me", None, None),
        ("POST", "/environments", "ana", '{"joão": 1}'),
        ("GET", "/environments?fields=jo%C3%A3o", "ana", None),
    ):
        headers = {"Authorization": f"Bearer {api.issuer.token(owner)}"} if owner else {}
        sent = {**headers, "Content-Type": "application/json"}
        response = api.client.http.request(method, path, headers=sent, body=(body or "").encode())
        bodies.append(response.body)
        assert response.headers["Vary"] == "Accept, Accept-Encoding"
    assert [body[-2:] for body in bodies] == [b"}\n"] * 4
    assert [("joão".encode() in body) for body in bodies] == [True, False, True, True]


def test_an_unpaired_surrogate_is_a_json_escape_not_an_internal_error(api: Api) -> None:
    assert json_text("é\ud800") == '"é\\ud800"\n'
    assert api.call("POST", "/environments", raw=b'{"data": "a\\ud800"}').status == 422


def test_only_the_portals_origin_is_allowed_by_cors(portal: str, api: Api) -> None:
    asked = api.call("GET", "/me", headers={"Origin": portal})
    assert asked.headers["Access-Control-Allow-Origin"] == portal
    assert asked.headers["Vary"] == "Accept, Accept-Encoding, Origin"
    assert "Location" in asked.headers["Access-Control-Expose-Headers"]
    refused = api.call("GET", "/me", owner=None, headers={"Origin": portal})
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, portal)
    other = api.call("GET", "/me", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
    before = api.call("OPTIONS", "/environments", owner=None, headers={"Origin": portal})
    assert (before.status, before.headers["Access-Control-Allow-Origin"]) == (204, portal)
    assert before.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS, POST"
    assert "Idempotency-Key" in before.headers["Access-Control-Allow-Headers"]


def test_the_portal_may_send_and_read_what_it_uses_on_every_path(portal: str, api: Api) -> None:
    sends = {"accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match"}
    reads = {"etag", "retry-after", "ratelimit", "link", "location", "x-request-id"}
    for operation in api.app.api.all:
        path = re.sub(r"{\w+}", "x", operation.path)
        before = api.call("OPTIONS", path, owner=None, headers={"Origin": portal})
        assert (before.status, before.headers["Access-Control-Allow-Origin"]) == (204, portal)
        assert operation.method in before.headers["Access-Control-Allow-Methods"].split(", ")
        assert sends == {name.lower() for name in listed(before, "Access-Control-Allow-Headers")}
    for path in ("/health", "/config.json", "/environments/aaaaaaaaaa"):
        asked = api.call("GET", path, headers={"Origin": portal})
        assert reads <= {name.lower() for name in listed(asked, "Access-Control-Expose-Headers")}


def listed(answer: Answer, header: str) -> list[str]:
    return answer.headers[header].split(", ")


def test_without_a_portal_no_origin_is_allowed_by_cors(api: Api) -> None:
    assert "Access-Control-Allow-Origin" not in api.call("GET", "/me", headers={"Origin": "null"}).headers
