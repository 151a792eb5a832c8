"""Tables of the Data Catalog."""

from __future__ import annotations

import os
from typing import Any

from pyspark.sql import types

from ._spark.types import of_ddl


def client() -> Any:
    """Return a boto3 client of the Data Catalog."""
    import boto3  # slow, and the workers of Spark do not need it

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return boto3.client("glue", region_name=region)


def table_schema(database: str | None, table_name: str | None, catalog_id: str | None) -> types.StructType:
    """Return the columns of a table, with those of its partitions."""
    if not database or not table_name:
        raise ValueError("match_catalog needs database and table_name.")
    catalog = {"CatalogId": catalog_id} if catalog_id else {}
    table = client().get_table(DatabaseName=database, Name=table_name, **catalog)["Table"]
    columns = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
    fields = [types.StructField(item["Name"], of_ddl(item["Type"])) for item in columns]
    return types.StructType(fields)
