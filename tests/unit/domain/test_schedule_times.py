"""Due times of schedules."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.schedules import MINUTES_APART, Cron, parse
from tests.support.size import sized


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("cron(0 21 ? * 6 *)", "2026-11-26 21:00", "2026-11-27 21:00"),  # Friday is 6
        ("cron(0 21 ? * 6 *)", "2026-11-27 21:00", "2026-12-04 21:00"),
        ("cron(0/15 8-18 ? * MON-FRI *)", "2026-11-22 08:45", "2026-11-23 08:00"),
        ("cron(0/15 8-18 ? * MON-FRI *)", "2026-11-23 18:45", "2026-11-24 08:00"),
        ("cron(5/20 * * * ? *)", "2026-11-23 00:20", "2026-11-23 00:25"),
        ("cron(30 6 L * ? *)", "2028-02-28 06:30", "2028-02-29 06:30"),
        ("cron(0 0 LW * ? *)", "2026-05-02 00:00", "2026-05-29 00:00"),  # the 31st is a Sunday
        ("cron(0 0 1W * ? *)", "2026-07-31 00:00", "2026-08-03 00:00"),  # the 1st is a Saturday
        ("cron(0 0 15W * ? *)", "2026-11-14 00:00", "2026-11-16 00:00"),  # the 15th is a Sunday
        ("cron(0 0 ? * 6#3 2027)", "2026-11-23 00:00", "2027-01-15 00:00"),
        ("cron(0 0 ? * FRI#3 2027)", "2026-11-23 00:00", "2027-01-15 00:00"),
        ("cron(0 0 ? * MONL *)", "2026-11-23 00:00", "2026-11-30 00:00"),
        ("cron(0 12 1,15 JAN,JUL ? *)", "2026-01-15 12:00", "2026-07-01 12:00"),
        ("cron(59 23 31 DEC ? *)", "2026-12-31 23:59", "2027-12-31 23:59"),
        ("cron(0 0 29 2 ? *)", "2028-02-29 00:00", "2032-02-29 00:00"),
        ("rate(5 minutes)", "2026-11-23 00:04:59.999", "2026-11-23 00:05"),
        ("rate(5 minutes)", "2026-11-23 00:05", "2026-11-23 00:10"),
        ("rate(1 hour)", "2026-11-23 00:05", "2026-11-23 01:00"),
        ("rate(1 day)", "2026-11-23 23:59", "2026-11-24 00:00"),
        ("cron(0 12 * * ? *)", "2026-11-26 12:00", "2026-11-27 12:00"),  # later, not at once again
        ("cron(0 12 * * ? *)", "2026-11-26 11:59:59", "2026-11-26 12:00"),
        ("cron(0 0 29 2 ? *)", "2096-03-01 00:00", "2104-02-29 00:00"),  # 2100 is no leap year
        ("cron(0 0 1 1 ? 2026,2030)", "2026-01-01 00:00", "2030-01-01 00:00"),
    ],
)
def test_the_next_time_of_a_schedule(schedule: str, after: str, due: str) -> None:
    assert parse(schedule).next(at(after)) == at(due)


@pytest.mark.parametrize(
    ("expression", "due", "not_due"),
    [
        ("cron(0 21 ? * 6 *)", "2026-11-27 21:00", "2026-11-26 21:00"),  # Friday is 6
        ("cron(0/15 8-18 ? * MON-FRI *)", "2026-11-23 08:45", "2026-11-22 08:45"),
        ("cron(5/20 * * * ? *)", "2026-11-23 00:25", "2026-11-23 00:20"),
        ("cron(30 6 L * ? *)", "2028-02-29 06:30", "2028-02-28 06:30"),
        ("cron(0 0 LW * ? *)", "2026-05-29 00:00", "2026-05-31 00:00"),  # the 31st is a Sunday
        ("cron(0 0 1W * ? *)", "2026-08-03 00:00", "2026-08-01 00:00"),  # the 1st is a Saturday
        ("cron(0 0 15W * ? *)", "2026-11-16 00:00", "2026-11-15 00:00"),  # the 15th is a Sunday
        ("cron(0 0 ? * 6#3 2027)", "2027-01-15 00:00", "2027-01-22 00:00"),
        ("cron(0 0 ? * 2L *)", "2026-11-30 00:00", "2026-11-23 00:00"),
        ("cron(0 0 ? * L *)", "2026-11-28 00:00", "2026-11-29 00:00"),  # the week's last day is Saturday
        ("cron(0 12 1,15 JAN,JUL ? *)", "2026-07-15 12:00", "2026-08-15 12:00"),
        ("cron(0 0 * * ? 2026)", "2026-01-01 00:00", "2027-01-01 00:00"),
    ],
)
def test_a_minute_is_due_or_not(expression: str, due: str, not_due: str) -> None:
    cron = parse(expression)
    assert cron.matches(at(due))
    assert cron.next(at(due) - timedelta(seconds=1)) == at(due)
    assert not cron.matches(at(not_due))
    assert cron.next(at(not_due) - timedelta(seconds=1)) != at(not_due)


@pytest.mark.parametrize(
    "expression", ["cron(0 0 * * ? 2025)", "cron(0 12 1 1 ? 2020)", "cron(0 12 1 1-10 ? 1970-2026)"]
)
def test_an_expired_schedule_has_no_next_time(expression: str) -> None:
    assert parse(expression).next(at("2026-11-26 12:00")) is None


def items(low: int, high: int, names: str = "") -> st.SearchStrategy[str]:
    """Items of one field: `*`, values, ranges, steps, with names in any case."""
    labels = names.split()

    def label(number: int, is_named: bool) -> str:
        return labels[number - low] if is_named and labels else str(number)

    value = st.integers(low, high)
    ranges = st.tuples(value, value).map(sorted)
    steps = st.sampled_from(["", "/1", "/5", "/7"])
    spans = st.one_of(
        st.just("*"),
        st.builds(label, value, st.booleans()),
        st.builds(
            lambda ends, named: f"{label(ends[0], named)}-{label(ends[1], named)}", ranges, st.booleans()
        ),
    )
    return st.lists(st.tuples(spans, steps).map("".join), min_size=1, max_size=3).map(",".join)


@st.composite
def crons(draw: st.DrawFn) -> str:
    """Expressions of AWS's grammar. Some have minutes that are too close."""
    month = items(1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
    special = st.one_of(st.sampled_from(["L", "LW"]), st.integers(1, 31).map("{}W".format))
    weekday = st.one_of(
        st.just("L"),
        st.integers(1, 7).map("{}L".format),
        st.builds("{}#{}".format, st.integers(1, 7), st.integers(1, 5)),
    )
    days = draw(
        st.one_of(
            st.one_of(items(1, 31), special).map(lambda day: (day, "?")),
            st.one_of(items(1, 7, "SUN MON tue WED Thu FRI SAT"), weekday).map(lambda day: ("?", day)),
        )
    )
    minute = draw(
        st.one_of(
            st.integers(0, 59).map(str), st.sampled_from(["0/5", "3/20", "10-50/10", "0,30"]), items(0, 59)
        )
    )
    year = draw(st.one_of(st.just("*"), items(2026, 2030)))
    return f"cron({minute} {draw(items(0, 23))} {days[0]} {draw(month)} {days[1]} {year})"


def expected(text: str, moment: datetime) -> bool:
    """Return whether a time matches an expression, by an independent comparison of each field."""
    names = {
        name: str(number)
        for row in ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "SUN MON TUE WED THU FRI SAT")
        for number, name in enumerate(row.split(), 1)
    }
    fields = text[5:-1].upper()
    for name, number in names.items():
        fields = fields.replace(name, number)
    length = calendar.monthrange(moment.year, moment.month)[1]
    weekday = moment.isoweekday() % 7 + 1

    def one(item: str, value: int, highest: int) -> bool:
        if item == "?":
            return True
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        lowest = 0 if highest in (59, 23) else 1970 if highest == 2199 else 1
        begin = lowest if first == "*" else int(first)
        end = int(last) if last else highest if step or first == "*" else begin
        return begin <= value <= end and (value - begin) % int(step or 1) == 0

    def nearest(day: int) -> bool:
        choices = [d for d in range(1, length + 1) if calendar.weekday(moment.year, moment.month, d) < 5]
        return day <= length and moment.day == min(choices, key=lambda d: (abs(d - day), d))

    minute, hour, days, month, weekdays, year = fields.split()
    if days in ("L", "LW"):
        is_day = moment.day == length if days == "L" else nearest(length)
    elif days.endswith("W"):
        is_day = nearest(int(days[:-1]))
    else:
        is_day = any(one(item, moment.day, 31) for item in days.split(","))
    if weekdays == "L":
        is_weekday = weekday == 7
    elif weekdays.endswith("L"):
        is_weekday = weekday == int(weekdays[0]) and moment.day > length - 7
    elif "#" in weekdays:
        is_weekday = weekday == int(weekdays[0]) and (moment.day + 6) // 7 == int(weekdays[2])
    else:
        is_weekday = any(one(item, weekday, 7) for item in weekdays.split(","))
    rest = (
        (minute, moment.minute, 59),
        (hour, moment.hour, 23),
        (month, moment.month, 12),
        (year, moment.year, 2199),
    )
    return (
        is_day
        and is_weekday
        and all(any(one(i, value, top) for i in text.split(",")) for text, value, top in rest)
    )


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 31)).map(
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)
)


