"""Execution of a query: loads its tables, runs it in DuckDB and writes the result to S3."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from botocore.exceptions import ClientError

from local.athena import results, sql
from local.athena.errors import Cancelled, QueryFailed, unsupported
from local.athena.execution import Execution
from local.athena.results import Result
from local.athena.tables import Tables
from local.aws.s3_uris import bucket_and_key

Json = dict[str, Any]

# Trino's error names by DuckDB error, the most specific first.
_NAMES: tuple[tuple[type[duckdb.Error], str], ...] = (
    (duckdb.OutOfRangeException, "NUMERIC_VALUE_OUT_OF_RANGE"),
    (duckdb.ConversionException, "INVALID_CAST_ARGUMENT"),
    (duckdb.CatalogException, "FUNCTION_NOT_FOUND"),
    (duckdb.BinderException, "SYNTAX_ERROR"),
    (duckdb.ParserException, "SYNTAX_ERROR"),
    (duckdb.InvalidInputException, "INVALID_FUNCTION_ARGUMENT"),
)


class QueryRun:
    """Runs one execution in its own `folder`."""

    def __init__(self, execution: Execution, clients: Callable[[str], Any], folder: Path) -> None:
        self._execution = execution
        self._clients = clients
        self._folder = folder.resolve()
        self._tables = Tables(clients, self._folder, self._check)

    def run(self) -> None:
        """Run the execution. Raises `QueryFailed` or `Cancelled`."""
        execution = self._execution
        # One thread, so that rows have the order of their files.
        with duckdb.connect(config={"threads": 1}) as connection:
            execution.run_with(connection)
            try:
                result = self._query(connection)
            except duckdb.InterruptException as error:
                raise Cancelled from error
            except duckdb.Error as error:
                raise self._failure(error) from error
            except QueryFailed as failed:
                raise QueryFailed(self._with_uris(str(failed)), category=failed.category) from failed
            finally:
                execution.detach()
        execution.check()
        self._write(result)
        execution.succeed(result)

    def _query(self, connection: duckdb.DuckDBPyConnection) -> Result:
        spec = self._execution.spec
        query = sql.query(spec.statement, spec.database)
        # A query is untrusted SQL: it may read the copies of its tables, but no other file.
        connection.execute(f"SET allowed_directories = ['{self._folder}']")
        for setting in ("TimeZone = 'UTC'", "enable_external_access = false", "lock_configuration = true"):
            connection.execute(f"SET {setting}")
        for database, table in query.tables:
            self._tables.add(connection, database, table)
            self._execution.scanned = self._tables.scanned
            self._check()
        relation = connection.sql(query.sql)
        return results.result(relation.columns, relation.types, relation.fetchall())

    def _check(self) -> None:
        """Raise `Cancelled` if the query was stopped or exceeds the scan limit of its workgroup."""
        self._execution.check()
        cutoff = self._execution.spec.cutoff
        if cutoff and self._tables.scanned > cutoff:
            self._execution.scanned = self._tables.scanned
            self._execution.stop("Bytes scanned limit was exceeded")
            raise Cancelled

    def _failure(self, error: duckdb.Error) -> QueryFailed:
        name = next((name for kind, name in _NAMES if isinstance(error, kind)), "GENERIC_INTERNAL_ERROR")
        message = str(error)
        if "HIVE_BAD_DATA: " in message:  # by error() in a reader's SQL
            return QueryFailed(message[message.index("HIVE_BAD_DATA: ") :].splitlines()[0])
        if str(self._folder) in message:  # a file does not match the catalog
            return QueryFailed(f"HIVE_BAD_DATA: {self._with_uris(message)}")
        return QueryFailed(f"{name}: {message.splitlines()[0]}")

    def _with_uris(self, message: str) -> str:
        """Replace the paths of copies by the URIs of their objects."""
        # Longest first, as one path may be the prefix of another.
        for path in sorted(self._tables.origins, key=len, reverse=True):
            message = message.replace(path, self._tables.origins[path])
        return message

    def _write(self, result: Result) -> None:
        spec = self._execution.spec
        bucket, key = bucket_and_key(spec.location) or ("", "")
        options = _encryption(spec.encryption)
        s3 = self._clients("s3")
        for ending, body in (("", result.csv()), (".metadata", _metadata(result))):
            try:
                s3.put_object(Bucket=bucket, Key=key.lstrip("/") + ending, Body=body, **options)
            except ClientError as error:
                with contextlib.suppress(KeyError):
                    reason = error.response["Error"]["Message"]
                raise QueryFailed(
                    f"PERMISSION_DENIED: Unable to write to {spec.location}: {reason}"
                ) from error


def _encryption(configuration: Json | None) -> Json:
    match configuration:
        case None:
            return {}
        case {"EncryptionOption": "SSE_S3"}:
            return {"ServerSideEncryption": "AES256"}
        case {"EncryptionOption": "SSE_KMS", "KmsKey": key}:
            return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    raise unsupported(f"the encryption {configuration.get('EncryptionOption')} of results")


def _metadata(result: Result) -> bytes:
    """Return the names and types of the columns. AWS's own format is not public."""
    return "".join(f"{column['Name']}\t{column['Type']}\n" for column in result.columns).encode()
