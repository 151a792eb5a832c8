"""`EvaluateDataQuality`: outcomes of DQDL rules and of rows.

The examples of composite rules and of `where` are those of
https://docs.aws.amazon.com/glue/latest/dg/dqdl.html; DuckDB computes the statistics.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import Row, SparkSession

from local.spark.shim.awsglue._quality.transform import EvaluateDataQuality
from local.spark.shim.awsglue.dynamicframe import DynamicFrame
from tests.support.frames import of_rows, records

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # of PySpark
]

ROWS: list[tuple[Any, ...]] = [
    (1, "a@x.org", 5.0, "US", "2024-01-01"),
    (2, None, -1.0, "CA", "2024-02-01"),
    (2, "q", 7.5, "XX", None),
    (4, "b@x.org", 0.0, "", "x"),
]
PUBLISHING = {"dataQualityEvaluationContext": "node", "enableDataQualityResultsPublishing": True}


@pytest.fixture
def orders(spark: SparkSession) -> DynamicFrame:
    return of_rows(spark, "id int, mail string, price double, country string, day string", *ROWS)


def outcomes(frame: DynamicFrame, *rules: str, **options: Any) -> list[Row]:
    """Return the outcomes of rules."""
    ruleset = f"Rules = [\n  {', '.join(rules)} # the rules\n]"
    found = EvaluateDataQuality.apply(frame, ruleset, PUBLISHING, **options).toDF()
    assert found.columns == ["Rule", "Outcome", "FailureReason", "EvaluatedMetrics", "EvaluatedRule"]
    rows: list[Row] = found.collect()
    assert [row.Rule for row in rows] == list(rules)
    return rows


def test_rules_that_hold(orders: DynamicFrame, spark: SparkSession) -> None:
    countries = of_rows(spark, "code string", ("US",), ("CA",))
    rows = outcomes(
        orders,
        "RowCount = 4",
        "ColumnCount between 4 and 6",
        'ColumnExists "id"',
        'ColumnNamesMatchPattern "[a-z]+"',
        'IsComplete "id"',
        'Completeness "mail" >= 75%',
        'IsPrimaryKey "id" "price"',
        'Uniqueness "id" = 0.5',
        'ColumnValues "price" >= -1',
        'ColumnValues "price" between -1.5 and 8',
        'ColumnValues "price" != 3',
        'ColumnValues "mail" != "z"',  # null meets a negation
        'ColumnValues "mail" not in ["z"]',
        'ColumnValues "country" in ["US", "CA"] with threshold >= 0.5',
        'ColumnValues "country" not in ["DE", WHITESPACES_ONLY, NULL]',
        'ColumnValues "mail" matches "[ab]@.*" with threshold between 0.4 and 0.6',
        'ColumnLength "country" <= 2',
        'ColumnDataType "day" = "DATE" with threshold > 0.4',
        'CustomSql "select count(*) from primary join countries on country = code" = 2',
        'ReferentialIntegrity "country" "countries.{code}" = 0.5',
        'RowCountMatch "countries" = 2.0',
        additional_data_sources={"countries": countries},
    )
    assert [row.Rule for row in rows if row.Outcome != "Passed" or row.FailureReason is not None] == []


def test_rules_that_fail_give_the_value(orders: DynamicFrame) -> None:
    rows = outcomes(
        orders,
        "RowCount > 10",
        'IsComplete "mail"',
        'IsUnique "id"',
        'ColumnValues "price" > 0',
        'ColumnValues "mail" = NULL',
        'ColumnValues "day" > (now() - 3 days)',
        'IsComplete "nothing"',
        'Mean "country" > 1',
        'ReferentialIntegrity "country" "missing.code" = 1',
    )
    assert {row.Outcome for row in rows} == {"Failed"}
    assert [row.FailureReason for row in rows] == [
        "Value: 4 does not meet the constraint requirement!",
        "Value: 0.75 does not meet the constraint requirement!",
        "Value: 0.5 does not meet the constraint requirement!",
        "Value: -1.0 does not meet the constraint requirement!",
        "Value: 0.25 does not meet the constraint requirement!",
        "Value: 0.0 does not meet the constraint requirement!",
        "Input data does not include column nothing!",
        "Expected type of column country to be one of (LongType,IntegerType,DoubleType,FloatType,ByteType,"
        "ShortType,DecimalType), but found StringType instead!",
        "missing not found in additional sources",
    ]
    assert rows[3].EvaluatedMetrics == {"Column.price.Minimum": -1.0}


def test_a_null_value_fails_a_comparison(spark: SparkSession) -> None:
    (row,) = outcomes(of_rows(spark, "n int", (5,), (None,)), 'ColumnValues "n" > 1')
    assert (row.Outcome, row.FailureReason) == (
        "Failed",
        "Value: NULL does not meet the constraint requirement!",
    )


def test_statistics_are_those_of_duckdb(orders: DynamicFrame) -> None:
    rules = [
        'Mean "price" > 0',
        'Sum "price" > 0',
        'StandardDeviation "price" > 0',
        'DistinctValuesCount "id" > 0',
        'ColumnCorrelation "id" "price" < 1',
        'UniqueValueRatio "id" > 0',
    ]
    found = [value for row in outcomes(orders, *rules) for value in row.EvaluatedMetrics.values()]
    with duckdb.connect() as connection:
        expected = connection.execute(
            "select avg(p), sum(p), stddev_pop(p), count(distinct i), corr(i, p), 2 / 3"
            " from (select unnest(?) i, unnest(?) p)",
            [[row[0] for row in ROWS], [row[2] for row in ROWS]],
        ).fetchone()
    assert found == pytest.approx(expected)


def test_a_composite_rule_joins_the_outcomes_of_its_rules(spark: SparkSession) -> None:
    frame = of_rows(spark, "myCol1 int, myCol2 int", (2, 1), (0, 3))
    rule = '(ColumnValues "myCol1" > 1) OR (ColumnValues "myCol2" > 2)'
    assert [row.Outcome for row in outcomes(frame, rule)] == ["Failed"]
    by_row = {"compositeRuleEvaluation.method": "ROW"}
    assert [row.Outcome for row in outcomes(frame, rule, additional_options=by_row)] == ["Passed"]
    nested = '(RowCount > 0) and ((IsComplete "myCol1") or (RowCount > 9))'
    assert [row.Outcome for row in outcomes(frame, nested)] == ["Passed"]


@pytest.mark.parametrize(
    ("label", "expected"),
    [("PASSED", "PPFPP"), ("SKIPPED", "PSFPS")],
)
def test_rows_outside_a_where_clause(spark: SparkSession, label: str, expected: str) -> None:
    rows = (("a", "f"), ("b", "d"), ("a", None), ("a", "f"), ("b", None))
    frame = of_rows(spark, "att1 string, att2 string", *rows)
    options = {"rowLevelConfiguration.filteredRowLabel": label}
    ruleset = """Rules = [ IsComplete "att2" where "att1 = 'a'", RowCount > 1 ]"""
    found = EvaluateDataQuality().process_rows(frame, ruleset, PUBLISHING, options)
    assert list(found.keys()) == ["originalData", "ruleOutcomes", "rowLevelOutcomes"]
    verdicts = records(found["rowLevelOutcomes"])
    names = {"DataQualityRulesPass": "P", "DataQualityRulesFail": "F", "DataQualityRulesSkip": "S"}
    rule = """IsComplete "att2" where "att1 = 'a'\""""
    assert "".join(names[name] for row in verdicts for name in names if rule in row[name]) == expected
    assert all("RowCount > 1" in row["DataQualityRulesSkip"] for row in verdicts)
    assert [row["DataQualityEvaluationResult"] for row in verdicts] == [
        "Failed" if letter == "F" else "Passed" for letter in expected
    ]


@pytest.mark.parametrize(
    ("ruleset", "name"),
    [
        ('Rules = [ DatasetMatch "ref" "id" ]', "the DQDL rule DatasetMatch"),
        ('Rules = [ DataFreshness "day" <= 24 hours ]', "durations of DQDL"),
        ("Rules = [ RowCount > avg(last(5)) ]", "avg in a condition of DQDL"),
        ('Rules = [ IsComplete "id" labels=["a"="b"] ]', "labels of DQDL"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(orders: DynamicFrame, ruleset: str, name: str) -> None:
    with pytest.raises(NotImplementedError, match=name):
        EvaluateDataQuality.apply(orders, ruleset)


def test_results_are_written_to_a_prefix(orders: DynamicFrame, tmp_path: Path) -> None:
    EvaluateDataQuality.apply(orders, "Rules = [ RowCount > 0 ]", {"resultsS3Prefix": str(tmp_path / "dq")})
    (line,) = [line for file in tmp_path.glob("dq/*.json") for line in file.read_text().splitlines()]
    assert json.loads(line)["Outcome"] == "Passed"
