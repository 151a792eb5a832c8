"""Active work of an environment: its job runs and its queries."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.environment import Environment
from chalicelib.queries.query_runs import QueryRuns
from chalicelib.runs.job_runs import Runs


@dataclass(frozen=True)
class ActiveWork:
    """What must have ended before data, the job or the workgroup of a sandbox is removed."""

    runs: Runs
    queries: QueryRuns

    def stop_all(self, environment: Environment) -> bool:
        """Stop every run and query of an environment. Return True when none is active."""
        no_runs, no_queries = self.runs.stop_all(environment), self.queries.stop_all(environment)
        return no_runs and no_queries
