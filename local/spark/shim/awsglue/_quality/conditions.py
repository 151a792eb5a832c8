"""Conditions of rules: comparisons with numbers, texts, dates and keywords.

https://docs.aws.amazon.com/glue/latest/dg/dqdl.html#dqdl-syntax-rule-expressions
"""

from __future__ import annotations

import datetime
import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, types
from pyspark.sql import functions as F

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
KEYWORDS = ("NULL", "EMPTY", "WHITESPACES_ONLY")


@dataclass(frozen=True)
class Keyword:
    """`NULL`, `EMPTY` or `WHITESPACES_ONLY`."""

    name: str


@dataclass(frozen=True)
class Now:
    """`now()`, or a time before or after it."""

    offset: datetime.timedelta = datetime.timedelta()


Operand = float | str | Keyword | Now


@dataclass(frozen=True)
class Condition:
    """Comparison, `between`, `in` or `matches`, maybe negated."""

    verb: str
    operands: tuple[Operand, ...]
    negated: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether all operands are numbers."""
        return all(isinstance(operand, float) for operand in self.operands)

    @property
    def allows_null(self) -> bool:
        """Whether a null value meets a negated condition: it does, unless `NULL` is an operand."""
        is_negation = self.verb == "!=" or (self.verb == "in" and self.negated)
        return is_negation and Keyword("NULL") not in self.operands

    def holds(self, value: float) -> bool:
        """Return whether a metric meets the condition."""
        numbers = [float(operand) for operand in self.operands if isinstance(operand, float | str)]
        if self.verb == "between":
            return self.negated is not (numbers[0] < value < numbers[1])
        if self.verb == "in":
            return self.negated is not (value in numbers)
        return bool(COMPARISONS[self.verb](value, numbers[0]))

    def column(self, value: Column, kind: types.DataType) -> Column:
        """Return whether a value of a row meets the condition. Null does not, but for some negations."""
        found = F.coalesce(self._compared(value, kind), F.lit(False))
        return found | value.isNull() if self.allows_null else found

    def _compared(self, value: Column, kind: types.DataType) -> Column:
        if self.verb == "matches":
            matched = value.cast("string").rlike(f"^(?:{self.operands[0]})$")
            return ~matched if self.negated else matched
        if self.verb == "in" or any(isinstance(operand, Keyword) for operand in self.operands):
            is_one = functools.reduce(operator.or_, [_equals(value, kind, item) for item in self.operands])
            return ~is_one if self.negated or self.verb == "!=" else is_one
        values = _comparable(value, kind, self.operands)
        limits = [_literal(operand, kind) for operand in self.operands]
        if self.verb == "between":
            inside = (values > limits[0]) & (values < limits[1])
            return ~inside if self.negated else inside
        compared: Column = COMPARISONS[self.verb](values, limits[0])
        return compared


def _equals(value: Column, kind: types.DataType, operand: Operand) -> Column:
    if operand == Keyword("NULL"):
        return value.isNull()
    if operand == Keyword("EMPTY"):
        return F.coalesce(value == "", F.lit(False))
    if operand == Keyword("WHITESPACES_ONLY"):
        return F.coalesce((F.trim(value) == "") & (F.length(value) > 0), F.lit(False))
    return F.coalesce(_comparable(value, kind, (operand,)) == _literal(operand, kind), F.lit(False))


def _comparable(value: Column, kind: types.DataType, operands: tuple[Operand, ...]) -> Column:
    if isinstance(kind, types.StringType) and any(isinstance(operand, Now) for operand in operands):
        return value.cast("timestamp")
    return value


def _literal(operand: Operand, kind: types.DataType) -> Column:
    if isinstance(operand, Now):
        moment = F.lit(datetime.datetime.now() + operand.offset)  # Spark takes it in the local time zone
        return moment.cast("date") if isinstance(kind, types.DateType) else moment
    if isinstance(operand, str) and not isinstance(kind, types.StringType):
        return F.lit(operand).cast(kind)
    return F.lit(operand)
