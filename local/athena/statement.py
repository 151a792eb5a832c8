"""Statement: what a query execution runs, with its Athena types, output file and result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import ClientError

from local.athena import duck, results, sql
from local.athena.errors import QueryFailed, unsupported
from local.athena.results import Result
from local.athena.tables import Tables, bucket_and_path

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

Json = dict[str, Any]


@dataclass
class Session:
    """What a statement can use while it runs: a connection, and clients with its caller's credentials.

    `output` is the `s3://` URI of the folder of results, and `encryption` its EncryptionConfiguration.
    `check` raises `Cancelled` if the query was stopped. A statement that writes data sets `manifest`, the URI
    of the list of its files.
    """

    id: str
    workgroup: str
    database: str | None
    output: str
    encryption: Json | None
    connection: DuckDBPyConnection
    tables: Tables
    check: Callable[[], None]
    manifest: str | None = None

    def relation(self, tree: sql.Tree, *, with_data: bool = True) -> DuckDBPyRelation:
        """Load the tables of a query and return its relation, see `bind`."""
        return self.bind(tree, with_data=with_data)[1]

    def bind(self, tree: sql.Tree, *, with_data: bool = True) -> tuple[str, DuckDBPyRelation]:
        """Load the tables of a query. Return its SQL for DuckDB and its relation.

        Without data, the tables are empty, and no object is read. Raises `QueryFailed` or a DuckDB error.
        """
        self.tables.with_data = with_data
        query = sql.query(tree, self.database)
        self.tables.hidden, self.tables.schemas = query.hidden, query.schemas
        for database, table in query.tables:
            self.tables.add(self.connection, database, table)
            self.check()
        return duck.bound(self.connection, query.tree)

    def put(self, uri: str, body: bytes | IO[bytes]) -> None:
        """Write an object, encrypted as the workgroup says. Raises `QueryFailed` if the caller may not."""
        bucket, key = bucket_and_path(uri)
        options = encryption_options(self.encryption)
        try:
            self.tables.clients("s3").put_object(Bucket=bucket, Key=key.lstrip("/"), Body=body, **options)
        except ClientError as error:
            code, reason = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            name = "PERMISSION_DENIED" if code == "AccessDenied" else "HIVE_FILESYSTEM_ERROR"
            raise QueryFailed(f"{name}: Unable to write to {uri}: {reason}") from error


class Statement(ABC):
    """A parsed statement.

    `kind` and `subkind` are StatementType and SubstatementType of a QueryExecution. `file` is the name of
    the result in the folder of results. `settings` are DuckDB's. `advice` follows the reason of a failure.
    """

    kind: str
    subkind: str
    file: ClassVar[str] = "{id}.csv"
    settings: ClassVar[tuple[str, ...]] = ()
    advice: ClassVar[str] = ""

    def check_workgroup(self, *, is_enforced: bool) -> None:
        """Raise `Refused` if a workgroup does not run this, as it may enforce its configuration."""
        return None

    @abstractmethod
    def run(self, session: Session) -> Result:
        """Run the statement. Raises `QueryFailed`, `Cancelled` or a DuckDB error."""


@dataclass(frozen=True)
class Select(Statement):
    """A query that returns rows."""

    tree: sql.Tree
    kind = "DML"
    subkind = "SELECT"

    def run(self, session: Session) -> Result:
        """Return the rows of the query."""
        return results.fetched(session.relation(self.tree))


@dataclass(frozen=True)
class Refusal(Statement):
    """A statement that always fails."""

    kind: str
    subkind: str
    sentence: str

    def run(self, session: Session) -> Result:
        """Raise `QueryFailed`."""
        raise QueryFailed(self.sentence)


def encryption_options(configuration: Json | None) -> Json:
    """Return parameters of PutObject for an EncryptionConfiguration."""
    match configuration:
        case None:
            return {}
        case {"EncryptionOption": "SSE_S3"}:
            return {"ServerSideEncryption": "AES256"}
        case {"EncryptionOption": "SSE_KMS", "KmsKey": key}:
            return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    raise unsupported(f"the encryption {configuration.get('EncryptionOption')} of results")
