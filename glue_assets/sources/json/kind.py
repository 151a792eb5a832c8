"""The kind of the records of JSON files, from all values of all files, and whether all of it can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glue_assets.sources.duck import literal, pattern
from glue_assets.sources.json.faults import record_faults
from glue_assets.sources.json.file import LONGEST, JsonFile, reading
from glue_assets.sources.problems import Problems
from glue_assets.sources.typed import kinds
from glue_assets.sources.typed.kinds import Items, Kind, Struct

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SAMPLE = 20_480
# DuckDB detects times and IDs in JSON strings; Hive's reader accepts only strings there.
_TEXTS = dict.fromkeys(
    ("date", "time", "time with time zone", "timestamp", "timestamp with time zone", "uuid", "null"),
    "varchar",
)
# What DuckDB accepts or rounds: commas before closing brackets, integers of 64 bits, large exponents, NaN
_SUSPICIOUS = r",\s*[}\]]|[:,\[\s]-?[0-9]{19,}\s*[,}\]]|[0-9][eE]\+?[0-9]{3}|[:,\[]\s*-?[nNiI][aAnN]"


def kind_of_records(connection: DuckDBPyConnection, files: Sequence[JsonFile]) -> Kind:
    """Return the kind of all records. Raises `duckdb.NotImplementedException` if keys differ in their case.

    Reads every line, as a sample could miss a column, and treats objects as structs whatever their number
    of fields. Several threads find fields in any order, one thread finds them in that of the files.
    """
    sample = f"sample_size = {_SAMPLE}, maximum_sample_files = 1"
    connection.execute("SET threads = 1")
    first = _detected(connection, files[:1], sample)
    connection.execute("RESET threads")
    return _ordered(_detected(connection, files, "sample_size = -1"), first)


def _detected(connection: DuckDBPyConnection, files: Sequence[JsonFile], sample: str) -> Kind:
    # Each line is one value, because DuckDB would give the columns `Id` and `id` two names; Hive has one.
    query = (
        f"SELECT * FROM read_json([{', '.join(literal(pattern(file.lines)) for file in files)}],"
        f" {sample}, format = 'newline_delimited', records = false, union_by_name = true,"
        f" maximum_depth = -1, map_inference_threshold = -1, maximum_object_size = {LONGEST},"
        " hive_partitioning = false)"
    )
    [kind] = connection.sql(query).types
    return kinds.replaced(kinds.kind_of(kind), _TEXTS)


def _ordered(kind: Kind, first: Kind) -> Kind:
    """Return a kind whose fields have the order of another one; further fields follow by their names."""
    match kind, first:
        case Items(item), Items(other):
            return Items(_ordered(item, other))
        case Struct(), Struct():
            parts = dict(zip(kind.texts, kind.kinds, strict=True))
            known = dict(zip(first.texts, first.kinds, strict=True))
            texts = [text for text in known if text in parts] + sorted(parts.keys() - known.keys())
            return kinds.struct(
                [(text, _ordered(parts[text], known.get(text, parts[text]))) for text in texts]
            )
    return kind


def rows_of(kind: Kind, file: JsonFile) -> str:
    """Return the SQL of a table with one column `json`, which has the records of a file."""
    columns = f"{{json: {literal(kinds.duckdb_type(kinds.as_in_file(kind)))}}}"
    return (
        f"read_json({reading(file.lines)}, format = 'newline_delimited', records = false,"
        f" auto_detect = false, columns = {columns})"
    )


def count_records(connection: DuckDBPyConnection, file: JsonFile, problems: Problems) -> int:
    """Return the number of records of a file, all of which has been read. Records faults."""
    import duckdb  # needed only to publish

    text = "CAST(json AS VARCHAR)"
    query = (
        f"SELECT count(*), count(*) FILTER (json_type(json) <> 'OBJECT'), max(strlen({text})),"
        f" bool_or(regexp_matches({text}, {literal(_SUSPICIOUS)})) FROM read_json_objects({file.source})"
    )
    try:
        [(count, others, longest, is_suspicious)] = connection.execute(query).fetchall()
    except duckdb.Error as exc:
        record_failure(file, exc, problems)
        return 0
    if is_suspicious or others or (longest or 0) > LONGEST or not count:
        record_faults(file, problems)
    return int(count)


def check_kind(connection: DuckDBPyConnection, file: JsonFile, kind: Kind, problems: Problems) -> None:
    """Record records that are not of this kind, or have a key twice."""
    import duckdb  # needed only to publish

    # DuckDB checks that keys are unique only in objects that become structs.
    if "json" in kinds.leaves(kind):
        record_faults(file, problems)
        return
    try:
        connection.execute(f"SELECT count(json) FROM {rows_of(kind, file)}").fetchall()
    except duckdb.Error as exc:
        record_failure(file, exc, problems)


def record_failure(file: JsonFile, failure: Exception, problems: Problems) -> None:
    """Record the faults of a file that DuckDB cannot read, with their lines if possible."""
    before = len(problems.found)
    record_faults(file, problems)
    if len(problems.found) == before:
        reason = str(failure).splitlines()[0]
        problems.add(file.path, f"cannot be read: {reason}; write it again as JSON Lines")
