"""self-service terraglue: what exists. What happens is in `chalicelib`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from chalice.app import Chalice, CloudWatchEvent, Rate, Request, Response

from chalicelib import errors
from chalicelib.api import http, job_responses, openapi, presenters, responses, swagger, table_responses
from chalicelib.api.cursors import Scope
from chalicelib.api.operations import Call, Files, Operations
from chalicelib.api.queries import EnvironmentsQuery, LogsQuery, PageQuery, RowsQuery
from chalicelib.aws.dynamodb import Page
from chalicelib.clock import parse
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json
from chalicelib.domain.requests import EnvironmentChange, RunRequest
from chalicelib.domain.settings import Settings, invalid_combinations
from chalicelib.services.idempotency import Created
from chalicelib.wiring import Once, build

Item = TypeVar("Item")
Shown = TypeVar("Shown")

app = Chalice(app_name="terraglue")


service = Once(build)
"""The service, built at the first request of a process."""


api = Operations(app, lambda request: http.authenticated(request, service().authenticator))


@app.middleware("http")
def cross_origin(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Let the portal's pages read what is answered, errors too: so this comes first."""
    response = get_response(request)
    with suppress(Exception):  # without a service there is no portal, and the response says so: it is a 500
        return http.cross_origin(request, response, service().config.portal_origin)
    return response


app.register_middleware(http.answer, "http")
app.register_middleware(http.conditional, "http")

_TICK_SECONDS = 600
_IDEMPOTENT = (errors.IdempotencyKeyReused,)


# -- environments ----------------------------------------------------------------------------------------


@api.add(
    "POST",
    "/environments",
    tag="Environments",
    gives={202: responses.Environment},
    errors=(
        *(errors.EnvironmentExists, errors.TooManyCreations, errors.Conflict, errors.InvalidCombination),
        *_IDEMPOTENT,
    ),
    idempotent=True,
    links=("get_environment", "list_events", "delete_environment"),
    invalid_combinations=lambda settings: invalid_combinations(settings, service().config.limits),
)
def request_environment(call: Call, body: Settings) -> Response:
    """Ask for the caller's environment."""
    return _created_environment(call, service().environments.request(call.idempotent(body), body))


@api.add("GET", "/environments", tag="Environments", gives={200: responses.EnvironmentPage})
def list_environments(call: Call, query: EnvironmentsQuery) -> responses.EnvironmentPage:
    """List the caller's environments, newest first; admins see everybody's.

    With a filter, a page may have fewer items than `limit` and yet be followed by another.
    """
    items, following = _page(
        query,
        ("environments", *call.caller.scope, query.owner, query.status),
        lambda start: service().environments.page(
            call.caller, owner=query.owner, status=query.status, limit=query.limit, start=start
        ),
        lambda item: _shown(call, item),
    )
    return responses.EnvironmentPage(items=items, next=following)


@api.add("GET", "/environments/{environment_id}", tag="Environments", gives={200: responses.Environment})
def get_environment(call: Call, environment_id: str) -> responses.Environment:
    """Show one environment."""
    return _shown(call, service().environments.visible(call.caller, environment_id))


@api.add(
    "PATCH",
    "/environments/{environment_id}",
    tag="Environments",
    gives={200: responses.Environment, 202: responses.Environment},
    errors=(
        errors.EnvironmentNotLive,
        errors.EnvironmentNotReady,
        errors.InvalidCombination,
        errors.Conflict,
    ),
)
def change_environment(call: Call, environment_id: str, body: EnvironmentChange) -> Response:
    """Change one environment: 202 when its settings or its release will be others, 200 when all is done.

    It is UPDATING until it is READY with them; a change that fails is taken back, and `failure` says why.
    It must be READY, or FAILED because a part of it was deleted by hand, which is created again.
    """
    environment, accepted = service().environments.change(call.caller, environment_id, body, call.request_id)
    return _answer(_shown(call, environment), 202 if accepted else 200)


@api.add(
    "POST",
    "/environments/{environment_id}/reset",
    tag="Environments",
    gives={202: responses.Environment},
    errors=(errors.EnvironmentNotReady, errors.Conflict, *_IDEMPOTENT),
    idempotent=True,
    links=("get_environment", "list_events"),
)
def reset_environment(call: Call, environment_id: str) -> Response:
    """Put a READY environment back to its release: data, scripts, catalog.

    What was made in it since is removed, files of one's own too; its key, role, budget and end stay.
    """
    return _created_environment(call, service().environments.reset(call.idempotent(), environment_id))


