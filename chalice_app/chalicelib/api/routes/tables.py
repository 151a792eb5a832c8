"""Tables: the Data Catalog of an environment and rows of its tables."""

from __future__ import annotations

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.tables import rows_body, tables_body
from chalicelib.api.query_parameters import RowsQuery

operations = Operations("Tables")


@operations.add(
    "GET",
    "/environments/{environment_id}/tables",
    returns={200: responses.Tables},
    errors=(errors.EnvironmentNotReady,),
)
def list_tables(call: Call, environment_id: str) -> responses.Tables:
    """List an environment's databases and tables.

    Returns the definitions in the Data Catalog. The environment must be READY.
    """
    environment, databases = call.service.tables.listing(call.caller, environment_id)
    return tables_body(environment, databases, call.base)


@operations.add(
    "GET",
    "/environments/{environment_id}/tables/{database}/{table}/rows",
    returns={200: responses.Rows},
    cost=1,
    errors=(
        errors.EnvironmentNotReady,
        errors.EnvironmentFrozen,
        errors.TableOutOfReach,
        errors.TableUnreadable,
        errors.WorkgroupUnusable,
        errors.QueryTooSlow,
        errors.TableChanging,
    ),
)
def list_rows(call: Call, environment_id: str, database: str, table: str, query: RowsQuery) -> responses.Rows:
    """List the first rows of a table.

    Queries the table with Athena in the environment's workgroup. A query that takes longer than 18 seconds
    is stopped. In a frozen environment, views have no rows.
    """
    environment, rows = call.service.tables.rows(
        call.caller, environment_id, database, table, limit=query.limit
    )
    return rows_body(environment, rows, call.base)
