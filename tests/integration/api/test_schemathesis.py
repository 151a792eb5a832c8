"""schemathesis on the whole OpenAPI document, with all its checks, over real HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.api import Api
from tests.support.job_files import job_file_paths
from tests.support.paths import ROOT
from tests.support.size import sized

FILES = {
    where: ", ".join(f'"path.part{number}" = "{part}"' for number, part in enumerate(path.split("/"), 1))
    for where, path in job_file_paths().items()
}
HERE = ROOT / "tests/schemathesis"


def run(url: str, token: str, tmp_path: Path, *options: str, **parameters: str) -> None:
    config = tmp_path / "schemathesis.toml"
    pinned = "".join(f'"path.{name}" = "{value}"\n' for name, value in parameters.items())
    # Each segment of a job file's path is a folder or the file, depending on the operation.
    files = "".join(
        f'[[operations]]\ninclude-operation-id = "{method}_job_file{where}"\nparameters = {{ {parts} }}\n'
        for method in ("get", "put", "delete")
        for where, parts in FILES.items()
    )
    config.write_text(f"{(HERE / 'schemathesis.toml').read_text()}\n{files}\n[parameters]\n{pinned}")
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-c",
                "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())",
            ),
            *("--config-file", str(config), "run", f"{url}/openapi.json"),
            *("--header", f"Authorization: Bearer {token}", "--seed", "4", *options),
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


def test_schemathesis_finds_nothing_with_an_existing_sandbox(api: Api, url: str, tmp_path: Path) -> None:
    environment = api.ready_environment(mode="production", job={"script": "script.py"})
    files, job = f"/environments/{environment['id']}/job/files", environment["outputs"]["job_id"]
    for path in ("script.py", *job_file_paths().values()):
        assert api.call("PUT", f"{files}/{path}", raw=b"print(1)\n").status == 201
    asked = api.call("POST", f"/jobs/{job}/runs", body={"timeout_minutes": 1, "number_of_workers": 2})
    run(
        *(url, api.issuer.token("ana"), tmp_path),
        *("--exclude-operation-id", "delete_environment", "--max-examples", sized("3", "20")),
        environment_id=environment["id"],
        job_id=job,
        run_id=asked.body["id"],
    )


def test_schemathesis_finds_nothing_with_an_empty_account(api: Api, url: str, tmp_path: Path) -> None:
    run(url, api.issuer.token("ana"), tmp_path, "--max-examples", sized("2", "10"))
