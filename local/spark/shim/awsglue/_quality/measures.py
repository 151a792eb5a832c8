"""Measures of rules: metrics that one pass over the rows gives, and verdicts on rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, types
from pyspark.sql import functions as F

from .._spark.columns import column
from .conditions import Condition
from .language import Rule

ALL = Condition("=", (1.0,))
"""All rows must meet the rule."""


@dataclass
class Check:
    """Measures of a rule by their names, the condition of each, and the verdict on a row."""

    rule: Rule
    metrics: dict[str, Column] = field(default_factory=dict)
    conditions: dict[str, Condition] = field(default_factory=dict)
    row: Column | None = None
    failure: str | None = None
    """Why the rule fails without a look at the data."""

    needs_no_null: Column | None = None
    """Number of null values, which fail the rule whatever the metrics are."""


class Data:
    """Rows that are checked, with further columns that some checks need, and the other data sources."""

    def __init__(self, frame: DataFrame, others: Mapping[str, DataFrame]) -> None:
        self.frame = frame
        self.own = frame.columns
        self.others = others

    def value(self, name: str) -> Column:
        """Return a column of the rows."""
        return column(self.frame, name)

    def kind(self, name: str) -> types.DataType:
        """Return the type of a column."""
        return self.frame.schema[name].dataType

    def add(self, value: Column) -> Column:
        """Add a column and return it."""
        name = f"__awsglue_check_{len(self.frame.columns)}"
        self.frame = self.frame.withColumn(name, value)
        return F.col(name)


def condition_of(rule: Rule) -> Condition:
    """Return the condition that a rule of this type must have."""
    if rule.condition is None:
        raise ValueError(f"DQDL: {rule.text} needs a condition.")
    return rule.condition


def where(rule: Rule, value: Column) -> Column:
    """Return a value in the rows that are subject to the rule, and null in the others."""
    return F.when(F.expr(rule.where), value) if rule.where else value


def measured(rule: Rule, name: str, metric: Column, row: Column | None = None) -> Check:
    """Return the check of one metric."""
    return Check(rule, {name: metric}, {name: condition_of(rule)}, row)


def share(rule: Rule, row: Column) -> Column:
    """Return the share of rows that meet the rule, among those that are subject to it."""
    return F.avg(where(rule, row.cast("double")))


def complying(rule: Rule, name: str, row: Column) -> Check:
    """Return the check of the share of rows that meet the rule."""
    return Check(rule, {name: share(rule, row)}, {name: rule.threshold or ALL}, row)
