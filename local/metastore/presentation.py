"""CSV tables as Spark's data source tables.

Through Hive's SerDe, Spark ignores `skip.header.line.count` and splits quoted values at line breaks. So the
metastore adds properties to such a table, with which Spark reads it with its own CSV source. They exist in
its responses only; the Data Catalog never gets them.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pymetastore.hive_metastore import ttypes

Json = dict[str, Any]

_OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_PROVIDER = "spark.sql.sources.provider"
_CSV = "terraglue.hive.CsvFileFormat"  # local/spark/java
_SCHEMA = "spark.sql.sources.schema"
_ADDED = ("spark.sql.sources.", "spark.sql.partitionProvider")
_TYPES = {
    **{"tinyint": "byte", "smallint": "short", "int": "integer", "integer": "integer", "bigint": "long"},
    **{name: name for name in ("float", "double", "boolean", "string", "binary", "date", "timestamp")},
}


def present(table: Json) -> Json:
    """Return a table as Spark should see it."""
    options = _options(table)
    if options is None:
        return table
    storage, keys = table["StorageDescriptor"], table.get("PartitionKeys") or []
    fields = [_field(table, column) for column in [*storage.get("Columns", []), *keys]]
    parameters = {**(table.get("Parameters") or {}), _PROVIDER: _CSV}
    parameters = {name: value for name, value in parameters.items() if not name.startswith(_SCHEMA)}
    parameters[_SCHEMA] = json.dumps({"type": "struct", "fields": fields})
    if keys:
        parameters["spark.sql.partitionProvider"] = "catalog"
        parameters[f"{_SCHEMA}.numPartCols"] = str(len(keys))
        for index, key in enumerate(keys):
            parameters[f"{_SCHEMA}.partCol.{index}"] = key["Name"].lower()
    serde = {**storage["SerdeInfo"], "Parameters": {**options, "path": storage.get("Location", "")}}
    return {**table, "Parameters": parameters, "StorageDescriptor": {**storage, "SerdeInfo": serde}}


def restore(stored: Json, changed: Json) -> Json:
    """Return the TableInput of a changed table without what `present` added."""
    shown = present(stored)
    if shown is stored:
        return changed
    serde = dict(changed["StorageDescriptor"].get("SerdeInfo", {}).get("Parameters", {}))
    serde.pop("serialization.format", None)  # Hive adds it
    location = serde.pop("path", stored["StorageDescriptor"].get("Location", ""))
    if serde != _options(stored):
        raise ttypes.InvalidOperationException(
            f"The local Data Catalog cannot change SerDe properties of the CSV table {stored['Name']}."
        )
    columns = _columns(stored, changed["Parameters"])
    parameters = {name: value for name, value in changed["Parameters"].items() if not name.startswith(_ADDED)}
    old = stored["StorageDescriptor"]
    if columns == old.get("Columns"):
        before = (stored.get("Parameters") or {}).items()
        parameters |= {name: value for name, value in before if name.startswith(_ADDED)}
    if location.rstrip("/") == old.get("Location", "").rstrip("/"):
        location = old.get("Location", "")
    return {
        **changed,
        "Parameters": parameters,
        "PartitionKeys": stored.get("PartitionKeys") or [],
        "StorageDescriptor": {**old, "Columns": columns, "Location": location},
    }


def restore_partition(table: Json, partition: Json) -> Json:
    """Return the PartitionInput of a partition of a table, without what `present` added to the table."""
    if _options(table) is None:
        return partition
    storage = {**table["StorageDescriptor"], "Location": partition["StorageDescriptor"]["Location"]}
    return {**partition, "StorageDescriptor": storage}


def _options(table: Json) -> dict[str, str] | None:
    """Return the options of Spark's CSV source, or None if Spark reads the table rightly as it is."""
    storage, parameters = table.get("StorageDescriptor") or {}, table.get("Parameters") or {}
    serde = storage.get("SerdeInfo") or {}
    library, given = serde.get("SerializationLibrary"), serde.get("Parameters") or {}
    header = parameters.get("skip.header.line.count", "0")
    if _PROVIDER in parameters or table.get("TableType") == "VIRTUAL_VIEW":
        return None
    if library == _OPEN_CSV:
        quote = given.get("quoteChar", '"')
        options = {
            "sep": given.get("separatorChar", ","),
            "quote": quote,
            "escape": quote,
            # Files of a release have no line breaks in values, so Spark can split them.
            "multiLine": "false" if parameters.get("multiLine") == "false" else "true",
        }
    elif library == _LAZY and header != "0":
        separator = given.get("field.delim") or given.get("serialization.format", "\x01")
        options = {"sep": separator, "quote": "", "hiveNull": given.get("serialization.null.format", "\\N")}
        if "escape.delim" in given:
            options["escape"] = given["escape.delim"]
    else:
        return None
    if header not in ("0", "1"):
        raise ttypes.MetaException(
            f"The local Data Catalog does not support skip.header.line.count={header} "
            f"of the table {table['Name']}; only 0 and 1."
        )
    return {**options, "header": str(header == "1").lower()}


def _field(table: Json, column: Json) -> Json:
    kind = column["Type"].lower().replace(" ", "")
    if re.fullmatch(r"decimal(\(\d+(,\d+)?\))?", kind):
        digits = re.findall(r"\d+", kind) or ["10", "0"]
        spark = f"decimal({digits[0]},{digits[1] if len(digits) > 1 else 0})"
    elif re.fullmatch(r"(var)?char\(\d+\)", kind):
        spark = "string"
    elif kind in _TYPES:
        spark = _TYPES[kind]
    else:
        raise ttypes.MetaException(
            f"The local Data Catalog does not support the type {column['Type']} of the column "
            f"{column['Name']} in the CSV table {table['Name']}."
        )
    comment = {"comment": column["Comment"]} if column.get("Comment") else {}
    return {"name": column["Name"].lower(), "type": spark, "nullable": True, "metadata": comment}


def _columns(stored: Json, parameters: dict[str, str]) -> list[Json]:
    """Return the columns of a changed table. Spark changes those of a data source table in this property."""
    parts = int(parameters.get(f"{_SCHEMA}.numParts", "0"))
    divided = "".join(parameters[f"{_SCHEMA}.part.{index}"] for index in range(parts))
    keys = {key["Name"].lower() for key in stored.get("PartitionKeys") or ()}
    old = {column["Name"].lower(): column for column in stored["StorageDescriptor"].get("Columns", [])}
    return [
        _column(field, old.get(field["name"].lower()))
        for field in json.loads(parameters.get(_SCHEMA) or divided)["fields"]
        if field["name"].lower() not in keys
    ]


def _column(field: Json, old: Json | None) -> Json:
    """Return a column of the catalog for a field of Spark's schema. An unchanged type keeps its name."""
    comment = field.get("metadata", {}).get("comment")
    if old and _field({"Name": ""}, old)["type"] == field["type"]:
        kind = old["Type"]
    else:
        kind = {spark: hive for hive, spark in _TYPES.items() if hive != "integer"}.get(
            field["type"], field["type"]
        )
    return {"Name": field["name"], "Type": kind} | ({"Comment": comment} if comment else {})
