"""Creates the class archive (AppCDS), with which Spark starts faster.

Java creates a base archive of its own classes and an archive of the classes of a Spark session that did what
jobs do. This takes 45 s and 160 MB, so the archive is cached. Errors are only logged, because Spark also
works without the archive.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from local.spark import filesystem, training_s3
from local.spark.class_archive import TRAINING, Archive, conf_dir, find, key
from local.spark.java import java_home
from local.spark.launch import Launch

_SECONDS = 300
_CATALOG = {
    "spark.sql.catalogImplementation": "hive",
    "spark.hadoop.hive.metastore.uris": "thrift://127.0.0.1:1",  # refuses the connection
    "spark.hadoop.hive.metastore.connect.retries": "1",
    "spark.hadoop.hive.metastore.failure.retries": "0",
}
"""Spark's catalog for scripts that use the Data Catalog, so that they start as fast as others."""

_logger = logging.getLogger(__name__)


def prepare(cache_dir: Path) -> Archive | None:
    """Return the archive, created if missing. Return None and log a warning if it cannot be created."""
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
            # The folder appears atomically. If another process was first, its archive is equivalent.
            if not final.exists():
                made.rename(final)
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or b""
        _logger.warning(
            "no class archive; Spark starts slowly: %s %s", error, output[-2000:].decode("utf-8", "replace")
        )
    return find(cache_dir, java)


def _make(java: Path, cache_dir: Path, scratch: Path, made: Path) -> None:
    base, classes = made / "base.jsa", made / "classes.jsa"
    # Java packages omit Java's own archive to save space, so it is created in the cache.
    dump = [str(java / "bin/java"), "-Xshare:dump", "-XX:+UseSerialGC", f"-XX:SharedArchiveFile={base}"]
    subprocess.run(dump, check=True, capture_output=True, timeout=_SECONDS)  # noqa: S603 - our own Java
    launch = Launch(
        scratch=scratch,
        conf_dir=conf_dir(cache_dir),
        java_home=java,
        jar=filesystem.prepare(cache_dir, java),
        java_options=(f'"-XX:SharedArchiveFile={base}"', f'"-XX:ArchiveClassesAtExit={classes}"'),
        properties=_CATALOG | {"spark.hadoop.hive.exec.scratchdir": str(scratch / "hive")},
    )
    with training_s3.serving() as endpoint:
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-P", str(TRAINING)],
            env=launch.environment() | {"AWS_ENDPOINT_URL": endpoint},
            cwd=scratch,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
        )
    if not classes.exists():
        raise OSError("Java did not write its archive.")


def _drop_leftovers(cache_dir: Path) -> None:
    """Remove folders of killed processes. A running process needs minutes at most."""
    for folder in cache_dir.glob("scratch-*"):
        if time.time() - folder.stat().st_mtime > 10 * _SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
