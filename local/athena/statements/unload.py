"""UNLOAD: writes the rows of a query to S3. https://docs.aws.amazon.com/athena/latest/ug/unload.html"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local.athena import sql
from local.athena.errors import QueryFailed
from local.athena.results import Result
from local.athena.statement import Session, Statement
from local.athena.statements import properties
from local.athena.statements.ctas import chosen_format, partition_keys, require_empty
from local.athena.statements.kinds import check_columns, hive_type
from local.athena.statements.properties import Properties
from local.athena.statements.tokens import Words
from local.athena.statements.utility import MANIFEST_ADVICE, written
from local.athena.writing.data_files import compute, planned, write

_PROPERTIES: dict[str, type] = {
    **dict.fromkeys(("format", "compression", "field_delimiter"), str),
    **{"partitioned_by": list, "compression_level": int},
}


@dataclass(frozen=True)
class Unload(Statement):
    """UNLOAD."""

    tree: sql.Tree
    location: str
    given: Properties
    kind = "DML"
    subkind = "UNLOAD"
    file = "{id}"
    advice = MANIFEST_ADVICE

    def run(self, session: Session) -> Result:
        """Write the rows."""
        properties.check(self.given, _PROPERTIES)
        if "format" not in self.given:
            raise QueryFailed("INVALID_TABLE_PROPERTY: UNLOAD requires the property format")
        if not self.given.get("partitioned_by"):  # partitions get more files
            require_empty(session, self.location, "unload")
        query, relation = session.bind(self.tree)
        check_columns(self.tree, relation)
        kinds = map(hive_type, relation.types)
        columns = dict(zip((column.lower() for column in relation.columns), kinds, strict=True))
        keys = partition_keys(self.given.get("partitioned_by", []), columns)
        format_ = chosen_format(self.given, compression="compression")
        rows = compute(session.connection, query, columns, keys)
        files = planned(session, rows, self.location, format_)
        write(session, rows, files, format_, f"{session.output}/{session.id}-manifest.csv")
        return written(rows.count)


def read_unload(words: Words, parameters: Sequence[str]) -> Unload:
    """Read what follows UNLOAD."""
    query = words.bracketed()
    words.expect("TO")
    location = words.string()
    given = properties.properties(words) if words.accept("WITH") else {}
    words.end()
    return Unload(sql.read(query, parameters), location, given)
