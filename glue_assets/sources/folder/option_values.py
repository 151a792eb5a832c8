"""Values of `_table.toml`: each function returns the value of a key, and records what to write instead."""

from __future__ import annotations

import re
from typing import Any, Literal

from glue_assets.sources.folder.toml_file import TomlFile, nearest
from glue_assets.sources.text.encodings import codec_of

_TYPES = ("string", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "date", "timestamp")
_OTHER_TYPES = {
    **dict.fromkeys(("text", "str", "varchar", "char", "object", "uuid"), "string"),
    **dict.fromkeys(("bool", "bit"), "boolean"),
    **dict.fromkeys(("integer", "int32", "number"), "int"),
    **dict.fromkeys(("long", "int64"), "bigint"),
    **dict.fromkeys(("real", "float32"), "float"),
    **dict.fromkeys(("float64", "double precision"), "double"),
    **dict.fromkeys(("decimal", "numeric", "money", "currency"), "decimal(12,2)"),
    **dict.fromkeys(("datetime", "datetime64", "timestamptz", "time"), "timestamp"),
}
_DECIMAL = re.compile(r"decimal\((\d{1,2}),(\d{1,2})\)")
_ENCODINGS = {"ansi": "windows-1252", "unicode": "utf-16", "oem": "cp850", "dos": "cp850", "utf": "utf-8"}
_USUAL_ENCODINGS = ("utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15", "cp850", "shift_jis")
_LETTERS = re.compile(r"yyyy|yy|MM|mm|dd|HH|hh|SS|ss", re.IGNORECASE)


def section(file: TomlFile, key: str, example: str) -> dict[str, Any]:
    """Return the lines of a section."""
    values = file.values.get(key, {})
    if isinstance(values, dict):
        return values
    file.fault(f"{key} must be a section; write [{key}] on one line, and below it {example}", key)
    return {}


def separator(file: TomlFile) -> str | None:
    """Return the character between the fields, or None."""
    value = file.values.get("separator")
    if value is None:
        return None
    if value in (r"\t", "tab", "TAB"):
        file.fault(r'separator must be one character; for a tab write separator = "\t"', "separator")
    elif not isinstance(value, str) or len(value) != 1 or value.isalnum() or value in "\r\n\0\"'\\":
        advice = r'write separator = ";", or "," or "|" or "\t" (a tab)'
        file.fault(
            f"separator is {value!r}, but must be one character between the fields; {advice}", "separator"
        )
    else:
        return value
    return None


def quote(file: TomlFile) -> str | None:
    """Return the character around fields, which is empty if the files quote nothing, or None."""
    value = file.values.get("quote")
    if value is None or value == "":
        return value
    if not isinstance(value, str) or len(value) != 1 or value.isalnum() or value in "\r\n\0\\ \t":
        advice = 'write quote = "\'" or \'"\', or "" if the files quote nothing'
        file.fault(f"quote is {value!r}, but must be one character around fields; {advice}", "quote")
        return None
    return value


def encoding(file: TomlFile) -> str | None:
    """Return the name of an encoding, or None."""
    value = file.values.get("encoding")
    if value is None:
        return None
    if isinstance(value, str) and codec_of(value):
        return value
    found = _ENCODINGS.get(str(value).lower()) or nearest(str(value), _USUAL_ENCODINGS)
    advice = f'write "{found}"' if found else f"write one of {', '.join(_USUAL_ENCODINGS)}"
    file.fault(f"encoding {value!r} is unknown; {advice}, or leave it out to have it recognised", "encoding")
    return None


def header(file: TomlFile) -> bool | None:
    """Return whether the files have a header, or None."""
    value = file.values.get("header")
    if value is None or isinstance(value, bool):
        return value
    advice = "write header = true if the first line has the names of the columns, else header = false"
    file.fault(f"header is {value!r}, but must be true or false, without quotes; {advice}", "header")
    return None


def null(file: TomlFile) -> tuple[str, ...]:
    """Return the texts that mean null."""
    value = file.values.get("null", [])
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return tuple(dict.fromkeys(texts))
    file.fault('null must be the texts that mean null; write null = ["NULL", "-"]', "null")
    return ()


def decimal(file: TomlFile) -> Literal[".", ","] | None:
    """Return the decimal separator, or None."""
    match file.values.get("decimal"):
        case None:
            return None
        case "." | ",":
            return "," if file.values["decimal"] == "," else "."
        case value:
            file.fault(f'decimal is {value!r}; write decimal = "," (1.234,50) or "." (1,234.50)', "decimal")
            return None


def types(file: TomlFile) -> Literal["strings", "infer"] | dict[str, str]:
    """Return "strings", "infer" or the Hive types by column."""
    value = file.values.get("types", "strings")
    if value in ("strings", "infer"):
        return "infer" if value == "infer" else "strings"
    if not isinstance(value, dict):
        advice = 'write types = "infer", "strings", or a section [types] with lines such as price = "double"'
        file.fault(f"types is {value!r}; {advice}", "types")
        return "strings"
    return {name: _type(file, name, kind) for name, kind in value.items()}


def _type(file: TomlFile, name: str, kind: object) -> str:
    text = re.sub(r"\s+", "", kind.lower()) if isinstance(kind, str) else ""
    match = _DECIMAL.fullmatch(text)
    if text in _TYPES or (match and 0 < int(match[1]) <= 38 and int(match[2]) <= int(match[1])):
        return text
    if match:
        advice = "decimal(p,s) has p digits (1 to 38), of which s are after the point; write decimal(12,2)"
    else:
        found = _OTHER_TYPES.get(text) or nearest(text, _TYPES)
        advice = f'write {name} = "{found}"' if found else f"write one of {', '.join(_TYPES)}, decimal(12,2)"
    file.fault(f"types: {kind!r} is not a type; {advice}", name, "types")
    return "string"


def date_formats(file: TomlFile) -> dict[str, str]:
    """Return the formats of dates by column."""
    values = section(file, "date_formats", 'column = "%d/%m/%Y"')
    return {name: text for name, text in values.items() if _is_date_format(file, name, text)}


def _is_date_format(file: TomlFile, name: str, text: object) -> bool:
    if not isinstance(text, str):
        advice = f'write {name} = "%d/%m/%Y"'
    elif _has_a_date(text):
        return True
    elif "%" not in text and _has_a_date(_as_strptime(text)):
        advice = f'write {name} = "{_as_strptime(text)}"'
    else:
        advice = f'it needs year, month and day; write for example {name} = "%d/%m/%Y %H:%M:%S"'
    file.fault(f"date_formats: {text!r} is not a format of dates; {advice}", name, "date_formats")
    return False


def _as_strptime(text: str) -> str:
    """Translate letters as in Java and Excel: dd/MM/yyyy HH:mm:ss. Minutes follow an hour."""
    codes = {"yyyy": "%Y", "yy": "%y", "dd": "%d", "hh": "%H", "ss": "%S"}
    return _LETTERS.sub(
        lambda found: codes.get(found[0].lower()) or ("%M" if "h" in text[: found.start()].lower() else "%m"),
        text,
    )


def _has_a_date(text: str) -> bool:
    """Return whether DuckDB, which reads the dates, gets a date back from its text in a format."""
    import duckdb  # needed only for this key

    query = "SELECT strptime(strftime(TIMESTAMP '2026-11-27 13:14:15', $1), $1)::DATE = DATE '2026-11-27'"
    try:
        with duckdb.connect() as connection:
            return connection.execute(query, [text]).fetchone() == (True,)
    except duckdb.Error:
        return False
