"""The package, built once, and what AWS makes of it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from deploy.package import package
from tests.support.translation import GRADUAL, translate


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package. The wheels come from the registry."""
    out = tmp_path_factory.mktemp("package")
    package(out)
    return out


@pytest.fixture(scope="session")
def sam(packaged: Path) -> dict[str, Any]:
    template: dict[str, Any] = json.loads((packaged / "sam.json").read_text(encoding="utf-8"))
    return template


@pytest.fixture(scope="session")
def translated(packaged: Path, sam: dict[str, Any]) -> Path:
    """The CloudFormation template into which AWS translates the package's template."""
    return translate(packaged, packaged / "cloudformation.json")


@pytest.fixture(scope="session")
def gradual(packaged: Path) -> Path:
    """The same with a gradual rollout, and therefore with CodeDeploy."""
    return translate(packaged, packaged / "gradual.json", "--parameter", f"Rollout={GRADUAL}")


@pytest.fixture(scope="session")
def resources(translated: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(translated.read_text(encoding="utf-8"))["Resources"]
    return found


@pytest.fixture(scope="session")
def unzipped(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lambda")
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        archive.extractall(folder)
    return folder
