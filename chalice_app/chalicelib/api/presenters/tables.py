"""Presenter of databases, tables and rows."""

from __future__ import annotations

from chalicelib.api import responses
from chalicelib.aws.catalog_tables import CatalogTable, Column, Partitions
from chalicelib.clock import timestamp
from chalicelib.domain.environment import Environment
from chalicelib.services.tables import Database, Rows


def tables_body(environment: Environment, databases: list[Database], base: str) -> responses.Tables:
    """Return the body of an environment's databases with their tables."""
    link = f"{base}/environments/{environment.id}"
    return responses.Tables(
        items=[
            responses.Database(
                name=database.name,
                catalog_name=database.catalog_name,
                is_complete=database.is_complete,
                tables=[
                    _table(table, partitions, f"{link}/tables/{database.name}/{table.name}")
                    for table, partitions in database.tables
                ],
            )
            for database in databases
        ],
        links=responses.TablesLinks(self=f"{link}/tables", environment=link),
    )


def rows_body(environment: Environment, rows: Rows, base: str) -> responses.Rows:
    """Return the body of a table's first rows."""
    link = f"{base}/environments/{environment.id}"
    return responses.Rows(
        database=rows.database,
        catalog_database=rows.table.database,
        table=rows.table.name,
        columns=[_column(column) for column in (*rows.table.columns, *rows.table.partition_keys)],
        items=rows.items,
        is_truncated=rows.is_truncated,
        scanned_bytes=rows.scanned_bytes,
        links=responses.RowsLinks(
            self=f"{link}/tables/{rows.database}/{rows.table.name}/rows",
            tables=f"{link}/tables",
            environment=link,
        ),
    )


def _table(table: CatalogTable, partitions: Partitions | None, link: str) -> responses.Table:
    keys = [key.name for key in table.partition_keys]
    return responses.Table(
        name=table.name,
        description=table.description,
        format=table.format,
        location=table.location,
        row_count=table.row_count,
        size_bytes=table.size_bytes,
        file_count=table.file_count,
        columns=[_column(column) for column in table.columns],
        partition_keys=[_column(key) for key in table.partition_keys],
        partitions=_partitions(keys, partitions) if partitions else None,
        updated_at=timestamp(table.updated_at) if table.updated_at else None,
        links=responses.TableLinks(rows=f"{link}/rows"),
    )


def _partitions(keys: list[str], partitions: Partitions) -> responses.Partitions:
    return responses.Partitions(
        count=partitions.count,
        is_complete=partitions.is_complete,
        last=[
            responses.Partition(values=dict(zip(keys, values, strict=False)), location=location)
            for values, location in partitions.last
        ],
    )


def _column(column: Column) -> responses.Column:
    return responses.Column(name=column.name, type=column.type, comment=column.comment)
