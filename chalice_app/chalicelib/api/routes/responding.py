"""Responses that several routes share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from chalice.app import Response

from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.csv_text import CONTENT_TYPE
from chalicelib.api.cursors import Scope
from chalicelib.api.presenters.environments import environment_body
from chalicelib.api.query_parameters import PageQuery
from chalicelib.aws.dynamodb import Page
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json

Item = TypeVar("Item")
Shown = TypeVar("Shown")


def present(call: Call, environment: Environment, *, secret: str | None = None) -> responses.Environment:
    """Return an environment as a response body, with the secret of its webhook if it is new."""
    return present_at(call, environment, call.service.clock(), secret=secret)


def present_at(
    call: Call, environment: Environment, moment: datetime, *, secret: str | None
) -> responses.Environment:
    """Return an environment as a response body as of a moment."""
    service = call.service
    return environment_body(
        environment,
        call.base,
        moment,
        allowance=service.config.allowance,
        forecast=service.forecasts.of(environment, moment),
        unsupported=service.config.unsupported_features,
        secret=secret,
    )


def response(body: responses.ResponseBody, status: int) -> Response:
    """Return a response with a status that is not the operation's first."""
    return Response(body.model_dump(mode="json"), status_code=status)


def csv_response(text: str, name: str, following: str | None = None) -> Response:
    """Return CSV to download as a file with a name. `following` is the URL of the next page."""
    headers: dict[str, Any] = {
        "Content-Type": CONTENT_TYPE,
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    return Response(text, headers=headers)


Accepted: TypeAlias = "responses.Cohort | responses.Environment | responses.JobRun | responses.Query"


def accepted(body: Accepted, replayed: bool) -> Response:
    """Return the 202 of an idempotent request."""
    headers: dict[str, Any] = {"Location": body.links.self}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(body.model_dump(mode="json"), status_code=202, headers=headers)


def page(
    call: Call,
    query: PageQuery,
    scope: Scope,
    fetch: Callable[[Json | None], Page[Item]],
    present: Callable[[Item], Shown],
) -> tuple[list[Shown], str | None]:
    """Return the items of one page and the cursor of the next page.

    A cursor is valid for one list, which `scope` names with its filters, and for one caller.
    """
    cursors, scope = call.service.cursors, (scope[0], *call.caller.scope, *scope[1:])
    found = fetch(cursors.decode(query.cursor, scope))
    return [present(item) for item in found.items], cursors.encode(found.next, scope)
