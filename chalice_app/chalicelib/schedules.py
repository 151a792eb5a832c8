"""When a job runs by itself: cron as AWS writes it, checked as far as AWS's documentation tells.

https://docs.aws.amazon.com/glue/latest/dg/monitor-data-warehouse-schedule.html
"""

from __future__ import annotations

import re

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minutes", 0, 59, []),
    ("hours", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _DAYS),
    ("year", 1970, 2199, []),
)
_ITEM = re.compile(r"(\*|[0-9]+|[A-Z]{3})(?:-([0-9]+|[A-Z]{3}))?(?:/([0-9]+))?")
_LAST = {"day of month": re.compile(r"L|LW|[0-9]{1,2}W"), "day of week": re.compile(r"L|[1-7]L|[1-7]#[1-5]")}
_MINUTES_APART = 5  # Glue starts a job no more often


def cron(text: str) -> str:
    """A schedule as a cron expression of AWS; `rate(...)` becomes one. `ValueError` says what is wrong."""
    if match := re.fullmatch(r"rate\(([0-9]+) (minute|hour|day)s?\)", text):
        return _of_rate(int(match[1]), match[2])
    match = re.fullmatch(r"cron\((.+)\)", text)
    fields = match[1].split() if match else []
    if len(fields) != len(_FIELDS):
        raise ValueError("it must be cron(minutes hours day-of-month month day-of-week year) or rate(1 hour)")
    for field, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        if field == "?" and name in _LAST:
            continue
        for item in field.split(","):
            if not (name in _LAST and _LAST[name].fullmatch(item)):
                _check(item, name, low, high, names)
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError("one of day of month and day of week must be ?, and the other not")
    minutes = _minutes(fields[0])
    if len(minutes) > 1 and min(_gaps(minutes)) < _MINUTES_APART:
        raise ValueError(f"a job can run every {_MINUTES_APART} minutes at most")
    return f"cron({' '.join(fields)})"


def _of_rate(number: int, unit: str) -> str:
    whole = {"minute": 60, "hour": 24, "day": 1}[unit]
    if number < 1 or number > whole or whole % number:
        raise ValueError(f"rate must divide {'an hour' if unit == 'minute' else 'a day'} evenly")
    if unit == "minute" and number < _MINUTES_APART:
        raise ValueError(f"a job can run every {_MINUTES_APART} minutes at most")
    return {
        "minute": f"cron(0/{number} * * * ? *)",
        "hour": f"cron(0 0/{number} * * ? *)",
        "day": "cron(0 0 * * ? *)",
    }[unit]


def _check(item: str, name: str, low: int, high: int, names: list[str]) -> None:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(f"{item[:20]!r} cannot be {name}")
    for part in (match[1], match[2]):
        if part in (None, "*") or part in names:
            continue
        if not part.isdigit() or not low <= int(part) <= high:
            raise ValueError(f"{name} must be {low} to {high}")
    if match[3] is not None and not 1 <= int(match[3]) <= high:
        raise ValueError(f"{item[:20]!r} cannot be {name}")


def _minutes(field: str) -> list[int]:
    found: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:  # `_check` has refused it
            continue
        first = 0 if match[1] == "*" else int(match[1])
        last = int(match[2] or (59 if match[3] or match[1] == "*" else first))
        found |= set(range(first, last + 1, int(match[3] or 1)))
    return sorted(found)


def _gaps(minutes: list[int]) -> list[int]:
    return [later - earlier for earlier, later in zip(minutes, [*minutes[1:], minutes[0] + 60], strict=True)]
