"""EXPLAIN: DuckDB's plan of the query, as that is what the emulator runs.

https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement.html: EXPLAIN reads no data, EXPLAIN
ANALYZE runs the query.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.athena import sql
from local.athena.results import Result, column
from local.athena.statement import Session
from local.athena.statements.tokens import Words
from local.athena.statements.utility import Utility

Json = dict[str, Any]

_OPTIONS = {
    "TYPE": ("LOGICAL", "DISTRIBUTED", "VALIDATE", "IO"),
    "FORMAT": ("TEXT", "GRAPHVIZ", "JSON"),
}
_NOTE = "Plan of the local AWS emulator, which runs queries with DuckDB. Athena's own plan differs."


@dataclass(frozen=True)
class Explain(Utility):
    """EXPLAIN or EXPLAIN ANALYZE of a query."""

    tree: sql.Tree
    type: str
    format: str
    is_analyzing: bool
    subkind = "EXPLAIN"
    # The tables of a plan are empty. With their statistics, DuckDB would plan nothing.
    settings = ("disabled_optimizers = 'statistics_propagation'",)

    def run(self, session: Session) -> Result:
        """Return the plan, one line per row."""
        query, _ = session.bind(self.tree, with_data=self.is_analyzing)
        if self.type == "VALIDATE":
            return Result([column("Valid", "boolean")], [["true"]], has_header=False)
        if self.type == "IO":
            return _plan(json.dumps(_tables(sql.query(self.tree, session.database)), indent=2))
        options = ["ANALYZE"] * self.is_analyzing + [f"FORMAT {self.format}"]
        rows = session.connection.execute(f"EXPLAIN ({', '.join(options)}) {query}").fetchall()
        text = "\n".join(str(row[1]) for row in rows)
        return _plan(f"{_NOTE}\n{text}" if self.format == "TEXT" else text)


def _plan(text: str) -> Result:
    lines: list[list[str | None]] = [[line] for line in text.splitlines()]
    return Result([column("Query Plan", "varchar", 2147483647)], lines, has_header=False)


def _tables(query: sql.Query) -> Json:
    """Return the tables that a query reads, in the format of Trino's EXPLAIN (TYPE IO), without estimates."""
    places = [{"schema": database, "table": table} for database, table in query.tables]
    return {
        "inputTableColumnInfos": [
            {"table": {"catalog": sql.CATALOG, "schemaTable": place}, "columnConstraints": []}
            for place in places
        ]
    }


def read_explain(words: Words, parameters: Sequence[str]) -> Explain:
    """Read what follows EXPLAIN."""
    is_analyzing = words.accept("ANALYZE")
    given = {"TYPE": "LOGICAL", "FORMAT": "TEXT"}
    if words.peek() == "(" and words.peek(1) in _OPTIONS:
        words.expect("(")
        while True:
            option = next((name for name in _OPTIONS if words.accept(name)), None)
            if option is None:
                raise words.mismatch("'FORMAT', 'TYPE'")
            value = next((value for value in _OPTIONS[option] if words.accept(value)), None)
            if value is None:
                raise words.mismatch(", ".join(f"'{value}'" for value in _OPTIONS[option]))
            given[option] = value
            if not words.accept(","):
                words.expect(")")
                break
    tree = sql.read(words.rest(), parameters)
    return Explain(tree, given["TYPE"], given["FORMAT"], is_analyzing)
