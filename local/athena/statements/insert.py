"""INSERT INTO. https://docs.aws.amazon.com/athena/latest/ug/insert-into.html"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.athena import projection, sql, views
from local.athena.errors import QueryFailed, unsupported
from local.athena.hive import identifier, parse_type
from local.athena.results import Result
from local.athena.statement import Session, Statement
from local.athena.statements.catalog import Catalog, require_hive
from local.athena.statements.kinds import can_become, renamed, trino_name, trino_type
from local.athena.statements.tokens import Words
from local.athena.statements.utility import MANIFEST_ADVICE, written
from local.athena.writing.data_files import DataFile, compute, planned, write
from local.athena.writing.file_format import FileFormat, file_format
from local.metastore.names import partition_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

Json = dict[str, Any]

_FORMATS = {
    "org.apache.hadoop.hive.serde2.avro.AvroSerDe": "AVRO",
    "org.apache.hive.hcatalog.data.JsonSerDe": "JSON",
    "org.apache.hadoop.hive.ql.io.orc.OrcSerde": "ORC",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe": "PARQUET",
    "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe": "TEXTFILE",
    "org.apache.hadoop.hive.serde2.OpenCSVSerde": "TEXTFILE",
}
_COMPRESSIONS = ("write.compression", "parquet.compression", "orc.compress", "avro.compress")


@dataclass(frozen=True)
class Insert(Statement):
    """INSERT INTO a Hive table: adds files, and partitions if they are new."""

    table: tuple[str | None, str]
    columns: tuple[str, ...]
    tree: sql.Tree
    kind = "DML"
    subkind = "INSERT"
    file = "{id}"
    advice = MANIFEST_ADVICE

    def run(self, session: Session) -> Result:
        """Write the rows."""
        catalog = Catalog(session)
        database, name = catalog.database(self.table[0]), self.table[1]
        if (table := catalog.find((database, name))) is None:
            raise QueryFailed(
                f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{database}.{name}' does not exist"
            )
        if views.is_view(table):
            raise QueryFailed("NOT_SUPPORTED: line 1:1: Inserting into views is not supported")
        require_hive(table)
        format_ = _format(table)
        keys = [key["Name"].lower() for key in table.get("PartitionKeys", [])]
        described = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
        columns = {column["Name"].lower(): column["Type"].lower() for column in described}
        selected, relation = session.bind(self.tree)
        query = self._query(selected, relation, columns)
        rows = compute(session.connection, query, columns, keys)
        location = table["StorageDescriptor"]["Location"].rstrip("/")
        files = planned(session, rows, location, format_)
        if keys:
            files, new = _placed(catalog, table, keys, files)
        write(session, rows, files, format_, f"{session.output}/{session.id}-manifest.csv")
        if keys:
            catalog.add_partitions(table, new, if_not_exists=True)
        return written(rows.count)

    def _query(self, selected: str, relation: DuckDBPyRelation, columns: dict[str, str]) -> str:
        """Return a query with all columns of the table. Those that the statement does not name are null."""
        names = list(self.columns) or list(columns)
        for name in names:
            if name not in columns:
                raise QueryFailed(
                    f"COLUMN_NOT_FOUND: line 1:1: Insert column name does not exist in target table: {name}"
                )
        if len(set(names)) < len(names):
            raise QueryFailed(
                "DUPLICATE_COLUMN_NAME: line 1:1: Insert column name is specified more than once"
            )
        kinds = [parse_type(columns[name]) for name in names]
        fits = len(kinds) == len(relation.types) and all(map(can_become, relation.types, kinds))
        if not fits:
            wanted = ", ".join(map(trino_name, kinds))
            found = ", ".join(map(trino_type, relation.types))
            raise QueryFailed(
                "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: "
                f"Table: [{wanted}], Query: [{found}]"
            )
        given = ", ".join(identifier(name) for name in names)
        types = dict(zip(names, relation.types, strict=True))
        outputs = ", ".join(
            renamed(identifier(name), types[name], parse_type(kind)) if name in types else "NULL"
            for name, kind in columns.items()
        )
        return f"SELECT {outputs} FROM ({selected}) AS given({given})"


def read_insert(words: Words, parameters: Sequence[str]) -> Insert:
    """Read what follows INSERT INTO."""
    table = words.table()
    columns: list[str] = []
    if words.peek() == "(" and words.peek(1) not in ("SELECT", "WITH", "(", "VALUES", "TABLE"):
        words.expect("(")
        columns.append(words.name())
        while words.accept(","):
            columns.append(words.name())
        words.expect(")")
    return Insert(table, tuple(columns), sql.read(words.rest(), parameters))


def _format(table: Json) -> FileFormat:
    storage, parameters = table["StorageDescriptor"], table.get("Parameters") or {}
    serde = storage.get("SerdeInfo") or {}
    library = serde.get("SerializationLibrary", "")
    if projection.is_projected({name.lower(): value for name, value in parameters.items()}):
        raise unsupported("partition projection")
    if library not in _FORMATS or storage.get("InputFormat", "").endswith("SymlinkTextInputFormat"):
        output = storage.get("OutputFormat", "")
        raise QueryFailed(
            f"HIVE_UNSUPPORTED_FORMAT: Output format {output} with SerDe {library} is not supported"
        )
    if storage.get("BucketColumns"):
        raise QueryFailed("NOT_SUPPORTED: INSERT INTO is not supported on bucketed tables")
    compression = next((parameters[name] for name in _COMPRESSIONS if name in parameters), None)
    properties = {**parameters, **serde.get("Parameters", {})}
    return file_format(_FORMATS[library], compression, properties, is_csv=library.endswith("OpenCSVSerde"))


def _placed(
    catalog: Catalog, table: Json, keys: Sequence[str], files: list[DataFile]
) -> tuple[list[DataFile], list[tuple[list[str], str]]]:
    """Move files to the locations of their partitions. Return the partitions that are new as well."""
    known = {
        partition_name(keys, partition["Values"]): partition["StorageDescriptor"]["Location"].rstrip("/")
        for partition in catalog.partitions(table)
    }
    placed, new = [], []
    for file in files:
        folder, _, name = file.uri.rpartition("/")
        location = known.get(partition_name(keys, file.values))
        if location is None:
            new.append((file.values, f"{folder}/"))
        placed.append(DataFile(file.values, file.condition, f"{location or folder}/{name}"))
    return placed, new
