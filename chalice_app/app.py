"""self-service terraglue: what exists. What happens is in `chalicelib`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, Rate, Request, Response

from chalicelib import http, representations
from chalicelib.auth import Caller
from chalicelib.environments import Created
from chalicelib.idempotency import Asked, checked_key, fingerprint
from chalicelib.models import EnvironmentsQuery, LogsQuery, PageQuery, RunRequest
from chalicelib.records import Environment, Json
from chalicelib.settings import Settings
from chalicelib.wiring import Service, build

app = Chalice(app_name="terraglue")


@app.middleware("http")
def cross_origin(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Let the portal's pages read what is answered, errors too: so this comes first."""
    return http.cross_origin(request, get_response(request), service().config.portal_origin)


app.register_middleware(http.answer, "http")
app.register_middleware(http.conditional, "http")

_TICK_SECONDS = 600
# The views look at the content type themselves, after they know who is calling.
_ANY_TYPE: dict[str, Any] = {"content_types": []}


@cache
def service() -> Service:
    """The service, built at the first request of a process."""
    return build()


# -- routes ----------------------------------------------------------------------------------------------


@app.route("/health", methods=["GET"])
def health() -> Json:
    """Say that the service runs, and which release new environments get."""
    return {"status": "ok", "release": service().releases.latest().id}


@app.route("/me", methods=["GET"])
def me() -> Json:
    """Say who is calling, their environment and their limits."""
    caller = _caller()
    live = service().environments.live(caller)
    return {
        "owner": caller.owner,
        "is_admin": caller.is_admin,
        "environment": _shown(live) if live else None,
        "limits": {
            "environments": 1,
            "budget_usd": float(service().config.budget_usd),
            **service().config.limits._asdict(),
        },
    }


@app.route("/environments", methods=["POST"], **_ANY_TYPE)
def request_environment() -> Response:
    """Ask for the caller's environment."""
    asked_by = _caller()
    settings = http.body(_request(), Settings)
    asked = _asked(asked_by, "POST /environments", settings.model_dump(mode="json"))
    return _created(service().environments.request(asked, settings))


@app.route("/environments", methods=["GET"])
def list_environments() -> Json:
    """List the caller's environments; admins see all."""
    caller = _caller()
    query = http.query(_request(), EnvironmentsQuery)
    cursors, scope = service().cursors, f"environments {caller.owner} {query.owner} {query.status}"
    start = cursors.decode(query.cursor, scope)
    page = service().environments.page(
        caller, owner=query.owner, status=query.status, limit=query.limit, start=start
    )
    items = [_shown(item) for item in page.items]
    return {"items": items, "next": cursors.encode(page.next, scope)}


@app.route("/environments/{environment_id}", methods=["GET"])
def get_environment(environment_id: str) -> Json:
    """Show one environment."""
    return _shown(service().environments.visible(_caller(), environment_id))


@app.route("/environments/{environment_id}/events", methods=["GET"])
def list_events(environment_id: str) -> Json:
    """Show an environment's timeline, newest first."""
    caller = _caller()
    query = http.query(_request(), PageQuery)
    cursors, scope = service().cursors, f"events {caller.owner} {environment_id}"
    start = cursors.decode(query.cursor, scope)
    environment, page = service().environments.timeline(
        caller, environment_id, limit=query.limit, start=start
    )
    items = [representations.event(item, environment) for item in page.items]
    return {"items": items, "next": cursors.encode(page.next, scope)}


@app.route("/environments/{environment_id}", methods=["DELETE"], **_ANY_TYPE)
def delete_environment(environment_id: str) -> Response:
    """Delete one environment."""
    request_id = http.request_id_of(_request())
    environment, accepted = service().environments.delete(_caller(), environment_id, request_id)
    return Response(_shown(environment), status_code=202 if accepted else 200)


@app.route("/jobs/{job_id}/runs", methods=["POST"], **_ANY_TYPE)
def request_run(job_id: str) -> Response:
    """Run a job."""
    asked_by = _caller()
    wanted = http.body(_request(), RunRequest)
    asked = _asked(asked_by, f"POST /jobs/{job_id}/runs", wanted.model_dump(mode="json"))
    return _created(service().jobs.request_run(asked, job_id, wanted))


@app.route("/jobs/{job_id}/runs", methods=["GET"])
def list_runs(job_id: str) -> Json:
    """List the runs of a job."""
    caller = _caller()
    query = http.query(_request(), PageQuery)
    cursors, scope = service().cursors, f"runs {caller.owner} {job_id}"
    start = cursors.decode(query.cursor, scope)
    page = service().jobs.page(caller, job_id, limit=query.limit, start=start)
    items = [representations.run(item, _base(), service().clock()) for item in page.items]
    return {"items": items, "next": cursors.encode(page.next, scope)}


@app.route("/jobs/{job_id}/runs/{run_id}", methods=["GET"])
def get_run(job_id: str, run_id: str) -> Json:
    """Show one run of a job."""
    run = service().jobs.run(_caller(), job_id, run_id)
    return representations.run(run, _base(), service().clock())


