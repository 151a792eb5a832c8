"""Functions of arrays and maps, with lambdas.

https://trino.io/docs/current/functions/array.html, map.html and lambda.html
"""

from __future__ import annotations

from local.athena.errors import unsupported
from local.athena.functions.calls import Call, Template, guarded
from local.athena.functions.casts import as_text
from local.athena.hive import literal


def subscript(call: Call) -> str:
    """Return `a[b]`. A place out of an array and a key that a map does not have are errors."""
    value, place = call.args
    if call.types[0].startswith("MAP("):
        missing = f"'!INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || CAST({place} AS VARCHAR)"
        return guarded(f"map_extract_value({value}, {place})", f"map_contains({value}, {place})", missing)
    if call.types[0].endswith("[]"):
        reason = (
            f"CASE WHEN {place} = 0 THEN '!INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1' "
            f"WHEN {place} < 0 THEN '!INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || {place} "
            "ELSE '!INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: ' "
            f"|| {place} || ' > ' || len({value}) END"
        )
        return guarded(f"list_extract({value}, {place})", f"{place} BETWEEN 1 AND len({value})", reason)
    if call.types[0].startswith(("STRUCT", "TUPLE")):
        return f"{value}[{place}]"
    raise call.refuse()


def _element_at(call: Call) -> str:
    value, place = call.args
    if call.types[0].startswith("MAP("):
        return f"map_extract_value({value}, {place})"
    reason = literal("!INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1")
    return guarded(f"list_extract({value}, {place})", f"{place} <> 0", reason)


def _cardinality(call: Call) -> str:
    return f"CAST({'cardinality' if call.types[0].startswith('MAP(') else 'len'}({call.args[0]}) AS BIGINT)"


def _slice(call: Call) -> str:
    value, begin, size = call.args
    first = f"CASE WHEN {begin} < 0 THEN len({value}) + {begin} + 1 ELSE {begin} END"
    found = f"CASE WHEN {first} < 1 THEN [] ELSE list_slice({value}, {first}, {first} + {size} - 1) END"
    return guarded(
        found, f"{begin} <> 0", literal("!INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1")
    )


def _sequence(call: Call) -> str:
    begin, end, *step = call.args
    kind = call.types[0]
    if kind == "DATE":
        by = step[0] if step else "INTERVAL 1 DAY"
        return f"CAST(generate_series(CAST({begin} AS TIMESTAMP), CAST({end} AS TIMESTAMP), {by}) AS DATE[])"
    if kind == "TIMESTAMP":
        return f"generate_series({begin}, {end}, {step[0]})"
    by = step[0] if step else f"CASE WHEN {begin} <= {end} THEN 1 ELSE -1 END"
    return f"CAST(generate_series({begin}, {end}, {by}) AS BIGINT[])"


def _array_join(call: Call) -> str:
    value, mark, *missing = call.args
    text = as_text("x", call.types[0][:-2])
    texts = f"list_transform({value}, lambda x: {f'coalesce({text}, {missing[0]})' if missing else text})"
    return f"array_to_string({texts}, {mark})"


def _reduce(call: Call) -> str:
    value, begin, step, last = call.args
    # DuckDB requires one type for the state: the type of the result of a step.
    state = f"list_reduce({value}, {step}, {begin})"
    return f"list_transform([{state}], {last})[1]"


def _has_null(value: str) -> str:
    return f"len(list_filter({value}, lambda x: x IS NULL)) > 0"


def _match(decisive: bool, *, is_negated: bool = False) -> Template:
    """Return all_match and others: null if no element decides and the answer for one is null."""

    def sql(call: Call) -> str:
        value, function = call.args
        found = f"list_transform({value}, {function})"
        answer = decisive != is_negated
        return (
            f"CASE WHEN {value} IS NULL THEN NULL WHEN list_contains({found}, {decisive}) THEN {answer} "
            f"WHEN {_has_null(found)} THEN NULL ELSE {not answer} END"
        )

    return sql


def _contains(call: Call) -> str:
    value, item = call.args
    nulls = f"{value} IS NULL OR {item} IS NULL"
    found = f"WHEN list_contains({value}, {item}) THEN true WHEN {_has_null(value)} THEN NULL ELSE false END"
    return f"CASE WHEN {nulls} THEN NULL {found}"


