"""CAST, https://trino.io/docs/current/functions/conversion.html."""

from __future__ import annotations

from local.athena.errors import QueryFailed, unsupported
from local.athena.functions.calls import NULL, WHOLE, ZONED, Call, guarded, is_number, trino_type

_TEXT_OF_DATE = "\\s*[+-]?\\d{4,}-\\d{1,2}-\\d{1,2}\\s*"
_TEXT_OF_TIMESTAMP = _TEXT_OF_DATE[:-3] + "( \\d{1,2}:\\d{1,2}(:\\d{1,2}(\\.\\d+)?)?)?\\s*"
_TEXT_OF_ZONE = "( ?(Z|UTC|[A-Za-z_]+/[A-Za-z_/]+|[+-]\\d\\d:\\d\\d))"


def cast(call: Call, target: str) -> str:
    """Return the SQL of a cast to a DuckDB type. Raises `QueryFailed` for types that do not fit."""
    value, kind = call.args[0], call.types[0]
    if kind in (target, NULL):
        return f"CAST({value} AS {target})"
    if target == "VARCHAR":
        return as_text(value, kind)
    if target == "JSON":
        return as_json(value, kind)
    if kind == "JSON":
        return _of_json(value, target)
    if kind == "VARCHAR":
        return _of_text(value, target)
    if target in WHOLE and kind in ("DOUBLE", "FLOAT"):
        return f"CAST(round({value}) AS {target})"  # half up; DuckDB rounds half to even
    if ZONED in (kind, target):
        return _zoned(call, target)
    if target in ("DATE", "TIMESTAMP", "TIME") or kind in ("DATE", "TIMESTAMP", "TIME"):
        allowed = {("DATE", "TIMESTAMP"), ("TIMESTAMP", "DATE"), ("TIMESTAMP", "TIME")}
        if (kind, target) not in allowed:
            raise _mismatch(call, target)
    if target == "BOOLEAN" and not is_number(kind):
        raise _mismatch(call, target)
    return f"CAST({value} AS {target})"


def as_text(value: str, kind: str) -> str:
    """Return a value as Trino formats it."""
    if kind == "DOUBLE":
        return f"trino_double({value})"
    if kind == "FLOAT":
        return f"trino_double(CAST(CAST({value} AS VARCHAR) AS DOUBLE))"
    if kind == "TIMESTAMP":
        return f"trino_moment({value})"
    if kind == ZONED:
        return f"trino_zoned({value})"
    if kind == "TIME":
        return f"strftime(DATE '2000-01-01' + {value}, '%H:%M:%S.%g')"
    if kind == "JSON":
        return f"trino_scalar({value})"
    if kind == "BLOB":
        return f"decode({value})"
    if kind.endswith(("[]", ")")) and not kind.startswith("DECIMAL"):
        raise QueryFailed(f"TYPE_MISMATCH: Cannot cast {trino_type(kind)} to varchar")
    return f"CAST({value} AS VARCHAR)"


def as_json(value: str, kind: str) -> str:
    """Return a value as JSON."""
    if kind in ("TIMESTAMP", ZONED):
        return f"to_json({as_text(value, kind)})"
    if kind == "DOUBLE":
        return f"CAST(trino_double({value}) AS JSON)"
    if "TIMESTAMP" in kind:
        raise unsupported("CAST to JSON of timestamps within other values")
    return f"to_json({value})"


def _of_json(value: str, target: str) -> str:
    text = f"json_extract_string({value}, '$')"
    wrong = f"'!INVALID_CAST_ARGUMENT: Cannot cast to {trino_type(target)}. ' || CAST({value} AS VARCHAR)"
    if target in WHOLE or target in ("DOUBLE", "FLOAT", "BOOLEAN") or target.startswith("DECIMAL"):
        return guarded(f"CAST({text} AS {target})", f"json_type({value}) NOT IN ('OBJECT', 'ARRAY')", wrong)
    return f"CAST({value} AS {target})"


def _of_text(value: str, target: str) -> str:
    if target in WHOLE:
        name = {"INTEGER": "INT"}.get(target, target)
        wrong = f"'!INVALID_CAST_ARGUMENT: Cannot cast ''' || {value} || ''' to {name}'"
        return guarded(f"CAST({value} AS {target})", f"regexp_full_match({value}, '[+-]?\\d+')", wrong)
    if target in ("DOUBLE", "FLOAT"):
        name = {"FLOAT": "REAL"}.get(target, target)
        wrong = f"'!INVALID_CAST_ARGUMENT: Cannot cast ''' || {value} || ''' to {name}'"
        return guarded(
            f"CAST({value} AS {target})",
            _fits(value, target),
            wrong,
        )
    if target == "BOOLEAN":
        wrong = f"'!INVALID_CAST_ARGUMENT: Cannot cast ''' || {value} || ''' to BOOLEAN'"
        fits = f"lower({value}) IN ('t', 'true', 'f', 'false', '1', '0')"
        return guarded(f"CAST({value} AS BOOLEAN)", fits, wrong)
    patterns = {"DATE": _TEXT_OF_DATE, "TIMESTAMP": _TEXT_OF_TIMESTAMP}
    if target in patterns:
        wrong = f"'!INVALID_CAST_ARGUMENT: Value cannot be cast to {target.lower()}: ' || {value}"
        fits = f"regexp_full_match({value}, '{patterns[target]}') AND {_fits(value, target)}"
        return guarded(f"CAST({value} AS {target})", fits, wrong)
    if target == ZONED:
        zone = f"trim(regexp_extract({value}, '\\d{_TEXT_OF_ZONE}$', 1))"
        moment = f"CAST(regexp_replace({value}, '(\\d){_TEXT_OF_ZONE}$', '\\1') AS TIMESTAMP)"
        return f"trino_at({moment}, CASE WHEN {zone} IN ('', 'Z') THEN 'UTC' ELSE {zone} END)"
    if target.startswith("DECIMAL"):
        reason = f"to {target}. Value is not a number."
        wrong = f"'!INVALID_CAST_ARGUMENT: Cannot cast VARCHAR ''' || {value} || ''' {reason}'"
        return guarded(
            f"CAST({value} AS {target})",
            _fits(value, target),
            wrong,
        )
    if target == "BLOB":
        return f"encode({value})"
    return f"CAST({value} AS {target})"


def _fits(value: str, target: str) -> str:
    return f"(TRY_CAST({value} AS {target}) IS NOT NULL OR {value} IS NULL)"


def _zoned(call: Call, target: str) -> str:
    value, kind = call.args[0], call.types[0]
    if target == ZONED and kind in ("TIMESTAMP", "DATE"):
        return f"trino_at(CAST({value} AS TIMESTAMP), 'UTC')"
    if kind == ZONED and target in ("TIMESTAMP", "DATE", "TIME"):
        return f"CAST(trino_local({value}) AS {target})"
    raise _mismatch(call, target)


def _mismatch(call: Call, target: str) -> QueryFailed:
    given, wanted = trino_type(call.types[0]), trino_type(target)
    return QueryFailed(f"TYPE_MISMATCH: {call.place}: Cannot cast {given} to {wanted}")
