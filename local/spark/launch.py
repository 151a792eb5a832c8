"""Environment of a Python process that starts Spark locally.

The script is the same as in the cloud. Spark reads `s3://`, `s3a://` and `s3n://` with a file system of ours
(`filesystem`), because pyspark has no hadoop-aws. The start is faster with the C1 compiler (at the expense of
long jobs), the serial collector and an archive of loaded classes (`appcds`).
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.aws.s3_uris import SCHEMES
from local.runtime.processes import safe_environment
from local.spark.class_archive import Archive

SHIM = Path(__file__).parent / "shim"
"""Folder of the `awsglue` package."""

S3_PROPERTIES = {
    f"spark.hadoop.{interface}.{scheme}.impl": f"terraglue.s3.{implementation}"
    for scheme in SCHEMES
    for interface, implementation in (("fs", "S3FileSystem"), ("fs.AbstractFileSystem", "S3FileContext"))
}
"""Properties that map the schemes to the file system in the jar of `filesystem`."""

_LOG4J = Path(__file__).with_name("log4j2.properties")
_JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
_PROPERTIES = {
    "spark.master": "local[*]",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    **S3_PROPERTIES,
}


@dataclass(frozen=True)
class Launch:
    """A process that may start Spark. `scratch` is its own folder, `jar` the file system for S3.

    The file system needs the environment variables AWS_ENDPOINT_URL, AWS_REGION and those of the credentials.
    """

    scratch: Path
    conf_dir: Path
    java_home: Path
    jar: Path
    python_path: Sequence[Path] = ()
    archive: Archive | None = None
    java_options: Sequence[str] = ()
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def work_dir(self) -> Path:
        """Working directory and home of the process, for relative paths and `~`."""
        return work_dir(self.scratch)

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the environment variables of the process, without the developer's secrets."""
        self.conf_dir.mkdir(parents=True, exist_ok=True)
        self.work_dir.mkdir(parents=True, exist_ok=True)
        temporary = self.scratch / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        properties = self.scratch / "spark.properties"
        properties.write_text(self._properties(temporary), encoding="utf-8")
        options = [*_JAVA_OPTIONS[:2], *(self.archive.launcher_options if self.archive else ())]
        return safe_environment(base) | {
            "HOME": str(self.work_dir),
            "JAVA_HOME": str(self.java_home),
            "NO_PROXY": "127.0.0.1,localhost",  # macOS has proxies without variables
            "no_proxy": "127.0.0.1,localhost",
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_SUBMIT_ARGS": f"--properties-file {shlex.quote(str(properties))} pyspark-shell",
            "PYTHONPATH": os.pathsep.join(map(str, [SHIM, *self.python_path])),
            "PYTHONUNBUFFERED": "1",  # send every line immediately
            "SPARK_CONF_DIR": str(self.conf_dir),  # first in the class path; must be empty for the archive
            "SPARK_LAUNCHER_OPTS": " ".join(options),
            "SPARK_LOCAL_DIRS": str(temporary),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "TMPDIR": str(temporary),
            "TZ": "UTC",  # as on Glue's workers; Java reads it too
        }

    def _properties(self, temporary: Path) -> str:
        java_options = [*_JAVA_OPTIONS, *(self.archive.options if self.archive else ()), *self.java_options]
        folders = f'"-Djava.io.tmpdir={temporary}"', f'"-Duser.home={self.work_dir}"'  # Java ignores HOME
        java_options.append(f'"-Dlog4j2.configurationFile={_LOG4J}"')
        values = _PROPERTIES | {
            "spark.driver.extraClassPath": str(self.jar),
            "spark.driver.extraJavaOptions": " ".join([*java_options, *folders]),
            "spark.sql.warehouse.dir": str(temporary / "warehouse"),
        }
        values |= self.properties
        return "".join(f"{name} {_escape(value)}\n" for name, value in values.items())


def work_dir(scratch: Path) -> Path:
    """Return the working directory of the process whose folder is `scratch`."""
    return scratch / "work"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