def _overlap(call: Call) -> str:
    one, other = call.args
    return (
        f"CASE WHEN {one} IS NULL OR {other} IS NULL THEN NULL WHEN list_has_any({one}, {other}) THEN true "
        f"WHEN {_has_null(one)} OR {_has_null(other)} THEN NULL ELSE false END"
    )


def _extreme(name: str) -> Template:
    return lambda call: f"CASE WHEN NOT ({_has_null(call.args[0])}) THEN {name}({call.args[0]}) END"


def _sort(call: Call) -> str:
    if len(call.args) == 2:
        raise unsupported("array_sort with a comparator")
    return f"list_sort({call.args[0]}, 'ASC', 'NULLS LAST')"


def _distinct(call: Call) -> str:
    value = call.args[0]
    return f"list_filter({value}, lambda x, i: list_position({value}, x) = i)"


def _map(call: Call) -> str:
    if not call.args:
        return "MAP {}"
    return f"map({', '.join(call.args)})"


def _zip(call: Call) -> str:
    return f"list_zip({', '.join(call.args)})"


def _zip_with(call: Call) -> str:
    one, other, function = call.args
    names, _, body = function.removeprefix("LAMBDA ").partition(" : ")
    first, second = (name.strip() for name in names.strip("()").split(","))
    return (
        f"list_transform(range(1, greatest(len({one}), len({other})) + 1), LAMBDA zip_i : "
        f"list_transform([{{'a': {one}[zip_i], 'b': {other}[zip_i]}}], LAMBDA zip_p : "
        f"list_transform([zip_p.a], LAMBDA {first} : "
        f"list_transform([zip_p.b], LAMBDA {second} : {body})[1])[1])[1])"
    )


def _of_entries(result: str) -> Template:
    """Return a function of a map and a lambda with two arguments, as one of the map's entries."""

    def sql(call: Call) -> str:
        value, function = call.args
        names, _, body = function.removeprefix("LAMBDA ").partition(" : ")
        key, item = (name.strip() for name in names.strip("()").split(","))
        entries = f"map_entries({value})"
        inner = f"list_transform([entry_e.value], LAMBDA {item} : {body})[1]"
        applied = f"list_transform([entry_e.key], LAMBDA {key} : {inner})[1]"
        return result.format(entries=entries, applied=applied)

    return sql


FUNCTIONS: dict[str, Template] = {
    "cardinality": _cardinality,
    "element_at": _element_at,
    "contains": _contains,
    **{"transform": "list_transform({0}, {1})", "filter": "list_filter({0}, {1})", "reduce": _reduce},
    "any_match": _match(True),
    "all_match": _match(False),
    "none_match": _match(True, is_negated=True),
    **{"zip": _zip, "zip_with": _zip_with, "flatten": "flatten({0})", "slice": _slice},
    **{"sequence": _sequence, "array_join": _array_join, "array_sort": _sort, "array_distinct": _distinct},
    "array_position": "coalesce(CAST(list_position({0}, {1}) AS BIGINT), 0)",
    "array_remove": "list_filter({0}, lambda x: x <> {1})",
    **{"array_max": _extreme("list_max"), "array_min": _extreme("list_min")},
    "array_except": "list_filter({0}, lambda x, i: NOT list_contains({1}, x) AND list_position({0}, x) = i)",
    "array_intersect": "list_filter({0}, lambda x, i: list_contains({1}, x) AND list_position({0}, x) = i)",
    "array_union": "list_filter(list_concat({0}, {1}), "
    "lambda x, i: list_position(list_concat({0}, {1}), x) = i)",
    "arrays_overlap": _overlap,
    "repeat": "list_transform(range({1}), lambda i: {0})",
    "trim_array": "list_slice({0}, 1, len({0}) - {1})",
    **{"array_first/1": "{0}[1]", "array_last": "{0}[-1]"},
    **{"map": _map, "map_keys": "map_keys({0})", "map_values": "map_values({0})"},
    **{"map_entries": "map_entries({0})", "map_from_entries": "map_from_entries({0})"},
    "map_concat": "map_concat({*})",
    "map_filter": _of_entries("map_from_entries(list_filter({entries}, LAMBDA entry_e : {applied}))"),
    "transform_values": _of_entries(
        "map_from_entries(list_transform({entries}, LAMBDA entry_e : (entry_e.key, {applied})))"
    ),
    "transform_keys": _of_entries(
        "map_from_entries(list_transform({entries}, LAMBDA entry_e : ({applied}, entry_e.value)))"
    ),
    "row": "row({*})",
}
