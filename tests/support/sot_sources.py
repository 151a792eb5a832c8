"""Source tables of the SoT job: their definitions in the Data Catalog, and the frames that the job makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession

import sot_ecommerce as job

HIVE = "org.apache.hadoop.hive"
CSV = {
    "SerializationLibrary": f"{HIVE}.serde2.OpenCSVSerde",
    "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
}
TEXT = {"SerializationLibrary": f"{HIVE}.serde2.lazy.LazySimpleSerDe"}
OPENX = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}
HIVE_JSON = {"SerializationLibrary": f"{HIVE}.serde2.JsonSerDe"}
PARQUET = {"SerializationLibrary": f"{HIVE}.ql.io.parquet.serde.ParquetHiveSerDe"}
ORC = {"SerializationLibrary": f"{HIVE}.ql.io.orc.OrcSerde"}
AVRO = {"SerializationLibrary": f"{HIVE}.serde2.avro.AvroSerDe"}


def definition(
    location: str,
    columns: Sequence[str],
    serde: Mapping[str, Any] = CSV,
    keys: Sequence[str] = (),
    **parameters: str,
) -> Any:
    """Return a table of the Data Catalog without its name. A header is expected in CSV files."""
    header = {} if parameters.get("header") == "no" else {"skip.header.line.count": "1"}
    return {
        "StorageDescriptor": {
            "Location": location,
            "Columns": [{"Name": name, "Type": "string"} for name in columns],
            "SerdeInfo": dict(serde),
        },
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
        "Parameters": {**header, **{k: v for k, v in parameters.items() if k != "header"}},
    }


def observations() -> dict[str, Observation]:
    """Return what a run observes, by name."""
    return {name: Observation() for name in (*job.SOURCES, "items", "sot")}


def converted(spark: SparkSession, name: str, table: Any, seen: Observation | None = None) -> DataFrame:
    """Return the frame that the job makes of a source table."""
    kinds = job.SOURCES[name]
    stored = job.read_source(spark, job.describe_source(f"db.{name}", table), kinds)
    return job.convert(stored, f"db.{name}", kinds, seen or Observation())
