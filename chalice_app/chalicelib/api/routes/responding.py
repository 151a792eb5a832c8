"""Responses that several routes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chalice.app import Response

from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.cursors import Scope
from chalicelib.api.presenters.environments import environment_body
from chalicelib.api.queries import PageQuery
from chalicelib.aws.dynamodb import Page
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json

Item = TypeVar("Item")
Shown = TypeVar("Shown")


def present(call: Call, environment: Environment) -> responses.Environment:
    """Return an environment as a response body."""
    service = call.service
    return environment_body(
        environment,
        call.base,
        service.clock(),
        allowance=service.config.allowance,
        unsupported=service.config.unsupported_features,
    )


def response(body: responses.ResponseBody, status: int) -> Response:
    """Return a response with a status that is not the operation's first."""
    return Response(body.model_dump(mode="json"), status_code=status)


def accepted(body: responses.Environment | responses.JobRun, replayed: bool) -> Response:
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
