"""Tables of the Data Catalog."""

from __future__ import annotations

import os
from typing import Any

from pyspark.sql import types

from ._spark.types import of_columns


def client(service: str = "glue") -> Any:
    """Return a boto3 client, by default of the Data Catalog."""
    import boto3  # slow, and the workers of Spark do not need it

    create: Any = boto3.client  # the stubs know only literal names
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return create(service, region_name=region)


def table_schema(database: str | None, table_name: str | None, catalog_id: str | None) -> types.StructType:
    """Return the columns of a table, with those of its partitions."""
    if not database or not table_name:
        raise ValueError("match_catalog needs database and table_name.")
    catalog = {"CatalogId": catalog_id} if catalog_id else {}
    table = client().get_table(DatabaseName=database, Name=table_name, **catalog)["Table"]
    return of_columns([*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])])
