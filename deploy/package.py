"""Packages the service for AWS, without an AWS account: `python -m deploy.package`.

`chalice package` creates a SAM template and a zip of chalice_app/. The template is merged with the service's
AWS resources (`resources.json`), with function settings that Chalice does not support (`functions.json`),
with an optional user pool (`identity.json`), with alarms (`alarms.json`), with versions of the API's function
(`rollout.json`), with a dashboard (`dashboard.py`), saved queries (`queries.py`) and the error responses of
API Gateway (`gateway_responses.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from chalice.package import TemplateDeepMerger

from deploy.contents import write_contents
from deploy.dashboard import dashboard
from deploy.gateway_responses import gateway_responses
from deploy.parameters import TEMPLATES
from deploy.path_variables import conflicts
from deploy.queries import query_definitions
from deploy.requirements import REQUIREMENTS, ROOT, pinned
from deploy.rollout import through_alias

PACKAGE = ROOT / "build" / "package"
"""Output folder of the package."""

STAGE = "prod"
"""The packaged stage of chalice_app/.chalice/config.json."""

_RUNTIME = (3, 11)  # chalice packages for the Python version that runs it
_REGION = "us-east-1"  # chalice requires a region; the template works in any
_CHALICE = "import sys; from chalice.cli import main; sys.exit(main())"
_LEFT_OUT = {"__pycache__", "deployments", "deployed", "sources.sha256"}
_NOT_OURS = shutil.ignore_patterns(*_LEFT_OUT)

Json = dict[str, Any]


class PackagingFailed(Exception):
    """The package cannot be built. The message states the cause."""


def merged(app: Path) -> Json:
    """Return the document to merge into Chalice's template."""
    document: Json = {}  # TemplateDeepMerger is what `chalice package --merge-template` uses
    for name in TEMPLATES:
        part = json.loads((app / name).read_text(encoding="utf-8"))
        document = TemplateDeepMerger().merge(part, document)
    resources = document["Resources"]
    resources["RestAPI"]["Properties"]["GatewayResponses"] = gateway_responses()
    alarms = [
        name
        for name, of in resources.items()
        if of.get("Type") == "AWS::CloudWatch::Alarm" and "Condition" not in of
    ]
    resources["Dashboard"] = dashboard(alarms)
    resources |= query_definitions()
    return document


def package(out: Path) -> None:
    """Write `sam.json` and `deployment.zip`, reproducibly. Raises `PackagingFailed`."""
    if sys.version_info[:2] != _RUNTIME:
        raise PackagingFailed("The package requires Python 3.11. Remove .venv, and add PYTHON=python3.11.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = folder / "app"  # a copy, so that the zip contains only files of the checkout
        shutil.copytree(ROOT / "chalice_app", app, ignore=_NOT_OURS)
        merge, constraints = folder / "merge.json", folder / "constraints.txt"
        merge.write_text(json.dumps(merged(app)), encoding="utf-8")
        # Pins the dependencies of requirements.txt to the tested versions.
        constraints.write_text("\n".join(pin for pin in pinned() if "[" not in pin), encoding="utf-8")
        made = folder / "package"
        made.mkdir()
        _chalice(["package", "--stage", STAGE, "--merge-template", str(merge), str(made)], app, constraints)
        write_contents(made / "deployment.zip")
        template = through_alias(json.loads((made / "sam.json").read_text(encoding="utf-8")))
        _refuse_sibling_variables(template)
        (made / "sam.json").write_text(json.dumps(template, separators=(",", ":")), encoding="utf-8")
        # Replace the previous package only after this one succeeded.
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(made, out)


def package_if_changed(out: Path) -> None:
    """Write the package, unless the folder has that of the same files. Raises `PackagingFailed`."""
    stamp, inputs = out / "inputs.sha256", _inputs()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == inputs:
        return
    package(out)
    stamp.write_text(inputs, encoding="utf-8")


def _inputs() -> str:
    """Return a hash of everything that decides about the bytes of the package."""
    app = [path for path in (ROOT / "chalice_app").rglob("*") if not {*path.parts} & _LEFT_OUT]
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted({*app, *REQUIREMENTS, *(ROOT / "deploy").glob("*.py")}):
        if path.is_file():
            digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def main() -> int:
    """Build the package and print its location. Return the exit code."""
    try:
        package_if_changed(PACKAGE)
    except PackagingFailed as error:
        print(f"Packaging failed: {error}", file=sys.stderr)
        return 1
    where = PACKAGE.relative_to(ROOT)
    size = (PACKAGE / "deployment.zip").stat().st_size / 1e6
    print(f"Packaged: {where}/sam.json and {where}/deployment.zip ({size:.1f} MB, Python 3.11 on Lambda).")
    print("Next: make plan STAGE=dev (docs/deployment.md).")
    return 0


def _chalice(arguments: list[str], app: Path, constraints: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ |= {
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_CONSTRAINT": str(constraints),
    }
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", _CHALICE, *arguments],
        cwd=app,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # If a package has no wheel for Lambda, Chalice only warns and continues.
    if done.returncode != 0 or "Could not install dependencies" in done.stdout:
        last = "\n".join(done.stdout.strip().splitlines()[-5:])
        raise PackagingFailed(f"chalice package failed (is the package index reachable?):\n{last}")


def _refuse_sibling_variables(template: Json) -> None:
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    if found := conflicts(paths):
        raise PackagingFailed(f"API Gateway accepts one path variable per position: {found}")


if __name__ == "__main__":
    sys.exit(main())
