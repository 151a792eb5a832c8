"""cfn-lint on the template of the project's data and on the service's own resources."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from glue_assets import release as releases
from glue_assets.release import build
from glue_assets.tables import DataError
from tests.support.paths import ROOT
from tests.support.releases import built_release


@pytest.mark.full
def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(built_release(ROOT / "data", "0.0.0").template, encoding="utf-8")
    lint = "import sys; from cfnlint.runner import main; sys.exit(main())"
    command = [sys.executable, "-c", lint, "--", file, ROOT / "chalice_app/resources.json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def put(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def test_the_command_writes_a_release_in_the_layout_of_the_bucket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = put(tmp_path / "data", {"s/t/a.csv": "id\n1\n"}), tmp_path / "out"
    assert releases.main(["build", "--out", str(out), "--data", str(data), "--version", "1.0.0"]) == 0
    release = json.loads((out / "releases/latest.json").read_text())["release"]
    assert release in capsys.readouterr().out
    folder = out / "releases" / release
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (folder / "data/s/t/a.csv").read_text() == "id\n1\n"
    for file in (*manifest["files"], manifest["template"]):
        assert (folder / file["path"]).stat().st_size == file["size"]


def test_a_template_that_cfn_lint_rejects_is_not_built(tmp_path: Path) -> None:
    assets = tmp_path / "glue_assets"
    shutil.copytree(ROOT / "glue_assets", assets)
    storage = assets / "modules/storage.yaml"
    storage.write_text(storage.read_text().replace("BlockPublicAcls", "BlockAcls", 1))
    with pytest.raises(DataError, match=r"template\.yaml:\d+: .*BlockAcls.* \(E3002\)"):
        build(tmp_path, put(tmp_path / "data", {"s/t/a.csv": "id\n"}), "1.0.0", tmp_path / "work")
