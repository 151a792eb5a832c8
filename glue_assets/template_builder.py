"""Stack template builder: assembles the modules and adds the databases and tables of the data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from glue_assets.tables import Column, DataError, Table

RESOURCES_MARK = "  # release.py: the databases and tables of data/\n"
OUTPUTS_MARK = "  # release.py: the databases of data/\n"

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
_BYTES, _RESOURCES, _OUTPUTS = 1024 * 1024, 500, 200
NAMES_BYTES = 40_000
"""Limit for all logical IDs: a sandbox's record, of at most 400 KB, contains the state of each resource."""

_HIVE = "org.apache.hadoop.hive.ql.io"
_TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": f"{_HIVE}.HiveIgnoreKeyTextOutputFormat",
}
_STORAGE: dict[str, dict[str, Any]] = {
    "csv": {
        **_TEXT,
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
            # OpenCSVSerde supports doubled quotes anyway and rejects the quote as escape character.
            "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
        },
    },
    "json": {**_TEXT, "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}},
    "orc": {
        "InputFormat": f"{_HIVE}.orc.OrcInputFormat",
        "OutputFormat": f"{_HIVE}.orc.OrcOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{_HIVE}.orc.OrcSerde"},
    },
    "parquet": {
        "InputFormat": f"{_HIVE}.parquet.MapredParquetInputFormat",
        "OutputFormat": f"{_HIVE}.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{_HIVE}.parquet.serde.ParquetHiveSerDe"},
    },
}
_PARAMETERS = {
    "csv": {"classification": "csv", "skip.header.line.count": "1"},
    "json": {"classification": "json"},
    "orc": {"classification": "orc"},
    "parquet": {"classification": "parquet"},
}


_MODULE_MARK = re.compile(r"(?m)^  # release\.py: (modules/[a-z]+\.yaml)\n")


@dataclass(frozen=True)
class Resource:
    """A resource of the stack. `when` is the parameter that must be 'true' for it, or None."""

    logical_id: str
    type: str
    when: str | None


def assemble(folder: Path) -> str:
    """Insert the modules of a folder into its `template.yaml`."""

    def resources_of(mark: re.Match[str]) -> str:
        _, _, body = (folder / mark[1]).read_text(encoding="utf-8").partition("\nResources:\n")
        return f"\n  # ---- {mark[1]} ".ljust(107, "-") + f"\n{body}"

    return _MODULE_MARK.sub(resources_of, (folder / "template.yaml").read_text(encoding="utf-8"))


def complete(text: str, tables: Sequence[Table]) -> str:
    """Add the databases and tables of the data to a template. `tables` must be sorted by database.

    Raises `DataError` for ambiguous names and for exceeded CloudFormation limits.
    """
    made: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for database, members in groupby(tables, key=lambda table: table.database):
        if database == "sot":
            raise DataError("the database name sot is reserved for the job; rename the data's database")
        database_id = f"Database{_camel(database)}"
        tables_of = list(members)
        _add(made, database_id, _database(database, tables_of[0].database_description), database)
        outputs[database_id] = {
            "Description": f"Data Catalog database of data/{database}",
            "Value": _Ref(database_id),
        }
        for table in tables_of:
            name = f"{database}/{table.name}"
            _add(made, f"{_camel(table.name)}In{_camel(database)}", _table(table, database_id), name)
    for mark, entries in ((RESOURCES_MARK, made), (OUTPUTS_MARK, outputs)):
        if text.count(mark) != 1:
            raise ValueError(f"the template must contain the line {mark.strip()!r} once")
        text = text.replace(mark, mark + _block(entries))
    _check_limits(text)
    return text


def resources(text: str) -> tuple[Resource, ...]:
    """Return the resources of a template, in its order."""
    template = parse(text)
    conditions = template.get("Conditions", {})
    return tuple(
        Resource(logical_id, resource["Type"], _parameter(conditions, resource.get("Condition")))
        for logical_id, resource in template["Resources"].items()
    )


def parse(text: str) -> dict[str, Any]:
    """Parse a template, with `!Ref X` as {"Ref": "X"} and so on. Raises `yaml.YAMLError` if invalid."""
    template: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    return template


def storage(table: Table) -> dict[str, Any]:
    """Return the storage descriptor of a table without its location."""
    return {**_STORAGE[table.format], "Columns": [_column(column) for column in table.columns]}


