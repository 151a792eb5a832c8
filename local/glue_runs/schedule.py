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


def check(expression: str) -> None:
    """`ValueError` for what is not a schedule."""
    matches(expression, datetime(2000, 1, 1))


def matches(expression: str, moment: datetime) -> bool:
    """Whether a trigger with this expression starts its jobs in the minute of a moment."""
    found = re.fullmatch(r"cron\((.+)\)", expression.strip())
    fields = found[1].split() if found else []
    if len(fields) != 6:
        raise ValueError(f"{expression!r} is not cron with six fields")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{expression!r} must have a ? for either the day of the month or that of the week")
    try:
        minutes, hours, days, months, weekdays, years = ([*map(_numbered, f.split(","))] for f in fields)
        # Lists, so that every part is looked at and a wrong one is found at any moment.
        verdicts = [
            [moment.minute in _range(item, 0, 59) for item in minutes],
            [moment.hour in _range(item, 0, 23) for item in hours],
            [moment.month in _range(item, 1, 12) for item in months],
            [moment.year in _range(item, 1970, 2199) for item in years],
            [_day_of_month(item, moment) for item in days],
            [_day_of_week(item, moment) for item in weekdays],
        ]
    except (KeyError, ValueError) as error:
        raise ValueError(f"{expression!r} is not a schedule: {error}") from error
    return all(map(any, verdicts))


def _numbered(item: str) -> str:
    return re.sub(r"[A-Z]{3}", lambda match: _NAMES[match[0]], item.upper())


def _range(item: str, low: int, high: int) -> range:
    """The values of `*`, `5`, `1-5`, `0/15` or `1-5/2`."""
    span, _, step = item.partition("/")
    first, _, last = span.partition("-")
    if first == "*":
        begin, end = low, high
    else:
        begin = int(first)
        end = int(last) if last else (high if step else begin)
    if not low <= begin <= end <= high or int(step or 1) < 1:
        raise ValueError(f"{item} is not within {low} and {high}")
    return range(begin, end + 1, int(step or 1))


def _day_of_month(item: str, moment: datetime) -> bool:
    length = calendar.monthrange(moment.year, moment.month)[1]
    if item == "?":
        return True
    if item == "L":
        return moment.day == length
    if item.endswith("W"):  # the weekday nearest to that day, within the month
        day = length if item == "LW" else _range(item[:-1], 1, 31)[0]
        if day > length:
            return False
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
        return today in _range(item[:-1], 1, 7) and moment.day + 7 > length
    if "#" in item:  # the n-th of its kind in the month
        day, _, number = item.partition("#")
        return today in _range(day, 1, 7) and (moment.day - 1) // 7 + 1 in _range(number, 1, 5)
    return today in _range(item, 1, 7)
