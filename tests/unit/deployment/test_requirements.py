"""The environment of `make deploy` is complete, and does not need that of development."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata

from packaging.requirements import Requirement

from deploy.requirements import REQUIREMENTS, pinned
from tests.support.paths import ROOT

DEPLOYMENT = REQUIREMENTS[:2]


def names() -> set[str]:
    lines = [line for file in DEPLOYMENT for line in file.read_text(encoding="utf-8").splitlines()]
    return {normal(re.split(r"==|\[", line)[0]) for line in lines if "==" in line}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_package_is_pinned_twice() -> None:
    pins = [normal(re.split(r"==|\[", pin)[0]) for pin in pinned()]
    assert sorted(pins) == sorted(set(pins))


def test_the_pins_of_the_deployment_contain_their_dependencies() -> None:
    found = names()
    for name in found:
        for line in metadata.distribution(name).requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert normal(requirement.name) in found, (name, line)


def test_the_commands_import_only_packages_of_the_deployment() -> None:
    """pip's metadata names the distribution of each imported module."""
    code = "import sys, deploy.__main__, duckdb; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    owners = metadata.packages_distributions()
    used = {normal(owner) for module in done.stdout.split() for owner in owners.get(module, [])}
    optional = {"certifi"}  # botocore has certificates of its own
    assert used - optional <= names(), used - names()
