"""File formats of tables that statements create: SerDe, input and output format by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.athena.errors import QueryFailed

Json = dict[str, Any]

_HIVE = "org.apache.hadoop.hive"
_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat")
LAZY_SIMPLE = f"{_HIVE}.serde2.lazy.LazySimpleSerDe"
JSON_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"


@dataclass(frozen=True)
class Storage:
    """Classes of a file format."""

    serde: str
    input: str
    output: str

    def descriptor(
        self, location: str, columns: list[Json], serde_parameters: dict[str, str] | None = None
    ) -> Json:
        """Return the StorageDescriptor of a table."""
        parameters = serde_parameters or {"serialization.format": "1"}
        return {
            "Columns": columns,
            "Location": location,
            "InputFormat": self.input,
            "OutputFormat": self.output,
            "Compressed": False,
            "NumberOfBuckets": -1,
            "SerdeInfo": {"SerializationLibrary": self.serde, "Parameters": parameters},
            "BucketColumns": [],
            "SortColumns": [],
            "Parameters": {},
            "StoredAsSubDirectories": False,
        }


def _of(serde: str, package: str, name: str) -> Storage:
    return Storage(
        f"{_HIVE}.{serde}",
        f"{_HIVE}.ql.io.{package}{name}InputFormat",
        f"{_HIVE}.ql.io.{package}{name}OutputFormat",
    )


# https://docs.aws.amazon.com/athena/latest/ug/create-table.html (STORED AS), and Hive's StorageFormatFactory
FORMATS = {
    "TEXTFILE": Storage(LAZY_SIMPLE, *_TEXT),
    "JSONFILE": Storage(JSON_SERDE, *_TEXT),
    "JSON": Storage(JSON_SERDE, *_TEXT),
    "PARQUET": _of("ql.io.parquet.serde.ParquetHiveSerDe", "parquet.", "MapredParquet"),
    "ORC": _of("ql.io.orc.OrcSerde", "orc.", "Orc"),
    "AVRO": _of("serde2.avro.AvroSerDe", "avro.", "AvroContainer"),
    "RCFILE": _of("serde2.columnar.LazyBinaryColumnarSerDe", "", "RCFile"),
    "ION": Storage(
        "com.amazon.ionhiveserde.IonHiveSerDe",
        "com.amazon.ionhiveserde.formats.IonInputFormat",
        "com.amazon.ionhiveserde.formats.IonOutputFormat",
    ),
    "SEQUENCEFILE": Storage(
        LAZY_SIMPLE,
        "org.apache.hadoop.mapred.SequenceFileInputFormat",
        f"{_HIVE}.ql.io.HiveSequenceFileOutputFormat",
    ),
}


def stored_as(name: str) -> Storage:
    """Return a format by its name in STORED AS. Raises `QueryFailed` if Athena has no such format."""
    if (found := FORMATS.get(name.upper())) is None:
        raise QueryFailed(f"FAILED: SemanticException Unrecognized file format in STORED AS clause: '{name}'")
    return found
