"""Requests about tables: the Data Catalog of a sandbox, and the first rows of a table.

Both are read with the sandbox's credentials, because its user decides where a table points to.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.aws.athena import Athena
from chalicelib.aws.catalog import Catalog
from chalicelib.aws.catalog_tables import CatalogTable, Partitions
from chalicelib.aws.session_policies import PRIMARY
from chalicelib.domain import response_size
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.errors import NotFound, TableUnreadable, WorkgroupUnusable
from chalicelib.services import table_values
from chalicelib.services.environments import Environments
from chalicelib.services.readiness import require_not_frozen, require_ready

_S3_LOCATION = re.compile(r"s3[an]?://[^/]+(/.*)?", re.DOTALL)
_ROWS_SECONDS = 18
"""Time limit of a query. API Gateway ends a request after 29 s, which includes the other calls."""
_MOST_TABLES = 500
_MOST_PARTITIONED = 25


@dataclass(frozen=True)
class Database:
    """A database, with its short name and the catalog's. `is_complete` is False if tables were omitted."""

    name: str
    catalog_name: str
    tables: list[tuple[CatalogTable, Partitions | None]]
    is_complete: bool


@dataclass(frozen=True)
class Rows:
    """The first rows of a table, by column. `is_truncated` is True if some rows did not fit."""

    database: str
    table: CatalogTable
    items: list[Json]
    scanned_bytes: int
    is_truncated: bool = False


class Tables:
    """Lists the tables of a sandbox and reads their first rows."""

    def __init__(
        self,
        environments: Environments,
        catalog_of: Callable[[Environment], Catalog],
        athena_of: Callable[[Environment], Athena],
        mark: Callable[[str], str],
        *,
        new_token: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._environments = environments
        self._catalog_of = catalog_of
        self._athena_of = athena_of
        self._mark = mark
        self._new_token = new_token

    def listing(self, caller: Caller, environment_id: str) -> tuple[Environment, list[Database]]:
        """Return the environment and its databases, with their tables in the Data Catalog.

        Makes one call per database and hundred tables (up to 500), and one for each of the first 25
        partitioned tables; partitions of other tables are not counted. Tables that would make the response
        too large and databases that do not exist any more are left out.
        """
        environment = self._ready(caller, environment_id)
        catalog = self._catalog_of(environment)
        looks, room = _MOST_PARTITIONED, response_size.MOST_BYTES
        databases = []
        for name, catalog_name in _databases(environment).items():
            found = catalog.tables(catalog_name, most=_MOST_TABLES + 1)
            if found is None:
                self._environments.request_drift_check(environment_id)
                continue
            tables: list[tuple[CatalogTable, Partitions | None]] = []
            for table in found[:_MOST_TABLES]:
                partitions = None
                if table.partition_keys and looks:
                    partitions = catalog.partitions(catalog_name, table.name)
                    looks -= 1
                size = _size(table, partitions)
                if size <= room:
                    room -= size
                    tables.append((table, partitions))
            databases.append(Database(name, catalog_name, tables, len(found) == len(tables)))
        return environment, databases

    def rows(
        self, caller: Caller, environment_id: str, database: str, table: str, *, limit: int
    ) -> tuple[Environment, Rows]:
        """Return the first rows of a table, read by Athena.

        The table is looked up first, so the query contains the catalog's names and never the caller's. Names
        are not case sensitive, as in Glue. Raises `NotFound`, `TableUnreadable` if no query can read the
        table, `EnvironmentFrozen` for views of a frozen environment, and the errors of `Athena.run`.
        """
        environment = self._ready(caller, environment_id)
        databases = _databases(environment)
        name = next((n for n, full in databases.items() if database.lower() in (n, full)), None)
        found = self._catalog_of(environment).table(databases[name], table.lower()) if name else None
        if name is None or found is None:
            raise NotFound("The table does not exist.")
        if found.is_view:  # a query of the user, which no budget pays
            require_not_frozen(environment)
        _check(found)
        columns = {column.name: column.type for column in (*found.columns, *found.partition_keys)}
        workgroup = environment.outputs.athena_workgroup if environment.outputs else None
        try:
            result = self._athena_of(environment).run(
                self._mark(table_values.select(found.database, found.name, columns, limit)),
                database=found.database,
                workgroup=workgroup or PRIMARY,
                output_location=None if workgroup else f"s3://{environment.bucket('athena_results')}/",
                token=self._new_token(),
                seconds=_ROWS_SECONDS,
            )
        except (WorkgroupUnusable, TableUnreadable):  # the workgroup or a bucket may be missing
            self._environments.request_drift_check(environment_id)
            raise
        except NotFound as error:
            if not found.is_view:
                raise
            raise TableUnreadable("The view refers to a table that does not exist.") from error
        room = response_size.MOST_BYTES - _size(found)
        items, is_truncated = response_size.first_that_fit(
            table_values.rows(columns, result.types, result.rows), room
        )
        return environment, Rows(name, found, items, result.scanned_bytes, is_truncated)

    def _ready(self, caller: Caller, environment_id: str) -> Environment:
        environment = self._environments.visible(caller, environment_id)
        require_ready(environment, "to read its tables")
        return environment


def _check(table: CatalogTable) -> None:
    """Raise `TableUnreadable` if no query can read the table, whatever its files contain."""
    if _size(table) > response_size.MOST_BYTES // 2:
        raise TableUnreadable("The table's definition is too large to return.")
    if not table.columns and not table.partition_keys:
        raise TableUnreadable("The table has no columns in the Data Catalog.")
    if table.is_view or table.partition_keys:  # a partition has its own location
        return
    if not table.location:
        raise TableUnreadable("The table has no location in the Data Catalog.")
    if not _S3_LOCATION.fullmatch(table.location):
        raise TableUnreadable("The table's location must be in S3: s3:// and a bucket name.")


def _size(table: CatalogTable, partitions: Partitions | None = None) -> int:
    """Return the bytes of a table's description in a response; every partition repeats the keys."""
    shown = [dataclasses.asdict(part) for part in (table, partitions) if part is not None]
    keys = [key.name for key in table.partition_keys]
    return response_size.wire_bytes([*shown, keys * len(partitions.last if partitions else ())])


def _databases(environment: Environment) -> dict[str, str]:
    """Return the catalog's names of the sandbox's databases, by short name."""
    return environment.outputs.databases if environment.outputs else {}
