"""Execution of a query: loads its tables, runs it in DuckDB and writes the result to S3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from local.athena.errors import Cancelled, QueryFailed
from local.athena.execution import Execution
from local.athena.results import Result
from local.athena.statement import Session
from local.athena.tables import Tables
from local.athena.wording import placed, worded


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
            session = self._session(connection)
            try:
                result = self._run(session)
            finally:
                execution.detach()
        execution.check()
        self._write(session, result)
        execution.succeed(result)

    def _session(self, connection: duckdb.DuckDBPyConnection) -> Session:
        spec = self._execution.spec
        # A query is untrusted SQL: it may read the copies of its tables, but no other file.
        connection.execute(f"SET allowed_directories = ['{self._folder}']")
        fixed = ("TimeZone = 'UTC'", "enable_external_access = false", "lock_configuration = true")
        for setting in (*spec.statement.settings, *fixed):
            connection.execute(f"SET {setting}")
        return Session(
            id=spec.id,
            workgroup=self._execution.workgroup.name,
            database=spec.database,
            output=spec.output,
            encryption=spec.encryption,
            connection=connection,
            tables=self._tables,
            check=self._check,
        )

    def _run(self, session: Session) -> Result:
        statement = self._execution.spec.statement
        try:
            return statement.run(session)
        except duckdb.InterruptException as error:
            raise Cancelled from error
        except (duckdb.Error, QueryFailed) as error:
            failed = self._failure(error) if isinstance(error, duckdb.Error) else error
            advice = statement.advice.format(output=session.output, id=session.id)
            reason = placed(self._with_uris(str(failed)), self._execution.spec.text)
            if advice:
                reason = f"{reason.rstrip('.')}. {advice}"
            raise QueryFailed(reason, category=failed.category) from error
        finally:
            self._execution.manifest, self._execution.scanned = session.manifest, self._tables.scanned

    def _check(self) -> None:
        """Raise `Cancelled` if the query was stopped or exceeds the scan limit of its workgroup."""
        self._execution.scanned = self._tables.scanned
        self._execution.check()
        cutoff = self._execution.spec.cutoff
        if cutoff and self._tables.scanned > cutoff:
            self._execution.stop("Bytes scanned limit was exceeded")
            raise Cancelled

    def _failure(self, error: duckdb.Error) -> QueryFailed:
        message = str(error)
        if "HIVE_BAD_DATA: " in message:  # by error() in a reader's SQL
            return QueryFailed(message[message.index("HIVE_BAD_DATA: ") :].splitlines()[0])
        if str(self._folder) in message:  # a file does not match the catalog
            return QueryFailed(f"HIVE_BAD_DATA: {self._with_uris(message)}")
        return QueryFailed(worded(error, self._execution.spec.text))

    def _with_uris(self, message: str) -> str:
        """Replace the paths of copies by the URIs of their objects."""
        # Longest first, as one path may be the prefix of another.
        for path in sorted(self._tables.origins, key=len, reverse=True):
            message = message.replace(path, self._tables.origins[path])
        return message

    def _write(self, session: Session, result: Result) -> None:
        location = self._execution.spec.location
        bodies = {".csv": result.csv, ".txt": result.text}
        if (ending := location[-4:]) in bodies:  # a statement that writes data has no other result
            session.put(location, bodies[ending]())
        session.put(f"{location}.metadata", _metadata(result))


def _metadata(result: Result) -> bytes:
    """Return the names and types of the columns. AWS's own format is not public."""
    return "".join(f"{column['Name']}\t{column['Type']}\n" for column in result.columns).encode()
