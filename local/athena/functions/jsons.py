"""JSON functions, https://trino.io/docs/current/functions/json.html."""

from __future__ import annotations

import re

from local.athena.errors import QueryFailed, unsupported
from local.athena.functions.calls import NULL, Call, Template, guarded
from local.athena.hive import literal


def path(text: str) -> str:
    """Return a JSON path of names and places as DuckDB's. Raises `QueryFailed` for others."""
    steps = re.findall(
        r"""\.([A-Za-z_][\w]*)|\."([^"]*)"|\["([^"]*)"\]|\['([^']*)'\]|\[(\d+)\]|(.)""", text[1:]
    )
    if text[:1] != "$" or any(step[5] for step in steps):
        if text[:1] == "$" and re.search(r"[*?(@]|\.\.", text):
            raise unsupported(f"the JSON path {text}")
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: Invalid JSON path: '{text}'")
    names = ("".join(step[:4]) for step in steps)
    return "$" + "".join(
        f"[{step[4]}]" if step[4] else f'."{name}"' for step, name in zip(steps, names, strict=True)
    )


def _json(call: Call) -> str:
    """Return the first argument as JSON, or null if it is a string that is not JSON, as Trino."""
    value, kind = call.args[0], call.types[0]
    if kind == "JSON":
        return value
    if kind not in ("VARCHAR", NULL):
        raise call.refuse()
    return f"CASE WHEN json_valid({value}) THEN CAST({value} AS JSON) END"


def _at(call: Call) -> str:
    return f"json_extract({_json(call)}, {literal(path(call.constant(1, 'path')))})"


def _scalar(call: Call) -> str:
    return f"trino_scalar({_at(call)})"


def _parse(call: Call) -> str:
    value = call.args[0]
    wrong = f"'!INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: ''' || {value} || ''''"
    return guarded(f"CAST(json({value}) AS JSON)", f"json_valid({value})", wrong)


def _format(call: Call) -> str:
    if call.types[0] not in ("JSON", NULL):
        raise call.refuse()
    return f"CAST(json({call.args[0]}) AS VARCHAR)"


def _array_length(call: Call) -> str:
    value = _json(call)
    return f"CASE WHEN json_type({value}) = 'ARRAY' THEN CAST(json_array_length({value}) AS BIGINT) END"


def _array_get(call: Call) -> str:
    value, place = _json(call), call.args[1]
    # A negative place counts from the end.
    path_ = f"CASE WHEN {place} < 0 THEN '$[#' || {place} || ']' ELSE '$[' || {place} || ']' END"
    return f"CASE WHEN json_type({value}) = 'ARRAY' THEN json_extract({value}, {path_}) END"


def _array_contains(call: Call) -> str:
    value, item = _json(call), call.args[1]
    kinds = {"VARCHAR": "'VARCHAR'", "BOOLEAN": "'BOOLEAN'"}.get(
        call.types[1], "'BIGINT', 'UBIGINT', 'DOUBLE'"
    )
    items = f"CAST({value} AS JSON[])"
    same = f"json_type(j) IN ({kinds}) AND json_extract_string(j, '$') = CAST({item} AS VARCHAR)"
    return f"CASE WHEN json_type({value}) = 'ARRAY' THEN len(list_filter({items}, lambda j: {same})) > 0 END"


def _size(call: Call) -> str:
    value = _at(call)
    return (
        f"CASE json_type({value}) WHEN 'OBJECT' THEN CAST(len(json_keys({value})) AS BIGINT) "
        f"WHEN 'ARRAY' THEN CAST(json_array_length({value}) AS BIGINT) WHEN NULL THEN NULL "
        f"ELSE CASE WHEN {value} IS NOT NULL THEN 0 END END"
    )


def _is_scalar(call: Call) -> str:
    return f"json_type({_json(call)}) NOT IN ('OBJECT', 'ARRAY')"


def sql_path(call: Call) -> str:
    """Return the path of json_value and others, which begins with its mode."""
    mode, _, rest = call.constant(1, "path").strip().partition(" ")
    if mode not in ("lax", "strict"):
        raise QueryFailed(f"INVALID_PATH: {call.place}: The path must begin with lax or strict")
    return path(rest.strip())


def standard(call: Call) -> str:
    """Return json_exists, json_value or json_query. In lax mode an array at the root is refused."""
    place = sql_path(call)
    value = _json(call)
    found = f"json_extract({value}, {literal(place)})"
    if call.name == "json_exists":
        answer = f"{value} IS NOT NULL AND {found} IS NOT NULL"
    elif call.name == "json_value":
        answer = f"trino_scalar({found})"
    else:
        answer = f"CASE WHEN json_type({found}) IN ('OBJECT', 'ARRAY') THEN CAST({found} AS VARCHAR) END"
    if place.startswith("$."):
        refused = literal(
            "!NOT_SUPPORTED: The local AWS emulator does not support lax JSON paths into arrays."
        )
        return guarded(answer, f"json_type({value}) <> 'ARRAY'", refused)
    return answer


FUNCTIONS: dict[str, Template] = {
    **{"json_extract": _at, "json_extract_scalar": _scalar, "json_parse": _parse, "json_format": _format},
    **{"json_array_length": _array_length, "json_array_get": _array_get, "json_size": _size},
    **{"json_array_contains": _array_contains, "is_json_scalar": _is_scalar, "json_exists": standard},
}
