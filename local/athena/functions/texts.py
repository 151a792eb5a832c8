"""Functions of strings, binaries, URLs and regular expressions.

https://trino.io/docs/current/functions/string.html, binary.html, url.html and regexp.html
"""

from __future__ import annotations

import re

from local.athena.errors import QueryFailed, unsupported
from local.athena.functions.calls import NULL, Call, Template, guarded, message, trino_type
from local.athena.functions.casts import as_text
from local.athena.hive import literal


def concat(call: Call) -> str:
    """Return the concatenation of strings, binaries or arrays."""
    types, args = call.types, call.args
    known = {kind for kind in types if kind != NULL}
    if any(kind.endswith("[]") for kind in known):
        item = next(kind for kind in types if kind.endswith("[]"))
        parts = [a if t.endswith("[]") else f"[{a}]" for a, t in zip(args, types, strict=True)]
        nulls = " OR ".join(f"{part} IS NULL" for part in parts)
        return f"CAST(CASE WHEN {nulls} THEN NULL ELSE list_concat({', '.join(parts)}) END AS {item})"
    if known <= {"VARCHAR"} or known == {"BLOB"}:
        return f"CAST({' || '.join(args)} AS {'BLOB' if known == {'BLOB'} else 'VARCHAR'})"
    given = ", ".join(map(trino_type, types))
    raise QueryFailed(
        f"FUNCTION_NOT_FOUND: {call.place}: Unexpected parameters ({given}) for function concat. Expected: "
        "concat(char(x), char(y)), concat(array(E), E) E, concat(E, array(E)) E, concat(array(E)) E, "
        "concat(varchar), concat(varbinary)"
    )


def _regex(call: Call, place: int = 1) -> str:
    """Return a pattern that DuckDB's RE2 reads as Java does."""
    pattern = call.constant(place, "pattern")
    if re.search(r"\(\?(?:[=!]|<[=!]|>)|\\[1-9]|[*+?}]\+", pattern):
        raise unsupported("regular expressions with look-around, back-references or possessive quantifiers")
    return literal(pattern)


def _extract(call: Call) -> str:
    text, group = call.args[0], call.args[2] if len(call.args) > 2 else "0"
    pattern = _regex(call)
    # DuckDB returns an empty string if nothing matches.
    return f"CASE WHEN regexp_matches({text}, {pattern}) THEN regexp_extract({text}, {pattern}, {group}) END"


def _extract_all(call: Call) -> str:
    group = call.args[2] if len(call.args) > 2 else "0"
    return f"regexp_extract_all({call.args[0]}, {_regex(call)}, {group})"


def _replace(call: Call) -> str:
    new = call.constant(2, "replacement") if len(call.args) > 2 else ""
    if "${" in new:
        raise unsupported("named groups in the replacement of regexp_replace")
    text = re.sub(r"\\(.)|\$(\d)|\\", lambda m: m[1] or (f"\\{m[2]}" if m[2] else "\\\\"), new)
    return f"regexp_replace({call.args[0]}, {_regex(call)}, {literal(text)}, 'g')"


def _length(call: Call) -> str:
    return f"octet_length({call.args[0]})" if call.types[0] == "BLOB" else _of_text(call, "length")


def _of_text(call: Call, name: str) -> str:
    if call.types[0] not in ("VARCHAR", NULL, "BLOB"):
        raise call.refuse()
    return f"{name}({', '.join(call.args)})"


def _text_first(name: str) -> Template:
    """Return a function whose first argument must be a string. DuckDB converts others."""
    return lambda call: _of_text(call, name)


def _substring(call: Call) -> str:
    text, begin = call.args[:2]
    _of_text(call, "substr")
    size = f", greatest({call.args[2]}, 0)" if len(call.args) > 2 else ""
    # https://trino.io/docs/current/functions/string.html#substring: a negative begin counts from the end.
    out = f"{begin} = 0 OR -({begin}) > length({text})"
    return f"CASE WHEN {text} IS NULL THEN NULL WHEN {out} THEN '' ELSE substr({text}, {begin}{size}) END"


def _reverse(call: Call) -> str:
    value = call.args[0]
    return f"list_reverse({value})" if call.types[0].endswith("[]") else _of_text(call, "reverse")


def _pad(call: Call) -> str:
    return f"{call.name}({call.args[0]}, CAST({call.args[1]} AS INTEGER), {call.args[2]})"


def _hash(name: str) -> Template:
    def sql(call: Call) -> str:
        if call.types[0] != "BLOB":  # https://trino.io/docs/current/functions/binary.html: of varbinary only
            raise call.refuse()
        return f"unhex({name}({call.args[0]}))"

    return sql


def _hex(call: Call) -> str:
    if call.types[0] != "BLOB":
        raise call.refuse()
    return f"hex({call.args[0]})"


