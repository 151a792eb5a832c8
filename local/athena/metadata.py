"""Calls about the Data Catalog, which Athena makes to Glue with the credentials of its caller."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from local.athena.api import Json, Request, page
from local.athena.errors import Refused

CATALOG = "AwsDataCatalog"

_ENGINES = (
    {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
    {"SelectedEngineVersion": "Athena engine version 3", "EffectiveEngineVersion": "Athena engine version 3"},
)


class Metadata:
    """The calls. `clients` creates boto3 clients by service and credentials."""

    def __init__(self, clients: Callable[..., Any]) -> None:
        self._clients = clients
        self.calls: tuple[Callable[[Request], Json], ...] = (
            *(self.list_data_catalogs, self.get_data_catalog, self.list_databases, self.get_database),
            *(self.list_table_metadata, self.get_table_metadata, self.list_engine_versions),
        )

    def list_data_catalogs(self, request: Request) -> Json:
        """ListDataCatalogs."""
        return page(request, "DataCatalogsSummary", [{"CatalogName": CATALOG, "Type": "GLUE"}])

    def get_data_catalog(self, request: Request) -> Json:
        """GetDataCatalog."""
        _check_catalog(request, "Name")
        account = request.backend.account_id
        return {"DataCatalog": {"Name": CATALOG, "Type": "GLUE", "Parameters": {"catalog-id": account}}}

    def list_databases(self, request: Request) -> Json:
        """ListDatabases."""
        found = self._all(request, "get_databases", "DatabaseList")
        return page(request, "DatabaseList", [_database(each) for each in found])

    def get_database(self, request: Request) -> Json:
        """GetDatabase."""
        _check_catalog(request)
        name = request.values["DatabaseName"]
        glue = self._clients("glue", credentials=request.credentials)
        try:
            return {"Database": _database(glue.get_database(Name=name)["Database"])}
        except ClientError as error:
            raise _failed(error) from error

    def list_table_metadata(self, request: Request) -> Json:
        """ListTableMetadata. `Expression` is a regular expression of names, in which `*` is any text."""
        values = request.values
        pattern = re.sub(r"(?<![.\])])\*", ".*", values.get("Expression") or "*")
        database = values["DatabaseName"]
        found = self._all(request, "get_tables", "TableList", DatabaseName=database)
        try:
            tables = [_table(each) for each in found if re.fullmatch(pattern, each["Name"], re.IGNORECASE)]
        except re.error as error:
            raise Refused(f"Invalid expression: {error}") from error
        return page(request, "TableMetadataList", sorted(tables, key=lambda table: str(table["Name"])))

    def get_table_metadata(self, request: Request) -> Json:
        """GetTableMetadata."""
        _check_catalog(request)
        glue = self._clients("glue", credentials=request.credentials)
        database, name = request.values["DatabaseName"], request.values["TableName"]
        try:
            return {"TableMetadata": _table(glue.get_table(DatabaseName=database, Name=name)["Table"])}
        except ClientError as error:
            raise _failed(error) from error

    def list_engine_versions(self, request: Request) -> Json:
        """ListEngineVersions."""
        return page(request, "EngineVersions", list(_ENGINES))

    def _all(self, request: Request, method: str, key: str, **given: str) -> list[Json]:
        _check_catalog(request)
        pages = self._clients("glue", credentials=request.credentials).get_paginator(method)
        try:
            return [item for found in pages.paginate(**given) for item in found[key]]
        except ClientError as error:
            raise _failed(error) from error


def _check_catalog(request: Request, key: str = "CatalogName") -> None:
    name = request.values[key]
    if name.lower() != CATALOG.lower():
        raise Refused(f"DataCatalog {name} was not found")


def _failed(error: ClientError) -> Refused:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code == "AccessDeniedException":
        return Refused(message, code=code)
    # Clients read the code from this sentence, see PyAthena's PATTERN_METADATA_SERVICE_ERROR.
    service = f"Service: AmazonDataCatalog; Status Code: 400; Error Code: {code}; Request ID: {uuid.uuid4()}"
    reason = f"{message} ({service}; Proxy: null)"
    return Refused(reason, code="MetadataException")


def _database(found: Json) -> Json:
    shown = {"Name": found["Name"], "Description": found.get("Description")}
    return {key: value for key, value in shown.items() if value} | {"Parameters": found.get("Parameters", {})}


def _table(found: Json) -> Json:
    """Return a table as Athena describes it: its storage is among its parameters.

    https://docs.aws.amazon.com/cli/latest/reference/athena/get-table-metadata.html
    """
    storage = found.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    more = {
        "inputformat": storage.get("InputFormat"),
        "location": storage.get("Location"),
        "outputformat": storage.get("OutputFormat"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
        **{f"serde.param.{key}": value for key, value in (serde.get("Parameters") or {}).items()},
    }
    times = {"CreateTime": found.get("CreateTime"), "LastAccessTime": found.get("LastAccessTime")}
    return {
        "Name": found["Name"],
        "TableType": found.get("TableType") or "",
        "Columns": [_column(each) for each in storage.get("Columns", [])],
        "PartitionKeys": [_column(each) for each in found.get("PartitionKeys", [])],
        "Parameters": {
            **(found.get("Parameters") or {}),
            **{key: value for key, value in more.items() if value},
        },
        **{key: time.timestamp() for key, time in times.items() if time},
    }


def _column(found: Json) -> Json:
    return {key: found[key] for key in ("Name", "Type", "Comment") if key in found}
