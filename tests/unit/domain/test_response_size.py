"""Sizes of values in Lambda's responses."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.response_size import wire_bytes

ASCII = st.text(st.characters(max_codepoint=127))


@given(st.dictionaries(ASCII | st.text(), ASCII | st.text() | st.integers()))
@example({"name": 'a "quoted" \\ \x7f \n é'})
@example({"name": 'a "quoted" \\ text'})
@example({"name": "\x7f"})
def test_the_size_is_that_of_json_in_a_string_of_json(value: dict[str, Any]) -> None:
    assert wire_bytes(value) == len(json.dumps(json.dumps(value, ensure_ascii=False)))
