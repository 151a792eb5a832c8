"""`_table.toml` and `_database.toml`: what the owner of the data says about a table and a database.

docs/data.md describes every key. A wrong value is a fault that says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from glue_assets.sources.content import COMMENT_LENGTH
from glue_assets.sources.folder import option_values, toml_file
from glue_assets.sources.folder.toml_file import TomlFile, nearest
from glue_assets.sources.names import NAME_RULE, is_name
from glue_assets.sources.problems import Problems

TABLE_FILE, DATABASE_FILE = "_table.toml", "_database.toml"

_DESCRIPTION_LENGTH = 2048  # https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html

_SECTIONS = ("columns", "date_formats", "rename", "types")
_KEYS = ("decimal", "description", "encoding", "header", "names", "null", "quote", "separator", *_SECTIONS)
_GENERAL = {"columns", "description", "rename"}
# Keys without effect on spreadsheets, and on formats that have their own types
_UNUSED = {
    r"\.(xls\w?|ods)$": {"encoding", "quote", "separator"},
    r"\.(avro|json|jsonl|ndjson|orc|parq|parquet|pq)(\.gz)?$": {*_KEYS} - _GENERAL,
}
# What pandas, DuckDB, Spark and Athena call the same thing
_SYNONYMS = {
    **dict.fromkeys(("sep", "delimiter", "delim", "field_delimiter", "fielddelimiter"), "separator"),
    **dict.fromkeys(("quotechar", "quote_char", "quotes"), "quote"),
    **dict.fromkeys(("charset", "codepage"), "encoding"),
    **dict.fromkeys(("comment", "comments", "descriptions"), "columns"),
    **dict.fromkeys(("na", "nan", "na_values", "nulls", "nullstr", "null_values", "nullvalue"), "null"),
    **dict.fromkeys(("dtype", "dtypes", "schema"), "types"),
    **dict.fromkeys(("date_format", "dateformat", "timestampformat"), "date_formats"),
    "decimal_separator": "decimal",
}


@dataclass(frozen=True)
class TableOptions:
    """The content of a `_table.toml`. What is None is recognised from the files.

    `separator` and `quote` are one character; `quote` is empty if the files quote nothing. `encoding` is a
    name that Python knows. `names` are the names of the columns of files without a header (`header` false).
    `rename` maps names in the files to names of columns. `date_formats` maps columns to formats of strptime.
    `null` are the texts that mean null. `types` is "strings" (default for CSV and spreadsheets), "infer", or
    Hive types by column. `decimal` is the decimal separator, `.` or `,`. `comments` are by column.
    """

    file: Path
    description: str | None = None
    comments: Mapping[str, str] = field(default_factory=dict)
    separator: str | None = None
    quote: str | None = None
    encoding: str | None = None
    header: bool | None = None
    names: tuple[str, ...] | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    date_formats: Mapping[str, str] = field(default_factory=dict)
    null: tuple[str, ...] = ()
    decimal: Literal[".", ","] | None = None
    types: Literal["strings", "infer"] | Mapping[str, str] = "strings"


def read_table_options(folder: Path, problems: Problems) -> TableOptions:
    """Return the options of a table's folder."""
    file = toml_file.read(folder / TABLE_FILE, problems)
    _check_keys(file, _KEYS)
    comments = option_values.section(file, "columns", 'column = "comment"')
    for name, comment in comments.items():
        _check_text(file, name, comment, COMMENT_LENGTH, "columns")
    names = _names(file)
    separator, quote = option_values.separator(file), option_values.quote(file)
    if quote and quote == separator:
        file.fault(f"quote and separator are both {quote!r}; they must differ", "quote")
    return TableOptions(
        file=file.path,
        description=_description(file),
        comments=comments,
        separator=separator,
        quote=quote,
        encoding=option_values.encoding(file),
        header=option_values.header(file),
        names=names,
        rename=_rename(file),
        date_formats=option_values.date_formats(file),
        null=option_values.null(file),
        decimal=option_values.decimal(file),
        types=option_values.types(file),
    )


