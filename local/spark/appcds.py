"""An archive of the classes that Spark loads, so that a start does not load and check them one by one.

Java makes it (AppCDS): a base archive of Java's own classes, and on top of it the classes of one Spark
session that did what jobs do. It takes 45 s and 160 MB, so it is made once and kept in a cache.
Without it everything works, only slower: nothing here is worth failing for.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from local.spark.class_archive import TRAINING, Archive, conf_dir, find, key
from local.spark.java import java_home
from local.spark.launch import Launch

_SECONDS = 300

_logger = logging.getLogger(__name__)


def prepare(cache_dir: Path) -> Archive | None:
    """Make the archive unless it is there; None when it cannot be made, which is logged."""
    java = java_home()
    if (archive := find(cache_dir, java)) is not None:
        return archive
    final = cache_dir / key(java, cache_dir)
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
        [sys.executable, "-P", str(TRAINING)],
        env=launch.environment(),
        cwd=scratch,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
    )
    if not classes.exists():
        raise OSError("Java ended without writing its archive.")


def _drop_leftovers(cache_dir: Path) -> None:
    """Remove what a killed `prepare` left behind; a living one needs minutes at most."""
    for folder in cache_dir.glob("scratch-*"):
        if time.time() - folder.stat().st_mtime > 10 * _SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
