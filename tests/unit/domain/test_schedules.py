"""Grammar of schedules and its errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.schedules import parse
from tests.support.size import sized


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
def test_every_schedule_is_converted_to_a_cron_expression(given: str, text: str) -> None:
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
def test_errors_of_a_schedule_are_explained(given: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(given)


@settings(max_examples=sized(100, 500), deadline=None)
@given(
    st.one_of(
        st.text(max_size=100), st.from_regex(r"(cron|rate)\([A-Za-z0-9 ,*?/#-]{0,90}\)", fullmatch=True)
    )
)
def test_any_string_is_a_schedule_or_a_described_error(text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        assert str(error)
