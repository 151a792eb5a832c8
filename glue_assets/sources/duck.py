"""DuckDB, which reads the files: one connection with bounded memory."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


# Each thread has buffers of its own, and a chunk of 2,048 rows of all columns.
_MOST_THREADS, _COLUMNS_OF_ALL_THREADS = 4, 2_000


def threads_for(columns: int) -> int:
    """Return the number of threads whose chunks of so many columns fit into memory."""
    return max(1, min(_MOST_THREADS, os.cpu_count() or 1, _COLUMNS_OF_ALL_THREADS // max(1, columns)))


@contextlib.contextmanager
def connected(work: Path, *, threads: int | None = None) -> Iterator[DuckDBPyConnection]:
    """Yield a connection that keeps what exceeds its memory in the folder `work`.

    By default, it has few threads, so that memory is enough on machines with many processors. One thread
    writes the same bytes on every machine.
    """
    import duckdb  # needed only to publish

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "1GB",
        "temp_directory": str(work / "duckdb"),
        "threads": threads_for(1) if threads is None else threads,
        # With threads that write in the background, DuckDB 2.0.0 can wait for one of them forever if a query
        # fails while it writes a file.
        "async_threads": 0,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")  # times with a zone become texts and timestamps
        yield connection


def write_parquet(connection: DuckDBPyConnection, query: str, target: Path) -> None:
    """Write the rows of a query as a Parquet file. The connection must have one thread."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Spark and Athena read row groups in parallel. A row group has 122,880 rows, or fewer if they are long.
    options = "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE_BYTES '64MB'"
    connection.execute(f"COPY ({query}) TO {literal(str(target))} ({options})")


def quoted(name: str) -> str:
    """Return an identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a string for SQL."""
    return "'" + text.replace("'", "''") + "'"


def pattern(file: Path) -> str:
    """Return the pattern that only this file matches: DuckDB's readers take patterns, not paths."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(file))
