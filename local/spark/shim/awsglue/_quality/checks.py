"""Checks: what a rule measures, and which rows meet it.

The names of metrics are those of https://docs.aws.amazon.com/glue/latest/dg/dqdl-rule-types.html. The
measures and the sentences of failures are those of Deequ, on which AWS builds Glue Data Quality
(https://github.com/awslabs/deequ).
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable

from pyspark.sql import Column, Window, types
from pyspark.sql import functions as F

from .._spark.columns import column
from ..utils import unsupported
from .language import Rule
from .measures import ALL, Check, Data, complying, condition_of, measured, share, where

_DATA_TYPES = ("boolean", "date", "timestamp", "integer", "double", "float", "long", "string")
_NUMERIC = "LongType,IntegerType,DoubleType,FloatType,ByteType,ShortType,DecimalType"


def check(rule: Rule, data: Data) -> Check:
    """Return the check of a rule. Raises `NotImplementedError` for a type that is not supported."""
    if rule.type not in _CHECKS:
        unsupported(f"the DQDL rule {rule.type}")
    columns = [] if rule.type in _WITHOUT_COLUMNS else list(rule.parameters)
    if rule.type == "ReferentialIntegrity":
        columns = _names(rule.parameters[0])
    for name in columns:
        if name not in data.own:
            return Check(rule, failure=f"Input data does not include column {name}!")
    found = _CHECKS[rule.type](rule, data)
    if rule.where and found.row is not None:
        found.row = F.when(F.expr(rule.where), found.row)  # null: not subject to the rule
    return found


def _row_count(rule: Rule, data: Data) -> Check:
    return measured(rule, "Dataset.*.RowCount", F.count(where(rule, F.lit(1))))


def _column_count(rule: Rule, data: Data) -> Check:
    return measured(rule, "Dataset.*.ColumnCount", F.lit(len(data.own)))


def _column_exists(rule: Rule, data: Data) -> Check:
    return Check(rule)


def _column_names(rule: Rule, data: Data) -> Check:
    matching = [name for name in data.own if re.fullmatch(rule.parameters[0], name)]
    name = "Dataset.*.ColumnNamesPatternMatchRatio"
    return Check(rule, {name: F.lit(len(matching) / len(data.own))}, {name: rule.condition or ALL})


def _completeness(rule: Rule, data: Data) -> Check:
    name = rule.parameters[0]
    row = data.value(name).isNotNull()
    metric = f"Column.{name}.Completeness"
    condition = ALL if rule.type == "IsComplete" else condition_of(rule)
    return Check(rule, {metric: share(rule, row)}, {metric: condition}, row)


def _prefix(names: list[str]) -> str:
    return f"Column.{names[0]}" if len(names) == 1 else f"Multicolumn.[{','.join(names)}]"


def _occurrences(rule: Rule, data: Data, names: list[str]) -> tuple[Column, Column]:
    """Return how often the values of a row occur, and whether one of them is not null."""
    values = [data.value(name) for name in names]
    counted = F.count(where(rule, F.lit(1))).over(Window.partitionBy(*values))
    return data.add(counted), functools.reduce(operator.or_, [value.isNotNull() for value in values])


def _uniqueness(rule: Rule, data: Data) -> Check:
    names = list(rule.parameters)
    occurrences, is_filled = _occurrences(rule, data, names)
    once = occurrences == 1
    metric = f"{_prefix(names)}.Uniqueness"
    condition = condition_of(rule) if rule.type == "Uniqueness" else ALL
    found = Check(rule, {metric: share(rule, F.when(is_filled, once))}, {metric: condition}, once)
    if rule.type == "IsPrimaryKey":
        for name in names:
            complete = data.value(name).isNotNull()
            found.metrics[f"Column.{name}.Completeness"] = share(rule, complete)
            found.conditions[f"Column.{name}.Completeness"] = ALL
            once = once & complete
        found.row = once
    return found


def _unique_value_ratio(rule: Rule, data: Data) -> Check:
    names = list(rule.parameters)
    occurrences, is_filled = _occurrences(rule, data, names)
    once = F.sum(where(rule, (is_filled & (occurrences == 1)).cast("double")))
    distinct = F.sum(where(rule, F.when(is_filled, 1 / occurrences)))
    return measured(rule, f"{_prefix(names)}.UniqueValueRatio", once / distinct)


def _distinct(rule: Rule, data: Data) -> Check:
    name = rule.parameters[0]
    metric = F.countDistinct(where(rule, data.value(name)))
    return measured(rule, f"Column.{name}.DistinctValuesCount", metric)


def _statistic(function: Callable[[Column], Column], metric: str) -> Callable[[Rule, Data], Check]:
    def make(rule: Rule, data: Data) -> Check:
        name = rule.parameters[0]
        if not isinstance(data.kind(name), types.NumericType):
            return Check(rule, failure=_wrong_type(name, data.kind(name)))
        return measured(
            rule, f"Column.{name}.{metric}", function(where(rule, data.value(name).cast("double")))
        )

    return make


def _wrong_type(name: str, kind: types.DataType) -> str:
    found = type(kind).__name__
    return f"Expected type of column {name} to be one of ({_NUMERIC}), but found {found} instead!"


def _correlation(rule: Rule, data: Data) -> Check:
    one, other = rule.parameters[:2]
    values = [where(rule, data.value(name).cast("double")) for name in (one, other)]
    return measured(rule, f"Multicolumn.[{one},{other}].ColumnCorrelation", F.corr(*values))


def _column_length(rule: Rule, data: Data) -> Check:
    name = rule.parameters[0]
    return _range(rule, name, F.length(data.value(name)), types.IntegerType(), "Length")


def _column_values(rule: Rule, data: Data) -> Check:
    name, condition = rule.parameters[0], condition_of(rule)
    kind = data.kind(name)
    is_ordering = condition.verb not in ("in", "matches", "!=")
    if condition.is_numeric and is_ordering and condition.operands and not rule.threshold:
        if not isinstance(kind, types.NumericType):
            return Check(rule, failure=_wrong_type(name, kind))
        return _range(rule, name, data.value(name), kind, "")
    metric = "PatternMatch" if condition.verb == "matches" else "ColumnValues.Compliance"
    return complying(rule, f"Column.{name}.{metric}", condition.column(data.value(name), kind))


def _range(rule: Rule, name: str, value: Column, kind: types.DataType, suffix: str) -> Check:
    """Return a check of the least and the greatest value, and of every row."""
    condition = condition_of(rule)
    row = condition.column(value, kind)
    if rule.threshold or condition.negated or condition.verb in ("in", "!="):
        return complying(rule, f"Column.{name}.Column{suffix or 'Values'}.Compliance", row)
    least, greatest = f"Column.{name}.Minimum{suffix}", f"Column.{name}.Maximum{suffix}"
    number = where(rule, value.cast("double"))
    measures = {least: F.min(number), greatest: F.max(number)}
    needed = {">": [least], ">=": [least], "<": [greatest], "<=": [greatest]}.get(condition.verb)
    names = needed or [least, greatest]
    return Check(
        rule,
        {metric: measures[metric] for metric in names},
        dict.fromkeys(names, condition),
        row,
        needs_no_null=F.sum(where(rule, value.isNull().cast("int"))),
    )


def _data_type(rule: Rule, data: Data) -> Check:
    name, condition = rule.parameters[0], condition_of(rule)
    wanted = str(condition.operands[0]).lower()
    if wanted not in _DATA_TYPES:
        raise ValueError(f"DQDL: {condition.operands[0]} is not a type of ColumnDataType.")
    value = data.value(name)
    converted = value.cast({"integer": "int", "long": "bigint"}.get(wanted, wanted)).isNotNull()
    if wanted in ("integer", "long"):  # a cast would cut the fraction off
        converted = converted & value.cast("string").rlike(r"^\s*[+-]?\d+\s*$")
    return complying(rule, f"Column.{name}.ColumnDataType.Compliance", converted)


def _referential_integrity(rule: Rule, data: Data) -> Check:
    names, (alias, keys) = _names(rule.parameters[0]), _reference(rule.parameters[1])
    if alias not in data.others:
        return Check(rule, failure=f"{alias} not found in additional sources")
    reference = data.others[alias]
    present = [f"__awsglue_reference_{index}" for index in range(len(keys))]
    found = reference.select(
        *[column(reference, key).alias(name) for key, name in zip(keys, present, strict=True)],
        F.lit(True).alias("__awsglue_found"),
    ).distinct()
    pairs = zip(names, present, strict=True)
    condition = functools.reduce(operator.and_, [data.value(name) == found[key] for name, key in pairs])
    data.frame = data.frame.join(found, condition, "left").drop(*present)
    row = F.coalesce(data.add(F.col("__awsglue_found")), F.lit(False))
    data.frame = data.frame.drop("__awsglue_found")
    metric = f"Column.{alias}.ReferentialIntegrity"
    return Check(rule, {metric: share(rule, row)}, {metric: rule.condition or ALL}, row)


def _reference(text: str) -> tuple[str, list[str]]:
    alias, _, keys = text.partition(".")
    return alias, _names(keys.strip("{} "))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _row_count_match(rule: Rule, data: Data) -> Check:
    alias = rule.parameters[0]
    if alias not in data.others:
        return Check(rule, failure=f"{alias} not found in additional sources")
    ratio = F.count(F.lit(1)) / F.lit(data.others[alias].count())
    return measured(rule, f"Dataset.{alias}.RowCountMatch", ratio)


def _custom_sql(rule: Rule, data: Data) -> Check:
    if rule.condition is None:
        unsupported("the DQDL rule CustomSql without a condition")
    sources = {"primary": data.frame.select(*map(data.value, data.own)), **data.others}
    for name, source in sources.items():
        source.createOrReplaceTempView(name)
    session = data.frame.sparkSession
    row = session.sql(rule.parameters[0]).first()
    session.catalog.dropTempView("primary")
    return measured(rule, "Dataset.*.CustomSQL", F.lit(None if row is None else row[0]).cast("double"))


_WITHOUT_COLUMNS = (
    "RowCount",
    "ColumnCount",
    "ColumnNamesMatchPattern",
    "CustomSql",
    "RowCountMatch",
    "ReferentialIntegrity",
)

_CHECKS: dict[str, Callable[[Rule, Data], Check]] = {
    "ColumnCorrelation": _correlation,
    "ColumnCount": _column_count,
    "ColumnDataType": _data_type,
    "ColumnExists": _column_exists,
    "ColumnLength": _column_length,
    "ColumnNamesMatchPattern": _column_names,
    "ColumnValues": _column_values,
    "Completeness": _completeness,
    "CustomSql": _custom_sql,
    "DistinctValuesCount": _distinct,
    "IsComplete": _completeness,
    "IsPrimaryKey": _uniqueness,
    "IsUnique": _uniqueness,
    "Mean": _statistic(F.avg, "Mean"),
    "ReferentialIntegrity": _referential_integrity,
    "RowCount": _row_count,
    "RowCountMatch": _row_count_match,
    "StandardDeviation": _statistic(F.stddev_pop, "StandardDeviation"),
    "Sum": _statistic(F.sum, "Sum"),
    "UniqueValueRatio": _unique_value_ratio,
    "Uniqueness": _uniqueness,
}
