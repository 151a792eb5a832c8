"""Isolation of local Glue runs from the developer's environment variables and secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.glue_server import Aws, ended, job, lines, serving, start


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving(tmp_path_factory.mktemp("runs")) as clients_of:
        yield clients_of


SECRETS = {
    "GITHUB_TOKEN": "ghp_secret",
    "AWS_OF_THE_COMPANY": "secret",
    "DATABASE_URL": "postgres://me:secret@db/x",
    "SSH_AUTH_SOCK": "/tmp/secret-agent",
    "PYTHONSTARTUP": "/secret.py",
    "LC_SECRET": "secret",
    "PATH_TO_SECRET": "secret",
    "HTTPS_PROXY": "http://me:secret@127.0.0.1:9",
}

SCRIPT = """
import json, os, pathlib, subprocess, tempfile
pathlib.Path("relative.txt").write_text("1")
pathlib.Path("~/home.txt").expanduser().write_text("1")
shell = subprocess.run("env", capture_output=True, text=True, check=True).stdout
print(json.dumps({
    "names": sorted(os.environ),
    "values": list(os.environ.values()),
    "shell": shell,
    "cwd": os.getcwd(),
    "home": str(pathlib.Path.home()),
    "tmp": tempfile.gettempdir(),
    "relative": str(pathlib.Path("relative.txt").resolve()),
}))
"""


def test_a_job_sees_no_variable_of_the_developer(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    name = job(aws, "environment", SCRIPT)
    run_id = start(aws, name)
    run = ended(aws, name, run_id)
    assert run["JobRunState"] == "SUCCEEDED", lines(aws, "error", run_id)
    seen = json.loads(lines(aws, "output", run_id)[0])
    shown = [line.partition("=")[2] for line in seen["shell"].splitlines()]
    assert not [value for value in [*seen["values"], *shown] if "secret" in value]
    assert not SECRETS.keys() & set(seen["names"])
    own = ("AWS_", "JAVA_", "LC_", "PYSPARK_", "PYTHON", "SPARK_")
    others = {"HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "NO_PROXY", "PATH", "TMPDIR", "TZ", "no_proxy"}
    assert [each for each in seen["names"] if not each.startswith(own) and each not in others] == []
    assert seen["home"] == seen["cwd"] != os.path.expanduser("~")
    assert Path(seen["relative"]).parent == Path(seen["cwd"])
    folder = Path(seen["cwd"]).parent
    assert Path(seen["tmp"]).parent == folder
    assert not folder.exists()  # gone with the run
    assert list(tmp_path.iterdir()) == []


def test_the_process_that_starts_jobs_has_no_secrets_of_the_developer() -> None:
    """A job could read the variables of its parent in /proc."""
    from local.runtime.processes import safe_environment

    assert set(safe_environment({**SECRETS, "PATH": "/bin", "LC_ALL": "C"}, "MOTO_.*")) == {"PATH", "LC_ALL"}
