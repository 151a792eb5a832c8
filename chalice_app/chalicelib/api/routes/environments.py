"""Environments: create, list, change, reset, retry and delete; their timelines."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.events import event_body
from chalicelib.api.query_parameters import EnvironmentsQuery, PageQuery
from chalicelib.api.routes.responding import accepted, page, present, present_at, response
from chalicelib.clock import parse
from chalicelib.domain.environment import Environment
from chalicelib.domain.requests import EnvironmentChange, EnvironmentRequest, FreezeRequest
from chalicelib.domain.setting_rules import invalid_combinations
from chalicelib.services.idempotency import Created

operations = Operations("Environments")


@operations.add(
    "POST",
    "/environments",
    returns={202: responses.Environment},
    errors=(
        errors.EnvironmentExists,
        errors.TooManyCreations,
        errors.Conflict,
        errors.InvalidCombination,
        errors.IdempotencyKeyReused,
    ),
    idempotent=True,
    links=("get_environment", "list_events", "delete_environment"),
    invalid_combinations=invalid_combinations,
)
def request_environment(call: Call, body: EnvironmentRequest) -> Response:
    """Create an environment.

    Creates the caller's environment, or queues it if the service is at capacity. An owner can have one
    environment that is not DELETED. Omitted settings have their defaults.
    """
    # Without a data set, the fingerprint is that of the versions that had none, so their keys stay valid.
    request = call.idempotent(body if body.data or body.notifications else body.settings)
    environments = call.service.environments
    created = environments.create(request, body.settings, body.data, body.notifications)
    return _accepted(call, created, environments.notifications.secret_of(created.record))


@operations.add("GET", "/environments", returns={200: responses.EnvironmentPage})
def list_environments(call: Call, query: EnvironmentsQuery) -> responses.EnvironmentPage:
    """List environments.

    Returns the caller's environments, newest first. Admins get the environments of all owners. With a
    filter, a page can have fewer than `limit` items although `next` is not null.
    """
    items, following = page(
        call,
        query,
        ("environments", query.owner, query.status, query.frozen),
        lambda start: call.service.environments.page(
            call.caller,
            owner=query.owner,
            status=query.status,
            frozen=None if query.frozen is None else query.frozen == "true",
            limit=query.limit,
            start=start,
        ),
        lambda environment: present(call, environment),
    )
    return responses.EnvironmentPage(items=items, next=following)


@operations.add("GET", "/environments/{environment_id}", returns={200: responses.Environment})
def get_environment(call: Call, environment_id: str) -> responses.Environment:
    """Get an environment.

    Poll this operation while `poll_after_seconds` is not null. Send `If-None-Match` to get 304 without a
    body until something changes.
    """
    return present(call, call.service.environments.visible(call.caller, environment_id))


@operations.add(
    "PATCH",
    "/environments/{environment_id}",
    returns={200: responses.Environment, 202: responses.Environment},
    errors=(
        errors.EnvironmentNotLive,
        errors.EnvironmentNotReady,
        errors.EnvironmentFrozen,
        errors.InvalidCombination,
        errors.Conflict,
    ),
)
def change_environment(call: Call, environment_id: str, body: EnvironmentChange) -> Response:
    """Update an environment.

    Changes the expiration, the settings, the data set or the release. Returns 202 while the change runs and
    200 if it is done. The environment is UPDATING until it is READY again; a change that fails is rolled
    back, and `failure` has the reason. For all but the expiration, the environment must be READY, or FAILED
    because a resource was deleted. The update then creates the resource again. `notifications` can be set in
    any status before the deletion, in a request of its own.
    """
    if body.model_fields_set == {"notifications"}:
        notified, secret = call.service.environments.notifications.change(
            call.caller, environment_id, body.notifications, call.request_id
        )
        return response(present(call, notified, secret=secret), 200)
    environment, running = call.service.environments.change(
        call.caller, environment_id, body, call.request_id
    )
    return response(present(call, environment), 202 if running else 200)


@operations.add(
    "POST",
    "/environments/{environment_id}/reset",
    returns={202: responses.Environment},
    errors=(
        errors.EnvironmentNotReady,
        errors.EnvironmentFrozen,
        errors.Conflict,
        errors.IdempotencyKeyReused,
    ),
    idempotent=True,
    links=("get_environment", "list_events"),
)
def reset_environment(call: Call, environment_id: str) -> Response:
    """Reset an environment to its release.

    Restores the data, scripts and catalog of the release in a READY environment, and removes everything
    else, including your own job files. The KMS key, role, budget and expiration stay.
    """
    return _accepted(call, call.service.environments.reset(call.idempotent(), environment_id))


@operations.add(
    "POST",
    "/environments/{environment_id}/retry",
    returns={202: responses.Environment},
    errors=(
        errors.EnvironmentNotFailed,
        errors.EnvironmentFrozen,
        errors.TooManyCreations,
        errors.Conflict,
        errors.IdempotencyKeyReused,
    ),
    idempotent=True,
    links=("get_environment", "list_events"),
)
def retry_environment(call: Call, environment_id: str) -> Response:
    """Retry a FAILED environment.

    Starts the creation or the repair again under the same ID. Retrying a creation counts towards
    `limits.creations_per_day`.
    """
    return _accepted(call, call.service.environments.retry(call.idempotent(), environment_id))


@operations.add(
    "POST",
    "/environments/{environment_id}/freeze",
    returns={202: responses.Environment},
    errors=(
        errors.Forbidden,
        errors.EnvironmentNotLive,
        errors.Conflict,
        errors.IdempotencyKeyReused,
    ),
    idempotent=True,
    links=("get_environment", "list_events"),
)
def freeze_environment(call: Call, environment_id: str, body: FreezeRequest) -> Response:
    """Freeze an environment.

    Stops its runs and queries, also those that were started outside the API, and its schedules, and accepts
    no new ones, no credentials and no changes until an admin thaws it. Reading, deleting and the expiration
    stay. A creation, a change or a reset that is in progress ends first. Only admins can freeze.
    """
    request = call.idempotent(body)
    return _accepted(call, call.service.environments.freeze(request, environment_id, body.reason))


@operations.add(
    "POST",
    "/environments/{environment_id}/thaw",
    returns={202: responses.Environment},
    errors=(
        errors.Forbidden,
        errors.EnvironmentNotLive,
        errors.BudgetExceeded,
        errors.Conflict,
        errors.IdempotencyKeyReused,
    ),
    idempotent=True,
    links=("get_environment", "list_events"),
)
def thaw_environment(call: Call, environment_id: str) -> Response:
    """Thaw a frozen environment.

    Schedules continue with their next time; runs that the freeze prevented are not made up for. An
    environment that the budget froze thaws by itself when the owner has budget again, and not before. Only
    admins can thaw.
    """
    return _accepted(call, call.service.environments.thaw(call.idempotent(), environment_id))


@operations.add(
    "DELETE",
    "/environments/{environment_id}",
    returns={202: responses.Environment, 200: responses.Environment},
    errors=(errors.Conflict,),
)
def delete_environment(call: Call, environment_id: str) -> Response:
    """Delete an environment.

    Deletes the stack with all its data. Returns 202 while the deletion runs and 200 when the environment is
    DELETED. Then `receipt` lists what was removed and what remains.
    """
    environment, running = call.service.environments.delete(call.caller, environment_id, call.request_id)
    return response(present(call, environment), 202 if running else 200)


@operations.add("GET", "/environments/{environment_id}/events", returns={200: responses.EventPage})
def list_events(call: Call, environment_id: str, query: PageQuery) -> responses.EventPage:
    """List an environment's events.

    Returns the timeline, newest first: who did what, and which values changed.
    """
    items, following = page(
        call,
        query,
        ("events", environment_id),
        lambda start: call.service.environments.timeline(
            call.caller, environment_id, limit=query.limit, start=start
        ),
        event_body,
    )
    return responses.EventPage(items=items, next=following)


def _accepted(call: Call, created: Created[Environment], secret: str | None = None) -> Response:
    """Present the environment as the request wrote it, so a repeated request gets the same response."""
    moment = parse(created.record.updated_at)
    body = present_at(call, created.record, moment, secret=secret)
    return accepted(body, created.replayed)
