"""Command-line options of every test run."""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader

from tests.support import size


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="run every test at its full size, as `make test-all` does"
    )
    parser.addoption("--screenshots", action="store_true", help="save the portal's pictures in docs/images")


def pytest_configure(config: pytest.Config) -> None:
    size.FULL = config.getoption("--full")
    hypothesis.settings.register_profile("small", max_examples=25)
    if not size.FULL:
        hypothesis.settings.load_profile("small")
    _keep_service_models()


def _keep_service_models() -> None:
    """Parse each of botocore's data files once per process. Every session would parse them again."""
    parse = JSONFileLoader().load_file

    @functools.cache
    def load_file(path: str) -> Any:
        return parse(path)

    @functools.cache
    def pickled(path: str) -> bytes:
        return pickle.dumps(parse(path))

    def fresh_or_kept(_: JSONFileLoader, path: str) -> Any:
        # An S3 client removes the bucket from the paths of its model, so each one has a copy.
        return pickle.loads(pickled(path)) if "/s3/" in path else load_file(path)

    JSONFileLoader.load_file = fresh_or_kept  # type: ignore[method-assign]


@pytest.fixture(scope="module", autouse=True)
def no_account_left_over() -> Iterator[None]:
    """Empty moto's account after each module. It belongs to the process, and outlives servers and mocks."""
    yield
    if moto := sys.modules.get("moto.core.base_backend"):
        moto.BackendDict.reset()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long and binary values after their parameter. Some are made anew in each worker."""
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 80) else None


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each file, and all tests that share one `up`, to one worker. A file's own group comes first."""
    for item in items:
        if item.get_closest_marker("full") and not size.FULL:
            item.add_marker(pytest.mark.skip(reason="runs with --full"))
        if item.get_closest_marker("xdist_group") is None:
            needed = getattr(item, "fixturenames", ())
            group = next((name for name in ("up", "portal_up") if name in needed), str(item.path))
            item.add_marker(pytest.mark.xdist_group(group))
