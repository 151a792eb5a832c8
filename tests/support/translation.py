"""The translation of the package by AWS, and the names of its functions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

GRADUAL = "Canary10Percent5Minutes"
TRANSLATOR = Path(sys.prefix) / "sam/bin/python"
FUNCTIONS = {
    "APIHandler": "api_handler",
    "StackChanged": "stack_changed",
    "ResourceChanged": "resource_changed",
    "JobChanged": "job_changed",
    "Tick": "tick",
    "Deliver": "deliver",
}
FUNCTION_IDS = {name: logical_id for logical_id, name in FUNCTIONS.items()}


def translate(packaged: Path, target: Path, *options: str) -> Path:
    """Write the CloudFormation template into which AWS translates the package's template."""
    assert TRANSLATOR.exists(), "make test sets up .venv/sam"
    script = str(ROOT / "tests/tools/translate_sam.py")
    done = subprocess.run(
        [TRANSLATOR, script, packaged / "sam.json", target, *options],
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return target
