"""Translation of Athena's SQL (Trino) to DuckDB's.

Many functions and operators depend on the types of their arguments, which only DuckDB knows. Such a call is
generated as a probe that DuckDB refuses, with the types in its message. `bound` repeats this until all types
are known.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generators.duckdb import DuckDBGenerator

from local.athena.errors import QueryFailed, unsupported
from local.athena.functions import aggregates, casts, jsons, lists, numbers, operators, registry, texts, times
from local.athena.functions.calls import Call, Template, TypesNeeded
from local.athena.functions.macros import definitions
from local.athena.hive import literal
from local.athena.places import place_of, place_of_operator
from local.athena.scopes import Scope, literal_type, scope_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

Types = dict[tuple[Scope, str], str]
"""The DuckDB types of expressions in DuckDB's SQL."""

_PROBED = re.compile(r"'ceil\(STRUCT\((.*?)\)\)'", re.DOTALL)
_FIELD = re.compile(r"(?:^|, )p(\d+)_\d+ ")
_MOST_PROBES = 1000
_COMPARED = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}


def bound(connection: DuckDBPyConnection, tree: exp.Expression) -> tuple[str, DuckDBPyRelation]:
    """Return the SQL of a query for DuckDB, and its relation. Raises `QueryFailed` or a DuckDB error."""
    known: Types = {}
    for number, select in enumerate(tree.find_all(exp.Select)):
        select.meta["number"] = number
    made: set[str] = set()
    for _ in range(_MOST_PROBES):
        generator = _Generator(known)
        sql = generator.generate(tree)
        for definition in definitions(f"{sql} trino_zoned trino_interval"):
            if definition not in made:
                connection.execute(definition)
                made.add(definition)
        try:
            return sql, connection.sql(sql)
        except duckdb.BinderException as error:
            found = _PROBED.search(str(error))
            if found is None:
                raise
            parts = _FIELD.split(found[1])
            scope, arguments = generator.probes[int(parts[1])]
            known.update(zip(((scope, each) for each in arguments), parts[2::2], strict=True))
    raise QueryFailed("QUERY_TOO_COMPLEX: The query has too many expressions")


