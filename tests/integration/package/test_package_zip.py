"""The code of the functions in the package: its size, its dependencies and its start."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chalicelib.wiring.shared import PATIENT_SERVICES
from deploy.requirements import pinned
from tests.support.paths import ROOT

pytestmark = pytest.mark.xdist_group("package")


def test_the_zip_is_small_and_has_only_the_app_and_its_dependencies(packaged: Path, unzipped: Path) -> None:
    files = [path for path in unzipped.rglob("*") if path.is_file()]
    assert (packaged / "deployment.zip").stat().st_size < 9e6
    first = {path.name for path in unzipped.iterdir()}
    assert first & {"local", "tests", "data", "glue_assets", "moto", "pytest"} == set()
    assert {"app.py", "chalice", "chalicelib"} <= first
    source, shipped = ROOT / "chalice_app/chalicelib", unzipped / "chalicelib"
    own = {path.relative_to(source) for path in source.rglob("*.py")}
    portal = (source / "portal/index.html", *(source / "portal/assets").iterdir())
    own |= {path.relative_to(source) for path in portal}
    found = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()}
    assert {path for path in found if path.suffix != ".pyc"} == own
    assert first & {"cryptography", "pycparser", "cffi"} == set()
    assert [path for path in files if path.suffix in (".c", ".pyi")] == []


def test_the_zip_has_the_sdk_models_of_the_services_that_the_app_calls_and_no_others(unzipped: Path) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "chalice_app/chalicelib").rglob("*.py"))
    called = {*PATIENT_SERVICES, *re.findall(r"\.client\(\s*\"([a-z0-9-]+)\"", sources)}
    assert {path.name for path in (unzipped / "botocore/data").iterdir() if path.is_dir()} == called


def test_the_zip_has_the_tested_versions_for_lambdas_platform(unzipped: Path) -> None:
    pins = {re.sub(r"\[.*\]", "", pin).lower().replace("-", "_") for pin in pinned()}
    infos = list(unzipped.glob("*.dist-info"))
    assert len(infos) >= 8
    for info in infos:
        assert "==".join(info.name.removesuffix(".dist-info").lower().split("-")) in pins, info.name
        for tag in re.findall(r"^Tag: (\S+)$", (info / "WHEEL").read_text(), re.MULTILINE):
            assert fits_lambda(tag) or any(
                fits_lambda(other)
                for other in re.findall(r"^Tag: (\S+)$", (info / "WHEEL").read_text(), re.M)
            ), (info.name, tag)


def fits_lambda(tag: str) -> bool:
    """Python 3.11 on Amazon Linux 2 (glibc 2.26), x86_64."""
    python, abi, system = tag.split("-")
    if (abi, system) == ("none", "any"):
        return python in ("py3", "py311")
    legacy = {"manylinux1_x86_64": 5, "manylinux2010_x86_64": 12, "manylinux2014_x86_64": 17}
    match = re.fullmatch(r"manylinux_2_(\d+)_x86_64", system)
    minor = int(match[1]) if match else legacy.get(system, 99)
    version = int(python.removeprefix("cp3") or 0)
    return minor <= 26 and (abi == "cp311" or (abi == "abi3" and version <= 11))


def test_builds_of_the_zip_are_reproducible(packaged: Path) -> None:
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="the wheels are for Lambda's Linux"
)
def test_the_app_starts_with_only_the_zip(unzipped: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(unzipped)!r})\n"
        "import app\n"
        "app.service().environments.visible\n"
        "print(len(app.app.routes), app.app.__class__.__module__, app.__file__)"
    )
    settings = ("TABLE_NAME", "ASSETS_BUCKET", "AUDIENCE", "CURSOR_KEY")
    environ = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "ISSUER": "https://issuer.example",
        "SANDBOX_INSPECTOR_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-inspector",
        "SANDBOX_READER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-reader",
        "SANDBOX_USER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-user",
        **dict.fromkeys(settings, "some-text-of-ours"),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", program], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    routes, module, file = done.stdout.split()
    assert int(routes) > 10
    assert (module, file) == ("chalice.app", str(unzipped / "app.py"))
