"""Compiles what Spark lacks (`java/`) into a jar, with Spark's own Java compiler.

These are a file system for `s3://`, and Hive's JSON and CSV formats for tables of the Data Catalog.
Janino is part of pyspark, so no JDK is needed. The jar's name depends on everything that it is made from.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

from local.spark import pyspark_package

SOURCES = Path(__file__).with_name("java")

_JARS = pyspark_package.FOLDER / "jars"
_COMPILER = "org.codehaus.commons.compiler.samples.CompilerDemo"  # Janino's main program
_SECONDS = 120
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same sources give the same bytes, as the class archive requires


def jar(cache_dir: Path) -> Path:
    """Return the path of the jar, which may not exist yet."""
    digest = hashlib.sha256(pyspark_package.VERSION.encode())
    for source in _sources():
        digest.update(source.relative_to(SOURCES).as_posix().encode() + source.read_bytes())
    return cache_dir / f"s3-{digest.hexdigest()[:16]}.jar"


def prepare(cache_dir: Path, java: Path) -> Path:
    """Return the jar, compiled if missing. Raises OSError if it cannot be compiled."""
    final = jar(cache_dir)
    if final.exists():
        return final
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=cache_dir) as scratch:
        classes, made = Path(scratch, "classes"), Path(scratch, final.name)
        classes.mkdir()
        _compile(java, classes)
        with zipfile.ZipFile(made, "w") as archive:
            for path in sorted(classes.rglob("*.class")):
                archive.writestr(
                    zipfile.ZipInfo(path.relative_to(classes).as_posix(), _LONG_AGO), path.read_bytes()
                )
        os.utime(made, (0, 0))  # the class archive records the jar's time
        # The jar appears atomically. If another process was first, its jar is equal.
        with contextlib.suppress(FileExistsError):
            os.link(made, final)
    return final


def _compile(java: Path, classes: Path) -> None:
    libraries = os.pathsep.join(map(str, sorted(_JARS.glob("*.jar"))))
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", str(_JARS / "*")]
    result = subprocess.run(  # noqa: S603 - our own Java
        [
            *(str(java / "bin/java"), *options, _COMPILER),
            *("-d", str(classes), "-classpath", libraries, "-encoding", "UTF-8"),
            *map(str, _sources()),
        ],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
    )
    if result.returncode or not any(classes.rglob("*.class")) or "Exception" in result.stderr:
        raise OSError(f"Spark's S3 file system cannot be compiled: {result.stderr[-2000:]}")


def _sources() -> list[Path]:
    return sorted(SOURCES.rglob("*.java"))
