"""Fixtures for the frames of the local `awsglue`."""

from tests.support.spark_session import spark

__all__ = ["spark"]
