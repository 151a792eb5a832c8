"""Links and headers below an API Gateway stage or the mapping of a custom domain."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.config import Config

from chalicelib.api import http_request
from local.api import gateway
from tests.support.api import Api


@pytest.fixture(params=["", "/api", "/tools/v1"], ids=["custom domain", "stage", "mapping"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def served(api: Api, prefix: str) -> Iterator[str]:
    config = Config(
        chalice_stage="local", config_from_disk={"stages": {"local": {"api_gateway_stage": "api"}}}
    )
    server = gateway.create_server(api.app.app, config, 0, prefix=prefix).server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


Ask = Callable[..., tuple[int, Any, Any]]


@pytest.fixture
def ask(api: Api, served: str) -> Ask:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(method: str, path: str, owner: str | None = "ana", body: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {api.issuer.token(owner)}"} if owner else {}
        headers |= {"Content-Type": "application/json"} if body else {}
        asked = urllib.request.Request(served + path, method=method, headers=headers, data=body)
        try:
            answer = opener.open(asked, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            content = answer.read()
            is_json = "json" in answer.headers["Content-Type"]
            return answer.status, answer.headers, json.loads(content) if is_json and content else content

    return call


def links(answer: Any) -> Iterator[str]:
    """Every link in a response, at any depth. A link to what does not exist (yet) is null."""
    if isinstance(answer, dict):
        found = answer.get("links")
        yield from (link for link in found.values() if link) if isinstance(found, dict) else ()
        for value in answer.values():
            yield from links(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from links(value)


def test_every_link_of_every_response_is_reachable(api: Api, ask: Ask, prefix: str) -> None:
    status, headers, asked = ask("POST", f"{prefix}/environments")
    assert status == 202, asked
    assert headers["Location"] == f"{prefix}/environments/{asked['id']}"
    api.stack_event(asked["id"])
    _, _, taken = ask("POST", f"{prefix}/environments")
    waiting = [headers["Location"], taken["environment"], f"{prefix}/environments?limit=1"]
    waiting += [f"{prefix}/me", f"{prefix}/releases", f"{prefix}/jobs/{job_of(ask, headers)}/runs?limit=1"]
    run_of(api, ask, prefix, job_of(ask, headers))
    waiting += list(links(taken)) + list(links(asked))
    seen: set[str] = set()
    while waiting:
        link = waiting.pop()
        if link in seen:
            continue
        seen.add(link)
        assert link.startswith(f"{prefix}/"), link
        status, _, found = ask("GET", link)
        is_begun = link.endswith("/drift") and status == 202
        assert status == 200 or is_begun or (link.endswith("/rows") and status != 404), (link, status, found)
        waiting += links(found)
        if isinstance(found, dict) and found.get("next") and len(seen) < 60:
            waiting.append(f"{link.partition('?')[0]}?limit=1&cursor={found['next']}")
    shapes = {link.removeprefix(prefix).split("/")[1].partition("?")[0] for link in seen}
    assert shapes == {"environments", "jobs", "me", "releases"}
    assert any(link.endswith("/logs") for link in seen)
    assert any("/job/files/" in link for link in seen)


def job_of(ask: Ask, headers: Any) -> str:
    return str(ask("GET", headers["Location"])[2]["outputs"]["job_id"])


def run_of(api: Api, ask: Ask, prefix: str, job: str) -> None:
    import boto3

    boto3.client("glue").create_job(Name=job, Role="r", Command={"Name": "glueetl"})
    for _ in range(2):  # so that the list has a second page
        body = json.dumps({"number_of_workers": 2, "timeout_minutes": 1}).encode()
        status, headers, run = ask("POST", f"{prefix}/jobs/{job}/runs", body=body)
        assert (status, headers["Location"]) == (202, f"{prefix}/jobs/{job}/runs/{run['id']}"), run


def test_the_document_contains_its_base_url(ask: Ask, prefix: str) -> None:
    _, _, document = ask("GET", f"{prefix}/openapi.json", owner=None)
    assert document["servers"] == [{"url": prefix or "/"}]
    status, _, page = ask("GET", f"{prefix}/docs", owner=None)
    assert (status, f'"{prefix}/docs/start.js"' in page.decode()) == (200, True)


def test_the_portals_urls_are_relative_to_the_base_url(ask: Ask, prefix: str) -> None:
    # API Gateway also serves the root at its URL without a slash at the end.
    for url in {prefix or "/", f"{prefix}/", f"{prefix}/?code=x", f"{prefix}?code=x" if prefix else "/"}:
        status, _, page = ask("GET", url, owner=None)
        assert (status, f'<base href="{prefix}/" />' in page.decode()) == (200, True), url
    [script] = re.findall(r'<script [^>]*src="\./([^"]+)"', page.decode())
    assert ask("GET", f"{prefix}/{script}", owner=None)[0] == 200
    assert ask("GET", f"{prefix}/config.json", owner=None)[0] == 200


def test_a_path_outside_the_prefix_is_not_found(ask: Ask, prefix: str) -> None:
    for path in ("/other/health", f"{prefix}health" if prefix else "/x/health"):
        assert ask("GET", path, owner=None)[0] == 404


def test_a_challenge_has_api_gateways_header_name(ask: Ask, prefix: str) -> None:
    status, headers, _ = ask("GET", f"{prefix}/me", owner=None)
    assert (status, headers["WWW-Authenticate"]) == (401, None)
    assert headers["x-amzn-remapped-www-authenticate"].startswith('Bearer realm="terraglue"')


def test_headers_are_renamed_or_dropped_whatever_their_case() -> None:
    sent = {"DATE": "x", "Via": "y", "ETag": "z", "www-authenticate": "w", "Content-Type": "t"}
    assert gateway.remapped(sent) == {
        "x-amzn-Remapped-DATE": "x",
        "ETag": "z",
        "x-amzn-Remapped-www-authenticate": "w",
        "Content-Type": "t",
    }


@pytest.mark.parametrize(
    ("path", "route", "base"),
    [
        ("/api/environments/k3v7q2mzab", "/environments/{environment_id}", "/api"),
        ("/api/environments/k3v7q2mzab/", "/environments/{environment_id}", "/api"),
        ("/api/environments", "/environments", "/api"),
        ("/environments", "/environments", ""),
        ("/a/b/jobs/x/runs/y/logs", "/jobs/{job_id}/runs/{run_id}/logs", "/a/b"),
        ("/api/environments/environments", "/environments/{environment_id}", "/api"),
        ("/api/docs/start.js", "/docs/{name}", "/api"),
        ("/api", "/", "/api"),
        ("/api/", "/", "/api"),
        ("/", "/", ""),
    ],
)
def test_the_base_url_comes_from_api_gateways_event(api: Api, path: str, route: str, base: str) -> None:
    from chalice.app import Request

    event = {  # as in "Input format of a Lambda function for proxy integration"
        "resource": route,
        "path": path.removeprefix("/api"),
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"httpMethod": "GET", "resourcePath": route, "path": path, "stage": "api"},
    }
    assert http_request.base_path(Request(event)) == base
