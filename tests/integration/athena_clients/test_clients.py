"""Clients of Athena, unchanged, against the emulator as a process: awswrangler, PyAthena and the AWS CLI.

They have the credentials that a user of the API gets: IAM limits them to one sandbox. Each script runs in
.venv/clients (tests/tools/clients.txt), because the clients and their libraries are no part of the product.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.session_policies import user_policy
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import Outputs
from chalicelib.domain.settings import Settings
from local.aws import clients
from local.aws.clients import ACCOUNT, REGION, Credentials
from local.setup.roles import account_values, ensure_sandbox_roles
from tests.support.athena_tables import CSV, SKIP, put, table
from tests.support.paths import ROOT

SCRIPTS = Path(__file__).with_name("scripts")
PYTHON = ROOT / ".venv" / "clients" / "bin" / "python"
MINE, THEIRS = "aaaaaaaaaa", "bbbbbbbbbb"
ORDERS = "id,status,price,day\n" + "".join(
    f"{n},{'paid' if n % 2 else 'open'},{n}.50,2026-01-0{n}\n" for n in range(1, 6)
)


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Environment variables with the credentials of a user of the sandbox `MINE`, in a new account."""
    assert PYTHON.exists(), "make test sets up .venv/clients"
    folder = tmp_path / "emulator"
    folder.mkdir()
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "local", "aws", "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen([*command, "--state", str(folder)], cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not ready.exists():
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
            url = json.loads(ready.read_text())["aws"]
            yield {
                **clients.aws_variables(url, REGION, _credentials(url)),
                "WORKGROUP": f"terraglue-{MINE}",
                "DATABASE": f"terraglue_{MINE}_db_sot",
                "BUCKET": f"terraglue-{MINE}-sot",
                "RESULTS": f"s3://terraglue-{MINE}-results/",
                "NEIGHBOUR": f"terraglue_{THEIRS}_db_sot",
                "NEIGHBOUR_WORKGROUP": f"terraglue-{THEIRS}",
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        finally:
            process.terminate()


def _credentials(url: str) -> Credentials:
    """Create two sandboxes. Return the credentials for the first that the API would issue."""

    def aws(service: str) -> Any:
        return clients.client(service, url)

    for name in (MINE, THEIRS):
        for bucket in (f"terraglue-{name}-sot", f"terraglue-{name}-results"):
            aws("s3").create_bucket(Bucket=bucket)
        database = f"terraglue_{name}_db_sot"
        aws("glue").create_database(DatabaseInput={"Name": database})
        location = {"OutputLocation": f"s3://terraglue-{name}-results/athena/"}
        aws("athena").create_work_group(
            Name=f"terraglue-{name}",
            Configuration={"EnforceWorkGroupConfiguration": True, "ResultConfiguration": location},
        )
        place = f"s3://terraglue-{name}-sot/orders/"
        columns = "id int; status string; price double; day string"
        table(aws, "orders", columns, CSV, parameters=SKIP, database=database, location=place)
        put(aws, "orders/a.csv", ORDERS, bucket=f"terraglue-{name}-sot")
    known = {**account_values(REGION), "SharedKmsKeyArns": "", "Stage": "local"}
    service = f"arn:aws:iam::{ACCOUNT}:role/service"
    *_, role = ensure_sandbox_roles(aws, known, lambda _: service)
    outputs = Outputs({}, {}, "job", "role", {}, athena_workgroup=f"terraglue-{MINE}", kms_key_arn=None)
    environment = Environment(
        id=MINE,
        owner="ana",
        status=Status.READY,
        release="1",
        settings=Settings().resolved(),
        created_at="",
        updated_at="",
        expires_at="",
        outputs=outputs,
    )
    policy = user_policy(environment, role, REGION)
    given = aws("sts").assume_role(RoleArn=role, RoleSessionName="ana", Policy=policy)["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.py")))
def test_a_client_does_its_usual_work(variables: dict[str, str], script: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
    done = subprocess.run(
        [str(PYTHON), "-W", "error::ResourceWarning", str(SCRIPTS / script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