@api.add(
    "POST",
    "/environments/{environment_id}/retry",
    tag="Environments",
    gives={202: responses.Environment},
    errors=(errors.EnvironmentNotFailed, errors.TooManyCreations, errors.Conflict, *_IDEMPOTENT),
    idempotent=True,
    links=("get_environment", "list_events"),
)
def retry_environment(call: Call, environment_id: str) -> Response:
    """Begin a FAILED environment again, under the same id."""
    return _created_environment(call, service().environments.retry(call.idempotent(), environment_id))


@api.add(
    "DELETE",
    "/environments/{environment_id}",
    tag="Environments",
    gives={202: responses.Environment, 200: responses.Environment},
    errors=(errors.Conflict,),
)
def delete_environment(call: Call, environment_id: str) -> Response:
    """Delete one environment: 202 when that begins or goes on, 200 when it is DELETED."""
    environment, accepted = service().environments.delete(call.caller, environment_id, call.request_id)
    return _answer(_shown(call, environment), 202 if accepted else 200)


@api.add(
    "GET",
    "/environments/{environment_id}/events",
    tag="Environments",
    gives={200: responses.EventPage},
)
def list_events(call: Call, environment_id: str, query: PageQuery) -> responses.EventPage:
    """Show an environment's timeline, newest first."""
    items, following = _page(
        query,
        ("events", *call.caller.scope, environment_id),
        lambda start: service().environments.timeline(
            call.caller, environment_id, limit=query.limit, start=start
        ),
        presenters.event,
    )
    return responses.EventPage(items=items, next=following)


# -- tables ----------------------------------------------------------------------------------------------


@api.add(
    "GET",
    "/environments/{environment_id}/tables",
    tag="Tables",
    gives={200: table_responses.Tables},
    errors=(errors.EnvironmentNotReady,),
)
def list_tables(call: Call, environment_id: str) -> table_responses.Tables:
    """Show an environment's databases and tables, as the Data Catalog has them."""
    environment, databases = service().tables.listing(call.caller, environment_id)
    return presenters.tables(environment, databases, call.base)


@api.add(
    "GET",
    "/environments/{environment_id}/tables/{database}/{table}/rows",
    tag="Tables",
    gives={200: table_responses.Rows},
    errors=(
        *(
            errors.EnvironmentNotReady,
            errors.TableOutOfReach,
            errors.TableUnreadable,
            errors.WorkgroupUnusable,
        ),
        *(errors.QueryTooSlow, errors.TableChanging),
    ),
)
def list_rows(
    call: Call, environment_id: str, database: str, table: str, query: RowsQuery
) -> table_responses.Rows:
    """Show the first rows of a table, as Athena reads them.

    `database` is a short name, such as `sot`, or the catalog's. What takes longer than 18 seconds is stopped.
    """
    environment, rows = service().tables.rows(call.caller, environment_id, database, table, limit=query.limit)
    return presenters.rows(environment, rows, call.base)


# -- jobs and runs ---------------------------------------------------------------------------------------


@api.add("GET", "/jobs/{job_id}", tag="Jobs", gives={200: job_responses.Job})
def get_job(call: Call, job_id: str) -> job_responses.Job:
    """Show a job as it is set up."""
    environment, max_cost = service().jobs.job(call.caller, job_id)
    return presenters.job(environment, max_cost, call.base)


@api.add(
    "POST",
    "/jobs/{job_id}/runs",
    tag="Jobs",
    gives={202: job_responses.JobRun},
    errors=(
        *(
            errors.EnvironmentNotReady,
            errors.BudgetExceeded,
            errors.JobFilesMissing,
            errors.InvalidCombination,
        ),
        *_IDEMPOTENT,
    ),
    idempotent=True,
    links=("get_run", "get_run_logs"),
)
def request_run(call: Call, job_id: str, body: RunRequest) -> Response:
    """Run a job."""
    created = service().jobs.request_run(call.idempotent(body), job_id, body)
    return _created(presenters.run(created.record, call.base), created.replayed)


@api.add("GET", "/jobs/{job_id}/runs", tag="Jobs", gives={200: job_responses.JobRunPage})
def list_runs(call: Call, job_id: str, query: PageQuery) -> job_responses.JobRunPage:
    """List the runs of a job, newest first."""
    items, following = _page(
        query,
        ("runs", *call.caller.scope, job_id),
        lambda start: service().jobs.page(call.caller, job_id, limit=query.limit, start=start),
        lambda item: presenters.run(item, call.base, service().clock()),
    )
    return job_responses.JobRunPage(items=items, next=following)


