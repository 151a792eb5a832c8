"""Comparison of what jobs have written with DuckDB's table, in all columns. A difference is a WrongRows."""

from __future__ import annotations

from pathlib import Path

import duckdb

MONEY = {
    "sum_order_price", "mean_order_price", "max_order_price", "min_order_price", "mean_order_freight_value",
    "sum_payment_value", "mean_payment_value",
}  # fmt: skip
UNDECIDED = "most_common_payment_type"


class WrongRows(Exception):
    """A job wrote other rows than DuckDB."""


def check_equal(found: Path, expected: Path) -> int:
    """Compare columns, types and rows. Return the number of rows.

    Rows are compared by the sum of their hashes, which is the same only for the same rows in any order.
    """
    with _connected(found, expected) as connection:
        columns = {name: connection.execute(f"DESCRIBE {name}").fetchall() for name in ("found", "expected")}
        kinds = {name: [row[:2] for row in rows] for name, rows in columns.items()}
        if kinds["found"] != kinds["expected"]:
            raise WrongRows(f"The columns are {kinds['found']}, expected {kinds['expected']}.")
        sums = {
            name: connection.execute(
                f"SELECT count(*), count(DISTINCT order_id), sum(hash({name})::HUGEINT) FROM {name}"
            ).fetchone()
            for name in ("found", "expected")
        }
        if sums["found"] != sums["expected"]:
            example = connection.execute("FROM found EXCEPT FROM expected LIMIT 1").fetchall()
            raise WrongRows(f"The rows differ: {sums}; for example {example}.")
        return int(sums["found"][0]) if sums["found"] else 0


def check_usual(found: Path, expected: Path) -> int:
    """Compare the rows of the usual job. Return the number of orders with another most common payment type.

    Amounts may differ by a cent, and empty comments may be null. With `multiLine`, Spark reads line breaks in
    quotes as line feeds.
    """
    with _connected(found, expected) as connection:
        names = [row[0] for row in connection.execute("DESCRIBE expected").fetchall()]
        if names != [row[0] for row in connection.execute("DESCRIBE found").fetchall()]:
            raise WrongRows("The columns of the usual job are others.")
        differs = {}
        for name in names:
            differs[name] = f"""nullif(replace(f.{name}::VARCHAR, chr(13), ''), '')
                IS DISTINCT FROM replace(e.{name}::VARCHAR, chr(13), '')"""
            if name in MONEY:
                differs[name] = f"""(f.{name} IS NULL) <> (e.{name} IS NULL)
                    OR coalesce(abs(f.{name}::DOUBLE - e.{name}::DOUBLE), 0) >= 0.0101"""
        counts = ", ".join(f"count(*) FILTER ({condition})" for condition in differs.values())
        query = f"""
            SELECT count(*), count(f.order_id), count(e.order_id), {counts}
            FROM found AS f FULL JOIN expected AS e ON e.order_id = f.order_id"""
        rows, left, right, *numbers = connection.execute(query).fetchall()[0]
        wrong = {name: number for name, number in zip(names, numbers, strict=True) if number}
        undecided = wrong.pop(UNDECIDED, 0)
        if not rows == left == right or wrong:
            raise WrongRows(f"The usual job: {left} rows, expected {right}; values that differ: {wrong}.")
        return int(undecided)


def _connected(found: Path, expected: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    for name, folder in (("found", found), ("expected", expected)):
        files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = false)"
        connection.execute(f"CREATE VIEW {name} AS FROM {files}")
    return connection
