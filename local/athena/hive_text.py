"""Values in text files, as LazySimpleSerDe and RegexSerDe read them: what cannot be parsed is null.

The rules are those of Trino, the base of Athena engine version 3: its package
`io.trino.hive.formats.encodings.text`, which is compatible with Hive.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from local.athena.hive import HiveType

_INTEGER = re.compile(r"[+-]?\d+(\.\d*)?|[+-]?\.\d+")
_STRICT_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"\s*([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))[fFdD]?\s*")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})")
_TIMESTAMP = re.compile(
    r"(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[ Tt](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?"
)
_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_SHORTEST_TIMESTAMP = 8  # characters; Hive's own limit

Value = str | int | bool | float | bytes | date | datetime | Decimal | None


def parse(text: str, kind: HiveType) -> Value:
    """Return the value of a text of a simple type, or None if it has none."""
    match kind.name:
        case "boolean":
            return {"true": True, "false": False}.get(text.lower())
        case "tinyint" | "smallint" | "int" | "bigint":
            return _integer(text, _BITS[kind.name]) if _INTEGER.fullmatch(text) else None
        case "float" | "double":
            match = _NUMBER.fullmatch(text)
            return float(match[1]) if match else None
        case "decimal":
            return _decimal(text, *kind.sizes)
        case "date":
            return _date(text)
        case "timestamp":
            return _timestamp(text)
        case "binary":
            return _bytes(text)
        case "varchar":
            return text[: kind.sizes[0]]
        case "char":
            return text[: kind.sizes[0]].rstrip(" ")
    return text


def parse_strictly(text: str, kind: HiveType) -> Value:
    """Return the value of a text as RegexSerDe reads it: integers have no fraction."""
    if kind.name in _BITS and not _STRICT_INTEGER.fullmatch(text):
        return None
    return text.lower() == "true" if kind.name == "boolean" else parse(text, kind)


def _integer(text: str, bits: int) -> int | None:
    value = int(text.partition(".")[0].lstrip("+") or "0") if text.partition(".")[0] not in ("-", "+") else 0
    return value if -(1 << bits - 1) <= value < 1 << bits - 1 else None


def _decimal(text: str, precision: int, scale: int = 0) -> Decimal | None:
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        value = Decimal(text).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    except InvalidOperation:  # too many digits
        return None
    return value if len(value.as_tuple().digits) <= precision else None


def _date(text: str) -> date | None:
    match = _DATE.fullmatch(text.strip().partition(" ")[0])
    day = match and _lenient_day(*match.groups())
    return day.date() if day else None


def _timestamp(text: str) -> datetime | None:
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None or len(text) < _SHORTEST_TIMESTAMP:
        return None
    day = _lenient_day(*match.groups()[:3])
    if day is None or (match[4] and " " in match[0] and match[6] is None):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[3:6])
    micros = int((match[7] or "").ljust(6, "0")[:6])
    return day + timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)


def _lenient_day(year: str, month: str, day: str) -> datetime | None:
    """Return a day whose month and day may exceed the year and the month, as in Java's lenient dates."""
    years, months = divmod(int(month) - 1, 12)
    try:
        return datetime(int(year) + years, months + 1, 1) + timedelta(days=int(day) - 1)
    except (ValueError, OverflowError):  # a year before 1, or after 9999
        return None


def _bytes(text: str) -> bytes:
    """Return the bytes of a base64 text, or those of the text itself if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()
