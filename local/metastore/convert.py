"""Conversion between the Data Catalog's JSON and the Hive metastore's Thrift objects.

The rules are those of AWS's own client: https://github.com/awslabs/aws-glue-data-catalog-client-for-apache-hive-metastore
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymetastore.hive_metastore import ttypes

Json = dict[str, Any]

VIEW = "VIRTUAL_VIEW"
_TYPES = ("EXTERNAL_TABLE", "MANAGED_TABLE")


def database(glue: Json) -> Any:
    """Return a database. Without a location, Spark cannot derive one for tables, as in Glue."""
    return ttypes.Database(
        name=glue["Name"],
        description=glue.get("Description", ""),
        locationUri=glue.get("LocationUri") or "",
        parameters=glue.get("Parameters") or {},
    )


def database_input(database: Any) -> Json:
    """Return the DatabaseInput of a database."""
    return _given(
        Name=database.name.lower(),
        Description=database.description,
        LocationUri=database.locationUri,
        Parameters=database.parameters,
    )


def table(glue: Json) -> Any:
    """Return a table. Raises MetaException if it lacks what Hive needs, with the words of AWS's client."""
    if missing := _missing(glue):
        raise ttypes.MetaException(f"{missing} cannot be null for table: {glue['Name']}")
    return ttypes.Table(
        tableName=glue["Name"],
        dbName=glue["DatabaseName"],
        owner=glue.get("Owner", ""),
        createTime=_seconds(glue.get("CreateTime")),
        lastAccessTime=_seconds(glue.get("LastAccessTime")),
        retention=glue.get("Retention", 0),
        sd=_storage(glue.get("StorageDescriptor") or {}),
        partitionKeys=[_column(key) for key in glue.get("PartitionKeys") or ()],
        parameters=glue.get("Parameters") or {},
        viewOriginalText=glue.get("ViewOriginalText"),
        viewExpandedText=glue.get("ViewExpandedText"),
        tableType=glue["TableType"],
    )


def table_input(table: Any) -> Json:
    """Return the TableInput of a table."""
    parameters = table.parameters or {}
    kind = table.tableType
    if kind in _TYPES:  # the parameter decides, as in Hive's metastore
        kind = {"true": _TYPES[0], "false": _TYPES[1]}.get(parameters.get("EXTERNAL", "").lower(), kind)
    return _given(
        Name=table.tableName.lower(),
        Owner=table.owner or None,
        Retention=table.retention,
        StorageDescriptor=_storage_input(table.sd),
        PartitionKeys=[_column_input(key) for key in table.partitionKeys or ()],
        Parameters=parameters,
        ViewOriginalText=table.viewOriginalText,
        ViewExpandedText=table.viewExpandedText,
        TableType=kind,
    )


def partition(glue: Json) -> Any:
    """Return a partition."""
    return ttypes.Partition(
        values=glue["Values"],
        dbName=glue["DatabaseName"],
        tableName=glue["TableName"],
        createTime=_seconds(glue.get("CreationTime")),
        lastAccessTime=_seconds(glue.get("LastAccessTime")),
        sd=_storage(glue.get("StorageDescriptor") or {}),
        parameters=glue.get("Parameters") or {},
    )


def partition_input(partition: Any) -> Json:
    """Return the PartitionInput of a partition."""
    return _given(
        Values=partition.values,
        StorageDescriptor=_storage_input(partition.sd),
        Parameters=partition.parameters,
    )


def _missing(glue: Json) -> str | None:
    storage = glue.get("StorageDescriptor")
    if glue.get("TableType") is None:
        return "TableType"
    if glue["TableType"] not in _TYPES:
        return None
    if storage is None:
        return "StorageDescriptor"
    for name in ("InputFormat", "OutputFormat", "SerdeInfo"):
        if storage.get(name) is None:
            return f"StorageDescriptor#{name}"
    if storage["SerdeInfo"].get("SerializationLibrary") is None:
        return "StorageDescriptor#SerdeInfo#SerializationLibrary"
    return None


def _storage(glue: Json) -> Any:
    serde = glue.get("SerdeInfo") or {}
    return ttypes.StorageDescriptor(
        cols=[_column(column) for column in glue.get("Columns") or ()],
        location=glue.get("Location"),
        inputFormat=glue.get("InputFormat"),
        outputFormat=glue.get("OutputFormat"),
        compressed=glue.get("Compressed", False),
        numBuckets=glue.get("NumberOfBuckets", 0),
        serdeInfo=ttypes.SerDeInfo(
            name=serde.get("Name"),
            serializationLib=serde.get("SerializationLibrary"),
            parameters=serde.get("Parameters") or {},
        ),
        bucketCols=glue.get("BucketColumns") or [],
        sortCols=[
            ttypes.Order(order["Column"], order["SortOrder"]) for order in glue.get("SortColumns") or ()
        ],
        parameters=glue.get("Parameters") or {},
        storedAsSubDirectories=glue.get("StoredAsSubDirectories", False),
    )


def _storage_input(storage: Any) -> Json:
    serde = storage.serdeInfo
    return _given(
        Columns=[_column_input(column) for column in storage.cols or ()],
        Location=storage.location,
        InputFormat=storage.inputFormat,
        OutputFormat=storage.outputFormat,
        Compressed=storage.compressed,
        NumberOfBuckets=storage.numBuckets,
        SerdeInfo=_given(
            Name=serde.name, SerializationLibrary=serde.serializationLib, Parameters=serde.parameters
        )
        if serde
        else None,
        BucketColumns=storage.bucketCols or None,
        SortColumns=[{"Column": order.col, "SortOrder": order.order} for order in storage.sortCols or ()]
        or None,
        Parameters=storage.parameters,
        StoredAsSubDirectories=storage.storedAsSubDirectories,
    )


def _column(glue: Json) -> Any:
    return ttypes.FieldSchema(glue["Name"], glue.get("Type", "string"), glue.get("Comment"))


def _column_input(column: Any) -> Json:
    return _given(Name=column.name, Type=column.type, Comment=column.comment)


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0


def _given(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}
