"""XML files, for which Spark 3.5 has no reader.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-format-xml-home.html: Glue uses a fork of
spark-xml. Each element with the tag `rowTag` is a record, its attributes and children are fields, and
repeated children are lists. Types follow from the values of all records.
"""

from __future__ import annotations

import bz2
import gzip
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from pyspark.sql import DataFrame, SparkSession, types

from ..utils import refuse
from .files import Input
from .options import flag

# A type is None (unknown), a name, a list with the type of its items, or a dictionary of fields.
Kind = Any
_NAMES: dict[str, types.DataType] = {
    "boolean": types.BooleanType(),
    "long": types.LongType(),
    "double": types.DoubleType(),
    "string": types.StringType(),
}
_LONG = re.compile(r"[+-]?\d{1,18}")
_DOUBLE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Syntax:
    """Options of the format."""

    row_tag: str
    prefix: str
    value_tag: str
    has_attributes: bool
    strips: bool
    empty_is_null: bool


def read(spark: SparkSession, source: Input, options: Mapping[str, Any]) -> DataFrame:
    """Read files. Names of folders are no columns."""
    names = ("rowTag", "attributePrefix", "valueTag", "excludeAttribute", "encoding")
    flags = ("ignoreSurroundingSpaces", "treatEmptyValuesAsNulls")
    refuse("format_options", dict(options), (*names, *flags))
    if not options.get("rowTag"):
        raise ValueError("format_options must have rowTag for XML.")
    syntax = Syntax(
        str(options["rowTag"]),
        str(options.get("attributePrefix") or "_"),
        str(options.get("valueTag") or "_VALUE"),
        not flag(options, "excludeAttribute"),
        flag(options, "ignoreSurroundingSpaces"),
        flag(options, "treatEmptyValuesAsNulls"),
    )
    paths = ",".join(path.replace(",", "\\,") for path in source.paths)
    files = spark.sparkContext.binaryFiles(paths)
    records = files.flatMap(lambda file: list(parse(file[0], file[1], syntax)))
    kind = records.map(infer).fold(None, lambda one, other: merge(one, other, syntax.value_tag))
    schema = _spark_type(kind or {})
    rows = records.map(lambda record: encode(record, kind, syntax.value_tag))
    return spark.createDataFrame(rows, schema, verifySchema=False)


def parse(path: str, content: bytes, syntax: Syntax) -> Iterator[dict[str, Any]]:
    """Yield the records of a file. Raises `ValueError` if it is not XML."""
    if path.endswith(".gz"):
        content = gzip.decompress(content)
    elif path.endswith(".bz2"):
        content = bz2.decompress(content)
    try:
        for _, element in ElementTree.iterparse(io.BytesIO(content)):  # noqa: S314 - the user's own file and process
            if _local(element.tag) == syntax.row_tag:
                value = _value(element, syntax)
                yield value if isinstance(value, dict) else {syntax.value_tag: value}
                element.clear()
    except ElementTree.ParseError as error:
        raise ValueError(f"Unable to parse {path} as XML: {error}") from error


def _value(element: ElementTree.Element, syntax: Syntax) -> Any:
    fields: dict[str, Any] = {}
    if syntax.has_attributes:
        fields = {syntax.prefix + _local(name): value for name, value in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _value(child, syntax)
        if isinstance(fields.get(name), list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value] if name in fields else value
    text = element.text or ""
    text = text.strip() if syntax.strips or len(element) else text
    value = None if syntax.empty_is_null and not text.strip() else text
    if not fields:
        return value
    return fields | ({syntax.value_tag: value} if text else {})


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def infer(value: Any) -> Kind:
    """Return the type of a parsed value."""
    if isinstance(value, dict):
        return {name: infer(item) for name, item in value.items()}
    if isinstance(value, list):
        kind: Kind = None
        for item in value:
            kind = merge(kind, infer(item), "_VALUE")
        return [kind]
    text = (value or "").strip()
    if not text:
        return None
    if text in ("true", "false"):
        return "boolean"
    if _LONG.fullmatch(text):
        return "long"
    return "double" if _DOUBLE.fullmatch(text) else "string"


def merge(one: Kind, other: Kind, value_tag: str) -> Kind:
    """Return the type of values of both types."""
    if one is None or other is None or one == other:
        return other if one is None else one
    if isinstance(one, list) or isinstance(other, list):
        return [merge(_item(one), _item(other), value_tag)]
    if isinstance(one, dict) or isinstance(other, dict):
        both = [kind if isinstance(kind, dict) else {value_tag: kind} for kind in (one, other)]
        names = dict.fromkeys([*both[0], *both[1]])
        return {name: merge(both[0].get(name), both[1].get(name), value_tag) for name in names}
    return "double" if {one, other} == {"long", "double"} else "string"


def _item(kind: Kind) -> Kind:
    return kind[0] if isinstance(kind, list) else kind


def _spark_type(kind: Kind) -> Any:
    if isinstance(kind, list):
        return types.ArrayType(_spark_type(kind[0]))
    if isinstance(kind, dict):
        return types.StructType([types.StructField(name, _spark_type(item)) for name, item in kind.items()])
    return _NAMES[kind or "string"]


def encode(value: Any, kind: Kind, value_tag: str) -> Any:
    """Return a parsed value as Spark stores it."""
    if value is None:
        return None
    if isinstance(kind, list):
        items = value if isinstance(value, list) else [value]
        return [encode(item, kind[0], value_tag) for item in items]
    if isinstance(kind, dict):
        fields = value if isinstance(value, dict) else {value_tag: value}
        return tuple(encode(fields.get(name), item, value_tag) for name, item in kind.items())
    text = value.strip()
    if kind == "string" or kind is None:
        return value
    if not text:
        return None
    if kind == "boolean":
        return text == "true"
    return int(text) if kind == "long" else float(text)
