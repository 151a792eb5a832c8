"""Jobs: the Glue jobs of an environment, their runs and logs."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import errors
from chalicelib.api import responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Operations
from chalicelib.api.presenters.jobs import job_body, run_body
from chalicelib.api.presenters.run_metrics import run_metrics_body
from chalicelib.api.query_parameters import JobsQuery, LogsQuery, PageQuery
from chalicelib.api.routes.responding import accepted, page, response
from chalicelib.domain.requests import RunRequest
from chalicelib.services.run_logs import LogRequest

operations = Operations("Jobs")


@operations.add("GET", "/jobs", returns={200: responses.JobPage})
def list_jobs(call: Call, query: JobsQuery) -> responses.JobPage:
    """List jobs.

    Returns the jobs of the caller's environments that are not DELETED, the newest environment first. Admins
    get those of all owners. A page can have fewer than `limit` items although `next` is not null.
    """
    items, following = page(
        call,
        query,
        ("jobs", query.owner, query.environment),
        lambda start: call.service.jobs.jobs(
            call.caller, owner=query.owner, environment_id=query.environment, limit=query.limit, start=start
        ),
        lambda job: job_body(*job, call.base),
    )
    return responses.JobPage(items=items, next=following)


@operations.add("GET", "/jobs/{job_id}", returns={200: responses.Job})
def get_job(call: Call, job_id: str) -> responses.Job:
    """Get a job.

    Returns the settings that its runs have by default, and the time of the next scheduled run.
    """
    return job_body(*call.service.jobs.job(call.caller, job_id), call.base)


@operations.add(
    "DELETE",
    "/jobs/{job_id}/bookmark",
    returns={200: responses.Job},
    errors=(
        errors.EnvironmentNotReady,
        errors.EnvironmentFrozen,
    ),
)
def reset_bookmark(call: Call, job_id: str) -> responses.Job:
    """Reset a job's bookmark.

    The next run reads all files again, not only those that no run has processed. Output of earlier runs
    stays. Has no effect on a job without a bookmark. To use bookmarks, set the argument
    `--job-bookmark-option` of the job or of a run to `job-bookmark-enable`.
    """
    return job_body(*call.service.jobs.reset_bookmark(call.caller, job_id), call.base)


@operations.add(
    "POST",
    "/jobs/{job_id}/runs",
    returns={202: responses.JobRun},
    errors=(
        errors.EnvironmentNotReady,
        errors.EnvironmentFrozen,
        errors.BudgetExceeded,
        errors.JobFilesMissing,
        errors.InvalidCombination,
        errors.IdempotencyKeyReused,
    ),
    idempotent=True,
    links=("get_run", "get_run_logs", "get_run_metrics"),
)
def request_run(call: Call, job_id: str, body: RunRequest) -> Response:
    """Run a job.

    Starts a run in a READY environment. The run's maximum cost is reserved in the owner's budget until the
    run ends.
    """
    created = call.service.jobs.start_run(call.idempotent(body), job_id, body)
    return accepted(run_body(created.record, call.base), created.replayed)


@operations.add("GET", "/jobs/{job_id}/runs", returns={200: responses.JobRunPage})
def list_runs(call: Call, job_id: str, query: PageQuery) -> responses.JobRunPage:
    """List a job's runs.

    Returns requested and scheduled runs, newest first. If the environment has or had several jobs, a page
    can have fewer than `limit` items although `next` is not null.
    """
    items, following = page(
        call,
        query,
        ("runs", job_id),
        lambda start: call.service.jobs.page(call.caller, job_id, limit=query.limit, start=start),
        lambda run: run_body(run, call.base, call.service.clock()),
    )
    return responses.JobRunPage(items=items, next=following)


@operations.add("GET", "/jobs/{job_id}/runs/{run_id}", returns={200: responses.JobRun})
def get_run(call: Call, job_id: str, run_id: str) -> responses.JobRun:
    """Get a run.

    Poll this operation while `poll_after_seconds` is not null.
    """
    run = call.service.jobs.run(call.caller, job_id, run_id)
    return run_body(run, call.base, call.service.clock())


@operations.add(
    "DELETE",
    "/jobs/{job_id}/runs/{run_id}",
    returns={202: responses.JobRun, 200: responses.JobRun},
    errors=(errors.Conflict,),
)
def stop_run(call: Call, job_id: str, run_id: str) -> Response:
    """Stop a run.

    Returns 202 while the run is being stopped and 200 if it has ended.
    """
    run, running = call.service.jobs.stop(call.caller, job_id, run_id, call.request_id)
    body = run_body(run, call.base, call.service.clock())
    return response(body, 202 if running else 200)


@operations.add("GET", "/jobs/{job_id}/runs/{run_id}/metrics", returns={200: responses.RunMetrics}, cost=5)
def get_run_metrics(call: Call, job_id: str, run_id: str) -> responses.RunMetrics:
    """Get a run's metrics.

    Returns what the stages and tasks of the run did, from Spark's event log in the sandbox. While the run is
    active, `partial` is true and the metrics lag about 30 seconds behind.
    """
    return run_metrics_body(call.service.jobs.metrics(call.caller, job_id, run_id), call.base)


@operations.add("GET", "/jobs/{job_id}/runs/{run_id}/logs", returns={200: responses.LogPage}, cost=1)
def get_run_logs(call: Call, job_id: str, run_id: str, query: LogsQuery) -> responses.LogPage:
    """Get a run's log.

    Returns the oldest lines first, also while the run is active. `next` continues after the last line of
    the page. With `follow=true`, the request waits until there are lines after `cursor`, the run has ended,
    or `wait` seconds have passed.
    """
    cursors, scope = call.service.cursors, ("logs", *call.caller.scope, job_id, run_id, query.stream)
    wanted = LogRequest(
        query.stream,
        query.limit,
        cursors.decode(query.cursor, scope),
        wait=query.wait if query.follow == "true" else 0,
    )
    logs = call.service.jobs.logs(call.caller, job_id, run_id, wanted)
    items = [responses.LogLine(time=at, message=text) for at, text in logs.lines]
    following = cursors.encode(logs.next, scope)
    return responses.LogPage(items=items, next=following, complete=following is None)
