"""Fixtures of the SoT job."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.support.sot_lake import lake

__all__ = ["lake"]


@pytest.fixture(scope="module", autouse=True)
def usual_partition_types(spark: SparkSession) -> Iterator[None]:
    """Restore the setting of the job that other tests of the shared session would notice."""
    yield
    spark.conf.unset("spark.sql.sources.partitionColumnTypeInference.enabled")
