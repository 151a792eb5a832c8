"""Functions of dates and times, https://trino.io/docs/current/functions/datetime.html.

A timestamp with time zone is a struct of an instant and a zone, because DuckDB's own type has no zone.
"""

from __future__ import annotations

import re

from local.athena.errors import QueryFailed, unsupported
from local.athena.functions.calls import NULL, ZONED, Call, Template, is_number, trino_type
from local.athena.hive import literal

_UNITS = {
    **{"millisecond": "to_milliseconds({})", "second": "to_seconds({})", "minute": "to_minutes({})"},
    **{
        "hour": "to_hours({})",
        "day": "to_days(CAST({} AS INTEGER))",
        "week": "to_days(CAST(7 * ({}) AS INTEGER))",
    },
    **{"month": "to_months(CAST({} AS INTEGER))", "quarter": "to_months(CAST(3 * ({}) AS INTEGER))"},
    "year": "to_years(CAST({} AS INTEGER))",
}
_DATE_UNITS = ("day", "week", "month", "quarter", "year")

# https://trino.io/docs/current/functions/datetime.html#mysql-date-functions
_MYSQL = {
    **{"a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I"},
    **{"i": "%M", "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "S": "%S", "s": "%S"},
    **{"r": "%I:%M:%S %p", "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%"},
}
# https://www.joda.org/joda-time/apidocs/org/joda/time/format/DateTimeFormat.html
_JODA = {
    **{"yyyy": "%Y", "YYYY": "%Y", "y": "%Y", "Y": "%Y", "yy": "%y", "YY": "%y", "M": "%-m", "MM": "%m"},
    **{"MMM": "%b", "MMMM": "%B", "d": "%-d", "dd": "%d", "H": "%-H", "HH": "%H", "h": "%-I", "hh": "%I"},
    **{"m": "%-M", "mm": "%M", "s": "%-S", "ss": "%S", "SSS": "%g", "a": "%p", "E": "%a", "EE": "%a"},
    **{"EEE": "%a", "EEEE": "%A", "e": "%u", "ww": "%V", "xxxx": "%G", "DDD": "%j"},
}


def local(call: Call, place: int = 0) -> str:
    """Return an argument as a timestamp or a date in its own zone. Raises `QueryFailed` for other types."""
    kind, value = call.types[place], call.args[place]
    if kind == ZONED:
        return f"trino_local({value})"
    if kind in ("TIMESTAMP", "DATE", NULL):
        return value
    raise call.refuse()


def like(call: Call, place: int, value: str) -> str:
    """Return a local timestamp with the type of an argument."""
    kind = call.types[place]
    if kind == ZONED:
        return f"trino_at({value}, {call.args[place]}.zone)"
    return f"CAST({value} AS {'TIMESTAMP' if kind == NULL else kind})"


def _unit(call: Call) -> str:
    unit = call.constant(0, "unit").lower()
    if unit not in _UNITS:
        kind = "TIMESTAMP" if len(call.args) < 3 or call.types[-1] != "DATE" else "DATE"
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: '{unit}' is not a valid {kind} field")
    return unit


def _date_add(call: Call) -> str:
    unit = _unit(call)
    if call.types[2] == "DATE" and unit not in _DATE_UNITS:
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: '{unit}' is not a valid DATE field")
    return like(call, 2, f"{local(call, 2)} + {_UNITS[unit].format(call.args[1])}")


def _date_diff(call: Call) -> str:
    unit = _unit(call)
    return f"date_sub('{unit}', CAST({local(call, 1)} AS TIMESTAMP), CAST({local(call, 2)} AS TIMESTAMP))"


def _date_trunc(call: Call) -> str:
    return like(call, 1, f"date_trunc('{_unit(call)}', {local(call, 1)})")


def interval_plus(call: Call) -> str:
    """Return `a + b` or `a - b` of dates, timestamps and intervals."""
    left, right = call.args
    one, other = call.types
    if other == "INTERVAL" and one != "INTERVAL":
        if one == "TIME":
            return f"({left} {call.name} {right})"
        return like(call, 0, f"{local(call, 0)} {call.name} {right}")
    if one == "INTERVAL" and other != "INTERVAL" and call.name == "+":
        return like(call, 1, f"{local(call, 1)} + {left}")
    if one == other == "INTERVAL":
        return f"({left} {call.name} {right})"
    if one == other and call.name == "-":
        return f"(CAST({local(call, 0)} AS TIMESTAMP) - CAST({local(call, 1)} AS TIMESTAMP))"
    left_type, right_type = map(trino_type, call.types)
    raise QueryFailed(
        f"TYPE_MISMATCH: {call.place}: Cannot apply operator: {left_type} {call.name} {right_type}"
    )


def _mysql(call: Call) -> str:
    pattern = call.constant(1, "format")
    if found := re.search(r"%[DUuVwX]", pattern):
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {found[0]} not supported in date format string")
    # "%x: x, for any x not listed above"
    return re.sub(r"%(.)|([^%]+)", lambda m: _MYSQL.get(m[1], m[1]) if m[1] else m[2], pattern)


def _joda(call: Call) -> str:
    pattern, found = call.constant(1, "format"), []
    for part in re.finditer(r"'((?:[^']|'')*)'|(([a-zA-Z])\3*)|[^a-zA-Z']+", pattern):
        quoted, run = part[1], part[2]
        if run and run not in _JODA:
            raise unsupported(f"{run} in the pattern of {call.name}")
        text = part[0] if quoted is None else (quoted or "'").replace("''", "'")
        found.append(_JODA[run] if run else text.replace("%", "%%"))
    return "".join(found)


def _format(pattern: str, value: str) -> str:
    return f"strftime({value}, {literal(pattern)})"


def _parse(pattern: str, value: str) -> str:
    return f"strptime({value}, {literal(pattern)})"


def _part(sql: str) -> Template:
    return lambda call: f"CAST({sql.format(local(call))} AS BIGINT)"


def _time_part(name: str) -> Template:
    def sql(call: Call) -> str:
        if call.types[0] in ("DATE", "VARCHAR"):
            raise call.refuse()
        value = call.args[0] if call.types[0] in ("TIME", "INTERVAL") else local(call)
        found = f"{name}({value})"
        return f"CAST({found} % 1000 AS BIGINT)" if name == "millisecond" else f"CAST({found} AS BIGINT)"

    return sql


def _from_unixtime(call: Call) -> str:
    if not is_number(call.types[0]):
        raise call.refuse()
    zone = call.args[1] if len(call.args) == 2 else "'UTC'"
    milliseconds = f"CAST(round(CAST({call.args[0]} AS DOUBLE) * 1000) AS BIGINT)"
    return f"{{'instant': epoch_ms({milliseconds}) AT TIME ZONE 'UTC', 'zone': {zone}}}"


def _instant(call: Call) -> str:
    value, kind = call.args[0], call.types[0]
    return f"{value}.instant" if kind == ZONED else f"({local(call)}) AT TIME ZONE 'UTC'"


def _at_timezone(call: Call) -> str:
    return f"{{'instant': {_instant(call)}, 'zone': {call.args[1]}}}"


def _to_iso8601(call: Call) -> str:
    kind, value = call.types[0], call.args[0]
    if kind == ZONED:
        return f"trino_iso(trino_local({value})) || trino_offset_text(trino_offset({value}))"
    return f"strftime({value}, '%Y-%m-%d')" if kind == "DATE" else f"trino_iso({local(call)})"


def _from_iso8601_timestamp(call: Call) -> str:
    text = call.args[0]
    zone = f"regexp_extract({text}, 'T.*?(Z|[+-]\\d\\d:?\\d\\d)$', 1)"
    without = f"regexp_replace({text}, '(T.*?)(Z|[+-]\\d\\d:?\\d\\d)$', '\\1')"
    moment = f"CAST(regexp_replace({without}, 'T$', '') AS TIMESTAMP)"
    named = (
        f"CASE WHEN {zone} IN ('', 'Z') THEN 'UTC' "
        f"WHEN length({zone}) = 5 THEN {zone}[1:3] || ':' || {zone}[4:5] ELSE {zone} END"
    )
    return f"trino_at({moment}, {named})"


def _parse_datetime(call: Call) -> str:
    return f"trino_at({_parse(_joda(call), call.args[0])}, 'UTC')"


FUNCTIONS: dict[str, Template] = {
    "now": "{{'instant': now(), 'zone': 'UTC'}}",
    "current_timezone": "'UTC'",
    **{"date_add": _date_add, "date_diff": _date_diff, "date_trunc": _date_trunc},
    "date_format": lambda call: _format(_mysql(call), local(call)),
    "date_parse": lambda call: _parse(_mysql(call), call.args[0]),
    "format_datetime": lambda call: _format(_joda(call), local(call)),
    "parse_datetime": _parse_datetime,
    **{name: _part(f"{name}({{}})") for name in ("year", "quarter", "month", "day")},
    **{name: _part("weekofyear({})") for name in ("week", "week_of_year")},
    **{name: _part("isoyear({})") for name in ("year_of_week", "yow")},
    **{name: _part("isodow({})") for name in ("day_of_week", "dow")},
    **{name: _part("dayofyear({})") for name in ("day_of_year", "doy")},
    **{"day_of_month": _part("day({})"), "last_day_of_month": lambda call: f"last_day({local(call)})"},
    **{name: _time_part(name) for name in ("hour", "minute", "second", "millisecond")},
    **{"from_unixtime/1": _from_unixtime, "from_unixtime/2": _from_unixtime},
    "to_unixtime": lambda call: f"(epoch_ms({_instant(call)}) / 1000::DOUBLE)",
    **{"at_timezone": _at_timezone, "to_iso8601": _to_iso8601},
    "with_timezone": lambda call: f"trino_at({local(call)}, {call.args[1]})",
    "timezone_hour": lambda call: f"(trino_offset({call.args[0]}) // 60)",
    "timezone_minute": lambda call: f"(trino_offset({call.args[0]}) % 60)",
    "from_iso8601_timestamp": _from_iso8601_timestamp,
    "from_iso8601_date": "CAST({0} AS DATE)",
    "to_milliseconds": "CAST(epoch_ms({0}) AS BIGINT)",
}
