"""`EvaluateDataQuality`: outcomes of rules, and of each row.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-EvaluateDataQuality.html
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..dynamicframe import DynamicFrame
from ..dynamicframecollection import DynamicFrameCollection
from ..transforms import GlueTransform
from ..utils import refuse
from . import checks
from .language import AnyRule, Composite, Rule, parse
from .measures import Check, Data

_OUTCOME = (
    "Rule string, Outcome string, FailureReason string, "
    "EvaluatedMetrics map<string, double>, EvaluatedRule string"
)

_PUBLISHING = (
    "dataQualityEvaluationContext",
    "enableDataQualityCloudWatchMetrics",
    "enableDataQualityResultsPublishing",
    "resultsS3Prefix",
)
"""Options that publish results to AWS: here, only `resultsS3Prefix` has an effect."""

_ADDITIONAL = (
    "compositeRuleEvaluation.method",
    "dataQualityResultsPublishing.strategy",
    "observations.scope",
    "performanceTuning.caching",
    "rowLevelConfiguration.filteredRowLabel",
)

Sources = Mapping[str, DynamicFrame | DataFrame]


@dataclass(frozen=True)
class Outcome:
    """Verdict on a rule, and on each row if the rule has one."""

    rule: AnyRule
    passed: bool
    reason: str | None
    metrics: dict[str, float]
    row: Column | None


class EvaluateDataQuality(GlueTransform):
    """Evaluate rules of data quality."""

    def __call__(
        self,
        frame: DynamicFrame,
        ruleset: str,
        publishing_options: Mapping[str, Any] | None = None,
        additional_data_sources: Sources | None = None,
        additional_options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return a frame with a record for each rule."""
        found = self.process_rows(
            frame, ruleset, publishing_options, additional_options, additional_data_sources
        )
        return found["ruleOutcomes"]

    def process_rows(
        self,
        frame: DynamicFrame,
        ruleset: str,
        publishing_options: Mapping[str, Any] | None = None,
        additional_options: Mapping[str, Any] | None = None,
        additional_data_sources: Sources | None = None,
    ) -> DynamicFrameCollection:
        """Return the frames `originalData`, `ruleOutcomes` and `rowLevelOutcomes`."""
        options = dict(additional_options or {})
        publishing = dict(publishing_options or {})
        refuse("publishing_options", publishing, _PUBLISHING)
        refuse("additional_options", options, _ADDITIONAL)
        others = {name: _data_frame(source) for name, source in (additional_data_sources or {}).items()}
        data = Data(frame.toDF(), others)
        rules = parse(ruleset)
        by_row = str(options.get("compositeRuleEvaluation.method", "COLUMN")).upper() == "ROW"
        outcomes = _evaluate(rules, data, by_row)
        rows = [
            (_text(item.rule), _word(item.passed), item.reason, item.metrics, _text(item.rule))
            for item in outcomes
        ]
        skipped = str(options.get("rowLevelConfiguration.filteredRowLabel", "")).upper() == "SKIPPED"
        results = data.frame.sparkSession.createDataFrame(rows, _OUTCOME)
        if prefix := publishing.get("resultsS3Prefix"):
            path = prefix if "/" in prefix.rstrip("/") else f"s3://{prefix}"  # AWS's example is a bucket
            results.write.mode("append").json(path)
        frames = {
            "originalData": frame,
            "ruleOutcomes": frame._next(results, [frame]),
            "rowLevelOutcomes": frame._next(_row_outcomes(data, outcomes, skipped), [frame]),
        }
        return DynamicFrameCollection(frames, frame.glue_ctx)


def _data_frame(source: DynamicFrame | DataFrame) -> DataFrame:
    return source if isinstance(source, DataFrame) else source.toDF()


def _text(rule: AnyRule) -> str:
    return rule.text


def _word(passed: bool) -> str:
    return "Passed" if passed else "Failed"


