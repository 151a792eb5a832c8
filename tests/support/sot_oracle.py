"""Reference results of the SoT: DuckDB computes it from the CSV files and reads Spark's output."""

from pathlib import Path
from typing import Any

import duckdb

Row = tuple[Any, ...]

SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def expected_rows(data: Path) -> list[Row]:
    """The rows of ``tbsot_ecommerce_br`` for a data folder, by order id, without the partition column."""
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE data = $data", {"data": str(data)})
        return connection.execute(SQL).fetchall()


def expected_columns(data: Path) -> list[tuple[str, str]]:
    """The names and DuckDB types of those rows' columns, in their order."""
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE data = $data", {"data": str(data)})
        return _columns(connection.execute(SQL))


def stored_rows(files: Path) -> list[Row]:
    """The rows of the Parquet files below a folder, by order id, without partition columns."""
    with duckdb.connect() as connection:
        return _stored(connection, files).fetchall()


def stored_columns(files: Path) -> list[tuple[str, str]]:
    """The names and DuckDB types of the columns of the Parquet files below a folder."""
    with duckdb.connect() as connection:
        return _columns(_stored(connection, files))


def _stored(connection: duckdb.DuckDBPyConnection, files: Path) -> duckdb.DuckDBPyConnection:
    query = "FROM read_parquet($files, hive_partitioning = false) ORDER BY order_id"
    return connection.execute(query, {"files": f"{files}/**/*.parquet"})


def _columns(result: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return [(name, str(kind)) for name, kind, *_ in result.description or []]
