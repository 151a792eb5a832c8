"""Cohorts: create, list and show the environments of classes, and change all of a class at once."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.media_types import prefers_csv
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.cohorts import cohort_body, member_body, members_csv, plan_body
from chalicelib.api.query_parameters import PageQuery
from chalicelib.api.routes.responding import accepted, csv_response, page
from chalicelib.domain.cohort import Cohort, CohortAction
from chalicelib.domain.requests import CohortActionRequest, CohortChange, CohortRequest
from chalicelib.services.cohort_plans import CohortPlan
from chalicelib.services.idempotency import Created

operations = Operations("Cohorts")


@operations.add(
    "POST",
    "/cohorts",
    returns={202: responses.Cohort, 200: responses.CohortPlan},
    errors=(errors.Forbidden, errors.InvalidFields, errors.IdempotencyKeyReused, errors.Conflict),
    idempotent=True,
    cost=5,
)
def create_cohort(call: Call, body: CohortRequest) -> Response:
    """Create a cohort.

    Creates an environment for each owner, within a few minutes of requests and then as capacity permits. An
    owner who has an environment keeps it: the member is `SKIPPED`, and actions of the cohort do not touch it.
    The owners need no account: they find their environment at the first sign-in. With `dry_run`, returns
    200 and what would happen for each member. Only admins can use cohorts.
    """
    request, cohorts = call.idempotent(body), call.service.cohorts
    if body.dry_run:
        return _planned(call, cohorts.plan(request, body))
    return _accepted(call, cohorts.create(request, body))


@operations.add("GET", "/cohorts", returns={200: responses.CohortPage}, errors=(errors.Forbidden,))
def list_cohorts(call: Call, query: PageQuery) -> responses.CohortPage:
    """List cohorts.

    Returns all cohorts, newest first.
    """
    service = call.service
    items, following = page(
        call,
        query,
        ("cohorts",),
        lambda start: service.cohorts.page(call.caller, limit=query.limit, start=start),
        lambda cohort: cohort_body(cohort, call.base, service.config, service.clock()),
    )
    return responses.CohortPage(items=items, next=following)


@operations.add("GET", "/cohorts/{cohort_id}", returns={200: responses.Cohort}, errors=(errors.Forbidden,))
def get_cohort(call: Call, cohort_id: str) -> responses.Cohort:
    """Get a cohort.

    Returns the progress of the last action and of the environments. Poll this operation while
    `poll_after_seconds` is not null.
    """
    cohort = call.service.cohorts.get(call.caller, cohort_id)
    return cohort_body(cohort, call.base, call.service.config, call.service.clock())


@operations.add(
    "GET",
    "/cohorts/{cohort_id}/members",
    returns={200: responses.CohortMemberPage},
    errors=(errors.Forbidden,),
    csv=True,
    cost=1,
)
def list_members(call: Call, cohort_id: str, query: PageQuery) -> responses.CohortMemberPage | Response:
    """List the members of a cohort.

    Returns who has what: the members in the order in which they were added, each with the environment that
    the cohort created. Send `Accept: text/csv` to get all of them as CSV.
    """
    cohorts, task = call.service.cohorts, call.service.cohorts.get(call.caller, cohort_id).task.number
    if prefers_csv(call.request.headers.get("accept")):
        rows = cohorts.all_members(call.caller, cohort_id)
        text = members_csv(member_body(*row, call.base, task) for row in rows)
        return csv_response(text, f"cohort-{cohort_id}")
    items, following = page(
        call,
        query,
        ("members", cohort_id),
        lambda start: cohorts.members(call.caller, cohort_id, limit=query.limit, start=start),
        lambda row: member_body(*row, call.base, task),
    )
    return responses.CohortMemberPage(items=items, next=following)


@operations.add(
    "PATCH",
    "/cohorts/{cohort_id}",
    returns={202: responses.Cohort},
    errors=(errors.Forbidden, errors.CohortBusy, errors.Conflict, errors.IdempotencyKeyReused),
    idempotent=True,
)
def change_cohort(call: Call, cohort_id: str, body: CohortChange) -> Response:
    """Add and remove members.

    Creates the environments of new members. Removed members keep theirs, and actions of the cohort no longer
    touch them.
    """
    request = call.idempotent(body)
    return _accepted(call, call.service.cohorts.change_members(request, cohort_id, body.add, body.remove))


@operations.add(
    "POST",
    "/cohorts/{cohort_id}/{action}",
    returns={202: responses.Cohort, 200: responses.CohortPlan},
    errors=(errors.Forbidden, errors.CohortBusy, errors.Conflict, errors.IdempotencyKeyReused),
    idempotent=True,
    cost=5,
)
def act_on_cohort(call: Call, cohort_id: str, action: str, body: CohortActionRequest) -> Response:
    """Change all environments of a cohort.

    `action` is `create` (those that do not exist), `extend` (with `hours`), `reset`, `freeze` (with
    `reason`), `thaw` or `expire`, which deletes them. The cohort and its members stay. A member whose
    environment does not allow the action is reported and does not stop the others. Each action waits for the
    one before, except `expire`, which replaces it. With `dry_run`, returns 200 and what would happen for each
    member.
    """
    if action not in [*CohortAction]:
        raise errors.NotFound(f"Unknown action. The actions are {', '.join(CohortAction)}.")
    request, cohorts = call.idempotent(body), call.service.cohorts
    if body.dry_run:
        return _planned(call, cohorts.plan_action(request, cohort_id, CohortAction(action), body))
    return _accepted(call, cohorts.act(request, cohort_id, CohortAction(action), body))


def _accepted(call: Call, created: Created[Cohort]) -> Response:
    """Present the cohort as the request wrote it, so a repeated request gets the same response."""
    return accepted(cohort_body(created.record, call.base, call.service.config), created.replayed)


def _planned(call: Call, plan: CohortPlan) -> Response:
    return Response(plan_body(plan, call.service.config).model_dump(mode="json"), status_code=200)
