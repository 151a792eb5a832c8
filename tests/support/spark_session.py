"""Fixtures of one local Spark session that all tests of a process share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark import SparkContext
from pyspark.sql import SparkSession

from local.aws.s3_uris import SCHEMES
from local.runtime.paths import SPARK_CACHE
from local.spark import filesystem, launch
from local.spark.java import java_home

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "1",
    # For short jobs, the quick compiler and the simple collector save more start time than they cost.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    # Tests set the endpoint and the credentials (spark_s3.py), or mount folders as buckets (mount_bucket).
    **{f"spark.hadoop.fs.{scheme}.impl.disable.cache": "true" for scheme in SCHEMES},
    "spark.hadoop.fs.rawlocal.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Start Spark with one thread. Stop its Java process at the end."""
    scratch = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(java_home()))
        builder = SparkSession.builder.master("local[1]").config("spark.local.dir", str(scratch))
        jar = filesystem.prepare(SPARK_CACHE, java_home())
        files = {**launch.S3_PROPERTIES, "spark.driver.extraClassPath": str(jar)}
        files["spark.hadoop.terraglue.s3.scratch"] = str(scratch)
        files["spark.hadoop.terraglue.s3.pause.milliseconds"] = "1"  # between attempts
        for name, value in {**SETTINGS, **files}.items():
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
def mount_bucket(spark: SparkSession) -> Iterator[Callable[[str, Path], None]]:
    """Map ``s3://bucket`` to a folder, without S3."""
    hadoop = hadoop_configuration(spark)
    usual = hadoop.get("fs.s3.impl")
    hadoop.set("fs.s3.impl", "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme")

    def mount(bucket: str, folder: Path) -> None:
        hadoop.set(f"fs.viewfs.mounttable.{bucket}.linkFallback", f"rawlocal://{folder}")

    yield mount
    hadoop.set("fs.s3.impl", usual)


def hadoop_configuration(spark: SparkSession) -> Any:
    """Return the Hadoop properties of a session."""
    return spark.sparkContext._jsc.hadoopConfiguration()  # type: ignore[attr-defined]
