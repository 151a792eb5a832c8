"""Aggregate and window functions, https://trino.io/docs/current/functions/aggregate.html and window.html."""

from __future__ import annotations

import re

from local.athena.errors import unsupported
from local.athena.functions.calls import NULL, WHOLE, Call, Template, is_number
from local.athena.functions.numbers import quotient


def _sum(call: Call) -> str:
    if call.types[0] in WHOLE:
        return f"CAST(sum({call.distinct}{call.args[0]}){call.over} AS BIGINT)"
    if not is_number(call.types[0]) and call.types[0] != NULL:
        raise call.refuse()
    return f"sum({call.distinct}{call.args[0]}){call.over}"


def _avg(call: Call) -> str:
    value, kind = call.args[0], call.types[0]
    if not is_number(kind) and kind not in (NULL, "INTERVAL"):
        raise call.refuse()
    if match := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind):  # as decimal, rounded half up
        precision, scale = int(match[1]), int(match[2])
        total, count = (f"{name}({call.distinct}{value}){call.over}" for name in ("sum", "count"))
        exact = quotient(total, count, scale, 0, precision, scale)
        return f"CASE WHEN {count} > 0 THEN {exact} END"
    return f"avg({call.distinct}{value}){call.over}"


def _approx_percentile(call: Call) -> str:
    value, *weights, at = call.args
    if weights:
        raise unsupported("approx_percentile with weights")
    # The exact value is within every tolerance.
    return f"quantile_disc({value}, {at}){call.over}"


def _best(name: str) -> Template:
    return lambda call: f"{name}({', '.join(call.args)}){call.over}"


AGGREGATES: dict[str, Template] = {
    **{"sum": _sum, "avg": _avg, "approx_percentile": _approx_percentile},
    **{
        name: f"{name}({{distinct}}{{*}}{{order}}){{over}}"
        for name in ("count", "min", "max", "bool_and", "bool_or", "stddev", "stddev_pop", "stddev_samp")
    },
    **{name: f"{name}({{*}}){{over}}" for name in ("variance", "var_pop", "var_samp", "corr", "covar_pop")},
    **{name: f"{name}({{*}}){{over}}" for name in ("covar_samp", "regr_slope", "regr_intercept")},
    **{"every": "bool_and({0}){over}", "count_if": "CAST(count_if({0}){over} AS BIGINT)"},
    **{"arbitrary": "any_value({0}){over}", "any_value": "any_value({0}){over}"},
    "array_agg": "list({distinct}{0}{order}){over}",
    "approx_distinct": "count(DISTINCT {0}){over}",
    **{"max_by": _best("arg_max"), "min_by": _best("arg_min")},
    "map_agg": "map_from_entries(list(({0}, {1})){over})",
    "multimap_agg": "trino_multimap(list(({0}, {1})){over})",
    "histogram": "CAST(histogram({0}){over} AS MAP({type}, BIGINT))",
    "geometric_mean": "geomean({0}){over}",
    **{"bitwise_and_agg": "bit_and({0}){over}", "bitwise_or_agg": "bit_or({0}){over}"},
    "bitwise_xor_agg": "bit_xor({0}){over}",
    "grouping": "grouping({*})",
    **{
        name: f"{name}(){{over}}"
        for name in ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist")
    },
    **{name: f"{name}({{*}}{{nulls}}){{over}}" for name in ("lag", "lead", "first_value", "last_value")},
    **{"ntile": "ntile({0}){over}", "nth_value": "nth_value({*}{nulls}){over}"},
}
"""Functions whose FILTER and OVER follow in `{over}`, their DISTINCT, ORDER BY and IGNORE NULLS in others."""
