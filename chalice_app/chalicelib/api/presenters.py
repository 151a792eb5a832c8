"""What callers are shown of the records."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chalicelib.api import job_responses, responses, table_responses
from chalicelib.aws.catalog import CatalogTable, Column, Partitions
from chalicelib.clock import parse, timestamp
from chalicelib.domain.environment import Environment, Outputs, QueuePosition, Status
from chalicelib.domain.failures import Failure
from chalicelib.domain.job_run import JobRun, RunError, RunOutput
from chalicelib.domain.owner_accounts import Account, Allowance
from chalicelib.domain.pricing import WorkerType, usd
from chalicelib.domain.receipts import Receipt
from chalicelib.domain.settings import Limits
from chalicelib.domain.timeline import ActorType, Event
from chalicelib.storage.releases import Release

if TYPE_CHECKING:  # they build on this module
    from chalicelib.services.tables import Database, Rows

Model = TypeVar("Model", bound=responses.Answer)

_MICRO_USD = "_micro_usd"
_SETTLED = {Status.READY, Status.FAILED, Status.DELETED}
# Seconds, and up to which age in seconds.
_PAUSES = ((1, 30.0), (3, 120.0), (10, 600.0), (30, float("inf")))
_DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
_REMOVED = {"DELETE_COMPLETE", "DELETE_SKIPPED"}


def environment(
    environment: Environment, base: str, moment: datetime | None = None, *, allowance: Allowance
) -> responses.Environment:
    """An environment; `base` is what comes before the routes in the caller's URL, `moment` is now."""
    link = f"{base}/environments/{environment.id}"
    is_settled = environment.status in _SETTLED
    return responses.Environment(
        id=environment.id,
        owner=environment.owner,
        status=environment.status,
        reason=environment.reason,
        failure=_maybe(responses.Failure, environment.failure),
        mode=environment.settings.mode,
        release=environment.release,
        settings=environment.settings,
        progress=_progress(environment),
        queue=_queue(environment, moment),
        poll_after_seconds=None if is_settled else _pause(environment.updated_at, moment),
        outputs=_maybe(responses.Outputs, environment.outputs),
        budget=responses.Budget(
            limit_usd=usd(allowance.budget_micro_usd),
            spent_usd=usd(environment.spent_micro_usd),
            reserved_usd=usd(environment.reserved_micro_usd),
        ),
        receipt=_receipt(environment.receipt) if environment.receipt else None,
        created_at=environment.created_at,
        ready_at=environment.ready_at,
        updated_at=environment.updated_at,
        expires_at=environment.expires_at,
        deleted_at=environment.deleted_at,
        links=responses.EnvironmentLinks(
            self=link,
            job=f"{base}/jobs/{environment.job_id}",
            runs=f"{base}/jobs/{environment.job_id}/runs",
            job_files=f"{link}/job/files",
            events=f"{link}/events",
            tables=f"{link}/tables",
        ),
    )


def tables(environment: Environment, databases: list[Database], base: str) -> table_responses.Tables:
    """An environment's databases with their tables."""
    link = f"{base}/environments/{environment.id}"
    return table_responses.Tables(
        items=[
            table_responses.Database(
                name=database.name,
                catalog_name=database.catalog_name,
                is_complete=database.is_complete,
                tables=[
                    _table(table, partitions, f"{link}/tables/{database.name}/{table.name}")
                    for table, partitions in database.tables
                ],
            )
            for database in databases
        ],
        links=table_responses.TablesLinks(self=f"{link}/tables", environment=link),
    )


def rows(environment: Environment, rows: Rows, base: str) -> table_responses.Rows:
    """The first rows of a table."""
    link = f"{base}/environments/{environment.id}"
    return table_responses.Rows(
        database=rows.database,
        catalog_database=rows.table.database,
        table=rows.table.name,
        columns=[_column(column) for column in (*rows.table.columns, *rows.table.partition_keys)],
        items=rows.items,
        is_truncated=rows.is_truncated,
        scanned_bytes=rows.scanned_bytes,
        links=table_responses.RowsLinks(
            self=f"{link}/tables/{rows.database}/{rows.table.name}/rows",
            tables=f"{link}/tables",
            environment=link,
        ),
    )


