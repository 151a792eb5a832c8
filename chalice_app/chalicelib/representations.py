"""What callers are shown of the records."""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import parse
from chalicelib.pricing import usd
from chalicelib.records import Environment, Event, JobRun, Json, Status
from chalicelib.releases import Release

_JOB_FIELDS = (
    *(
        "name",
        "description",
        "script",
        "extra_files",
        "python_modules",
        "arguments",
        "glue_version",
        "worker_type",
    ),
    *("number_of_workers", "timeout_minutes", "max_retries", "max_concurrent_runs", "schedule"),
)
_SERVICE_ACTORS = ("service", "schedule")
_SETTLED = {Status.READY, Status.FAILED, Status.DELETED}
# Seconds, and up to which age in seconds.
_PAUSES = ((1, 30.0), (3, 120.0), (10, 600.0), (30, float("inf")))
_DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def environment(environment: Environment, base: str, moment: datetime | None = None) -> Json:
    """An environment; `base` is what comes before the routes in the caller's URL, `moment` is now."""
    limit = environment.available_micro_usd + environment.reserved_micro_usd + environment.spent_micro_usd
    link = f"{base}/environments/{environment.id}"
    return {
        "id": environment.id,
        "owner": environment.owner,
        "status": environment.status,
        "reason": environment.reason,
        "failure": environment.failure,
        "mode": environment.settings["mode"],
        "release": environment.release,
        "settings": environment.settings,
        "progress": _progress(environment),
        "poll_after_seconds": None
        if environment.status in _SETTLED
        else _pause(environment.updated_at, moment),
        "outputs": environment.outputs,
        "budget": {
            "limit_usd": usd(limit),
            "spent_usd": usd(environment.spent_micro_usd),
            "reserved_usd": usd(environment.reserved_micro_usd),
        },
        "receipt": environment.receipt,
        "created_at": environment.created_at,
        "ready_at": environment.ready_at,
        "updated_at": environment.updated_at,
        "expires_at": environment.expires_at,
        "deleted_at": environment.deleted_at,
        "links": {
            "self": link,
            "job": f"{base}/jobs/{environment.job_id}",
            "runs": f"{base}/jobs/{environment.job_id}/runs",
            "job_files": f"{link}/job/files",
            "events": f"{link}/events",
        },
    }


def job(environment: Environment, max_cost_micro_usd: int, base: str) -> Json:
    """An environment's job as it runs when a request says nothing else."""
    settings = environment.settings["job"]
    link = f"{base}/jobs/{environment.job_id}"
    return {
        "id": environment.job_id,
        "environment_id": environment.id,
        **{name: settings[name] for name in _JOB_FIELDS},
        "script_uri": environment.job_file_uri(settings["script"]),
        "max_cost_usd": usd(max_cost_micro_usd),
        "links": {
            "self": link,
            "runs": f"{link}/runs",
            "environment": f"{base}/environments/{environment.id}",
            "job_files": f"{base}/environments/{environment.id}/job/files",
        },
    }


def job_file(environment: Environment, path: str, base: str) -> Json:
    """One of an environment's job files."""
    link = f"{base}/environments/{environment.id}/job/files/{path}"
    return {"path": path, **environment.job_files[path], "links": {"self": link}}


def event(event: Event, environment: Environment) -> Json:
    """A line of an environment's timeline; `as_admin` when somebody acted on what is not theirs."""
    return {
        "at": event.at,
        "actor": event.actor,
        "as_admin": event.actor not in (environment.owner, *_SERVICE_ACTORS),
        "action": event.action,
        "request_id": event.request_id,
        "detail": event.detail,
        "changes": event.changes,
    }


def release(release: Release, *, is_latest: bool) -> Json:
    """A published release."""
    return {
        "id": release.id,
        "version": release.version,
        "latest": is_latest,
        "published_at": release.published_at,
        "notes": release.notes,
    }


def run(run: JobRun, base: str, moment: datetime | None = None) -> Json:
    """A job run; `base` is what comes before the routes in the caller's URL, `moment` is now."""
    link = f"{base}/jobs/{run.job_id}/runs/{run.id}"
    return {
        "id": run.id,
        "job_id": run.job_id,
        "environment_id": run.environment_id,
        "status": run.status,
        "reason": run.reason,
        "glue_run_id": run.glue_run_id,
        "arguments": run.arguments,
        "worker_type": run.worker_type,
        "number_of_workers": run.number_of_workers,
        "timeout_minutes": run.timeout_minutes,
        "poll_after_seconds": None if run.status.is_final else _pause(run.requested_at, moment),
        "requested_by": run.requested_by,
        "stopped_by": run.stopped_by,
        "requested_at": run.requested_at,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "execution_seconds": run.execution_seconds,
        "dpu_seconds": run.dpu_seconds,
        "cost_usd": None if run.cost_micro_usd is None else usd(run.cost_micro_usd),
        "max_cost_usd": usd(run.max_cost_micro_usd),
        "error": run.error,
        "output": run.output,
        "links": {
            "self": link,
            "logs": f"{link}/logs",
            "environment": f"{base}/environments/{run.environment_id}",
        },
    }


def _pause(since: str, moment: datetime | None) -> int:
    """When it is worth to look again at what has gone on since some time: the longer, the later."""
    age = 0.0 if moment is None else (moment - parse(since)).total_seconds()
    return next(seconds for seconds, until in _PAUSES if age < until)


def _progress(environment: Environment) -> Json:
    done = {"DELETE_COMPLETE"} if environment.status in (Status.DELETING, Status.DELETED) else _DONE
    resources = [
        {
            "logical_id": logical_id,
            "type": resource["type"],
            "status": resource["status"],
            "reason": resource.get("reason"),
        }
        for logical_id, resource in sorted(
            environment.resources.items(), key=lambda item: (item[1]["order"], item[0])
        )
    ]
    return {
        "done": sum(resource["status"] in done for resource in resources),
        "total": max(environment.total_resources, len(resources)),
        "resources": resources,
    }
