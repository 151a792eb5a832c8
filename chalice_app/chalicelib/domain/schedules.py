"""Schedules of jobs: parses AWS's `cron(...)` and `rate(...)` and finds their next times in UTC.

The grammar is that of https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html, with
`#` and the rules for `rate` from
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html. What those pages
do not define is rejected: backward ranges, and `L`, `W` or `#` in a list.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MINUTES_APART = 5
"""Glue's minimum interval between starts of a job."""


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    special: str | None = None
    """Pattern of special values, which are not allowed in a list."""

    def number(self, text: str) -> int:
        """Return the number of a value. Raises `ValueError` if the field does not allow the value."""
        if text in self.names:
            return self.low + self.names.index(text)
        if not text.isdigit() or not self.low <= int(text) <= self.high:
            names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise ValueError(
                f"{text[:20]!r} is not a valid {self.name}: use {self.low} to {self.high}{names}"
            )
        return int(text)


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MINUTE, _HOUR = _Field("minute", 0, 59), _Field("hour", 0, 23)
_DAY = _Field("day of month", 1, 31, special=r"L|LW|(?P<nearest>[0-9]{1,2})W")
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field(
    "day of week", 1, 7, _WEEKDAYS, rf"L|(?P<day>[1-7]|{'|'.join(_WEEKDAYS)})(?:L|#(?P<nth>[1-5]))"
)
_YEAR = _Field("year", 1970, 2199)

_ITEM = re.compile(r"(\*|[0-9A-Z]+)(?:-([0-9A-Z]+))?(?:/([0-9]+))?")
_SYNTAX = "must be cron(minutes hours day-of-month month day-of-week year) or rate(1 hour)"


