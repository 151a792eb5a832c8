"""Simulated Athena queries: they run no SQL, take some time, scan some bytes, and end in any state."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.athena.api import Json, Request, replace_moto
from local.athena.errors import Refused
from local.chaos.simulation import Simulation

_OUTCOMES = ("SUCCEEDED", "SUCCEEDED", "FAILED")
_MOST_BYTES = 1024**3


@dataclass
class SimulatedQuery:
    """A query execution. It takes `seconds`, unless it is stopped before. `workgroup` is moto's."""

    id: str
    token: str
    workgroup: Any
    sql: str
    submitted: datetime
    seconds: float
    outcome: str
    bytes_at_end: int
    stopped_after: float | None = None

    def state(self, now: datetime) -> str:
        """Return the state at a moment."""
        if self.stopped_after is not None:
            return "CANCELLED"
        return self.outcome if (now - self.submitted).total_seconds() >= self.seconds else "RUNNING"

    @property
    def scanned_bytes(self) -> int:
        """Return the bytes that it has scanned at its end."""
        ran = self.seconds if self.stopped_after is None else self.stopped_after
        return int(self.bytes_at_end * ran / self.seconds)


class SimulatedQueries:
    """All query executions of the account. `restore` restores moto's methods."""

    def __init__(self, simulation: Simulation, seed: int) -> None:
        self.queries: dict[str, SimulatedQuery] = {}
        self._simulation = simulation
        self._rng = random.Random(f"queries {seed}")  # noqa: S311 - for a simulation
        calls = (self.start_query_execution, self.get_query_execution, self.stop_query_execution)
        self.restore = replace_moto(calls)

    def start_query_execution(self, request: Request) -> Json:
        """Start a query, or return the one of the same token."""
        values = request.values
        for known in self.queries.values():
            if known.token == values["ClientRequestToken"]:
                return {"QueryExecutionId": known.id}
        workgroup = request.backend.work_groups.get(values["WorkGroup"])
        if workgroup is None:
            raise Refused(f"WorkGroup {values['WorkGroup']} is not found.")
        made = SimulatedQuery(
            id=str(uuid.UUID(int=self._rng.getrandbits(128), version=4)),
            token=values["ClientRequestToken"],
            workgroup=workgroup,
            sql=values["QueryString"],
            submitted=self._simulation.now(),
            seconds=self._rng.uniform(1, 600),
            outcome=self._rng.choice(_OUTCOMES),
            bytes_at_end=self._rng.randrange(_MOST_BYTES),
        )
        self.queries[made.id] = made
        request.backend.executions[made.id] = made  # the emulator's IAM looks for its workgroup
        return {"QueryExecutionId": made.id}

    def get_query_execution(self, request: Request) -> Json:
        """Describe a query. Queries of a deleted workgroup stay known, as in Athena's history."""
        return {"QueryExecution": self._show(self._find(request))}

    def stop_query_execution(self, request: Request) -> Json:
        """Stop a query, unless it has ended."""
        query, now = self._find(request), self._simulation.now()
        if query.state(now) == "RUNNING":
            query.stopped_after = (now - query.submitted).total_seconds()
        return {}

    def _find(self, request: Request) -> SimulatedQuery:
        execution_id = request.values["QueryExecutionId"]
        if execution_id not in self.queries:
            raise Refused(f"QueryExecution {execution_id} was not found")
        return self.queries[execution_id]

    def _show(self, query: SimulatedQuery) -> Json:
        state = query.state(self._simulation.now())
        status: Json = {"State": state, "SubmissionDateTime": query.submitted.timestamp()}
        statistics: Json = {}
        if state != "RUNNING":
            ran = query.seconds if query.stopped_after is None else query.stopped_after
            status["CompletionDateTime"] = query.submitted.timestamp() + ran
            status["StateChangeReason"] = f"The query is {state}."
            statistics = {
                "DataScannedInBytes": query.scanned_bytes,
                "EngineExecutionTimeInMillis": int(ran * 1000),
                "QueryQueueTimeInMillis": 0,
            }
        shown: dict[str, Any] = {
            "QueryExecutionId": query.id,
            "Query": query.sql,
            "StatementType": "DML",
            "Status": status,
            "Statistics": statistics,
            "WorkGroup": query.workgroup.name,
        }
        return shown