@settings(max_examples=sized(40, 200), deadline=None)
@given(text=crons(), moment=MOMENTS)
def test_due_times_match_the_expression(text: str, moment: datetime) -> None:
    try:
        cron = parse(text)
    except ValueError as error:
        assert any(words in str(error) for words in ("minutes apart", "never runs", "step")), error
        return
    assert cron.matches(moment) == expected(text, moment)
    due = cron.next(moment)
    if due is None:
        assert not expected(text, moment + timedelta(minutes=1))
        return
    assert due > moment
    assert expected(text, due)
    assert cron.next(due - timedelta(minutes=1)) == due
    for minute in range(1, 60):  # no due time in between was skipped
        assert moment + timedelta(minutes=minute) >= due or not expected(
            text, moment + timedelta(minutes=minute)
        )


@settings(max_examples=sized(20, 100), deadline=None)
@given(text=crons())
def test_two_times_are_at_least_five_minutes_apart(text: str) -> None:
    try:
        cron: Cron = parse(text)
    except ValueError:
        return
    moment: datetime | None = at("2026-01-31 22:00")
    for _ in range(30):
        earlier, moment = moment, moment and cron.next(moment)
        if earlier and moment and earlier != at("2026-01-31 22:00"):
            assert moment - earlier >= timedelta(minutes=MINUTES_APART)