def read_database_description(folder: Path, problems: Problems) -> str | None:
    """Return the description of a database's folder."""
    file = toml_file.read(folder / DATABASE_FILE, problems)
    _check_keys(file, ("description",))
    return _description(file)


def check_columns(
    options: TableOptions, columns: Mapping[str, str | None], keys: Iterable[str], problems: Problems
) -> None:
    """Record keys of `_table.toml` that name a column which the table does not have.

    `columns` maps names of columns to their names in the files, if those differ. `keys` are the partition
    keys, which can have comments.
    """
    file = toml_file.read(options.file, Problems())
    file.problems = problems
    known = {original: name for name, original in columns.items() if original} | {n: n for n in columns}
    types = {} if isinstance(options.types, str) else options.types
    given = {
        "columns": [name for name in options.comments if name not in keys],
        "date_formats": options.date_formats,
        "types": types,
    }
    for section, names in given.items():
        for name in names:
            if name in columns:
                continue
            found = known.get(name) or known.get(nearest(name, known) or "")
            if name in _KEYS:
                advice = f"move {name} above the first line in [brackets]"
            else:
                advice = f"write {found}" if found else f"the columns are {_some(columns)}"
            file.fault(f"{section} names the column {name!r}, which does not exist; {advice}", name, section)
    in_files = {original or name for name, original in columns.items()}
    for name, new in options.rename.items():
        if new not in columns:
            found = nearest(name, in_files)
            advice = f"write {found!r}" if found else f"the files have {_some(in_files)}"
            message = f"rename names the column {name!r}, which the files do not have; {advice}"
            file.fault(message, name, "rename")


def check_use(options: TableOptions, ending: str, problems: Problems) -> None:
    """Record keys that have no effect on files with an ending, which is in lower case."""
    file = toml_file.read(options.file, Problems())
    file.problems = problems
    for pattern, keys in _UNUSED.items():
        for key in keys & file.values.keys() if re.search(pattern, ending) else ():
            file.fault(f"{key} has no effect on files that end in {ending}; remove it", key)


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:20]) + (f" and {len(every) - 20} more" if len(every) > 20 else "")


def _check_keys(file: TomlFile, known: tuple[str, ...]) -> None:
    for key in file.values.keys() - set(known):
        found = _SYNONYMS.get(key.lower()) or nearest(key, known)
        advice = f"write {found}" if found in known else f"the keys are {', '.join(sorted(known))}"
        file.fault(f"{key} is not a key of {file.path.name}; {advice}", key)


def _check_text(file: TomlFile, name: str, text: object, longest: int, section: str | None = None) -> None:
    if not isinstance(text, str) or not 0 < len(text) <= longest or not text.isprintable():
        advice = f'write {name} = "..." on one line, with 1 to {longest:,} characters'
        file.fault(f"{name} must be a text; {advice}", name, section)


def _description(file: TomlFile) -> str | None:
    text = file.values.get("description")
    if text is None:
        return None
    _check_text(file, "description", text, _DESCRIPTION_LENGTH)
    return str(text)


def _names(file: TomlFile) -> tuple[str, ...] | None:
    value = file.values.get("names")
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        file.fault('names must be a list; write names = ["id", "price"]', "names")
        return None
    if file.values.get("header") is not False:
        advice = "add header = false, or, if the first line has names, use [rename] instead"
        file.fault(f"names are for files without a header; {advice}", "names")
    _check_names(file, value, "names")
    return tuple(value)


def _check_names(file: TomlFile, names: Iterable[str], key: str) -> None:
    seen = set()
    for name in names:
        if not is_name(name):
            file.fault(f"{name!r} in {key} cannot be a column; {NAME_RULE}", key)
        if name in seen:
            file.fault(f"{name!r} occurs twice in {key}; write another name", key)
        seen.add(name)


def _rename(file: TomlFile) -> dict[str, str]:
    values = option_values.section(file, "rename", '"Name in the file" = "name_of_the_column"')
    kept = {name: new for name, new in values.items() if isinstance(new, str)}
    for name in values.keys() - kept.keys():
        file.fault(f'rename must say a name; write "{name}" = "name_of_the_column"', name, "rename")
    _check_names(file, kept.values(), "rename")
    return kept
