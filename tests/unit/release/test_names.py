"""Texts of a header become legal names of columns by one rule."""

from __future__ import annotations

import pytest

from glue_assets.sources.names import column_names, is_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("order_id", "order_id"),
        ("a__b_", "a__b_"),
        ("Order ID", "order_id"),
        ("OrderID", "orderid"),
        (" Preço (R$) ", "preco_r"),
        ("Straße", "strasse"),
        ("Łódź", "lodz"),
        ("Ærø", "aero"),
        ("İSTANBUL", "istanbul"),
        ("d\u0131\u015f", "dis"),  # Turkish
        ("PM2.5 [µg/m³]", "pm2_5_ug_m3"),
        ("ｉｄ", "id"),  # noqa: RUF001 - full width, as in Japan
        ("_id", "id"),
        ("2019", "c_2019"),
        ("% of total", "of_total"),
        ("Unnamed: 0", "unnamed_0"),
        ("first\nsecond", "first_second"),
        ("", "column_1"),
        ("#", "column_1"),
        ("Цена", "column_1"),
        ("Цена (RUB)", "column_1"),
        ("東京", "column_1"),
        ("x" * 200, "x" * 128),
        ("2" * 200, "c_" + "2" * 126),
    ],
)
def test_a_text_becomes_a_name(text: str, name: str) -> None:
    assert column_names([text]) == (name,)
    assert is_name(name)


def test_a_repeated_name_gets_a_number_that_no_other_column_has() -> None:
    assert column_names(["a", "A", "a_2", "a"]) == ("a", "a_3", "a_2", "a_4")
    assert column_names(["x" * 128, "x" * 130]) == ("x" * 128, "x" * 126 + "_2")
    assert column_names(["", "", "column_1"]) == ("column_1", "column_2", "column_1_2")
