"""Compilation of Spark's file system for S3."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from local.spark import filesystem
from local.spark.java import java_home


def test_the_same_sources_give_the_same_jar(tmp_path: Path) -> None:
    jars = [filesystem.prepare(tmp_path / name, java_home()) for name in ("one", "two")]
    assert jars[0].read_bytes() == jars[1].read_bytes()
    assert {jar.stat().st_mtime for jar in jars} == {0.0}  # the class archive compares it
    with zipfile.ZipFile(jars[0]) as archive:
        assert "terraglue/s3/S3FileSystem.class" in archive.namelist()
    assert [path.name for path in jars[0].parent.iterdir()] == [jars[0].name]


def test_a_changed_source_has_another_jar_and_an_error_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filesystem.jar(tmp_path)
    changed = tmp_path / "java"
    shutil.copytree(filesystem.SOURCES, changed)
    source = changed / "terraglue/s3/Entry.java"
    source.write_text(source.read_text().replace("final long size;", "final long size"))
    monkeypatch.setattr(filesystem, "SOURCES", changed)
    assert filesystem.jar(tmp_path) != before
    with pytest.raises(OSError, match=r"cannot be compiled: .*Entry\.java.*Line \d+"):
        filesystem.prepare(tmp_path, java_home())
    assert list(tmp_path.glob("*.jar")) == []
