"""Mathematical and bitwise functions, and arithmetic.

https://trino.io/docs/current/functions/math.html, bitwise.html and decimal.html
"""

from __future__ import annotations

from local.athena.errors import QueryFailed
from local.athena.functions.calls import (
    NULL,
    WHOLE,
    Call,
    Template,
    decimal,
    guarded,
    is_number,
    message,
    trino_type,
)

_ZERO = message("DIVISION_BY_ZERO", "Division by zero")


def divide(call: Call) -> str:
    """Return `a / b`: whole numbers are truncated, decimals have the larger scale.

    https://trino.io/docs/current/functions/decimal.html
    """
    left, right = call.args
    one, other = call.types
    if "INTERVAL" in (one, other) and is_number(other):
        return f"({left} / {right})"
    _check_numbers(call, "/")
    if one in WHOLE and other in WHOLE:
        return guarded(f"({left} // {right})", f"{right} <> 0", _ZERO)
    sizes = decimal(one), decimal(other)
    if None in sizes:
        return (
            f"(CAST({left} AS DOUBLE) / CAST({right} AS DOUBLE))" if one != "FLOAT" else f"({left} / {right})"
        )
    (p1, s1), (_, s2) = sizes  # type: ignore[misc]
    scale = max(s1, s2)
    precision = min(38, p1 + s2 + max(0, s2 - s1))
    return guarded(quotient(left, right, s1, s2, precision, scale), f"{right} <> 0", _ZERO)


def quotient(left: str, right: str, s1: int, s2: int, precision: int, scale: int) -> str:
    """Return the SQL of a quotient of decimals with scales `s1` and `s2`, rounded half up to `scale`."""
    shift = scale - s1 + s2
    exact = f"trino_quotient(trino_unscaled({left}) * {10**shift}::HUGEINT, trino_unscaled({right}))"
    return f"CAST(trino_scaled({exact}, {scale}) AS DECIMAL({precision},{scale}))"


def remainder(call: Call) -> str:
    """Return `a % b`."""
    left, right = call.args
    _check_numbers(call, "%")
    if all(decimal(kind) for kind in call.types):
        return guarded(f"({left} % {right})", f"{right} <> 0", _ZERO)
    return f"fmod({left}, {right})"


def plus(call: Call) -> str:
    """Return `a + b`, `a - b` or `a * b` of numbers."""
    left, right = call.args
    _check_numbers(call, call.name)
    return f"({left} {call.name} {right})"


def _check_numbers(call: Call, operator: str) -> None:
    if not all(is_number(kind) or kind == NULL for kind in call.types):
        left, right = map(trino_type, call.types)
        raise QueryFailed(f"TYPE_MISMATCH: {call.place}: Cannot apply operator: {left} {operator} {right}")


def _round(call: Call) -> str:
    if call.types[0] in WHOLE and len(call.args) == 1:
        return call.args[0]
    return _scaled(call, "round")


def _scaled(call: Call, name: str) -> str:
    """Return round or trunc to some digits. A decimal keeps its scale."""
    found = f"{name}({', '.join(call.args)})"
    if call.types[0].startswith("DECIMAL") and len(call.args) == 2:
        precision, scale = decimal(call.types[0]) or (38, 0)
        return f"CAST({found} AS DECIMAL({min(38, precision + 1)},{scale}))"
    return found


def _floor(call: Call) -> str:
    return call.args[0] if call.types[0] in WHOLE else f"{call.name}({call.args[0]})"


def _as_double(name: str) -> Template:
    return lambda call: f"{name}({', '.join(f'CAST({each} AS DOUBLE)' for each in call.args)})"


FUNCTIONS: dict[str, Template] = {
    **{name: f"{name}({{0}})" for name in ("abs", "sign")},
    "cbrt": "trino_cbrt(CAST({0} AS DOUBLE))",
    **{name: _as_double(name) for name in ("sqrt", "exp", "ln", "log2", "log10", "degrees", "radians")},
    **{name: _as_double(name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "atan2")},
    **{name: _as_double(name) for name in ("sinh", "cosh", "tanh")},
    **{"power": _as_double("pow"), "pow": _as_double("pow")},
    **{"ceil": _floor, "ceiling": _floor, "floor": _floor, "round": _round, "mod": remainder},
    **{"truncate/1": "trunc({0})", "truncate/2": lambda call: _scaled(call, "trunc")},
    # https://trino.io/docs/current/functions/math.html#log: the base is the first argument.
    "log": "(ln(CAST({1} AS DOUBLE)) / ln(CAST({0} AS DOUBLE)))",
    **{"e": "CAST(2.718281828459045 AS DOUBLE)", "pi": "pi()"},
    **{"nan": "CAST('nan' AS DOUBLE)", "infinity": "CAST('inf' AS DOUBLE)"},
    **{"is_nan": "isnan({0})", "is_finite": "isfinite({0})", "is_infinite": "isinf({0})"},
    **{"random/0": "random()", "rand/0": "random()"},
    "random/1": "CAST(floor(random() * {0}) AS INTEGER)",
    "width_bucket/4": "CAST(CASE WHEN {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} + 1 "
    "ELSE floor(({0} - {1})::DOUBLE / ({2} - {1})::DOUBLE * {3}) + 1 END AS BIGINT)",
    **{"bitwise_and": "({0} & {1})", "bitwise_or": "({0} | {1})", "bitwise_xor": "xor({0}, {1})"},
    **{"bitwise_not": "(~({0}))", "bit_count/2": "CAST(bit_count({0}) AS BIGINT)"},
    **{"bitwise_left_shift": "({0} << {1})", "bitwise_right_shift_arithmetic": "({0} >> {1})"},
    **{"from_base": "trino_from_base({0}, {1})", "to_base": "trino_to_base({0}, {1})"},
}
