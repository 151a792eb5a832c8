"""Fixtures for the whole service in this process, on moto, with a small template that moto can build."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.config import Config as ChaliceConfig
from chalice.test import Client
from moto.moto_api import state_manager

from local.api import gateway
from tests.support.api import Api
from tests.support.contract import Contract
from tests.support.identity import Issuer, serving_issuer
from tests.support.moto_runs import JobBookmarks
from tests.support.paths import ROOT
from tests.support.sandbox_stacks import Account, account
from tests.support.service_roles import World, serving
from tests.support.small_account import make_stacks_one_by_one, settings, small_account
from tests.support.spark_session import mount_bucket, spark

__all__ = ["mount_bucket", "spark"]


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with serving_issuer() as issuer:
        yield issuer


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, issuer: Issuer) -> Iterator[None]:
    """An empty moto account with the service's own resources and one small release."""
    for name, value in settings(issuer).items():
        monkeypatch.setenv(name, value)
    with small_account():
        yield


@pytest.fixture
def bookmarks(aws: None) -> Iterator[JobBookmarks]:
    """Job bookmarks of Glue, which moto lacks."""
    found = JobBookmarks()
    restore = found.install()
    yield found
    restore()


@pytest.fixture
def api(aws: None, issuer: Issuer) -> Iterator[Api]:
    import app  # the unchanged chalice_app

    app.service.cache_clear()
    with Client(app.app, project_dir=str(ROOT / "chalice_app")) as client:
        yield Api(client, issuer, app, _contract(app))
    app.service.cache_clear()
    sys.modules.pop("app", None)


_contracts: list[Contract] = []


def _contract(app: Any) -> Contract:
    """Return the contract of the API's OpenAPI document. No setting changes it."""
    from chalicelib.api import openapi

    if not _contracts:
        _contracts.append(Contract(openapi.document(app.api.all)))
    return _contracts[0]


@pytest.fixture
def url(api: Api) -> Iterator[str]:
    """URL of the API, served over HTTP by the local gateway."""
    restore = make_stacks_one_by_one()
    server = gateway.create_server(api.app.app, ChaliceConfig(chalice_stage="local"), 0).server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
    restore()


@pytest.fixture(autouse=True)
def watchers_ask_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show every watcher what Glue and Athena say now, not what they said before."""
    monkeypatch.setattr("chalicelib.runs.job_runs.WATCH_SECONDS", 0)
    monkeypatch.setattr("chalicelib.queries.query_runs.WATCH_SECONDS", 0)


@pytest.fixture
def runs_end_when_told() -> Iterator[None]:
    """Let moto's job runs last until a test ends them. By default each description advances them."""
    state_manager.set_transition("glue::job_run", {"progression": "manual", "times": 10_000})
    yield
    state_manager.unset_transition("glue::job_run")


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small table, for tests of other resources."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "db_shop/tbl_orders").mkdir(parents=True)
    (folder / "db_shop/tbl_orders/orders.csv").write_text("order_id\n1\n")
    return folder


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Access keys for boto3."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of a release: a table with partitions, and one of two files."""
    folder = tmp_path_factory.mktemp("data")
    files = {"tbl_days/day=1/a": "1", "tbl_days/day=2/a": "1", "tbl_orders/a": "1", "tbl_orders/b": "2"}
    for name, row in files.items():
        file = folder / f"db_shop/{name}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"id\n{row}\n")
    return folder


@pytest.fixture
def world(keys: None, data: Path, tmp_path: Path) -> Iterator[World]:
    """The service, each function with its own role, on the local CloudFormation and the real template."""
    with serving(data, tmp_path / "work") as world:
        yield world


@pytest.fixture
def operated(keys: None, small_data: Path) -> Iterator[Account]:
    """An account that an operator has set up for sandboxes' stacks."""
    with account(small_data) as operated:
        yield operated