def _format(call: Call) -> str:
    """Return format(): %s, %d, %f and %x of java.util.Formatter, https://trino.io/docs/current/functions/conversion.html."""
    pattern = call.constant(0, "pattern")
    parts = re.findall(r"%(?:[-+0,]*\d*(?:\.\d+)?[sdfxXeE]|%|n)", pattern)
    if pattern.count("%") != sum(2 if part == "%%" else 1 for part in parts):
        raise unsupported(f"the pattern {pattern} of format")
    types = call.types[1:]
    args, place = [], 0
    for part in parts:
        if part in ("%%", "%n"):
            continue
        argument = call.args[place + 1]
        if part.endswith("s"):
            argument = as_text(argument, types[place])
        elif part[-1] in "feE":
            argument = f"CAST({argument} AS DOUBLE)"
        args.append(argument)
        place += 1
    return f"printf({', '.join([literal(pattern.replace('%n', chr(10))), *args])})"


_URL = r"^(?:([^:/?#]+):)?(?://(?:[^/?#@]*@)?([^/?#:]*)(?::(\d+))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$"


def _url(text: str, group: int) -> str:
    return f"regexp_extract({text}, {literal(_URL)}, {group})"


def _url_part(group: int) -> Template:
    return lambda call: _url(call.args[0], group)


def _url_parameter(call: Call) -> str:
    query = _url(call.args[0], 5)
    pairs = f"list_filter(string_split({query}, '&'), lambda p: string_split(p, '=')[1] = {call.args[1]})"
    value = f"regexp_replace({pairs}[1], '^[^=]*=?', '')"
    return f"CASE WHEN len({pairs}) > 0 THEN url_decode({value}) END"


def _split(call: Call) -> str:
    if len(call.args) == 3:
        text, mark, most = call.args
        all_ = f"string_split({text}, {mark})"
        rest = f"array_to_string(list_slice({all_}, {most}, len({all_})), {mark})"
        first = f"list_slice({all_}, 1, {most} - 1)"
        return f"CASE WHEN len({all_}) <= {most} THEN {all_} ELSE list_append({first}, {rest}) END"
    return f"string_split({', '.join(call.args)})"


def _split_part(call: Call) -> str:
    text, mark, place = call.args
    return f"string_split({text}, {mark})[{place}]"


def _split_to_map(call: Call) -> str:
    text, entries, pairs = call.args
    filled = f"list_filter(string_split({text}, {entries}), lambda p: p <> '')"
    listed = f"list_transform({filled}, lambda p: string_split(p, {pairs}))"
    return f"map_from_entries(list_transform({listed}, lambda p: (p[1], p[2])))"


FUNCTIONS: dict[str, Template] = {
    "concat": concat,
    "concat_ws": "concat_ws({*})",
    **{name: _text_first(name) for name in ("lower", "upper", "replace", "translate")},
    "reverse": _reverse,
    **{"length": _length, "char_length": _text_first("length"), "character_length": _text_first("length")},
    **{"substr": _substring, "substring": _substring},
    **{"strpos/2": _text_first("strpos"), "position": _text_first("strpos")},
    **{"trim": _text_first("trim"), "ltrim": _text_first("ltrim"), "rtrim": _text_first("rtrim")},
    **{
        "lpad": _pad,
        "rpad": _pad,
        "starts_with": "starts_with({0}, {1})",
        "ends_with": "ends_with({0}, {1})",
    },
    **{"replace/2": "replace({0}, {1}, '')", "chr": "chr(CAST({0} AS INTEGER))"},
    "codepoint": lambda call: guarded(
        f"unicode({call.args[0]})",
        f"length({call.args[0]}) = 1",
        message("INVALID_FUNCTION_ARGUMENT", "Input string must be a single character string"),
    ),
    **{"split": _split, "split_part": _split_part, "split_to_map": _split_to_map},
    **{"levenshtein_distance": "levenshtein({0}, {1})", "hamming_distance": "hamming({0}, {1})"},
    **{"normalize/1": "nfc_normalize({0})", "format": _format},
    **{"to_utf8": "encode({0})", "from_utf8/1": "decode({0})"},
    **{"to_hex": _hex, "from_hex": "unhex({0})", "to_base64": "to_base64({0})"},
    "from_base64": lambda call: (
        f"from_base64({call.args[0] if call.types[0] == 'VARCHAR' else f'decode({call.args[0]})'})"
    ),
    **{name: _hash(name) for name in ("md5", "sha1", "sha256")},
    **{"regexp_like": lambda call: f"regexp_matches({call.args[0]}, {_regex(call)})"},
    **{"regexp_extract": _extract, "regexp_extract_all": _extract_all, "regexp_replace": _replace},
    "regexp_split": lambda call: f"regexp_split_to_array({call.args[0]}, {_regex(call)})",
    "regexp_count": lambda call: f"CAST(len(regexp_extract_all({call.args[0]}, {_regex(call)})) AS BIGINT)",
    # https://trino.io/docs/current/functions/url.html#url_encode: a space is a plus sign.
    "url_encode": "replace(url_encode({0}), '%20', '+')",
    "url_decode": "url_decode(replace({0}, '+', '%20'))",
    "url_extract_protocol": _url_part(1),
    "url_extract_host": _url_part(2),
    "url_extract_port": lambda call: f"CAST(nullif({_url(call.args[0], 3)}, '') AS BIGINT)",
    "url_extract_path": _url_part(4),
    "url_extract_query": _url_part(5),
    "url_extract_fragment": _url_part(6),
    "url_extract_parameter": _url_parameter,
    "uuid": "uuid()",
}