class _Generator(DuckDBGenerator):
    """Generator of DuckDB's SQL with the types that are known already."""

    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        kind: transform
        for kind, transform in DuckDBGenerator.TRANSFORMS.items()
        if kind
        not in (
            *(exp.Anonymous, exp.Div, exp.Mod, exp.Add, exp.Sub, exp.Mul, exp.Cast, exp.TryCast, exp.Bracket),
            *(exp.DPipe, exp.AtTimeZone, exp.CurrentTimestamp, exp.CurrentDate, exp.Extract, exp.Substring),
            *(exp.StrPosition, exp.GroupConcat, exp.JSONExtract, exp.JSONValue, exp.ParseJSON, exp.Interval),
            *(exp.Unnest, exp.Window, exp.Filter, exp.IgnoreNulls, exp.Localtimestamp, *_COMPARED),
            *(exp.CurrentTime, exp.CurrentUser),
        )
    }

    def __init__(self, known: Types) -> None:
        super().__init__(dialect=DuckDB)
        self._known = known
        self.probes: list[tuple[Scope, tuple[str, ...]]] = []

    def _call(
        self,
        node: exp.Expression,
        name: str,
        args: list[str],
        template: Template,
        over: str = "",
        **more: str,
    ) -> str:
        """Return the SQL of a call, or its probe."""
        place = (
            place_of_operator(node, {"concat": "||"}.get(name, name))
            if isinstance(node, exp.Binary)
            else place_of(node)
        )
        scope = scope_of(node)
        call = Call(name, tuple(args), place, functools.partial(self._types, scope), over, **more)
        try:
            return template(call) if callable(template) else registry.fill(call, template)
        except TypesNeeded as needed:
            if (scope, needed.arguments) not in self.probes:
                self.probes.append((scope, needed.arguments))
            number = self.probes.index((scope, needed.arguments))
            fields = (f"p{number}_{place} := {value}" for place, value in enumerate(needed.arguments))
            probe = f"ceil(struct_pack({', '.join(fields)}))"
            if name == "unnest":
                return f"SELECT {probe}"
            return f"any_value({probe}){over}" if name in aggregates.AGGREGATES else probe

    def _types(self, scope: Scope, arguments: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(literal_type(each) or self._known.get((scope, each), "") for each in arguments)
        if not all(found):
            raise TypesNeeded(arguments)
        return found

    def anonymous_sql(self, expression: exp.Anonymous) -> str:
        return self._function(expression)

    def _function(self, node: exp.Expression, over: str = "", nulls: str = "") -> str:
        name = node.name.lower()
        args = node.expressions
        distinct = order = ""
        if len(args) == 1 and isinstance(args[0], exp.Order):
            order = self.sql(exp.Order(expressions=args[0].expressions)).replace("\n", " ")
            args = [args[0].this]
        if len(args) == 1 and isinstance(args[0], exp.Distinct):
            distinct, args = "DISTINCT ", args[0].expressions
        template = registry.template(name, len(args), place_of(node))
        texts_ = [self.sql(each) for each in args]
        return self._call(node, name, texts_, template, over, distinct=distinct, order=order, nulls=nulls)

    def window_sql(self, expression: exp.Window) -> str:
        inner, nulls = expression.this, ""
        if isinstance(inner, exp.IgnoreNulls | exp.RespectNulls):
            nulls = " IGNORE NULLS" if isinstance(inner, exp.IgnoreNulls) else ""
            inner = inner.this
        kept = ""
        if isinstance(inner, exp.Filter):
            kept, inner = f" FILTER ({self.sql(inner, 'expression').strip()})", inner.this
        if not isinstance(inner, exp.Anonymous):
            return super().window_sql(expression)
        mark = exp.Window(**{**expression.args, "this": exp.Var(this="x")})
        return self._function(inner, f"{kept} {super().window_sql(mark).removeprefix('x').strip()}", nulls)

    def filter_sql(self, expression: exp.Filter) -> str:
        kept = f" FILTER ({self.sql(expression, 'expression').strip()})"
        return self._function(expression.this, kept)

    def ignorenulls_sql(self, expression: exp.IgnoreNulls) -> str:
        return self._function(expression.this, "", " IGNORE NULLS")

    def _binary(self, node: exp.Expression, name: str, template: Template) -> str:
        args = [self.sql(node, "this"), self.sql(node, "expression")]
        return self._call(node, name, args, template)

    def div_sql(self, expression: exp.Div) -> str:
        return self._binary(expression, "/", numbers.divide)

    def mod_sql(self, expression: exp.Mod) -> str:
        return self._binary(expression, "%", numbers.remainder)

    def mul_sql(self, expression: exp.Mul) -> str:
        return self._binary(expression, "*", operators.multiplied)

    def add_sql(self, expression: exp.Add) -> str:
        return self._binary(expression, "+", operators.added)

    def sub_sql(self, expression: exp.Sub) -> str:
        return self._binary(expression, "-", operators.added)

    def dpipe_sql(self, expression: exp.DPipe) -> str:
        return self._binary(expression, "concat", texts.concat)

    def bracket_sql(self, expression: exp.Bracket) -> str:
        places = [self.sql(each) for each in self.bracket_offset_expressions(expression)]
        return self._call(expression, "[]", [self.sql(expression, "this"), *places], lists.subscript)

    def _compare(self, expression: Any) -> str:
        left, right = expression.this, expression.expression
        operator = _COMPARED[type(expression)]
        if any(
            isinstance(each, exp.Any | exp.All | exp.Tuple | exp.Query | exp.Subquery)
            for each in (left, right)
        ):
            return f"{self.sql(left)} {operator} {self.sql(right)}"
        return self._binary(expression, operator, operators.compared)

    eq_sql = neq_sql = gt_sql = gte_sql = lt_sql = lte_sql = _compare

    def between_sql(self, expression: exp.Between) -> str:
        value = expression.this
        low = exp.GTE(this=value, expression=expression.args["low"])
        high = exp.LTE(this=value, expression=expression.args["high"])
        return f"({self.sql(low)} AND {self.sql(high)})"

    def in_sql(self, expression: exp.In) -> str:
        if not expression.expressions or isinstance(expression.this, exp.Tuple):
            return super().in_sql(expression)
        args = [self.sql(expression, "this"), *map(self.sql, expression.expressions)]
        return self._call(expression, "IN", args, operators.is_in)

    def cast_sql(self, expression: exp.Cast, safe_prefix: str | None = None) -> str:
        target = operators.duckdb_type(expression.to)
        value = self.sql(expression, "this")
        sizes = expression.to.expressions
        cast = self._call(expression, "cast", [value], lambda call: casts.cast(call, target))
        if expression.to.is_type("varchar") and sizes:
            return f"substr({cast}, 1, {self.sql(sizes[0])})"
        return cast

    def trycast_sql(self, expression: exp.TryCast) -> str:
        return f"TRY({self.cast_sql(expression)})"

    def attimezone_sql(self, expression: exp.AtTimeZone) -> str:
        args = [self.sql(expression, "this"), self.sql(expression, "zone")]
        return self._call(expression, "at_timezone", args, times.FUNCTIONS["at_timezone"])

    def currenttimestamp_sql(self, expression: exp.CurrentTimestamp) -> str:
        return "{'instant': now(), 'zone': 'UTC'}"

    def currentdate_sql(self, expression: exp.CurrentDate) -> str:
        return "CAST(now() AT TIME ZONE 'UTC' AS DATE)"

    def localtimestamp_sql(self, expression: exp.Localtimestamp) -> str:
        return "(now() AT TIME ZONE 'UTC')"

    def currenttime_sql(self, expression: exp.CurrentTime) -> str:
        raise unsupported("current_time")

    def currentuser_sql(self, expression: exp.CurrentUser) -> str:
        raise unsupported("current_user")

    def extract_sql(self, expression: exp.Extract) -> str:
        name = expression.this.name.lower()
        return self._call(
            expression, name, [self.sql(expression, "expression")], registry.template(name, 1, "line 1:1")
        )

    def substring_sql(self, expression: exp.Substring) -> str:
        args = [expression.this, expression.args.get("start"), expression.args.get("length")]
        return self._call(
            expression, "substr", [self.sql(each) for each in args if each], texts.FUNCTIONS["substr"]
        )

    def strposition_sql(self, expression: exp.StrPosition) -> str:
        args = [self.sql(expression, "this"), self.sql(expression, "substr")]
        return self._call(expression, "strpos", args, texts.FUNCTIONS["position"])

    def groupconcat_sql(self, expression: exp.GroupConcat) -> str:
        order = expression.this if isinstance(expression.this, exp.Order) else None
        value = self.sql(order.this if order else expression.this)
        by = self.sql(exp.Order(expressions=order.expressions)).replace("\n", " ") if order else ""
        return f"string_agg({value}, {self.sql(expression, 'separator') or literal('')}{by})"

    def jsonextract_sql(self, expression: exp.JSONExtract) -> str:
        if (
            expression.args.get("option")
            or expression.args.get("quote")
            or expression.args.get("on_condition")
        ):
            raise unsupported("json_query with a wrapper, quotes or conditions")
        return self._binary(expression, "json_query", jsons.standard)

    def jsonvalue_sql(self, expression: exp.JSONValue) -> str:
        if expression.args.get("on_condition"):
            raise unsupported("json_value with conditions")
        args = [self.sql(expression, "this"), self.sql(expression, "path")]
        value = self._call(expression, "json_value", args, jsons.standard)
        if to := expression.args.get("returning"):
            value = f"TRY_CAST({value} AS {operators.duckdb_type(to)})"
        return value

    def parsejson_sql(self, expression: exp.ParseJSON) -> str:
        return self._call(
            expression, "json_parse", [self.sql(expression, "this")], jsons.FUNCTIONS["json_parse"]
        )

    def interval_sql(self, expression: exp.Interval) -> str:
        return operators.interval(expression)

    def unnest_sql(self, expression: exp.Unnest) -> str:
        args = [self.sql(each) for each in expression.expressions]
        numbered = bool(expression.args.get("offset"))
        alias = self.sql(expression, "alias")
        offset = expression.args.get("offset")
        if isinstance(offset, exp.Expression) and alias.endswith(")"):
            alias = f"{alias[:-1]}, {self.sql(offset)})"
        inner = self._call(
            expression, "unnest", args, lambda call: operators.unnest_columns(call, numbered=numbered)
        )
        return f"LATERAL ({inner}) {'AS ' + alias if alias else ''}"
