"""Partition projection: partitions that Athena computes from the properties of a table.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from local.athena.errors import QueryFailed, unsupported

Json = dict[str, Any]

_MOST = 1_000_000
# Java's DateTimeFormatter, in strftime's letters
_FIELDS = {"yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_UNITS = {"YEARS": 12, "MONTHS": 1}  # in months
_SPANS = {"WEEKS": 604800, "DAYS": 86400, "HOURS": 3600, "MINUTES": 60, "SECONDS": 1}
_NOW = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*(\w+?)S?)?", re.IGNORECASE)


def is_projected(parameters: Mapping[str, str]) -> bool:
    """Return whether a table computes its partitions. Property names are in lower case."""
    return parameters.get("projection.enabled", "").strip().lower() == "true"


def template(table: Json, parameters: Mapping[str, str]) -> str:
    """Return the location of a partition, with `${key}` for the value of a key."""
    root = table["StorageDescriptor"].get("Location", "").rstrip("/")
    default = "".join(f"/{key['Name'].lower()}=${{{key['Name'].lower()}}}" for key in table["PartitionKeys"])
    return parameters.get("storage.location.template") or f"{root}{default}/"


def places(table: Json, parameters: Mapping[str, str], now: datetime) -> Iterator[tuple[list[str], str]]:
    """Yield the values and the location of each projected partition. Raises `QueryFailed`."""
    keys = [key["Name"].lower() for key in table.get("PartitionKeys", [])]
    lists = [_values(key, parameters, now) for key in keys]
    count = 1
    for values in lists:
        count *= len(values)
    if count > _MOST:
        raise unsupported(f"projections of more than {_MOST:,} partitions")
    pattern = template(table, parameters)
    for found in itertools.product(*lists):
        place = pattern
        for key, value in zip(keys, found, strict=True):
            place = place.replace(f"${{{key}}}", value)
        yield list(found), place


def _values(key: str, parameters: Mapping[str, str], now: datetime) -> list[str]:
    def given(name: str, default: str | None = None) -> str:
        found = parameters.get(f"projection.{key}.{name}", default)
        if found is None:
            raise _invalid(f"projection.{key}.{name} is missing")
        return found if name == "values" else found.strip()

    match given("type").lower():
        case "enum":
            return given("values").split(",")
        case "integer":
            begin, end = (int(part) for part in _two(given("range")))
            width = int(given("digits", "1"))
            return [f"{number:0{width}}" for number in range(begin, end + 1, int(given("interval", "1")))]
        case "date":
            step = given("interval", ""), given("interval.unit", "")
            return list(_dates(given("range"), given("format"), *step, now))
        case "injected":
            raise unsupported("injected projection")
    raise _invalid(f"projection.{key}.type is not valid")


def _dates(range_: str, format_: str, interval: str, unit: str, now: datetime) -> Iterator[str]:
    pattern = _strftime(format_)
    begin, end = (_moment(part, pattern, now) for part in _two(range_))
    # "When the provided dates are at single-day or single-month precision, the interval is optional and
    # defaults to 1 day or 1 month, respectively. Otherwise, interval is required."
    if not unit:
        precisions = (("%H", ""), ("%d", "DAYS"), ("%m", "MONTHS"))
        unit = next((name for part, name in precisions if part in pattern), "")
    unit = unit.upper()
    if unit not in (*_UNITS, *_SPANS):
        raise _invalid(f"the interval of the format {format_} is missing or not valid")
    last = ""
    for number in itertools.count():
        step = number * int(interval or "1")
        moment = _plus_months(begin, step * _UNITS[unit]) if unit in _UNITS else None
        moment = moment or begin + timedelta(seconds=step * _SPANS.get(unit, 0))
        if moment > end:
            return
        if (text := moment.strftime(pattern)) != last:
            yield text
        last = text


def _strftime(format_: str) -> str:
    """Return a pattern of Java for strftime. Quoted text is literal."""
    parts = re.findall(r"'([^']*)'|([A-Za-z]+)|([^A-Za-z']+)", format_)
    for _, field, _ in parts:
        if field and field not in _FIELDS and any(c not in "T" for c in field):
            split = re.fullmatch(r"(?:yyyy|MM|dd|HH|mm|ss)+", field)
            if split is None:
                raise unsupported(f"the format {format_} of a projection")
    return "".join(
        quoted or re.sub("yyyy|uuuu|MM|dd|HH|mm|ss", lambda m: _FIELDS[m[0]], field) or other
        for quoted, field, other in parts
    )


def _moment(text: str, pattern: str, now: datetime) -> datetime:
    match = _NOW.fullmatch(text.strip())
    if match is None:
        try:
            return datetime.strptime(text.strip(), pattern).replace(tzinfo=UTC)
        except ValueError as error:
            raise _invalid(f"{text} does not have the format of the column") from error
    moment = datetime.strptime(now.strftime(pattern), pattern).replace(tzinfo=UTC)
    if match[1]:
        count, unit = int(f"{match[1]}{match[2]}"), f"{match[3].upper()}S"
        if unit in _UNITS:
            return _plus_months(moment, count * _UNITS[unit])
        if unit not in _SPANS:
            raise _invalid(f"{text} has an unknown unit")
        return moment + timedelta(seconds=count * _SPANS[unit])
    return moment


def _plus_months(moment: datetime, months: int) -> datetime:
    total = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(total, 12)
    following = datetime(year + (month == 11), (month + 1) % 12 + 1, 1, tzinfo=UTC)
    last = (following - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _two(text: str) -> tuple[str, str]:
    first, comma, second = text.partition(",")
    if not comma:
        raise _invalid(f"the range {text} has no comma")
    return first.strip(), second.strip()


def _invalid(why: str) -> QueryFailed:
    return QueryFailed(f"INVALID_TABLE_PROPERTY: Partition projection: {why}")
