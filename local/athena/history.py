"""Calls about several executions, and about what an execution did."""

from __future__ import annotations

from collections.abc import Callable

from local.athena.api import Json, Request
from local.athena.errors import Refused

_TIMES = (
    *("QueryQueueTimeInMillis", "ServicePreProcessingTimeInMillis", "QueryPlanningTimeInMillis"),
    *("EngineExecutionTimeInMillis", "ServiceProcessingTimeInMillis", "TotalExecutionTimeInMillis"),
)


def batch_get_query_execution(request: Request) -> Json:
    """BatchGetQueryExecution."""
    known, ids = request.backend.executions, request.values["QueryExecutionIds"]
    return {
        "QueryExecutions": [known[each].show() for each in ids if each in known],
        "UnprocessedQueryExecutionIds": [
            {
                "QueryExecutionId": each,
                "ErrorCode": "INTERNAL_FAILURE",
                "ErrorMessage": f"QueryExecution {each} was not found",
            }
            for each in ids
            if each not in known
        ],
    }


def get_query_runtime_statistics(request: Request) -> Json:
    """GetQueryRuntimeStatistics. DuckDB has no stages, so `OutputStage` is missing."""
    execution_id = request.values["QueryExecutionId"]
    execution = request.backend.executions.get(execution_id)
    if execution is None:
        raise Refused(f"QueryExecution {execution_id} was not found")
    statistics = execution.show()["Statistics"]
    rows = execution.result.rows if execution.result else []
    size = sum(len(text.encode()) for row in rows for text in row if text is not None)
    return {
        "QueryRuntimeStatistics": {
            "Timeline": {name: statistics.get(name, 0) for name in _TIMES},
            "Rows": {"InputBytes": execution.scanned, "OutputBytes": size, "OutputRows": len(rows)},
        }
    }


CALLS: tuple[Callable[[Request], Json], ...] = (batch_get_query_execution, get_query_runtime_statistics)
