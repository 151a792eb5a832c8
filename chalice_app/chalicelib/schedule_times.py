"""When a schedule is due: AWS's `cron(...)` and `rate(...)`, in UTC.

https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html and, for `rate`,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html. `schedules.py` says
which of them a sandbox may have.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

_NAMES = {
    name: str(number)
    for names in ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "SUN MON TUE WED THU FRI SAT")
    for number, name in enumerate(names.split(), 1)
}
_RATE = re.compile(r"rate\(\s*([0-9]+)\s+(minute|hour|day)s?\s*\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_after(schedule: str, moment: datetime) -> datetime | None:
    """The first time after a moment that a schedule is due; None when there is none any more.

    A rate is counted from midnight, 1 January 1970, UTC: `rate(1 hour)` is every full hour. Raises
    `ValueError` for what is not a schedule.
    """
    moment = moment.astimezone(UTC)
    if rate := _RATE.fullmatch(schedule.strip()):
        period = timedelta(seconds=int(rate[1]) * _SECONDS[rate[2]])
        if not period:
            raise ValueError(f"{schedule!r} is not a rate")
        return _EPOCH + ((moment - _EPOCH) // period + 1) * period
    return next((due for due in _times(schedule, moment) if due > moment), None)


def _times(schedule: str, since: datetime) -> Iterator[datetime]:
    """Every time that a cron expression is due, from the day of a moment on."""
    found = re.fullmatch(r"cron\((.+)\)", schedule.strip())
    fields = found[1].split() if found else []
    if len(fields) != 6:
        raise ValueError(f"{schedule!r} is not cron with six fields")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{schedule!r} must have a ? for either the day of the month or that of the week")
    try:
        items = [[*map(_numbered, field.split(","))] for field in fields]
        bounds = ((0, 59), (0, 23), None, (1, 12), None, (1970, 2199))
        minutes, hours, _, months, _, years = (
            _values(field, *bound) if bound else [] for field, bound in zip(items, bounds, strict=True)
        )
        for year in (year for year in years if year >= since.year):
            for month in (month for month in months if (year, month) >= (since.year, since.month)):
                for day in range(1, calendar.monthrange(year, month)[1] + 1):
                    date = datetime(year, month, day, tzinfo=UTC)
                    # Lists, so that every part is looked at and a wrong one is found on any day.
                    of_month = [_is_day_of_month(item, date) for item in items[2]]
                    of_week = [_is_day_of_week(item, date) for item in items[4]]
                    if any(of_month) and any(of_week) and date.date() >= since.date():
                        yield from (
                            date.replace(hour=hour, minute=minute) for hour in hours for minute in minutes
                        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"{schedule!r} is not a schedule: {error}") from error


def _numbered(item: str) -> str:
    return re.sub(r"[A-Z]{3}", lambda match: _NAMES[match[0]], item.upper())


def _values(items: list[str], low: int, high: int) -> list[int]:
    """The values of some of `*`, `5`, `1-5`, `0/15` or `1-5/2`, in order."""
    return sorted({value for item in items for value in _range(item, low, high)})


def _range(item: str, low: int, high: int) -> range:
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


def _is_day_of_month(item: str, date: datetime) -> bool:
    length = calendar.monthrange(date.year, date.month)[1]
    if item == "?":
        return True
    if item == "L":
        return date.day == length
    if item.endswith("W"):  # the weekday nearest to that day, within the month
        day = length if item == "LW" else _range(item[:-1], 1, 31)[0]
        if day > length:
            return False
        weekday = calendar.weekday(date.year, date.month, day)
        if weekday == calendar.SATURDAY:
            day += -1 if day > 1 else 2
        elif weekday == calendar.SUNDAY:
            day += 1 if day < length else -2
        return date.day == day
    return date.day in _range(item, 1, 31)


def _is_day_of_week(item: str, date: datetime) -> bool:
    today = date.isoweekday() % 7 + 1  # AWS's week begins with Sunday, as 1
    length = calendar.monthrange(date.year, date.month)[1]
    if item == "?":
        return True
    if item == "L":
        return today == 7
    if item.endswith("L"):  # the last of its kind in the month
        return today in _range(item[:-1], 1, 7) and date.day + 7 > length
    if "#" in item:  # the n-th of its kind in the month
        day, _, number = item.partition("#")
        return today in _range(day, 1, 7) and (date.day - 1) // 7 + 1 in _range(number, 1, 5)
    return today in _range(item, 1, 7)