@app.route("/jobs/{job_id}/runs/{run_id}/logs", methods=["GET"])
def get_run_logs(job_id: str, run_id: str) -> Json:
    """Show the log of a run, also while it runs."""
    caller = _caller()
    query = http.query(_request(), LogsQuery)
    cursors, scope = service().cursors, f"logs {caller.owner} {run_id} {query.stream}"
    token = (cursors.decode(query.cursor, scope) or {}).get("token")
    logs = service().jobs.logs(caller, job_id, run_id, stream=query.stream, limit=query.limit, token=token)
    items = [{"time": at, "message": text} for at, text in logs.lines]
    return {"items": items, "next": cursors.encode({"token": logs.next} if logs.next else None, scope)}


@app.route("/jobs/{job_id}", methods=["GET"])
def get_job(job_id: str) -> Json:
    """Show a job as it is set up."""
    environment, max_cost = service().jobs.job(_caller(), job_id)
    return representations.job(environment, max_cost, _base())


@app.route("/environments/{environment_id}/job/files", methods=["GET"])
def list_job_files(environment_id: str) -> Json:
    """List the files of an environment's job."""
    environment = service().job_files.listing(_caller(), environment_id)
    return {
        "items": [
            representations.job_file(environment, path, _base()) for path in sorted(environment.job_files)
        ]
    }


# API Gateway and Chalice know no path parameter with slashes in it: a job file's path has up to three parts.
@app.route("/environments/{environment_id}/job/files/{path}", methods=["GET"])
def get_job_file(environment_id: str, path: str) -> Response:
    """Download a job file."""
    return _job_file(environment_id, path)


@app.route("/environments/{environment_id}/job/files/{folder}/{path}", methods=["GET"])
def get_job_file_in_folder(environment_id: str, folder: str, path: str) -> Response:
    """Download a job file in a folder."""
    return _job_file(environment_id, f"{folder}/{path}")


@app.route("/environments/{environment_id}/job/files/{folder}/{subfolder}/{path}", methods=["GET"])
def get_job_file_in_subfolder(environment_id: str, folder: str, subfolder: str, path: str) -> Response:
    """Download a job file in a folder of a folder."""
    return _job_file(environment_id, f"{folder}/{subfolder}/{path}")


@app.route("/environments/{environment_id}/job/files/{path}", methods=["PUT"], **_ANY_TYPE)
def put_job_file(environment_id: str, path: str) -> Response:
    """Put a job file."""
    return _put_job_file(environment_id, path)


@app.route("/environments/{environment_id}/job/files/{folder}/{path}", methods=["PUT"], **_ANY_TYPE)
def put_job_file_in_folder(environment_id: str, folder: str, path: str) -> Response:
    """Put a job file into a folder."""
    return _put_job_file(environment_id, f"{folder}/{path}")


@app.route(
    "/environments/{environment_id}/job/files/{folder}/{subfolder}/{path}", methods=["PUT"], **_ANY_TYPE
)
def put_job_file_in_subfolder(environment_id: str, folder: str, subfolder: str, path: str) -> Response:
    """Put a job file into a folder of a folder."""
    return _put_job_file(environment_id, f"{folder}/{subfolder}/{path}")


@app.route("/releases", methods=["GET"])
def list_releases() -> Json:
    """List the published releases, newest first."""
    _caller()
    releases = service().releases
    latest = releases.latest().id
    return {"items": [representations.release(item, is_latest=item.id == latest) for item in releases.all()]}


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


# -- browsers --------------------------------------------------------------------------------------------


def _preflight(**_: str) -> Response:
    path = _request().context["resourcePath"]
    return http.preflight(app.routes[path])


for _path in list(app.routes):
    app.route(_path, methods=["OPTIONS"], name=f"preflight {_path}", **_ANY_TYPE)(_preflight)


# -- what the routes share -------------------------------------------------------------------------------


def _request() -> Request:
    request = app.current_request
    if request is None:  # for the type checker: inside a view there is one
        raise RuntimeError("no request")
    return request


def _caller() -> Caller:
    return http.authenticated(_request(), service().authenticator)


def _base() -> str:
    return http.base_path(_request())


def _shown(environment: Environment) -> Json:
    return representations.environment(environment, _base(), service().clock())


def _asked(caller: Caller, route: str, body: Any) -> Asked:
    request = _request()
    key = checked_key(request.headers.get("idempotency-key"))
    return Asked(caller, http.request_id_of(request), _base(), key, fingerprint(route, body))


def _job_file(environment_id: str, path: str) -> Response:
    body = service().job_files.read(_caller(), environment_id, path)
    return http.file(_request(), path, body)


def _put_job_file(environment_id: str, path: str) -> Response:
    caller, request = _caller(), _request()
    request_id = http.request_id_of(request)
    environment, is_new = service().job_files.write(
        caller, environment_id, path, http.raw_body(request), request_id
    )
    return Response(representations.job_file(environment, path, _base()), status_code=201 if is_new else 200)


def _created(created: Created) -> Response:
    headers: dict[str, str | list[str]] = {"Location": created.location}
    if created.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(created.body, status_code=202, headers=headers)
