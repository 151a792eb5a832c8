"""The Data Catalog for statements, with errors in the words of Hive, which runs Athena's DDL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.athena import views
from local.athena.errors import QueryFailed, unsupported
from local.athena.statement import Session
from local.athena.tables import failed

Json = dict[str, Any]

# Numbers and sentences are those of Hive's ErrorMsg.java, in the form that others saw in Athena:
# https://github.com/aoyagikouhei/athena-local
_DDL_TASK = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."
# https://docs.aws.amazon.com/glue/latest/webapi/API_GetTable.html: what a table has, but not its input
_OUTPUT_ONLY = (
    *("DatabaseName", "CreateTime", "UpdateTime", "CreatedBy", "IsRegisteredWithLakeFormation", "CatalogId"),
    *("VersionId", "FederatedTable", "IsMultiDialectView", "Status", "IsMaterializedView"),
)
_BATCH = 100  # of BatchCreatePartition


def ddl_failed(message: str) -> QueryFailed:
    """Return the error of a statement that the catalog rejects."""
    return QueryFailed(f"{_DDL_TASK} {message}")


@dataclass(frozen=True)
class Catalog:
    """Databases, tables and partitions, by the rights of a session's caller."""

    session: Session

    def call(self, operation: str, otherwise: QueryFailed | None = None, /, **parameters: Any) -> Json:
        """Call Glue. Raises `QueryFailed`, which is `otherwise` unless the caller lacks a permission."""
        glue = self.session.tables.clients("glue")
        try:
            answer: Json = getattr(glue, operation)(**parameters)
        except ClientError as error:
            message = error.response["Error"].get("Message", "")
            raise failed(error, str(otherwise or ddl_failed(f"MetaException(message:{message})"))) from error
        return answer

    def database(self, given: str | None) -> str:
        """Return a database's name, by default the session's."""
        return (given or self.session.database or "default").lower()

    def require_database(self, given: str | None) -> str:
        """Return a database's name. Raises `QueryFailed` if it does not exist."""
        name = self.database(given)
        missing = QueryFailed(f"FAILED: SemanticException [Error 10072]: Database does not exist: {name}")
        self.call("get_database", missing, Name=name)
        return name

    def databases(self) -> Iterator[Json]:
        """Yield all databases."""
        yield from self._pages("get_databases", "DatabaseList")

    def tables(self, database: str) -> Iterator[Json]:
        """Yield the tables and views of a database."""
        yield from self._pages("get_tables", "TableList", DatabaseName=database)

    def table(self, place: tuple[str | None, str]) -> Json:
        """Return a table or view. Raises `QueryFailed` if it does not exist."""
        database, name = self.database(place[0]), place[1]
        missing = QueryFailed(f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}")
        return self._found(missing, database, name)

    def find(self, place: tuple[str | None, str]) -> Json | None:
        """Return a table or view, or None if it does not exist."""
        missing = QueryFailed("")
        try:
            return self._found(missing, self.database(place[0]), place[1])
        except QueryFailed as error:
            if str(error):
                raise
            return None

    def partitions(self, table: Json) -> Iterator[Json]:
        """Yield the partitions of a table."""
        of_table = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
        yield from self._pages("get_partitions", "Partitions", **of_table)

    def add_partitions(
        self, table: Json, wanted: list[tuple[list[str], str]], *, if_not_exists: bool
    ) -> None:
        """Create partitions of these values and locations, with the storage of their table."""
        for begin in range(0, len(wanted), _BATCH):
            inputs = [
                {"Values": values, "StorageDescriptor": {**table["StorageDescriptor"], "Location": location}}
                for values, location in wanted[begin : begin + _BATCH]
            ]
            of_table = {"DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
            answer = self.call("batch_create_partition", **of_table, PartitionInputList=inputs)
            for error in answer.get("Errors", []):
                detail = error["ErrorDetail"]
                exists = detail["ErrorCode"] == "AlreadyExistsException"
                if not (exists and if_not_exists):
                    raise ddl_failed(f"{detail['ErrorCode']}(message:{detail['ErrorMessage']})")

    def update(self, table: Json) -> None:
        """Replace the description of a table."""
        given = {name: value for name, value in table.items() if name not in _OUTPUT_ONLY}
        self.call("update_table", DatabaseName=table["DatabaseName"], TableInput=given)

    def _found(self, missing: QueryFailed, database: str, name: str) -> Json:
        table: Json = self.call("get_table", missing, DatabaseName=database, Name=name)["Table"]
        table.setdefault("StorageDescriptor", {}).setdefault("Columns", [])  # Glue requires neither
        return table

    def _pages(self, operation: str, key: str, **parameters: Any) -> Iterator[Json]:
        token: Json = {}
        while True:
            self.session.check()
            page = self.call(operation, **parameters, **token)
            yield from page[key]
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}


def require_hive(table: Json) -> None:
    """Raise `QueryFailed` for a view or an Iceberg table."""
    if views.is_view(table):
        raise QueryFailed(
            "FAILED: SemanticException [Error 10131]: To alter a view you need to use the ALTER VIEW command."
        )
    if (table.get("Parameters") or {}).get("table_type", "").upper() == "ICEBERG":
        raise unsupported("Iceberg tables")