def _evaluate(rules: Sequence[AnyRule], data: Data, by_row: bool) -> list[Outcome]:
    """Measure everything that the rules need in one pass over the rows."""
    made = {id(rule): checks.check(rule, data) for rule in _simple_rules(rules)}
    measures: dict[tuple[int, str], Column] = {}
    for key, check in made.items():
        measures |= {(key, name): metric for name, metric in check.metrics.items()}
        if check.needs_no_null is not None:
            measures[key, ""] = check.needs_no_null
    if by_row:
        for rule in rules:
            row = _row_of(rule, made) if isinstance(rule, Composite) else None
            if row is not None:
                measures[id(rule), ""] = F.min(row.cast("int"))
    values: dict[tuple[int, str], Any] = {}
    if measures:
        first = data.frame.agg(
            *[metric.alias(str(index)) for index, metric in enumerate(measures.values())]
        ).first()
        values = dict(zip(measures, first or (), strict=True))
    return [_outcome(rule, made, values, by_row) for rule in rules]


def _simple_rules(rules: Sequence[AnyRule]) -> Iterator[Rule]:
    for rule in rules:
        if isinstance(rule, Composite):
            yield from _simple_rules(rule.rules)
        else:
            yield rule


def _row_of(rule: AnyRule, made: Mapping[int, Check]) -> Column | None:
    """Return the verdict on a row: of a composite, only if all its rules have one."""
    if not isinstance(rule, Composite):
        return made[id(rule)].row
    rows = [row for row in (_row_of(member, made) for member in rule.rules) if row is not None]
    if len(rows) < len(rule.rules):
        return None
    return functools.reduce(operator.and_ if rule.operator == "and" else operator.or_, rows)


def _outcome(
    rule: AnyRule,
    made: Mapping[int, Check],
    values: Mapping[tuple[int, str], Any],
    by_row: bool,
) -> Outcome:
    row = _row_of(rule, made)
    if isinstance(rule, Composite):
        members = [_outcome(member, made, values, by_row) for member in rule.rules]
        verdicts = [member.passed for member in members]
        passed = all(verdicts) if rule.operator == "and" else any(verdicts)
        if (id(rule), "") in values:
            passed = values[id(rule), ""] != 0
        reasons = [member.reason for member in members if member.reason]
        metrics = {name: value for member in members for name, value in member.metrics.items()}
        return Outcome(rule, passed, "\n".join(reasons) or None, metrics, row)
    check = made[id(rule)]
    if check.failure:
        return Outcome(rule, False, check.failure, {}, row)
    reasons, metrics = [], {}
    for name, condition in check.conditions.items():
        value = values[id(rule), name]
        if value is None:
            reasons.append(f"Empty state for {rule.type}, all input values were NULL.")
            continue
        metrics[name] = float(value)
        if not condition.holds(float(value)):
            reasons.append(f"Value: {value} does not meet the constraint requirement!")
    if not reasons and values.get((id(rule), "")):
        reasons.append("Value: NULL does not meet the constraint requirement!")
    return Outcome(rule, not reasons, "\n".join(dict.fromkeys(reasons)) or None, metrics, row)


def _row_outcomes(data: Data, outcomes: Sequence[Outcome], filtered_are_skipped: bool) -> DataFrame:
    """Return the rows with the rules that they pass, fail and skip: those without a verdict on rows."""
    passed, failed, skipped = [], [], []
    for outcome in outcomes:
        text = F.lit(outcome.rule.text)
        if outcome.row is None:
            skipped.append(text)
            continue
        row = outcome.row if filtered_are_skipped else F.coalesce(outcome.row, F.lit(True))
        passed.append(F.when(row, text))
        failed.append(F.when(~row, text))
        skipped.append(F.when(row.isNull(), text))
    own = [data.value(name) for name in data.own]
    rules_failed = _present(failed)
    return data.frame.select(
        *own,
        _present(passed).alias("DataQualityRulesPass"),
        rules_failed.alias("DataQualityRulesFail"),
        _present(skipped).alias("DataQualityRulesSkip"),
        F.when(F.size(rules_failed) == 0, "Passed").otherwise("Failed").alias("DataQualityEvaluationResult"),
    )


def _present(texts: Sequence[Column]) -> Column:
    found = F.array(*texts) if texts else F.array().cast("array<string>")
    return F.filter(found, lambda text: text.isNotNull())
