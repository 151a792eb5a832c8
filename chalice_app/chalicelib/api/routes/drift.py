"""Drift of an environment."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.drift import drift_body
from chalicelib.api.query_parameters import DriftQuery
from chalicelib.api.routes.responding import response
from chalicelib.domain.drift import DriftStatus

operations = Operations("Environments")


@operations.add(
    "GET",
    "/environments/{environment_id}/drift",
    returns={200: responses.Drift, 202: responses.Drift},
    errors=(errors.EnvironmentNotReady,),
    cost=5,
)
def get_drift(call: Call, environment_id: str, query: DriftQuery) -> Response:
    """Get an environment's drift.

    Returns how the resources of the environment's stack differ from its template, because they were changed
    or deleted by hand. CloudFormation detects it in the background: the response is 202 while the detection
    runs, and 200 with its result. The result is valid for 10 minutes; the next request starts another
    detection. A reset of the environment reverts all drift. The environment must be READY or FAILED.
    """
    environment, report = call.service.drift.report(
        call.caller, environment_id, refresh=query.refresh == "true"
    )
    body = drift_body(environment, report, call.base)
    return response(body, 202 if report.status is DriftStatus.DETECTING else 200)
