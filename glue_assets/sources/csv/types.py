"""Types of CSV columns, and the values as they are published.

By default every column is a string, exactly as in the file. `types = "infer"` types a column if all its
values in all files have one of these forms. Empty fields and the texts of `null` are null and have any form.

| type | form of every value |
|---|---|
| `boolean` | `true` or `false` in any case |
| `bigint` | digits, with `-` in front if negative; no leading zeros, at most 18 digits |
| `decimal(18,s)` or `decimal(38,s)` | as above, or with a point and at most `s` digits after it |
| `date` | `yyyy-MM-dd`, from 1582-10-15 |
| `timestamp` | `yyyy-MM-dd HH:mm[:ss[.fff]]`, with a space or `T`, from 1900 |

Everything else stays a string: leading zeros, `+`, exponents, NaN, thousands separators, more digits, spaces
around values, `yes` and `no`, times with a zone, and a column whose values have different forms or are all
empty.
The rule has no doubles, so that no digit is lost.

The bounds of dates exist because Spark refuses older ones in Parquet files that it did not write itself:
https://spark.apache.org/docs/3.5.6/sql-data-sources-parquet.html (datetimeRebaseModeInRead). Athena shows
milliseconds: https://docs.aws.amazon.com/athena/latest/ug/data-types.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from glue_assets.sources.csv.decimals import Marks
from glue_assets.sources.duck import literal, quoted
from glue_assets.sources.folder.options import TableOptions

FIRST_DATE, FIRST_TIME = "1582-10-15", "1900-01-01"

_BOOLEAN, _BIGINT, _DECIMAL, _DATE, _TIMESTAMP, _STRING = (1 << n for n in range(6))

_TRUE = ("true", "t", "yes", "y", "1")  # as Spark's CAST
_FALSE = ("false", "f", "no", "n", "0")
_RANGES = {"tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT"}
_FLOATS = {"float": "FLOAT", "double": "DOUBLE"}
_EXAMPLES = {
    "boolean": "true or false",
    "date": "2026-11-27, or set its form in [date_formats]",
    "timestamp": "2026-11-27 13:14:15, or set its form in [date_formats]",
    **dict.fromkeys(_RANGES, "42"),
    **dict.fromkeys(_FLOATS, "12.5"),
}
_TIME_CODES = re.compile(r"%-?[HIMSfgnpcXTR]")


@dataclass(frozen=True)
class Forms:
    """The forms that occur in a column: a bit for each, and the most digits before and after the point."""

    bits: int = 0
    digits: int = 0
    scale: int = 0

    def __or__(self, other: Forms) -> Forms:
        """Return the forms of both."""
        return Forms(self.bits | other.bits, max(self.digits, other.digits), max(self.scale, other.scale))

    @property
    def type(self) -> str:
        """The Hive type of the column."""
        match self.bits:
            case 1:
                return "boolean"
            case 2:
                return "bigint"
            case 4 | 6 if self.digits + self.scale <= 38:
                return f"decimal({18 if self.digits + self.scale <= 18 else 38},{self.scale})"
            case 8:
                return "date"
            case 16:
                return "timestamp"
        return "string"


def forms_of(value: str) -> tuple[str, str, str]:
    """Return the aggregates in SQL whose results are the arguments of `Forms`.

    `value` is null or not empty.
    """
    bit = f"""CASE
        WHEN {value} IS NULL THEN 0
        WHEN strlen({value}) > 60 THEN {_STRING}
        WHEN strlen({value}) < 6 AND lower({value}) IN ('true', 'false') THEN {_BOOLEAN}
        WHEN ascii({value}) NOT BETWEEN 45 AND 57 THEN {_STRING}
        WHEN regexp_full_match({value}, '0|-?[1-9][0-9]{{0,17}}') THEN {_BIGINT}
        WHEN regexp_full_match({value}, '-?(?:0|[1-9][0-9]*)[.][0-9]+') THEN {_DECIMAL}
        WHEN regexp_full_match({value}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')
            AND TRY_CAST({value} AS DATE) >= DATE '{FIRST_DATE}' THEN {_DATE}
        WHEN regexp_full_match({value}, '{_timestamp("3")}')
            AND TRY_CAST({value} AS TIMESTAMP) >= TIMESTAMP '{FIRST_TIME}' THEN {_TIMESTAMP}
        ELSE {_STRING} END"""
    point = f"instr({value}, '.')"
    before = (
        f"CASE WHEN {point} > 0 THEN {point} - 1 ELSE strlen({value}) END - starts_with({value}, '-')::INT"
    )
    after = f"CASE WHEN {point} > 0 THEN strlen({value}) - {point} ELSE 0 END"
    return f"bit_or({bit})", f"max({before})", f"max({after})"


def _timestamp(fraction: str) -> str:
    date = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    return f"{date}[ T][0-2][0-9]:[0-9]{{2}}(?::[0-9]{{2}}(?:[.][0-9]{{1,{fraction}}}0*)?)?"


@dataclass(frozen=True)
class PlannedColumn:
    """A column as it is published: its Hive type, and its value in SQL.

    `misfit` is the condition in SQL of values that do not fit, for `reason`. `is_changed` is true if a value
    can differ from the text in the file. `decision` says what was converted.
    """

    name: str
    type: str
    value: str
    misfit: str | None = None
    reason: str = ""
    is_changed: bool = True
    decision: str | None = None


def text_of(name: str, options: TableOptions, *, is_typed: bool) -> str:
    """Return a column's text in SQL: null if it is one of the texts that mean null, or typed and empty."""
    text = f"coalesce({quoted(name)}, '')"
    null = {*options.null, *([""] if is_typed else [])}
    if not null:
        return text
    return f"CASE WHEN {text} NOT IN ({', '.join(map(literal, sorted(null)))}) THEN {text} END"


def plan_column(name: str, options: TableOptions, forms: Forms | None, marks: Marks | None) -> PlannedColumn:
    """Return how a column is published.

    `forms` are known for `types = "infer"`, and `marks` if the column has decimal commas (or thousands
    separators).
    """
    asked = options.types.get(name) if isinstance(options.types, Mapping) else None
    is_typed = options.types == "infer" or asked not in (None, "string")
    text = text_of(name, options, is_typed=is_typed)
    if name in options.date_formats:
        return _date(name, text, options.date_formats[name], _date_type(options, name, asked))
    number, decision = text, None
    is_number = asked is not None and asked not in ("boolean", "date", "string", "timestamp")
    if marks and (marks.holds_for_numbers(options) if is_number else marks.holds(options)):
        number, decision = marks.plain(f"trim({text})"), f"in {name}, {marks.words}"
    if forms:
        asked = marks.type if marks and decision else forms.type
    if asked is None or asked == "string":
        is_changed = bool(decision or is_typed or options.null)
        return PlannedColumn(name, "string", number, is_changed=is_changed, decision=decision)
    value = _typed(f"trim({number})", asked)
    example = _EXAMPLES.get(asked, "12.50")
    advice = f"write it as in {example}, add it to null in _table.toml, or use the type string"
    reason = f"which is not a value of the type {asked}; {advice}"
    misfit = f"{text} IS NOT NULL AND ({value}) IS NULL"
    return PlannedColumn(name, asked, value, misfit, reason, decision=decision)


def _typed(text: str, kind: str) -> str:
    """Return a text in SQL as a value of a Hive type, or null if it does not fit.

    The form is checked first: DuckDB's casts round, and take other forms than those of docs/data.md.
    """
    if kind == "boolean":
        true, false = (", ".join(map(literal, words)) for words in (_TRUE, _FALSE))
        return f"CASE WHEN lower({text}) IN ({true}) THEN true WHEN lower({text}) IN ({false}) THEN false END"
    if kind in _RANGES:  # pandas writes integers as 5.0 if others are missing
        form, whole = "[+-]?[0-9]+(?:[.]0*)?", f"split_part({text}, '.', 1)"
        return _if(f"regexp_full_match({text}, '{form}')", f"TRY_CAST({whole} AS {_RANGES[kind]})")
    if kind in _FLOATS:
        form = "(?i)[+-]?(?:(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?)|nan"
        return _if(f"regexp_full_match({text}, '{form}')", f"TRY_CAST({text} AS {_FLOATS[kind]})")
    if kind == "date":
        form, first = "[0-9]{4}-[0-9]{2}-[0-9]{2}", f"DATE '{FIRST_DATE}'"
    elif kind == "timestamp":
        form, first = f"{_timestamp('6')}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}", f"TIMESTAMP '{FIRST_TIME}'"
    else:
        scale = kind.removesuffix(")").rpartition(",")[2]
        form = f"[+-]?(?:[0-9]+(?:[.][0-9]{{0,{scale}}}0*)?|[.][0-9]{{1,{max(1, int(scale))}}}0*)"
        return _if(f"regexp_full_match({text}, '{form}')", f"TRY_CAST({text} AS {kind})")
    cast = f"TRY_CAST({text} AS {kind})"
    return _if(f"regexp_full_match({text}, '{form}') AND {cast} >= {first}", cast)


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _date_type(options: TableOptions, name: str, asked: str | None) -> str:
    if asked:
        return asked
    if options.types != "infer":
        return "string"
    return "timestamp" if _TIME_CODES.search(options.date_formats[name]) else "date"


def _date(name: str, text: str, form: str, kind: str) -> PlannedColumn:
    moment = f"try_strptime(trim({text}), {literal(form)})"
    if re.search("%[zZ]", form):
        moment = f"timezone('UTC', {moment})"
    has_time = bool(_TIME_CODES.search(form))
    # `%Y` takes 18 as the year 18.
    first = {"date": FIRST_DATE, "timestamp": FIRST_TIME}.get(kind, "1000-01-01")
    fits = f"{moment} >= TIMESTAMP '{first}'"
    if kind == "string":
        shown = "%Y-%m-%d" + (" %H:%M:%S" if has_time else "") + (".%f" if "%f" in form else "")
        value = f"CASE WHEN {text} = '' THEN '' WHEN {fits} THEN strftime({moment}, {literal(shown)}) END"
    else:
        value = _if(fits, f"CAST({moment} AS {kind})")
    reason = (
        f"which does not fit the date format {form}, or is before {first}; correct it, or the format in "
        "_table.toml, or add it to null there"
    )
    decision = (
        f"in {name}, dates of the form {form} became {'yyyy-MM-dd HH:mm:ss' if has_time else 'yyyy-MM-dd'}"
    )
    misfit = f"{text} IS NOT NULL AND ({value}) IS NULL"
    return PlannedColumn(name, kind, value, misfit, reason, decision=decision)
