"""Calls of the Hive metastore, each made to the Data Catalog with the credentials of the run's role."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError
from pymetastore.hive_metastore import ThriftHiveMetastore, ttypes

from local.metastore.databases import Databases
from local.metastore.folders import Folders
from local.metastore.partitions import Partitions
from local.metastore.tables import Tables

_ERRORS = {
    "AlreadyExistsException": ttypes.AlreadyExistsException,
    "EntityNotFoundException": ttypes.NoSuchObjectException,
    "InvalidInputException": ttypes.InvalidObjectException,
}


def processor(clients: Callable[[str], Any], cluster: Path) -> Any:
    """Return the Thrift processor of a service with the clients of a role. `cluster` is its file system."""
    return ThriftHiveMetastore.Processor(_Calls(clients("glue"), Folders(clients("s3"), cluster)))


class _Calls:
    """All calls by their names in Hive's Thrift interface. Errors of Glue become Hive's."""

    def __init__(self, glue: Any, folders: Folders) -> None:
        tables = Tables(glue, folders)
        self._parts = (_Session(), Databases(glue, folders), tables, Partitions(glue, folders, tables))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        for part in self._parts:
            if (call := getattr(part, name, None)) is not None:
                return functools.partial(_translating, call)
        return functools.partial(_refuse, name)


class _Session:
    """Calls about the connection, and about functions, of which the catalog has none."""

    def set_ugi(self, user_name: str, group_names: list[str]) -> list[str]:
        return [user_name]

    def get_config_value(self, name: str, defaultValue: str) -> str:
        return defaultValue

    def getMetaConf(self, key: str) -> str:
        return ""

    def flushCache(self) -> None:
        """Nothing is cached."""

    def get_all_functions(self) -> Any:
        return ttypes.GetAllFunctionsResponse([])

    def get_functions(self, dbName: str, pattern: str) -> list[str]:
        return []

    def get_function(self, dbName: str, funcName: str) -> NoReturn:
        raise ttypes.NoSuchObjectException(f"Function {dbName}.{funcName} does not exist")


def _translating(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        raise _ERRORS.get(code, ttypes.MetaException)(message) from error
    except BotoCoreError as error:  # such as a name that Glue's model does not allow
        raise ttypes.MetaException(str(error)) from error


def _refuse(name: str, *_: Any) -> NoReturn:
    raise ttypes.MetaException(f"The local Data Catalog does not support {name}.")