def job(environment: Environment, max_cost_micro_usd: int, base: str) -> job_responses.Job:
    """An environment's job as it runs when a request says nothing else."""
    settings = environment.settings.job
    shown = type(settings).model_fields.keys() & job_responses.Job.model_fields.keys()
    link = f"{base}/jobs/{environment.job_id}"
    return job_responses.Job(
        id=environment.job_id,
        environment_id=environment.id,
        **{name: getattr(settings, name) for name in shown}
        | {"max_concurrent_runs": environment.max_concurrent_runs},
        script_uri=environment.job_file_uri(environment.script),
        max_cost_usd=usd(max_cost_micro_usd),
        next_run_at=environment.next_run_at if environment.status is Status.READY else None,
        links=job_responses.JobLinks(
            self=link,
            runs=f"{link}/runs",
            environment=f"{base}/environments/{environment.id}",
            job_files=f"{base}/environments/{environment.id}/job/files",
        ),
    )


def job_file(environment: Environment, path: str, base: str) -> job_responses.JobFile:
    """One of an environment's job files."""
    link = f"{base}/environments/{environment.id}/job/files/{path}"
    file = environment.job_files[path]
    return job_responses.JobFile(
        path=path,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        changed_by=file.changed_by,
        changed_by_type=cast(Any, file.changed_by_type),
        changed_at=file.changed_at,
        links=job_responses.JobFileLinks(self=link),
    )


def event(event: Event) -> responses.Event:
    """A line of an environment's timeline; `as_admin` when somebody acted on what is not theirs."""
    return responses.Event(
        at=event.at,
        actor=event.actor,
        actor_type=cast(Any, event.actor_type),
        as_admin=event.actor_type == ActorType.USER and event.actor != event.owner,
        action=event.action,
        request_id=event.request_id,
        detail=_in_usd(event.detail),
        changes=[
            responses.Change(pointer=change.pointer, old=_in_usd(change.old), new=_in_usd(change.new))
            for change in event.changes
        ],
    )


