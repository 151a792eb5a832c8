"""Athena for the local AWS emulator: DuckDB runs the queries; workgroups remain moto's.

A query reads the tables of moto's Data Catalog from objects in moto's S3, with the credentials of its caller.
docs/local-aws.md lists the differences from the cloud.
"""

from __future__ import annotations

import functools
import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.athena import history, saved
from local.athena.api import Request, replace_moto
from local.athena.errors import Cancelled, QueryFailed, Refused
from local.athena.metadata import Metadata
from local.aws.clients import Credentials

if TYPE_CHECKING:
    from local.athena.execution import Execution

Json = dict[str, Any]

_CONCURRENT_QUERIES = 4
_CLOSE_SECONDS = 10.0
_PRIMARY = "primary"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AthenaOptions:
    """Options of Athena.

    `clients` creates boto3 clients of the emulator. Queries work below `work_dir`.
    """

    clients: Callable[..., Any]
    work_dir: Path


class Athena:
    """All query executions of the emulator. They are stored with moto's workgroups."""

    def __init__(self, options: AthenaOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(_CONCURRENT_QUERIES)
        self._running: dict[str, tuple[Execution, threading.Thread]] = {}
        executions = (
            *(self.start_query_execution, self.get_query_execution, self.get_query_results),
            *(self.stop_query_execution, self.list_query_executions),
        )
        metadata = Metadata(options.clients)
        self._restore_moto = replace_moto((*executions, *history.CALLS, *saved.CALLS, *metadata.calls))

    def close(self) -> None:
        """Stop every query and restore moto's methods."""
        self._restore_moto()
        with self._lock:
            running = list(self._running.values())
        for execution, _ in running:
            execution.stop("The AWS emulator is shutting down.")
        for _, thread in running:
            thread.join(_CLOSE_SECONDS)

    def start_query_execution(self, request: Request) -> Json:
        """Start a query in a thread."""
        # Imported on the first query, because sqlglot loads slowly.
        from local.athena.execution import Execution, new_id

        values, backend = request.values, request.backend
        workgroup = backend.work_groups.get(values.get("WorkGroup") or _PRIMARY)
        if workgroup is None:
            raise Refused(f"WorkGroup {values['WorkGroup']} is not found.")
        with self._lock:
            if known := backend.tokens.known(workgroup.name, values):
                return {"QueryExecutionId": known}
            execution = Execution(self._spec(values, workgroup, new_id()), workgroup)
            backend.executions[execution.spec.id] = execution
            backend.tokens.keep(workgroup.name, values, execution.spec.id)
            thread = threading.Thread(
                target=self._carry_out, args=(execution, request.credentials), daemon=True
            )
            self._running[execution.spec.id] = execution, thread
        thread.start()
        return {"QueryExecutionId": execution.spec.id}

    def get_query_execution(self, request: Request) -> Json:
        """Describe an execution."""
        return {"QueryExecution": self._find(request).show()}

    def get_query_results(self, request: Request) -> Json:
        """Return a page of a result."""
        values = request.values
        return self._find(request).finished().page(values.get("NextToken"), values.get("MaxResults"))

    def stop_query_execution(self, request: Request) -> Json:
        """Stop an execution."""
        self._find(request).stop("Query cancelled by user")
        return {}

    def list_query_executions(self, request: Request) -> Json:
        """Return a page of a workgroup's executions, newest first."""
        values = request.values
        group = values.get("WorkGroup") or _PRIMARY
        ids = [
            execution_id
            for execution_id, execution in reversed(list(request.backend.executions.items()))
            if execution.workgroup.name == group
        ]
        token = values.get("NextToken")
        if token is not None and token not in ids:
            raise Refused("The NextToken is not valid.")
        begin = ids.index(token) + 1 if token else 0
        end = begin + (values.get("MaxResults") or 50)
        answer: Json = {"QueryExecutionIds": ids[begin:end]}
        return {**answer, "NextToken": ids[end - 1]} if end < len(ids) else answer

    def _find(self, request: Request) -> Execution:
        execution_id = request.values.get("QueryExecutionId")
        execution: Execution | None = request.backend.executions.get(execution_id)
        if execution is None:
            raise Refused(f"QueryExecution {execution_id} was not found")
        return execution

    def _spec(self, values: Json, workgroup: Any, execution_id: str) -> Any:
        from local.athena.execution import QuerySpec
        from local.athena.statements.reading import read

        if workgroup.state != "ENABLED":
            raise Refused(f"WorkGroup {workgroup.name} is disabled.")
        settings = workgroup.configuration
        enforced = settings.get("ResultConfiguration") or {}
        given = values.get("ResultConfiguration") or {}
        # https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html
        chosen = enforced if settings["EnforceWorkGroupConfiguration"] else {**enforced, **given}
        location = chosen.get("OutputLocation", "")
        if not location:
            raise Refused(
                "No output location provided. An output location is required either through the Workgroup "
                "result configuration setting or as an API input."
            )
        context = values.get("QueryExecutionContext") or {}
        parameters = values.get("ExecutionParameters")
        statement = read(values["QueryString"], parameters or [])
        statement.check_workgroup(is_enforced=settings["EnforceWorkGroupConfiguration"])
        return QuerySpec(
            id=execution_id,
            text=values["QueryString"],
            statement=statement,
            database=_unquoted(context.get("Database")),
            catalog=context.get("Catalog"),
            output=location.rstrip("/"),
            encryption=chosen.get("EncryptionConfiguration"),
            parameters=parameters,
            cutoff=settings.get("BytesScannedCutoffPerQuery"),
        )

    def _carry_out(self, execution: Execution, credentials: Credentials) -> None:
        from local.athena.query_run import QueryRun

        folder = self._options.work_dir / execution.spec.id
        clients = functools.cache(functools.partial(self._options.clients, credentials=credentials))
        try:
            with self._slots:
                execution.check()
                folder.mkdir(parents=True)
                QueryRun(execution, clients, folder).run()
        except Cancelled:
            pass
        except QueryFailed as failed:
            execution.fail(str(failed), failed.category)
        except (BotoCoreError, ClientError) as error:
            execution.fail(f"GENERIC_INTERNAL_ERROR: {error}", 1)
        except Exception as error:  # an internal error must end the query, not leave it RUNNING
            _logger.exception("query failed: %s", execution.spec.id)
            execution.fail(f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}", 1)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self._lock:
                del self._running[execution.spec.id]


def _unquoted(database: str | None) -> str | None:
    """Return the name of a database. awswrangler sends it in back quotes, as Athena's DDL writes names."""
    return database.strip("`") if database else None
