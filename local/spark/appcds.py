"""An archive of the classes that Spark loads, so that a start does not load and check them one by one.

Java makes it (AppCDS): a base archive of Java's own classes, and on top of it the classes of one Spark
session that did what jobs do. It takes 45 s and 160 MB, so it is made once and kept in a cache.
Without it everything works, only slower: nothing here is worth failing for.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyspark

from local.spark.java import java_home, java_version

_TRAINING = Path(__file__).with_name("training.py")
_SECONDS = 300

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """A finished archive; both files belong together, and to one Java, one Spark and one class path."""

    base: Path
    classes: Path

    @property
    def options(self) -> tuple[str, ...]:
        """What Spark's Java needs; `-Xshare:auto` and a silent log, so that a bad archive costs only time."""
        files = f'"-XX:SharedArchiveFile={self.base}:{self.classes}"'
        return (files, "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")

    @property
    def launcher_options(self) -> tuple[str, ...]:
        """What the Java needs that only composes Spark's command line; a shell splits these at spaces."""
        if " " in str(self.base):
            return ()
        return (f"-XX:SharedArchiveFile={self.base}", "-Xshare:auto", "-Xlog:cds=off")


def conf_dir(cache_dir: Path) -> Path:
    """The empty SPARK_CONF_DIR; a part of the class path, so the archive is bound to this very folder."""
    return cache_dir / "empty-conf"


def find(cache_dir: Path, java: Path | None = None) -> Archive | None:
    """The archive for the installed versions, if it was prepared."""
    folder = cache_dir / _key(java or java_home(), cache_dir)
    archive = Archive(folder / "base.jsa", folder / "classes.jsa")
    return archive if archive.base.exists() and archive.classes.exists() else None


def prepare(cache_dir: Path) -> Archive | None:
    """Make the archive unless it is there; None when it cannot be made, which is logged."""
    java = java_home()
    if (archive := find(cache_dir, java)) is not None:
        return archive
    final = cache_dir / _key(java, cache_dir)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _drop_leftovers(cache_dir)
        with tempfile.TemporaryDirectory(prefix="scratch-", dir=cache_dir) as scratch:
            made = Path(scratch) / "archive"
            made.mkdir()
            _make(java, cache_dir, Path(scratch), made)
            # The folder appears whole or not at all; if another process was first, its archive is as good.
            if not final.exists():
                made.rename(final)
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or b""
        _logger.warning(
            "no class archive, Spark starts slower: %s %s", error, output[-2000:].decode("utf-8", "replace")
        )
    return find(cache_dir, java)


def _make(java: Path, cache_dir: Path, scratch: Path, made: Path) -> None:
    from local.spark.launch import Launch  # it knows the archive, so not at the top

    base, classes = made / "base.jsa", made / "classes.jsa"
    # Java packages leave Java's own archive out to be smaller; ours goes to the cache, not into the package.
    dump = [str(java / "bin/java"), "-Xshare:dump", "-XX:+UseSerialGC", f"-XX:SharedArchiveFile={base}"]
    subprocess.run(dump, check=True, capture_output=True, timeout=_SECONDS)  # noqa: S603 - our own Java
    (scratch / "bucket").mkdir()
    launch = Launch(
        scratch=scratch,
        conf_dir=conf_dir(cache_dir),
        java_home=java,
        buckets={"training": scratch / "bucket"},
        java_options=(f'"-XX:SharedArchiveFile={base}"', f'"-XX:ArchiveClassesAtExit={classes}"'),
    )
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-P", str(_TRAINING)],
        env=launch.environment(),
        cwd=scratch,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
    )
    if not classes.exists():
        raise OSError("Java ended without writing its archive.")


def _key(java: Path, cache_dir: Path) -> str:
    """A name that changes with everything an archive is bound to."""
    parts = [
        str(java),
        java_version(java),
        pyspark.__version__,
        str(Path(pyspark.__file__).parent),
        platform.system(),
        platform.machine(),
        str(conf_dir(cache_dir)),
        _TRAINING.read_text(encoding="utf-8"),
    ]
    return "classes-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _drop_leftovers(cache_dir: Path) -> None:
    """Remove what a killed `prepare` left behind; a living one needs minutes at most."""
    for folder in cache_dir.glob("scratch-*"):
        if time.time() - folder.stat().st_mtime > 10 * _SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