def _in_usd(value: Any) -> Any:
    """Money in dollars, as everywhere in the API; records count millionths."""
    if isinstance(value, list):
        return [_in_usd(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name.replace(_MICRO_USD, "_usd"): usd(inner)
        if name.endswith(_MICRO_USD) and inner is not None
        else _in_usd(inner)
        for name, inner in value.items()
    }


def release(release: Release, *, is_latest: bool) -> responses.Release:
    """A published release."""
    return responses.Release(
        id=release.id,
        version=release.version,
        latest=is_latest,
        published_at=release.published_at,
        notes=release.notes,
    )


def account(account: Account, allowance: Allowance) -> tuple[responses.OwnerBudget, responses.Creations]:
    """What is left to an owner: of their budget, and of the day's creations; `account` is that of now."""
    budget = responses.OwnerBudget(
        limit_usd=usd(allowance.budget_micro_usd),
        spent_usd=usd(account.spent_micro_usd),
        reserved_usd=usd(account.reserved_micro_usd),
        available_usd=usd(account.available_micro_usd(allowance)),
        period_begins_at=account.period_begins_at,
        period_ends_at=account.period_ends_at(allowance),
    )
    creations = responses.Creations(
        limit=allowance.creations_per_day,
        used=len(account.creations),
        next_at=account.next_creation_at(allowance),
    )
    return budget, creations


def limits(allowance: Allowance, limits: Limits) -> responses.Limits:
    """What the operator allows an owner and a sandbox."""
    return responses.Limits(
        environments=1,
        budget_usd=usd(allowance.budget_micro_usd),
        budget_days=allowance.budget_days,
        creations_per_day=allowance.creations_per_day,
        expires_in_hours=limits.expires_in_hours,
        number_of_workers=limits.number_of_workers,
        timeout_minutes=limits.timeout_minutes,
        role_arns=list(limits.role_arns),
        kms_key_arns=list(limits.kms_key_arns),
    )


def run(run: JobRun, base: str, moment: datetime | None = None) -> job_responses.JobRun:
    """A job run; `base` is what comes before the routes in the caller's URL, `moment` is now."""
    link = f"{base}/jobs/{run.job_id}/runs/{run.id}"
    return job_responses.JobRun(
        id=run.id,
        job_id=run.job_id,
        environment_id=run.environment_id,
        status=run.status,
        reason=run.reason,
        glue_run_id=run.glue_run_id,
        arguments=run.arguments,
        worker_type=cast(WorkerType, run.worker_type),
        number_of_workers=run.number_of_workers,
        timeout_minutes=run.timeout_minutes,
        poll_after_seconds=None if run.status.is_final else _pause(run.requested_at, moment),
        requested_by=run.requested_by,
        requested_by_type=cast(Any, run.requested_by_type),
        stopped_by=run.stopped_by,
        stopped_by_type=cast(Any, run.stopped_by_type),
        requested_at=run.requested_at,
        started_at=run.started_at,
        completed_at=run.completed_at,
        execution_seconds=run.execution_seconds,
        dpu_seconds=run.dpu_seconds,
        cost_usd=None if run.cost_micro_usd is None else usd(run.cost_micro_usd),
        max_cost_usd=usd(run.max_cost_micro_usd),
        error=_maybe(job_responses.RunError, run.error),
        output=_output(run.output) if run.output else None,
        outputs=[_output(output) for output in run.outputs],
        links=job_responses.RunLinks(
            self=link,
            logs=f"{link}/logs",
            environment=f"{base}/environments/{run.environment_id}",
        ),
    )


def _output(output: RunOutput) -> job_responses.RunOutput:
    return job_responses.RunOutput(**asdict(output))


def _table(table: CatalogTable, partitions: Partitions | None, link: str) -> table_responses.Table:
    keys = [key.name for key in table.partition_keys]
    return table_responses.Table(
        name=table.name,
        description=table.description,
        format=table.format,
        location=table.location,
        columns=[_column(column) for column in table.columns],
        partition_keys=[_column(key) for key in table.partition_keys],
        partitions=_partitions(keys, partitions) if partitions else None,
        updated_at=timestamp(table.updated_at) if table.updated_at else None,
        links=table_responses.TableLinks(rows=f"{link}/rows"),
    )


def _partitions(keys: list[str], partitions: Partitions) -> table_responses.Partitions:
    return table_responses.Partitions(
        count=partitions.count,
        is_complete=partitions.is_complete,
        last=[
            table_responses.Partition(values=dict(zip(keys, values, strict=False)), location=location)
            for values, location in partitions.last
        ],
    )


def _column(column: Column) -> table_responses.Column:
    return table_responses.Column(name=column.name, type=column.type, comment=column.comment)


def _maybe(model: type[Model], value: Failure | Outputs | RunError | None) -> Model | None:
    return None if value is None else model(**asdict(value))


def _pause(since: str, moment: datetime | None) -> int:
    """When it is worth to look again at what has gone on since some time: the longer, the later."""
    age = 0.0 if moment is None else (moment - parse(since)).total_seconds()
    return next(seconds for seconds, until in _PAUSES if age < until)


def _queue(environment: Environment, moment: datetime | None) -> responses.Queue | None:
    if environment.status is not Status.QUEUED:
        return None
    # One whose turn has come waits for CloudFormation, which the record is due for.
    place = environment.queue or QueuePosition(0, environment.due_at)
    begins_at, since = place.begins_at, moment or parse(environment.updated_at)
    eta = None if begins_at is None else max(0, round((parse(begins_at) - since).total_seconds()))
    return responses.Queue(position=place.position, eta_seconds=eta)


def _progress(environment: Environment) -> responses.Progress:
    done = _REMOVED if environment.status in (Status.DELETING, Status.DELETED) else _DONE
    resources = [
        responses.Resource(
            logical_id=logical_id,
            type=resource.type,
            status=resource.status,
            reason=resource.reason,
        )
        for logical_id, resource in sorted(
            environment.resources.items(), key=lambda item: (item[1].order, item[0])
        )
    ]
    return responses.Progress(
        done=sum(resource.status in done for resource in resources),
        total=max(environment.total_resources, len(resources)),
        resources=resources,
    )


def _receipt(receipt: Receipt) -> responses.Receipt:
    return responses.Receipt(
        removed=[
            responses.Removed(**{name: getattr(entry, name) for name in responses.Removed.model_fields})
            for entry in receipt.removed
        ],
        remaining=[responses.Remaining(**asdict(entry)) for entry in receipt.remaining],
    )
