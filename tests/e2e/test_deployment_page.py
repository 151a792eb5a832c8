"""The commands of docs/deployment.md, in their order, on an emulated account.

The test replaces the path of the stage file. moto's CloudFormation supports no
SAM templates, so it gets the package's template without the functions and the API. `make judge` deploys all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import moto.cloudformation.responses as moto_responses
import pytest
from moto.cloudformation.models import ChangeSet
from moto.core.responses import BaseResponse
from moto.server import ThreadedMotoServer

from local.moto_patches import bucket_policies
from local.moto_patches.patching import replace_methods
from tests.support.paths import ROOT

pytestmark = pytest.mark.xdist_group("package")

PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.+?)```", PAGE, re.DOTALL)
    for line in re.findall(r"^\$ (.+)$", block, re.MULTILINE)
]
RESOURCES = ("Table", "AssetsBucket")
OUTPUTS = ("TableName", "AssetsBucketName", "PackageVersion")
OUTPUTS_OF_THE_POOL = ("UserPoolId", "SignInClientId")


class Api(BaseHTTPRequestHandler):
    """Answers the requests of the smoke test."""

    def do_GET(self) -> None:
        self._answer(200, "application/json", {"paths": {"/environments": {}}})

    def do_POST(self) -> None:
        self._answer(401, "application/problem+json", {})

    def _answer(self, status: int, kind: str, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def without_functions(url: str, *arguments: Any, **named: Any) -> str:
    template = json.loads(_original(url, *arguments, **named))
    return json.dumps(
        {
            "Parameters": template["Parameters"],
            "Resources": {name: template["Resources"][name] for name in RESOURCES},
            "Outputs": {
                **{name: template["Outputs"][name] for name in OUTPUTS},
                **{name: {"Value": name} for name in OUTPUTS_OF_THE_POOL},
            },
        }
    )


_original = moto_responses.get_stack_from_s3_url
_call_action = BaseResponse.call_action


def apply(change_set: ChangeSet) -> None:
    """Apply a change set with its outputs, which moto leaves out."""
    stack = change_set.stack
    stack.template, stack.parameters = change_set.template, change_set.parameters
    stack._parse_template()
    if change_set.change_set_type == "CREATE":
        stack.resource_map = stack._create_resource_map()
        stack.create_resources()
    else:
        stack.resource_map.update(change_set.template_dict, change_set.parameters)
    stack.output_map = stack._create_output_map()


def or_refuse(response: BaseResponse) -> Any:
    """Answer 400 and not 500 to what moto does not have, so that clients do not retry."""
    try:
        return _call_action(response)
    except NotImplementedError:
        return 400, {}, json.dumps({"__type": "NotImplemented"})


@pytest.fixture
def endpoint() -> Iterator[str]:
    bucket_policies.install()
    restorations = [
        replace_methods(moto_responses, {"get_stack_from_s3_url": without_functions}),
        replace_methods(ChangeSet, {"apply": apply}),
        replace_methods(BaseResponse, {"call_action": or_refuse}),
    ]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        yield url
    finally:
        server.stop()
        for restore in restorations:
            restore()


def test_the_commands_of_the_page_work_in_their_order(
    tmp_path: Path, api: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, plan, deploy, versions, roll_back, destroy, destroy_data = COMMANDS
    stage, installed = tmp_path / "dev.env", tmp_path / "set-up"
    variables = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MAKE", "MFLAGS"))
        },
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "MAKEFLAGS": f"DEPLOY={installed} DEPLOY_PYTHON={sys.executable}",
    }

    def run(command: str, answer: str = "") -> str:
        here = command.replace("deploy/stages/dev.env", str(stage)).replace("STAGE=dev", f"STAGE={stage}")
        done = subprocess.run(
            ["bash", "-c", here], cwd=ROOT, env=variables, input=answer, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    run(copy)
    text = stage.read_text(encoding="utf-8")
    stage.write_text(f"{text}\nAPI_URL={api}/v1\nAPI_GATEWAY_ACCOUNT=create\n", encoding="utf-8")
    installed.touch()  # the test's own environment contains the deployment's
    assert f"Nothing was changed.\nTo deploy: make deploy STAGE={stage}\n" in run(plan)
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    assert s3.list_buckets()["Buckets"] == []
    assert f"Works     {api}/v1/health" in run(deploy)
    [line] = run(versions).splitlines()
    assert line.startswith("* ")
    variables["VERSION"] = line.split()[1]
    assert f"Package   {variables['VERSION']}" in run(roll_back)
    assert "Deleted the stack self-service-terraglue-dev." in run(destroy, "dev\n")
    assert "does not exist" in run(destroy_data, "dev\n")


def test_make_help_names_every_target_and_the_pages_name_no_other() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY:((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    targets = {*phony.replace("\\", "").split()}
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert targets - {"help"} <= {*re.findall(r"[a-z-]+", shown)}
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        name
        for page in pages
        for name in re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }
    assert named - targets == set()


def test_the_page_fits_a_page() -> None:
    assert len(PAGE.splitlines()) <= 130
