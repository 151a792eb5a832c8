"""Fixtures for the job on Spark."""

from tests.support.spark_session import mount_bucket, spark

__all__ = ["mount_bucket", "spark"]
