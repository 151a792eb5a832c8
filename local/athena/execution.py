"""Query execution: its state, and its description in the Athena API."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from local.athena.errors import Cancelled, Refused
from local.athena.results import Result
from local.athena.statement import Statement

Json = dict[str, Any]

_USER = 2

FINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})


@dataclass(frozen=True)
class QuerySpec:
    """What to run, and where its result goes: the `s3://` URI of a folder, and its encryption."""

    id: str
    text: str
    statement: Statement
    database: str | None
    catalog: str | None
    output: str
    encryption: Json | None
    parameters: list[str] | None
    cutoff: int | None

    @property
    def location(self) -> str:
        """The `s3://` URI of the file with the result."""
        return f"{self.output}/{self.statement.file.format(id=self.id)}"


class Execution:
    """A query execution. `workgroup` is moto's."""

    def __init__(self, spec: QuerySpec, workgroup: Any) -> None:
        self.spec = spec
        self.workgroup = workgroup
        self.result: Result | None = None
        self.scanned = 0
        self.manifest: str | None = None
        self.state = "QUEUED"
        self._reason = ""
        self._category = 0
        self._submitted = time.time()
        self._started: float | None = None
        self._completed: float | None = None
        self._connection: Any = None
        self._lock = threading.Lock()

    def run_with(self, connection: Any) -> None:
        """Set the state to RUNNING with this connection. Raises `Cancelled` if it was stopped."""
        with self._lock:
            self._check()
            self.state, self._started, self._connection = "RUNNING", time.time(), connection

    def check(self) -> None:
        """Raise `Cancelled` if the execution was stopped."""
        with self._lock:
            self._check()

    def succeed(self, result: Result) -> None:
        """End the execution with a result."""
        self._end("SUCCEEDED", result=result)

    def fail(self, reason: str, category: int) -> None:
        """End the execution with an error."""
        self._end("FAILED", reason, category)

    def stop(self, reason: str) -> None:
        """Cancel the execution and interrupt its query. Has no effect after the end of the execution."""
        self._end("CANCELLED", reason)
        with self._lock:
            if self._connection is not None and self.state == "CANCELLED":
                self._connection.interrupt()

    def detach(self) -> None:
        """Forget the connection before it is closed."""
        with self._lock:
            self._connection = None

    def finished(self) -> Result:
        """Return the result. Raises `Refused` if there is none."""
        if self.state not in FINAL:
            raise Refused(f"Query has not yet finished. Current state: {self.state}")
        if self.result is None:
            raise Refused(f"Query did not finish successfully. Final query state: {self.state}")
        return self.result

    def show(self) -> Json:
        """Return the QueryExecution of GetQueryExecution."""
        with self._lock:
            spec, now = self.spec, time.time()
            started, completed = self._started or self._completed or now, self._completed or now
            status: Json = {"State": self.state, "SubmissionDateTime": self._submitted}
            if self._completed:
                status["CompletionDateTime"] = self._completed
            if self._reason:
                status["StateChangeReason"] = self._reason
            if self.state == "FAILED":
                status["AthenaError"] = {
                    "ErrorCategory": self._category,
                    "ErrorType": _error_type(self._category, self._reason),
                    "Retryable": False,
                    "ErrorMessage": self._reason,
                }
            encryption = {"EncryptionConfiguration": spec.encryption} if spec.encryption else {}
            manifest = {"DataManifestLocation": self.manifest} if self.manifest else {}
            context = {"Database": spec.database, "Catalog": spec.catalog}
            shown: Json = {
                "QueryExecutionId": spec.id,
                "Query": spec.text,
                "StatementType": spec.statement.kind,
                "SubstatementType": spec.statement.subkind,
                "ResultConfiguration": {"OutputLocation": spec.location, **encryption},
                "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
                "QueryExecutionContext": {name: value for name, value in context.items() if value},
                "Status": status,
                "Statistics": {
                    "EngineExecutionTimeInMillis": _milliseconds(completed - started),
                    "DataScannedInBytes": self.scanned,
                    **manifest,
                    "TotalExecutionTimeInMillis": _milliseconds(completed - self._submitted),
                    "QueryQueueTimeInMillis": _milliseconds(started - self._submitted),
                    "ServiceProcessingTimeInMillis": 0,
                    "ResultReuseInformation": {"ReusedPreviousResult": False},
                },
                "WorkGroup": self.workgroup.name,
                "EngineVersion": {
                    "SelectedEngineVersion": "AUTO",
                    "EffectiveEngineVersion": "Athena engine version 3",
                },
            }
            return shown | ({"ExecutionParameters": spec.parameters} if spec.parameters else {})

    def _check(self) -> None:
        if self.state == "CANCELLED":
            raise Cancelled

    def _end(self, state: str, reason: str = "", category: int = 0, result: Result | None = None) -> None:
        with self._lock:
            if self.state not in FINAL:
                self.state, self._reason, self._category = state, reason, category
                self.result, self._completed = result, time.time()


def _error_type(category: int, reason: str) -> int:
    """Return a type of https://docs.aws.amazon.com/athena/latest/ug/error-reference.html."""
    if category != _USER:
        return 200  # "Query engine had an internal error"
    return 1001 if reason.startswith(("HIVE_BAD_DATA", "HIVE_CURSOR_ERROR")) else 1000  # data or user error


@dataclass
class Tokens:
    """Executions by ClientRequestToken."""

    _known: dict[tuple[str, str], tuple[Json, str]] = field(default_factory=dict)

    def known(self, place: str, request: Json) -> str | None:
        """Return the execution of the same earlier request. Raises `Refused` if the request differs."""
        token = request.get("ClientRequestToken")
        if not token or (place, token) not in self._known:
            return None
        before, execution_id = self._known[place, token]
        if before != request:
            raise Refused("Idempotent parameters do not match")
        return execution_id

    def keep(self, place: str, request: Json, execution_id: str) -> None:
        """Store the execution of a request."""
        if token := request.get("ClientRequestToken"):
            self._known[place, token] = (request, execution_id)


def new_id() -> str:
    """Return a new execution ID."""
    return str(uuid.uuid4())


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))
