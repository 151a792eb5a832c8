"""What a data folder becomes: tables, decisions and faults, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from glue_assets.sources.problems import Problem, printable
from glue_assets.tables import Column, Table


def lines(tables: Sequence[Table], faults: Sequence[Problem]) -> Iterator[str]:
    """Yield the lines of a report: the tables, their decisions, and all faults."""
    if tables:
        yield from _aligned(
            [
                ("table", "format", "rows", "size", "files", "columns"),
                *(
                    (
                        f"{table.database}.{table.name}",
                        table.format,
                        f"{table.rows:,}",
                        _size(table.size),
                        f"{len(table.files):,}",
                        f"{len(table.columns) + len(table.partition_keys):,}",
                    )
                    for table in tables
                ),
            ]
        )
    yield from _notes((table, [*table.decisions, *_types(table)]) for table in tables)
    if faults:
        yield "Nothing can be published until these faults are corrected:"
        yield from map(str, faults)


def decisions(tables: Iterable[Table]) -> Iterator[str]:
    """Yield what was recognised or converted, by table."""
    yield from _notes((table, table.decisions) for table in tables)


def _notes(noted: Iterable[tuple[Table, Sequence[str]]]) -> Iterator[str]:
    for table, notes in noted:
        if notes:
            yield f"{table.database}.{table.name}:"
            yield from (f"  {printable(note)}" for note in notes)


def _types(table: Table) -> Iterator[str]:
    """Yield the types of the columns that are not strings, at most twelve."""
    typed = [column for column in table.columns if column.type != "string"]
    if typed:
        shown = ", ".join(f"{column.name} {_shortened(column.type)}" for column in typed[:12])
        more = f", and {len(typed) - 12:,} more" if len(typed) > 12 else ""
        others = "; the other columns are strings" if len(typed) < len(table.columns) else ""
        yield f"types: {shown}{more}{others}"


def _shortened(type_: str) -> str:
    return type_ if len(type_) <= 60 else f"{type_[:57]}..."


def document(tables: Sequence[Table], faults: Sequence[Problem]) -> dict[str, Any]:
    """Return a report for programs."""
    return {
        "tables": [
            {
                "database": table.database,
                "table": table.name,
                "format": table.format,
                "rows": table.rows,
                "bytes": table.size,
                "files": len(table.files),
                "original_files": len(table.originals),
                "columns": [_column(column) for column in table.columns],
                "partition_keys": [_column(key) for key in table.partition_keys],
                "partitions": len(table.partitions),
                "decisions": [printable(decision) for decision in table.decisions],
            }
            for table in tables
        ],
        "faults": [
            {"place": printable(str(fault.place)), "line": fault.line, "message": printable(fault.message)}
            for fault in faults
        ],
    }


def _column(column: Column) -> dict[str, str | None]:
    return {"name": column.name, "type": column.type, "comment": column.comment}


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows as lines of equal columns: names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        fields = zip(row, widths, strict=True)
        yield "  ".join(t.ljust(w) if n < 2 else t.rjust(w) for n, (t, w) in enumerate(fields)).rstrip()


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
