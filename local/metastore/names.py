"""Names of partitions and patterns of names, as Hive writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

NULL = "__HIVE_DEFAULT_PARTITION__"
"""Hive's partition value for null and for an empty string."""

# Hive's FileUtils.escapePathName
_ESCAPED = re.compile(r"""[\x01-\x1f"#%'*/:=?\\\x7f{\[\]^]""")


def partition_name(keys: Iterable[str], values: Iterable[str]) -> str:
    """Return the name of a partition, such as `year=2026/city=S%2FP`."""
    pairs = zip(keys, values, strict=True)
    return "/".join(f"{escaped(key.lower())}={escaped(value or NULL)}" for key, value in pairs)


def partition_values(name: str) -> list[str]:
    """Return the values in the name of a partition."""
    return [unquote(part.partition("=")[2]) for part in name.split("/")]


def escaped(text: str) -> str:
    """Return a key or a value as Hive writes it in the name of a folder."""
    return _ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def matching(pattern: str | None, names: Iterable[str]) -> list[str]:
    """Return the names that match a Hive pattern: `*` is any text, `|` separates alternatives."""
    if pattern is None:
        return list(names)
    expression = re.compile(pattern.strip().replace("*", ".*"), re.IGNORECASE)
    return [name for name in names if expression.fullmatch(name)]


def starts_with(values: Sequence[str], wanted: Sequence[str]) -> bool:
    """Return whether the values match a partial specification, in which an empty value matches all."""
    return all(not want or want == value for want, value in zip(wanted, values, strict=False))


_TOKENS = re.compile(r"""(like\s+)?(?:"([^"]*)"|'([^']*)')|!=""", re.IGNORECASE)


def glue_expression(hive_filter: str) -> str:
    """Return a Hive partition filter as an expression of GetPartitions.

    Its strings have single quotes, and its operators are those of SQL:
    https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html
    """

    def token(found: re.Match[str]) -> str:
        if found[0] == "!=":
            return "<>"
        like, text = found[1] or "", found[2] if found[2] is not None else found[3]
        if like:
            text = text.replace(".*", "%")  # Spark writes the pattern as a regular expression
        return like + "'" + text.replace("'", "''") + "'"

    return _TOKENS.sub(token, hive_filter)
