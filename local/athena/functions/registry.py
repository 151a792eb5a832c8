"""The functions that are supported, by name and number of arguments."""

from __future__ import annotations

import re

from local.athena.errors import QueryFailed, unsupported
from local.athena.functions import aggregates, jsons, lists, numbers, texts, times
from local.athena.functions.calls import Call, Template, trino_type
from local.athena.functions.casts import cast
from local.athena.hive import literal


def _least(name: str) -> Template:
    """Return greatest or least, which are null if an argument is null."""

    def sql(call: Call) -> str:
        nulls = " OR ".join(f"{each} IS NULL" for each in call.args)
        return f"CASE WHEN {nulls} THEN NULL ELSE {name}({', '.join(call.args)}) END"

    return sql


# https://trino.io/docs/current/functions/conditional.html
_CONDITIONS: dict[str, Template] = {
    "if/2": "CASE WHEN {0} THEN {1} END",
    "if/3": "CASE WHEN {0} THEN {1} ELSE {2} END",
    **{"coalesce": "coalesce({*})", "nullif": "nullif({0}, {1})", "try": "TRY({0})"},
    **{"greatest": _least("greatest"), "least": _least("least")},
    "typeof": lambda call: literal(trino_type(call.types[0])),
    "date": lambda call: cast(call, "DATE"),
}

_FUNCTIONS: dict[str, Template] = {
    **numbers.FUNCTIONS,
    **texts.FUNCTIONS,
    **times.FUNCTIONS,
    **lists.FUNCTIONS,
    **jsons.FUNCTIONS,
    **aggregates.AGGREGATES,
    **_CONDITIONS,
}

# https://trino.io/docs/current/functions/list.html, without those above
_UNSUPPORTED = re.compile(
    r"st_\w+|bing_tile\w*|geometry\w*|to_geometry|to_spherical_geography|great_circle_distance|hmac_\w+|sha512"
    r"|murmur3|xxhash64|spooky_hash\w*|crc32|ngrams|combinations|shuffle|array_histogram|approx_set|merge"
    r"|empty_approx_set|approx_most_frequent|numeric_histogram|\w*digest\w*|value_at_quantile|values_at_quantiles"
    r"|listagg|checksum|map_union|map_zip_with|multimap_from_entries|split_to_multimap|skewness|kurtosis|entropy"
    r"|reduce_agg|word_stem|soundex|luhn_check|bar|color|render|rgb|human_readable_seconds|parse_duration"
    r"|parse_data_size|to_char|to_date|to_timestamp|from_iso8601_timestamp_nanos|from_unixtime_nanos"
    r"|\w*big_endian\w*|\w*ieee754\w*|\w*base32|\w*base64url|inverse_\w+|\w+_cdf|wilson_\w+|cosine_\w+"
    r"|learn_\w+|regress|classify|features|regexp_position|char2hexint|format_number|timezone|version"
    r"|regr_\w+|contains_sequence|json_object|json_array|bitwise_right_shift|current_\w+"
)


def template(name: str, count: int, place: str) -> Template:
    """Return the template of a function with some arguments. Raises `QueryFailed` if there is none."""
    found = _FUNCTIONS.get(f"{name}/{count}") or _FUNCTIONS.get(name)
    if found is not None:
        return found
    if _UNSUPPORTED.fullmatch(name) or any(key.startswith(f"{name}/") for key in _FUNCTIONS):
        raise unsupported(f"the function {name} with {count} arguments")
    raise QueryFailed(f"FUNCTION_NOT_FOUND: {place}: Function '{name}' not registered")


def fill(call: Call, text: str) -> str:
    """Return the SQL of a call by its template. Raises `QueryFailed` if the number of arguments differs."""
    wanted = {int(place) for place in re.findall(r"\{(\d)\}", text)}
    if "{*}" not in text and len(call.args) != len(wanted):
        raise QueryFailed(
            f"FUNCTION_NOT_FOUND: {call.place}: Unexpected number of arguments for function {call.name}"
        )
    parts = {
        **{"*": ", ".join(call.args), "over": call.over, "distinct": call.distinct, "order": call.order},
        "nulls": call.nulls,
        **{str(place): value for place, value in enumerate(call.args)},
    }
    if "{type}" in text:
        parts["type"] = call.types[0]
    filled = re.sub(r"\{(\*|\d|\w+)\}", lambda match: parts.get(match[1], match[0]), text)
    return filled.replace("{{", "{").replace("}}", "}")
