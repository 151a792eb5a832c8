"""The whole demo through a client generated from /openapi.json."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.support.local_up import Up

NAME = "generated_terraglue_client"


@pytest.fixture(scope="module")
def generated(up: Up, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ModuleType]]:
    folder = tmp_path_factory.mktemp("client")
    document, settings = folder / "openapi.json", folder / "settings.yaml"
    with urllib.request.urlopen(f"{up.ready['api']}/openapi.json") as answer:
        document.write_bytes(answer.read())
    settings.write_text("post_hooks: []\n")
    generate = "from openapi_python_client.cli import app; app()"
    options = ["--path", str(document), "--output-path", str(folder / NAME), "--meta", "none"]
    done = subprocess.run(
        [sys.executable, "-c", generate, "generate", *options, "--config", str(settings)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arning" not in done.stdout, done.stdout  # the generator skipped no part of the document
    sys.path.insert(0, str(folder))
    yield lambda module: importlib.import_module(f"{NAME}.{module}")
    sys.path.remove(str(folder))
    for module in [module for module in sys.modules if module.startswith(NAME)]:
        del sys.modules[module]


def until(look: Callable[[], Any], ended: set[str], seconds: float = 240) -> Any:
    """Poll at the interval that the response requests."""
    deadline = time.monotonic() + seconds
    while (seen := look()).status not in ended:
        assert time.monotonic() < deadline, seen
        time.sleep(seen.poll_after_seconds)
    return seen


def test_the_generated_client_runs_the_whole_demo(up: Up, generated: Callable[[str], ModuleType]) -> None:
    client = generated("client").AuthenticatedClient(
        base_url=up.ready["api"], token=up.token("gen"), raise_on_unexpected_status=True
    )
    with client:
        the_whole_demo(generated, client)


def the_whole_demo(generated: Callable[[str], ModuleType], client: Any) -> None:
    def call(module: str, *args: Any, **kwargs: Any) -> Any:
        answer = generated(f"api.{module}").sync(*args, client=client, **kwargs)
        assert type(answer).__name__ != "Problem", answer
        return answer

    models = generated("models")
    job = models.JobSettings(number_of_workers=2, timeout_minutes=10)
    default = call("service.list_data_sets").items[0]
    wanted = models.EnvironmentRequest(data=default.name, expires_in_hours=24, job=job)
    asked = call("environments.request_environment", body=wanted, idempotency_key="monday")
    assert (asked.data, asked.release) == (None, default.release)
    assert call("environments.request_environment", body=wanted, idempotency_key="monday").id == asked.id

    ready = until(lambda: call("environments.get_environment", asked.id), {"READY", "FAILED"})
    assert (ready.status, ready.settings.job.number_of_workers, ready.failure) == ("READY", 2, None)
    assert call("service.get_me").environment.id == asked.id
    assert [item.id for item in call("environments.list_environments").items] == [asked.id]

    job_id = ready.outputs.job_id
    run = call("jobs.request_run", job_id, body=models.RunRequest(timeout_minutes=5))
    done = until(lambda: call("jobs.get_run", job_id, run.id), {"SUCCEEDED", "FAILED", "ERROR", "TIMEOUT"})
    assert (done.status, done.output.table, done.error) == ("SUCCEEDED", "tbsot_ecommerce_br", None)
    assert 0 < done.cost_usd <= done.max_cost_usd
    assert call("jobs.get_run_logs", job_id, run.id).items
    rows = call("tables.list_rows", asked.id, "sot", "tbsot_ecommerce_br", limit=3)
    assert len(rows.items) == 3

    deleting = call("environments.delete_environment", asked.id)
    assert deleting.status in ("DELETING", "READY")
    gone = until(lambda: call("environments.get_environment", asked.id), {"DELETED"})
    assert gone.receipt.removed
    actions = [event.action for event in call("environments.list_events", asked.id, limit=100).items]
    assert actions[-1] == "requested"
    assert "run_ended" in actions


def test_problems_are_returned_as_typed_objects(up: Up, generated: Callable[[str], ModuleType]) -> None:
    client = generated("client").AuthenticatedClient(base_url=up.ready["api"], token=up.token("gen-2"))
    with client:
        missing = generated("api.environments.get_environment").sync("aaaaaaaaaa", client=client)
        assert (missing.status, missing.code) == (404, "not_found")
        asked = generated("models").EnvironmentRequest.from_dict({"expires_in_hours": 10_000, "data": "No"})
        wrong = generated("api.environments.request_environment").sync(body=asked, client=client)
        assert [error.pointer for error in wrong.errors] == ["/expires_in_hours", "/data"]
