"""When a Glue trigger is due: AWS's cron, `cron(minutes hours day-of-month month day-of-week year)`, in UTC.

https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime

_NAMES = {
    name: str(number)
    for names in ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "SUN MON TUE WED THU FRI SAT")
    for number, name in enumerate(names.split(), 1)
}


def matches(expression: str, moment: datetime) -> bool:
    """Whether a trigger with this expression starts its jobs in the minute of a moment."""
    found = re.fullmatch(r"cron\((.+)\)", expression.strip())
    fields = found[1].split() if found else []
    if len(fields) != 6:
        raise ValueError(f"{expression!r} is not cron with six fields")
    minutes, hours, days, months, weekdays, years = (_numbered(field) for field in fields)
    return (
        _has(minutes, moment.minute, 0, 59)
        and _has(hours, moment.hour, 0, 23)
        and _has(months, moment.month, 1, 12)
        and _has(years, moment.year, 1970, 2199)
        and any(_day_of_month(item, moment) for item in days.split(","))
        and any(_day_of_week(item, moment) for item in weekdays.split(","))
    )


def _numbered(field: str) -> str:
    return re.sub(r"[A-Z]{3}", lambda match: _NAMES[match[0]], field)


def _has(field: str, value: int, low: int, high: int) -> bool:
    return any(value in _range(item, low, high) for item in field.split(","))


def _range(item: str, low: int, high: int) -> range:
    """The values of `*`, `5`, `1-5`, `0/15` or `1-5/2`."""
    span, _, step = item.partition("/")
    first, _, last = span.partition("-")
    if first == "*":
        return range(low, high + 1, int(step or 1))
    end = int(last) if last else (high if step else int(first))
    return range(int(first), end + 1, int(step or 1))


def _day_of_month(item: str, moment: datetime) -> bool:
    length = calendar.monthrange(moment.year, moment.month)[1]
    if item == "?":
        return True
    if item == "L":
        return moment.day == length
    if item.endswith("W"):  # the weekday nearest to that day, within the month
        day = length if item == "LW" else min(int(item[:-1]), length)
        weekday = calendar.weekday(moment.year, moment.month, day)
        if weekday == calendar.SATURDAY:
            day += -1 if day > 1 else 2
        elif weekday == calendar.SUNDAY:
            day += 1 if day < length else -2
        return moment.day == day
    return moment.day in _range(item, 1, 31)


def _day_of_week(item: str, moment: datetime) -> bool:
    today = moment.isoweekday() % 7 + 1  # AWS's week begins with Sunday, as 1
    length = calendar.monthrange(moment.year, moment.month)[1]
    if item == "?":
        return True
    if item == "L":
        return today == 7
    if item.endswith("L"):  # the last of its kind in the month
        return today == int(item[:-1]) and moment.day + 7 > length
    if "#" in item:  # the n-th of its kind in the month
        day, _, number = item.partition("#")
        return today == int(day) and (moment.day - 1) // 7 + 1 == int(number)
    return today in _range(item, 1, 7)