@api.add("GET", "/jobs/{job_id}/runs/{run_id}", tag="Jobs", gives={200: job_responses.JobRun})
def get_run(call: Call, job_id: str, run_id: str) -> job_responses.JobRun:
    """Show one run of a job."""
    run = service().jobs.run(call.caller, job_id, run_id)
    return presenters.run(run, call.base, service().clock())


@api.add(
    "DELETE",
    "/jobs/{job_id}/runs/{run_id}",
    tag="Jobs",
    gives={202: job_responses.JobRun, 200: job_responses.JobRun},
    errors=(errors.Conflict,),
)
def stop_run(call: Call, job_id: str, run_id: str) -> Response:
    """Stop one run of a job: 202 when that begins or goes on, 200 when it has ended."""
    run, accepted = service().jobs.stop(call.caller, job_id, run_id, call.request_id)
    shown = presenters.run(run, call.base, service().clock())
    return _answer(shown, 202 if accepted else 200)


@api.add("GET", "/jobs/{job_id}/runs/{run_id}/logs", tag="Jobs", gives={200: job_responses.LogPage})
def get_run_logs(call: Call, job_id: str, run_id: str, query: LogsQuery) -> job_responses.LogPage:
    """Show the log of a run, oldest line first, also while it runs: `next` goes on where this page ends."""
    cursors, scope = service().cursors, ("logs", *call.caller.scope, job_id, run_id, query.stream)
    logs = service().jobs.logs(
        call.caller,
        job_id,
        run_id,
        stream=query.stream,
        limit=query.limit,
        place=cursors.decode(query.cursor, scope),
    )
    items = [job_responses.LogLine(time=at, message=text) for at, text in logs.lines]
    following = cursors.encode(logs.next, scope)
    return job_responses.LogPage(items=items, next=following)


# -- job files -------------------------------------------------------------------------------------------


@api.add(
    "GET", "/environments/{environment_id}/job/files", tag="Job files", gives={200: job_responses.JobFiles}
)
def list_job_files(call: Call, environment_id: str) -> job_responses.JobFiles:
    """List the files of an environment's job."""
    environment = service().job_files.listing(call.caller, environment_id)
    paths = sorted(environment.job_files)
    return job_responses.JobFiles(items=[presenters.job_file(environment, path, call.base) for path in paths])


# Chalice knows no path parameter with slashes in it: a job file's path has up to three parts. In API Gateway
# the parameters at one place of all paths have one name ("A sibling ... already has a variable path part").
_FILE_PATHS = {
    "": "{part1}",
    "_in_folder": "{part1}/{part2}",
    "_in_subfolder": "{part1}/{part2}/{part3}",
}
_UPLOAD_ERRORS = (
    *(errors.EnvironmentNotReady, errors.LearningMode, errors.TooManyFiles, errors.Conflict),
    *(errors.PayloadTooLarge, errors.UnsupportedMediaType, errors.InvalidFields, errors.InvalidFile),
)


def get_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Download a job file. A .zip comes to those who send `Accept: application/zip`."""
    path = _path(parts)
    return http.file(call.request, path, service().job_files.read(call.caller, environment_id, path))


def put_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Put a job file, new (201) or in the place of the one that is there (200)."""
    path, content = _path(parts), http.raw_body(call.request)
    environment, is_new = service().job_files.write(
        call.caller, environment_id, path, content, call.request_id
    )
    return _answer(presenters.job_file(environment, path, call.base), 201 if is_new else 200)


for _suffix, _parts in _FILE_PATHS.items():
    api.add(
        "GET",
        f"/environments/{{environment_id}}/job/files/{_parts}",
        name=f"get_job_file{_suffix}",
        tag="Job files",
        gives={200: Files(("text/plain", "application/zip"))},
        errors=(errors.NotAcceptable,),
    )(get_job_file)
    api.add(
        "PUT",
        f"/environments/{{environment_id}}/job/files/{_parts}",
        name=f"put_job_file{_suffix}",
        tag="Job files",
        gives={200: job_responses.JobFile, 201: job_responses.JobFile},
        errors=_UPLOAD_ERRORS,
        upload=True,
    )(put_job_file)


