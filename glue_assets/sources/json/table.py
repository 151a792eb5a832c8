"""JSON tables: columns and types from the values of all records.

JSON Lines that Spark and Athena read alike stay as they are; arrays and records on several lines become JSON
Lines. A table is converted to Parquet if its fields need other names, or if engines write its values as
strings in different ways: fields with values of several types, integers of 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from glue_assets.sources.content import TableContent, TableFile, told_once
from glue_assets.sources.duck import connected, literal, write_parquet
from glue_assets.sources.folder.layout import TableFolder
from glue_assets.sources.folder.options import TableOptions
from glue_assets.sources.json.faults import TOO_DEEP, record_faults
from glue_assets.sources.json.file import JsonFile, in_lines, in_lower_case, in_utf_8
from glue_assets.sources.json.kind import check_kind, count_records, kind_of_records, record_failure, rows_of
from glue_assets.sources.problems import Problems
from glue_assets.sources.typed import kinds
from glue_assets.sources.typed.kind_sql import projection
from glue_assets.sources.typed.kinds import Items, Struct
from glue_assets.sources.typed.table_checks import check_table

# https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html
_TYPE_LENGTH = 131_072
# Keys of answers of APIs, of Elasticsearch and of GeoJSON that contain the rows
_WRAPPERS = {"data", "docs", "entries", "features", "hits", "records", "result", "results", "rows", "value"}


def prepare(
    folder: TableFolder, options: TableOptions, work: Path, problems: Problems
) -> TableContent | None:
    """Return the content of a table of JSON files. Records faults; None if it has no content."""
    before = len(problems.found)
    check_table(folder, problems)
    files = _lines(folder, work, problems)
    read = _read(folder, files, work, problems) if len(problems.found) == before else None
    if read is None:
        return None
    files, kind, counts = read
    _check_wrapped(files, counts, kind, problems)
    found = kinds.renamed(kind, options.rename)
    texts = kinds.replaced_fields(found, {"json": "varchar"})
    readable = Struct(texts.texts, texts.names, tuple(map(kinds.readable, texts.kinds)))
    columns = kinds.columns_of_struct(readable)
    for column in columns:
        if len(column.type) > _TYPE_LENGTH:
            problems.add(
                folder.path,
                f"{column.name} has too many different keys; write them as a list of keys and values",
            )
    if len(problems.found) > before:
        return None
    told = told_once((file.path, sentence) for file in files for sentence in file.decisions)
    reasons = tuple(_reasons(found))
    if reasons:
        made = _as_parquet(folder, files, found, readable, work)
        told += (*reasons, "converted to Parquet that Spark and Athena read alike; the originals are kept")
        return TableContent("parquet", columns, made, sum(counts), told)
    lines = tuple(
        TableFile(file.path, folder.below(file.path))
        if file.lines == file.path
        else TableFile(file.lines, f"{folder.below(file.path).removesuffix('.gz')}.jsonl", file.path)
        for file in files
    )
    return TableContent("json", columns, lines, sum(counts), told)


def _lines(folder: TableFolder, work: Path, problems: Problems) -> list[JsonFile]:
    """Return the files as JSON Lines in UTF-8."""
    import duckdb  # needed only to publish

    files = []
    with connected(work, threads=1) as connection:
        for file in folder.files:
            place = work / "lines" / folder.below(file)
            text = JsonFile(file, file, file)
            try:
                text = in_utf_8(file, place)
                files.append(in_lines(connection, text, place))
            except UnicodeError as exc:
                problems.add(file, f"is not valid {exc.encoding}; save it as UTF-8")  # type: ignore[attr-defined]
            except (duckdb.Error, OSError, EOFError) as exc:
                record_failure(text, exc, problems)
    return files


def _read(
    folder: TableFolder, files: list[JsonFile], work: Path, problems: Problems
) -> tuple[list[JsonFile], Struct, list[int]] | None:
    """Return the files with the kind of their records, and the number of records of each."""
    import duckdb  # needed only to publish

    before = len(problems.found)
    with connected(work) as connection:
        counts = [count_records(connection, file, problems) for file in files]
        if len(problems.found) > before:
            return None
        try:
            kind = kind_of_records(connection, files)
        except duckdb.NotImplementedException:  # keys of two records, or of one object, differ in their case
            for file in files:
                record_faults(file, problems)
            if len(problems.found) > before:
                return None
            files = [in_lower_case(file, work / "lines" / folder.below(file.path)) for file in files]
            kind = kind_of_records(connection, files)
        except duckdb.InvalidInputException as exc:
            reason = TOO_DEEP if "recursion" in str(exc) else f"cannot be read: {str(exc).splitlines()[0]}"
            problems.add(folder.path, reason)
            return None
        for file in files:
            check_kind(connection, file, kind, problems)
    if len(problems.found) > before:
        return None
    if not isinstance(kind, Struct):
        problems.add(folder.path, 'contains no objects with fields, such as {"id": 1}')
        return None
    return files, kind, counts


def _check_wrapped(
    files: Sequence[JsonFile], counts: Sequence[int], kind: Struct, problems: Problems
) -> None:
    """Record files that are one object around the rows, as answers of APIs and GeoJSON are."""
    parts = [part for _, _, part in kinds.fields_of(kind)]
    if parts and all(isinstance(part, Struct) and _has_only_positions(part) for part in parts):
        for file, count in zip(files, counts, strict=True):
            if count == 1:
                problems.add(
                    file.path,
                    "has one object for each column, as pandas writes by default, instead of one"
                    " for each row; write it with df.to_json(..., orient='records', lines=True)",
                )
        return
    lists = [
        text
        for _, text, part in kinds.fields_of(kind)
        if isinstance(part, Items) and isinstance(part.item, Struct)
    ]
    if len(lists) != 1 or not (lists[0].lower() in _WRAPPERS or len(kind.kinds) == 1):
        return
    for file, count in zip(files, counts, strict=True):
        if count == 1:
            problems.add(
                file.path,
                f"is one object around the rows in {lists[0]!r}; write only that list, for example with"
                f" jq -c '.{lists[0]}[]' {file.path.name} > rows.jsonl",
            )


def _has_only_positions(kind: Struct) -> bool:
    """Return whether the fields are the numbers of rows."""
    return bool(kind.texts) and all(text.isdecimal() for text in kind.texts)


def _reasons(found: Struct) -> Iterator[str]:
    """Yield why the table cannot stay JSON."""
    for name, text, kind in kinds.fields_of(found):
        leaves = kinds.leaves(kind)
        if text.lower() != name:
            yield f"the field {text!r} is named {name}"
        elif not kinds.has_legal_names(kind):
            yield f"fields in {text} are renamed"
        if "json" in leaves:
            yield f"the field {text} has values of several types, or objects without fields: written as text"
        if leaves & {"hugeint", "ubigint"}:
            yield f"the field {text} has integers of 64 bits: written as decimal(38,0)"


def _as_parquet(
    folder: TableFolder, files: Sequence[JsonFile], found: Struct, readable: Struct, work: Path
) -> tuple[TableFile, ...]:
    made = []
    values = [f"struct_extract(json, {literal(text)})" for text in found.texts]
    with connected(work, threads=1) as connection:
        for file in files:
            path = f"{folder.below(file.path)}.parquet"
            target = work / "converted" / path
            query = f"SELECT {projection(found, readable, values)} FROM {rows_of(found, file)}"
            write_parquet(connection, query, target)
            made.append(TableFile(target, path, file.path))
    return tuple(made)
