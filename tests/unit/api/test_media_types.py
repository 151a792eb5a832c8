"""Negotiation of the media type of a response."""

from __future__ import annotations

import pytest

from chalicelib.api.media_types import CSV, JSON, preferred, prefers_csv
from chalicelib.errors import NotAcceptable


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("text/*", CSV),
        ("text/csv, */*", CSV),
        ("text/csv, application/*", CSV),
        ("application/json, text/*", JSON),
        ("text/csv, application/json", JSON),
        ("text/csv;q=0.4, application/json;q=0.5", JSON),
        ("TEXT/CSV; Q=0.5, application/json; q=0.4", CSV),
    ],
)
def test_the_preferred_type_has_the_highest_weight_or_the_most_exact_name(
    accept: str | None, expected: str
) -> None:
    assert preferred(accept, (JSON, CSV)) == expected
    assert prefers_csv(accept) is (expected == CSV)


@pytest.mark.parametrize("accept", ["text/html", "text/csv;q=0, application/pdf"])
def test_a_request_that_accepts_neither_is_refused_or_gets_json(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        preferred(accept, (JSON, CSV))
    assert not prefers_csv(accept)