@api.add(
    "PUT",
    "/environments/{environment_id}/job/files/{part1}/{part2}/{part3}/{part4}",
    tag="Job files",
    gives={},
    upload=True,
)
def refuse_deep_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Refuse a job file that is three folders deep, by the rule of paths.

    A path that is deeper still is 404.
    """
    return put_job_file(call, environment_id, **parts)


# -- the service -----------------------------------------------------------------------------------------


@api.add("GET", "/me", tag="Service", gives={200: responses.Me})
def get_me(call: Call) -> responses.Me:
    """Say who is calling, their environment, what is left of their budget, and their limits."""
    environments, config = service().environments, service().config
    live = environments.live(call.caller)
    budget, creations = presenters.account(environments.account(call.caller), config.allowance)
    return responses.Me(
        owner=call.caller.owner,
        is_admin=call.caller.is_admin,
        environment=_shown(call, live) if live else None,
        budget=budget,
        creations=creations,
        limits=presenters.limits(config.allowance, config.limits),
    )


@api.add("GET", "/releases", tag="Service", gives={200: responses.Releases})
def list_releases(call: Call) -> responses.Releases:
    """List the published releases, newest first."""
    releases = service().releases
    latest = releases.latest().id
    items = [presenters.release(item, is_latest=item.id == latest) for item in releases.all()]
    return responses.Releases(items=items)


@api.add("GET", "/health", tag="Service", gives={200: responses.Health}, public=True)
def get_health(call: Call) -> responses.Health:
    """Say that the service runs, and which release new environments get."""
    return responses.Health(status="ok", release=service().releases.latest().id)


@api.add("GET", "/openapi.json", tag="Service", gives={200: Files(("application/json",))}, public=True)
def get_openapi(call: Call) -> Response:
    """Describe this API."""
    return Response(openapi.document(api.all, call.base), headers={"Content-Type": "application/json"})


@api.add("GET", "/docs", tag="Service", gives={200: Files(("text/html",))}, public=True)
def get_docs(call: Call) -> Response:
    """Show this API to people, in a browser."""
    return swagger.page(call.base)


@api.add("GET", "/docs/{name}", tag="Service", gives={200: Files(swagger.MEDIA_TYPES)}, public=True)
def get_docs_file(call: Call, name: str) -> Response:
    """Give a part of that page."""
    return swagger.part(name)


api.refuse_the_rest()


# -- events and the schedule -----------------------------------------------------------------------------


@app.on_cw_event({"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Stack Status Change"]})
def stack_changed(event: CloudWatchEvent) -> None:
    """A stack has changed its status."""
    service().events.stack_changed(event.detail)


@app.on_cw_event({"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Resource Status Change"]})
def resource_changed(event: CloudWatchEvent) -> None:
    """A resource of a stack has changed its status."""
    service().events.resource_changed(event.detail, event.to_dict()["time"])


@app.on_cw_event({"source": ["aws.glue"], "detail-type": ["Glue Job State Change"]})
def job_changed(event: CloudWatchEvent) -> None:
    """A run of a Glue job has ended."""
    service().events.job_changed(event.detail)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def tick(_event: CloudWatchEvent) -> None:
    """A minute has passed: look at what is due."""
    service().events.tick(seconds=_TICK_SECONDS)


# -- what the views share --------------------------------------------------------------------------------


def _shown(call: Call, environment: Environment) -> responses.Environment:
    allowance = service().config.allowance
    return presenters.environment(environment, call.base, service().clock(), allowance=allowance)


def _answer(body: responses.Answer, status: int) -> Response:
    return Response(body.model_dump(mode="json"), status_code=status)


def _created_environment(call: Call, created: Created[Environment]) -> Response:
    """The environment as it was when the request wrote it, so a repetition gets the same response."""
    record, allowance = created.record, service().config.allowance
    shown = presenters.environment(record, call.base, parse(record.updated_at), allowance=allowance)
    return _created(shown, created.replayed)


def _created(shown: responses.Environment | job_responses.JobRun, replayed: bool) -> Response:
    headers: dict[str, Any] = {"Location": shown.links.self}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(shown.model_dump(mode="json"), status_code=202, headers=headers)


def _path(parts: Mapping[str, str]) -> str:
    return "/".join(parts[name] for name in sorted(parts))


def _page(
    query: PageQuery, scope: Scope, fetch: Callable[[Json | None], Page[Item]], show: Callable[[Item], Shown]
) -> tuple[list[Shown], str | None]:
    """One page of a list as it is shown, and the cursor of the next; `scope` is the list and its reader."""
    cursors = service().cursors
    page = fetch(cursors.decode(query.cursor, scope))
    return [show(item) for item in page.items], cursors.encode(page.next, scope)
