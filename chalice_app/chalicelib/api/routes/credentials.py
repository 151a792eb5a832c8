"""Credentials: access to an environment with a user's own tools."""

from __future__ import annotations

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.credentials import credentials_body
from chalicelib.domain.requests import CredentialsRequest

operations = Operations("Credentials")


@operations.add(
    "POST",
    "/environments/{environment_id}/credentials",
    returns={201: responses.Credentials},
    errors=(errors.EnvironmentNotReady, errors.EnvironmentFrozen, errors.Conflict),
    cost=5,
)
def issue_credentials(call: Call, environment_id: str, body: CredentialsRequest) -> responses.Credentials:
    """Issue AWS credentials for an environment.

    Returns temporary credentials that reach this environment only: they read and write its buckets and
    tables, query its workgroup, and show and edit its job. They start no runs. Every request returns other
    credentials, and the service stores none of them, so this operation has no `Idempotency-Key`. The
    timeline names who requested them. The environment must be READY.
    """
    access = call.service.access.issue(call.caller, environment_id, body.duration_seconds, call.request_id)
    return credentials_body(access, call.base)
