"""The parser of DQDL."""

from __future__ import annotations

import pytest

from local.spark.shim.awsglue._quality.conditions import Condition, Keyword
from local.spark.shim.awsglue._quality.language import Composite, Rule, parse


def test_a_ruleset_has_constants_comments_and_analyzers() -> None:
    text = """
        query = "select count(*) from primary"  # a constant
        Rules = [
            CustomSql $query   >
                0,
            (IsComplete "a") and (ColumnValues "b" not in [1, 2.5, null])
        ]
        Analyzers = [ DistinctValuesCount "a", Completeness "b" ]
    """
    first, second = parse(text)
    query = "select count(*) from primary"
    assert first == Rule("CustomSql $query > 0", "CustomSql", (query,), Condition(">", (0.0,)))
    assert isinstance(second, Composite)
    condition = Condition("in", (1.0, 2.5, Keyword("NULL")), negated=True)
    assert second.rules == (
        Rule('IsComplete "a"', "IsComplete", ("a",)),
        Rule('ColumnValues "b" not in [1, 2.5, null]', "ColumnValues", ("b",), condition),
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Rules = [ RowCount > 0", "expected, not '', in line 1"),
        ("Rules = [\n RowCount 5 ]", "expected, not '5', in line 2"),
        ("Rules = [ ]", "name expected"),
        ("", "there are no Rules"),
        ("Rules = [ CustomSql $x = 1 ]", r"\$x is not defined"),
        ("Rules = [ (RowCount > 0) and (RowCount > 1) or (RowCount > 2) ]", "put parentheses"),
        ("Rules = [ RowCount > 0; ]", "unexpected text"),
    ],
)
def test_an_error_says_where_it_is(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        parse(text)


@pytest.mark.parametrize(
    ("condition", "inside", "outside"),
    [
        (Condition("between", (1.0, 3.0)), 2, 1),
        (Condition("between", (1.0, 3.0), negated=True), 1, 2),
        (Condition("in", (1.0, 3.0)), 3, 2),
        (Condition("=", ("1.0",)), 1, 2),
        (Condition("!=", (1.0,)), 2, 1),
    ],
)
def test_a_metric_meets_a_condition(condition: Condition, inside: float, outside: float) -> None:
    assert condition.holds(inside)
    assert not condition.holds(outside)