@dataclass(frozen=True)
class Cron:
    """A schedule: every time whose minute, hour, day, month and year it lists.

    `text` is the expression in AWS's syntax. Either `days_of_month` or `days_of_week` (1 is Sunday) is None.
    A special day (`L`, `15W`, `6#3`, `2L`) is stored as a string.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days_of_month: tuple[int, ...] | str | None
    months: tuple[int, ...]
    days_of_week: tuple[int, ...] | str | None
    years: tuple[int, ...]

    def days(self, year: int, month: int) -> list[int]:
        """Return the due days of a month in order. Ignores whether the schedule lists the month and year."""
        if self.days_of_month is not None:
            return _days_of_month(self.days_of_month, year, month)
        return _days_of_week(self.days_of_week or (), year, month)

    def matches(self, moment: datetime) -> bool:
        """Return whether the schedule is due in the minute of a moment."""
        moment = moment.astimezone(UTC)
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and moment.month in self.months
            and moment.year in self.years
            and moment.day in self.days(moment.year, moment.month)
        )

    def next(self, after: datetime) -> datetime | None:
        """Return the first time later than `after`, or None if there is none."""
        start = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for year in (year for year in self.years if year >= start.year):
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                for day in self.days(year, month):
                    found = self._within(datetime(year, month, day, tzinfo=UTC), start)
                    if found is not None:
                        return found
        return None

    def count(self, begin: datetime, end: datetime) -> int:
        """Return the number of times from `begin` before `end`. The effort grows with the days only."""
        begin, end = begin.astimezone(UTC), end.astimezone(UTC)
        total, day = 0, begin.replace(hour=0, minute=0, second=0, microsecond=0)
        while day < end:
            is_listed = day.year in self.years and day.month in self.months
            if is_listed and day.day in self.days(day.year, day.month):
                following = day + timedelta(days=1)
                if begin <= day and following <= end:
                    total += len(self.hours) * len(self.minutes)
                else:
                    times = (day.replace(hour=h, minute=m) for h in self.hours for m in self.minutes)
                    total += sum(begin <= time < end for time in times)
            day += timedelta(days=1)
        return total

    def _within(self, day: datetime, start: datetime) -> datetime | None:
        if day.date() < start.date():
            return None
        times = (day.replace(hour=hour, minute=minute) for hour in self.hours for minute in self.minutes)
        return next((time for time in times if time >= start), None)


def parse(text: str) -> Cron:
    """Parse `cron(...)` or `rate(...)`. Raises `ValueError` with the reason if it is not valid."""
    if match := re.fullmatch(r"rate\((.*)\)", text):
        text = _of_rate(match[1])
    match = re.fullmatch(r"cron\((.+)\)", text)
    fields = match[1].upper().split() if match else []
    if len(fields) != 6:
        raise ValueError(_SYNTAX)
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        raise ValueError("either day of month or day of week must be ?, but not both")
    days_of_month, days_of_week = _day(days, _DAY), _day(weekdays, _WEEKDAY)
    if isinstance(days_of_week, str):
        weekdays = days_of_week
    cron = Cron(
        text=f"cron({minutes} {hours} {days} {months} {weekdays} {years})",
        minutes=_values(minutes, _MINUTE),
        hours=_values(hours, _HOUR),
        days_of_month=days_of_month,
        months=_values(months, _MONTH),
        days_of_week=days_of_week,
        years=_values(years, _YEAR),
    )
    if _closest(cron) < MINUTES_APART:
        raise ValueError(f"runs must be at least {MINUTES_APART} minutes apart")
    if not any(cron.days(year, month) for year in cron.years for month in cron.months):
        raise ValueError("the schedule never runs: none of its months has such a day")
    return cron


def _of_rate(text: str) -> str:
    """Convert a rate to a cron expression."""
    match = re.fullmatch(r"([1-9][0-9]*) (minute|hour|day)(s?)", text)
    if match is None:
        raise ValueError(
            "a rate must be a number and a unit, such as rate(30 minutes), rate(1 hour) or rate(1 day)"
        )
    number, unit = int(match[1]), match[2]
    if (number == 1) == bool(match[3]):
        raise ValueError(
            "a rate's unit must be singular for 1 and otherwise plural: rate(1 hour), rate(2 hours)"
        )
    whole = {"minute": 60, "hour": 24, "day": 1}[unit]
    if whole % number:
        raise ValueError(f"a rate must divide {'an hour' if unit == 'minute' else 'a day'} evenly")
    if unit == "minute" and number < MINUTES_APART:
        raise ValueError(f"runs must be at least {MINUTES_APART} minutes apart")
    if number == whole:
        return {"minute": "cron(0 * * * ? *)"}.get(unit, "cron(0 0 * * ? *)")
    return f"cron(0/{number} * * * ? *)" if unit == "minute" else f"cron(0 0/{number} * * ? *)"


def _values(text: str, field: _Field) -> tuple[int, ...]:
    """Return the values of `*`, `5`, `1-5`, `0/15`, `1-5/2` or a list of these, in order."""
    found: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None or (match[1] == "*" and match[2] is not None):
            raise ValueError(f"{item[:20]!r} is not a valid {field.name}")
        first, last, step = match[1], match[2], match[3]
        begin = field.low if first == "*" else field.number(first)
        end = field.number(last) if last else (field.high if step or first == "*" else begin)
        if begin > end:
            raise ValueError(
                f"the {field.name} range {item[:20]!r} is descending: use two ranges separated by a comma"
            )
        most = min(field.high, field.high - field.low + 1)
        if step and not 1 <= int(step) <= most:
            raise ValueError(f"the step of the {field.name} {item[:20]!r} must be 1 to {most}")
        found |= set(range(begin, end + 1, int(step or 1)))
    return tuple(sorted(found))


def _day(text: str, field: _Field) -> tuple[int, ...] | str | None:
    """Return the days of a field, a special day as a string, or None for `?`."""
    if text == "?":
        return None
    match = re.fullmatch(field.special or "", text)
    if match is None:
        for item in text.split(","):
            if re.fullmatch(field.special or "", item):
                raise ValueError(f"{item!r} must be the only {field.name}")
        return _values(text, field)
    parts = match.groupdict()
    if parts.get("nearest"):
        field.number(parts["nearest"])
    if parts.get("day"):
        return f"{field.number(parts['day'])}{text[len(parts['day']) :]}"
    return text


def _days_of_month(days: tuple[int, ...] | str, year: int, month: int) -> list[int]:
    length = calendar.monthrange(year, month)[1]
    if not isinstance(days, str):
        return [day for day in days if day <= length]
    if days == "L":
        return [length]
    day = length if days == "LW" else int(days[:-1])
    if day > length:
        return []
    weekday = calendar.weekday(year, month, day)  # nearest day from Monday to Friday in the same month
    if weekday == calendar.SATURDAY:
        day += -1 if day > 1 else 2
    elif weekday == calendar.SUNDAY:
        day += 1 if day < length else -2
    return [day]


def _days_of_week(days: tuple[int, ...] | str, year: int, month: int) -> list[int]:
    first, length = calendar.monthrange(year, month)
    weekdays = {
        day: (first + day) % 7 + 1 for day in range(1, length + 1)
    }  # AWS numbers the days of a week from 1, Sunday
    if not isinstance(days, str):
        return [day for day, weekday in weekdays.items() if weekday in days]
    if days == "L":
        return [day for day, weekday in weekdays.items() if weekday == 7]
    same = [day for day, weekday in weekdays.items() if weekday == int(days[0])]
    if days.endswith("L"):
        return same[-1:]
    nth = int(days[2:])
    return same[nth - 1 : nth]


def _closest(cron: Cron) -> int:
    """Return the minimum number of minutes between two times, as if the schedule listed every day."""
    gaps = [later - earlier for earlier, later in zip(cron.minutes, cron.minutes[1:], strict=False)]
    if any((hour + 1) % 24 in cron.hours for hour in cron.hours):
        gaps.append(cron.minutes[0] + 60 - cron.minutes[-1])
    return min(gaps, default=60)
