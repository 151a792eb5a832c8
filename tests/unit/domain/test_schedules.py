"""Schedules: AWS's grammar, what is wrong with one, and when one is due."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.schedules import MINUTES_APART, Cron, parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("cron(0 21 ? * 6 *)", "cron(0 21 ? * 6 *)"),
        ("cron(0/15 8-18 ? * MON-FRI *)", "cron(0/15 8-18 ? * MON-FRI *)"),
        ("cron(0  12 1 jan,Jul ? *)", "cron(0 12 1 JAN,JUL ? *)"),
        ("cron(30 6 L * ? *)", "cron(30 6 L * ? *)"),
        ("cron(0 0 LW * ? *)", "cron(0 0 LW * ? *)"),
        ("cron(0 0 ? * 6#3 2027)", "cron(0 0 ? * 6#3 2027)"),
        ("cron(0 0 ? * fri#3 2027)", "cron(0 0 ? * 6#3 2027)"),
        ("cron(0 0 ? * MONL *)", "cron(0 0 ? * 2L *)"),
        ("cron(0 22-23,0-4 ? * FRI-SAT,SUN-MON *)", "cron(0 22-23,0-4 ? * FRI-SAT,SUN-MON *)"),
        ("cron(*/20 0-10/5,23 1,10-20/3 * ? 2027-2030/2,2040)",) * 2,
        ("cron(0 0 29 2 ? *)",) * 2,
        ("cron(58,1 3 * * ? *)",) * 2,  # 55 minutes apart
        ("rate(1 hour)", "cron(0 0/1 * * ? *)"),
        ("rate(24 hours)", "cron(0 0 * * ? *)"),
        ("rate(30 minutes)", "cron(0/30 * * * ? *)"),
        ("rate(60 minutes)", "cron(0 * * * ? *)"),
        ("rate(1 day)", "cron(0 0 * * ? *)"),
    ],
)
def test_a_schedule_is_a_cron_expression_in_the_end(given: str, text: str) -> None:
    assert parse(given).text == text
    assert parse(text) == parse(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", r"must be cron\(minutes"),
        ("cron(* * * * *)", r"must be cron\(minutes"),
        ("cron(0 0 * * ? * *)", r"must be cron\(minutes"),
        ("cron(0 24 * * ? *)", "'24' is not a valid hour: use 0 to 23"),
        ("cron(60 0 * * ? *)", "'60' is not a valid minute: use 0 to 59"),
        ("cron(0 0 0 * ? *)", "'0' is not a valid day of month"),
        ("cron(0 0 32 * ? *)", "'32' is not a valid day of month"),
        ("cron(0 0 32W * ? *)", "'32' is not a valid day of month"),
        ("cron(0 0 * FOO ? *)", "'FOO' is not a valid month: use 1 to 12 or JAN to DEC"),
        ("cron(0 0 * MON ? *)", "'MON' is not a valid month"),
        ("cron(0 0 ? * 0 *)", "'0' is not a valid day of week"),
        ("cron(0 0 ? * 8 *)", "'8' is not a valid day of week"),
        ("cron(0 0 ? * 6#6 *)", "'6#6' is not a valid day of week"),
        ("cron(0 0 * * ? 1969)", "'1969' is not a valid year: use 1970 to 2199"),
        ("cron(0 0 * * ? 2200)", "'2200' is not a valid year"),
        ("cron(0 0 * * ? 2190-2201)", "'2201' is not a valid year"),
        ("cron(0 22-4 * * ? *)", "hour range '22-4' is descending"),
        ("cron(1-0 0 * * ? *)", "minute range '1-0' is descending"),
        ("cron(30-10/5 0 * * ? *)", "minute range '30-10/5' is descending"),
        ("cron(0 12 ? * FRI-MON *)", "day of week range 'FRI-MON' is descending"),
        ("cron(0 12 ? * 7-SUN *)", "day of week range '7-SUN' is descending"),
        ("cron(0 12 1 NOV-FEB ? *)", "month range 'NOV-FEB' is descending"),
        ("cron(0 12 28-3 * ? *)", "day of month range '28-3' is descending"),
        ("cron(0 12 1 1 ? 2030-2028)", "year range '2030-2028' is descending"),
        ("cron(0/0 * * * ? *)", "step of the minute '0/0' must be 1 to 59"),
        ("cron(0/60 * * * ? *)", "must be 1 to 59"),
        ("cron(0 1/24 * * ? *)", "must be 1 to 23"),
        ("cron(0 0 * */13 ? *)", "must be 1 to 12"),
        ("cron(0 0 * * ? */231)", "must be 1 to 230"),
        ("cron(/5 * * * ? *)", "'/5' is not a valid minute"),
        ("cron(5/ * * * ? *)", "'5/' is not a valid minute"),
        ("cron(0,,5 * * * ? *)", "'' is not a valid minute"),
        ("cron(*-5 * * * ? *)", r"'\*-5' is not a valid minute"),
        ("cron(0 L * * ? *)", "'L' is not a valid hour"),
        ("cron(? 0 * * ? *)", r"'\?' is not a valid minute"),
        ("cron(0 0 ?/2 * ? *)", r"'\?/2' is not a valid day of month"),
        ("cron(0 0 * * * *)", r"either day of month or day of week must be \?"),
        ("cron(0 0 1 * MON *)", r"either day of month or day of week must be \?"),
        ("cron(0 0 ? * ? *)", r"either day of month or day of week must be \?"),
        ("cron(0 0 1,L * ? *)", "'L' must be the only day of month"),
        ("cron(0 0 1,15W * ? *)", "'15W' must be the only day of month"),
        ("cron(0 0 ? * 3#1,6#3 *)", "'3#1' must be the only day of week"),
        ("cron(0 0 ? * MON,6L *)", "'6L' must be the only day of week"),
        ("cron(0 0 L-3 * ? *)", "'L' is not a valid day of month"),
        ("cron(* * * * ? *)", "at least 5 minutes apart"),
        ("cron(0/4 * * * ? *)", "at least 5 minutes apart"),
        ("cron(0,2 * * * ? *)", "at least 5 minutes apart"),
        ("cron(58,1 * * * ? *)", "at least 5 minutes apart"),
        ("cron(58,1 3,4 * * ? *)", "at least 5 minutes apart"),
        ("cron(58,1 0,23 * * ? *)", "at least 5 minutes apart"),
        ("cron(0 0 31 2 ? *)", "the schedule never runs"),
        ("cron(0 0 30 FEB ? *)", "the schedule never runs"),
        ("cron(0 0 30W 2 ? *)", "the schedule never runs"),
        ("cron(0 0 31 4,6,9,11 ? *)", "the schedule never runs"),
        ("cron(0 0 29 2 ? 2027)", "the schedule never runs"),
        ("rate(7 minutes)", "divide an hour evenly"),
        ("rate(61 minutes)", "divide an hour evenly"),
        ("rate(5 hours)", "divide a day evenly"),
        ("rate(2 days)", "divide a day evenly"),
        ("rate(1 minute)", "at least 5 minutes apart"),
        ("rate(0 minutes)", "a rate must be a number and a unit"),
        ("rate(-5 minutes)", "a rate must be a number and a unit"),
        ("rate(1 week)", "a rate must be a number and a unit"),
        ("rate(1.5 hours)", "a rate must be a number and a unit"),
        ("rate()", "a rate must be a number and a unit"),
        ("rate(1 hours)", "singular for 1"),
        ("rate(5 minute)", "singular for 1"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said(given: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(given)


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
    ("expression", "after", "due"),
    [
        ("cron(0 12 * * ? *)", "2026-11-26 12:00", "2026-11-27 12:00"),  # later, not at once again
        ("cron(0 12 * * ? *)", "2026-11-26 11:59:59", "2026-11-26 12:00"),
        ("cron(0 0 29 2 ? *)", "2096-03-01 00:00", "2104-02-29 00:00"),  # 2100 is no leap year
        ("cron(0 0 1 1 ? 2026,2030)", "2026-01-01 00:00", "2030-01-01 00:00"),
    ],
)
def test_the_next_time_is_the_first_one_later(expression: str, after: str, due: str) -> None:
    assert parse(expression).next(at(after)) == at(due)


@pytest.mark.parametrize("expression", ["cron(0 12 1 1 ? 2020)", "cron(0 12 1 1-10 ? 1970-2026)"])
def test_a_schedule_that_is_over_has_no_next_time(expression: str) -> None:
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
    """Expressions of AWS's grammar, whose minutes may be too close."""
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
    """Whether a moment is in an expression, by another way: each field's words compared with that moment."""
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


@settings(max_examples=200, deadline=None)
@given(text=crons(), moment=MOMENTS)
def test_it_is_due_when_its_words_say_so(text: str, moment: datetime) -> None:
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
    for minute in range(1, 60):  # nothing in between was passed over
        assert moment + timedelta(minutes=minute) >= due or not expected(
            text, moment + timedelta(minutes=minute)
        )


@settings(max_examples=100, deadline=None)
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


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(max_size=100), st.from_regex(r"(cron|rate)\([A-Za-z0-9 ,*?/#-]{0,90}\)", fullmatch=True)
    )
)
def test_any_text_is_a_schedule_or_told_what_is_wrong(text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        assert str(error)
