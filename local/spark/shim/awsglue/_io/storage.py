"""Deletion of old files, and transitions of their storage class.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-glue-context.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from ..catalog import client
from ..utils import refuse
from .files import delete, exists, list_files

_WEEK_HOURS = 168
_FILTERS = ("retentionPeriod", "partitionPredicate", "excludeStorageClasses")


def purge(spark: SparkSession, path: str, options: Mapping[str, Any]) -> None:
    """Delete the files below a path that are older than the retention period."""
    # Objects that a run can read are in no archive, which excludeStorageClasses protects.
    refuse("purge", dict(options), _FILTERS)
    if not exists(spark, path):
        return
    oldest = _oldest(options) * 1000
    for file in list_files(spark, [path], recurse=True):
        if file.modified <= oldest:
            delete(spark, file.path)


def transition(path: str, storage_class: str, options: Mapping[str, Any]) -> None:
    """Change the storage class of the objects below a path that are older than the retention period."""
    # Glue uses S3 Batch Operations, which need an account and a role.
    refuse("transition", dict(options), (*_FILTERS, "accountId", "roleArn"))
    s3 = client("s3")
    bucket, _, prefix = path.partition("://")[2].partition("/")  # not urlsplit: a key may contain # and ?
    kept = {storage_class, *(options.get("excludeStorageClasses") or ())}
    oldest = _oldest(options)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            is_old = item["LastModified"].timestamp() <= oldest
            if is_old and item.get("StorageClass", "STANDARD") not in kept:
                source = {"Bucket": bucket, "Key": item["Key"]}
                s3.copy_object(**source, CopySource=source, StorageClass=storage_class)


def _oldest(options: Mapping[str, Any]) -> float:
    hours = options.get("retentionPeriod")
    return time.time() - float(_WEEK_HOURS if hours is None else hours) * 3600
