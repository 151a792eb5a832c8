"""A Glue script with its input, and what it must produce."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_HIVE = "org.apache.hadoop.hive"
_SERDES: dict[str, tuple[str, dict[str, str]]] = {
    "json": ("org.openx.data.jsonserde.JsonSerDe", {}),
    "csv": (f"{_HIVE}.serde2.lazy.LazySimpleSerDe", {"field.delim": ","}),
    "opencsv": (f"{_HIVE}.serde2.OpenCSVSerde", {"separatorChar": ",", "quoteChar": '"'}),
    "parquet": (f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe", {"serialization.format": "1"}),
    "orc": (f"{_HIVE}.ql.io.orc.OrcSerde", {}),
}
_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_INPUTS = {
    "parquet": f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
    "orc": f"{_HIVE}.ql.io.orc.OrcInputFormat",
}


@dataclass(frozen=True)
class Table:
    """A table of the Data Catalog, as a crawler makes it, over the inputs below its name."""

    format: str
    columns: str
    keys: str = ""
    header: bool = False
    location: str = ""
    """Where the table is, if not at its inputs. Can contain `{target}`."""

    def definition(self, name: str, location: str) -> dict[str, Any]:
        library, parameters = _SERDES[self.format]
        return {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": _columns(self.keys),
            "Parameters": {
                "classification": self.format.removeprefix("open"),
                **({"skip.header.line.count": "1"} if self.header else {}),
            },
            "StorageDescriptor": {
                "Columns": _columns(self.columns),
                "Location": location,
                "InputFormat": _INPUTS.get(self.format, _TEXT_INPUT),
                "OutputFormat": f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters},
            },
        }


def _columns(text: str) -> list[dict[str, str]]:
    pairs = [part.strip().split(" ", 1) for part in text.split(";") if part.strip()]
    return [{"Name": name, "Type": kind} for name, kind in pairs]


@dataclass(frozen=True)
class Case:
    """A script, its input, and what it must produce.

    A script gets `--SOURCE` and `--TARGET`, two folders in S3, and `--DATABASE`. `inputs` are the objects
    below `--SOURCE`. In SQL, `{data}` is the folder of the inputs and `{out}` that of the objects below
    `--TARGET`.
    """

    script: str
    inputs: Mapping[str, str | bytes] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    result: str = ""
    """SQL that reads the output."""
    expected: str = ""
    """SQL that computes the same rows from the input."""
    objects: tuple[str, ...] = ()
    """Patterns of names below `--TARGET`. Each object matches one, except markers such as `_SUCCESS`."""
    rows: Mapping[str, str] = field(default_factory=dict)
    """SQL that computes what the API returns as the rows of a table of `--DATABASE`."""
    log: tuple[str, ...] = ()
    """Texts in the run's log."""
    error: str = ""
    """Pattern of the run's error message. Empty if the run succeeds."""
    warning: str = ""
    """Pattern of the warning when the script is uploaded. Empty if there is none."""
    later: Mapping[str, str | bytes] = field(default_factory=dict)
    """Inputs that arrive before a second run."""
    is_quick: bool = False
    """Whether `make test` runs the script. The others run with `--full`."""

    @property
    def name(self) -> str:
        return self.script.removesuffix(".py")