def _column(column: Column) -> dict[str, str]:
    comment = {"Comment": column.comment} if column.comment else {}
    return _Line({"Name": column.name, "Type": column.type, **comment})


def _database(database: str, description: str | None) -> dict[str, Any]:
    database_input = {
        "Name": _Sub(f"terraglue_${{EnvironmentId}}_{database}"),
        "Description": description or f"data/{database}",
        "LocationUri": _Sub(f"s3://${{SorBucket}}/{database}/"),
    }
    return {
        "Type": "AWS::Glue::Database",
        "Properties": {"CatalogId": _Ref("AWS::AccountId"), "DatabaseInput": database_input},
    }


def definition(table: Table) -> dict[str, Any]:
    """Return the TableInput of a table without its name and location."""
    return {
        **({"Description": table.description} if table.description else {}),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {**_PARAMETERS[table.format], **_statistics(table), **table.parameters},
        "StorageDescriptor": storage(table),
        **({"PartitionKeys": [_column(key) for key in table.partition_keys]} if table.partition_keys else {}),
    }


def _statistics(table: Table) -> dict[str, str]:
    """Return size and rows of a table, with the parameters that Glue crawlers set.

    https://docs.aws.amazon.com/glue/latest/dg/table-properties-crawler.html
    """
    return {
        "recordCount": str(table.rows),
        "sizeKey": str(table.size),
        "objectCount": str(len(table.files)),
        "averageRecordSize": str(table.size // table.rows if table.rows else 0),
    }


def _table(table: Table, database_id: str) -> dict[str, Any]:
    location = _Sub(f"s3://${{SorBucket}}/{table.database}/{table.name}/")
    described = definition(table)
    described["StorageDescriptor"] = {"Location": location, **described["StorageDescriptor"]}
    return {
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": _Ref("AWS::AccountId"),
            "DatabaseName": _Ref(database_id),
            "TableInput": {"Name": table.name, **described},
        },
    }


def _add(entries: dict[str, Any], logical_id: str, entry: dict[str, Any], name: str) -> None:
    if logical_id in entries:
        raise DataError(f"{name}: names must not differ only in their underscores")
    entries[logical_id] = entry


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _parameter(conditions: Mapping[str, Any], condition: str | None) -> str | None:
    if condition is None:
        return None
    match conditions[condition]:
        case {"Fn::Equals": [{"Ref": str(parameter)}, "true"]}:
            return parameter
    raise ValueError(f"the template's condition {condition} is not !Equals [!Ref <parameter>, 'true']")


def _check_limits(text: str) -> None:
    template = parse(text)
    for count, limit, what in (
        (len(text.encode()), _BYTES, "bytes"),
        (len(template["Resources"]), _RESOURCES, "resources"),
        (len(template["Outputs"]), _OUTPUTS, "outputs"),
    ):
        if count > limit:
            raise DataError(f"the template has {count} {what} with this data; CloudFormation allows {limit}")
    names = sum(len(logical_id) for logical_id in template["Resources"])
    if names > NAMES_BYTES:
        raise DataError(f"the names of tables and databases are too long: {names} of {NAMES_BYTES} bytes")


class _Ref(str):
    """Written as `!Ref X`."""


class _Sub(str):
    """Written as `!Sub X`."""


class _Line(dict[str, str]):
    """Written on one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True  # CloudFormation has no aliases

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # indents lists as the hand-written part does


_Dumper.add_representer(_Ref, lambda dumper, value: dumper.represent_scalar("!Ref", value))
_Dumper.add_representer(_Sub, lambda dumper, value: dumper.represent_scalar("!Sub", value))
_Dumper.add_representer(
    _Line,
    lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True),
)


class _Loader(yaml.CSafeLoader):  # in C, because the Python loader takes a second
    pass


def _function(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any = None
    if isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        value = value.split(".", 1) if name == "GetAtt" else value
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _function)
# CloudFormation reads dates, such as a policy's Version, as strings.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _loader, node: str(node.value))


def _block(entries: Mapping[str, Any]) -> str:
    blocks = [
        yaml.dump({key: entry}, Dumper=_Dumper, sort_keys=False, width=float("inf"), allow_unicode=True)
        for key, entry in entries.items()
    ]
    return "".join("\n" + re.sub(r"(?m)^", "  ", block.rstrip("\n")) + "\n" for block in blocks)
