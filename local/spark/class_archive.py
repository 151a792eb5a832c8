"""Class archive (AppCDS) of Spark: where it is cached, and the Java options that use it."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

from local.spark import filesystem, pyspark_package
from local.spark.java import java_home, java_version

TRAINING = Path(__file__).with_name("training.py")
"""The job whose classes are archived."""


@dataclass(frozen=True)
class Archive:
    """A finished archive. Its two files fit one Java, one Spark and one class path."""

    base: Path
    classes: Path

    @property
    def options(self) -> tuple[str, ...]:
        """Options for Spark's Java. With `-Xshare:auto` and no log, an invalid archive costs only time."""
        files = f'"-XX:SharedArchiveFile={self.base}:{self.classes}"'
        return (files, "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")

    @property
    def launcher_options(self) -> tuple[str, ...]:
        """Options for the Java process that builds Spark's command line. A shell splits them at spaces."""
        if " " in str(self.base):
            return ()
        return (f"-XX:SharedArchiveFile={self.base}", "-Xshare:auto", "-Xlog:cds=off")


def conf_dir(cache_dir: Path) -> Path:
    """Return the empty SPARK_CONF_DIR. The archive requires this folder, as it is in the class path."""
    return cache_dir / "empty-conf"


def find(cache_dir: Path, java: Path | None = None) -> Archive | None:
    """Return the archive for the installed versions, or None if it was not created."""
    folder = cache_dir / key(java or java_home(), cache_dir)
    archive = Archive(folder / "base.jsa", folder / "classes.jsa")
    return archive if archive.base.exists() and archive.classes.exists() else None


def key(java: Path, cache_dir: Path) -> str:
    """Return a folder name that depends on everything that the archive depends on."""
    parts = [
        str(java),
        java_version(java),
        pyspark_package.VERSION,
        str(pyspark_package.FOLDER),
        platform.system(),
        platform.machine(),
        str(conf_dir(cache_dir)),
        str(filesystem.jar(cache_dir)),
        TRAINING.read_text(encoding="utf-8"),
    ]
    return "classes-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
