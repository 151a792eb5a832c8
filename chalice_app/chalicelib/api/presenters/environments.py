"""Presenter of environments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

from chalicelib.api import responses
from chalicelib.api.presenters.polling import poll_after
from chalicelib.clock import parse
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.environment_parts import QueuePosition
from chalicelib.domain.forecast import Forecast
from chalicelib.domain.job_warnings import JobWarning, settings_warnings
from chalicelib.domain.owner_accounts import Allowance
from chalicelib.domain.pricing import usd
from chalicelib.domain.receipts import Receipt
from chalicelib.domain.webhooks import Delivery

_SETTLED = {Status.READY, Status.FAILED, Status.DELETED}
_DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
_REMOVED = {"DELETE_COMPLETE", "DELETE_SKIPPED"}


def environment_body(
    environment: Environment,
    base: str,
    moment: datetime | None = None,
    *,
    allowance: Allowance,
    forecast: Forecast | None = None,
    unsupported: Collection[str] = (),
    secret: str | None = None,
) -> responses.Environment:
    """Return the body of an environment. `moment` is now, or None if it was just written.

    `unsupported` is what its runs do not support, and `secret` that of its webhook, if it is to be shown.
    """
    settings = environment.wanted.settings if environment.wanted else environment.settings
    link = f"{base}/environments/{environment.id}"
    is_stopping = environment.frozen is not None and environment.frozen.stopped_at is None
    is_settled = environment.status in _SETTLED - ({Status.READY, Status.FAILED} if is_stopping else set())
    return responses.Environment(
        id=environment.id,
        owner=environment.owner,
        status=environment.status,
        reason=environment.reason,
        failure=responses.Failure(**asdict(environment.failure)) if environment.failure else None,
        mode=environment.settings.mode,
        data=environment.data,
        release=environment.release,
        settings=environment.settings,
        warnings=warnings_body(settings_warnings(settings, unsupported)),
        progress=_progress(environment),
        frozen=responses.Freeze(**asdict(environment.frozen)) if environment.frozen else None,
        queue=_queue(environment, moment),
        poll_after_seconds=None if is_settled else poll_after(environment.updated_at, moment),
        outputs=_outputs(environment),
        budget=responses.Budget(
            limit_usd=usd(allowance.budget_micro_usd),
            spent_usd=usd(environment.spent_micro_usd),
            reserved_usd=usd(environment.reserved_micro_usd),
        ),
        forecast=_forecast(environment, forecast) if forecast else None,
        notifications=responses.Notifications(webhook=_webhook(environment, secret)),
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
            drift=f"{link}/drift",
            tables=f"{link}/tables",
            queries=f"{link}/queries",
        ),
    )


def warnings_body(warnings: Iterable[JobWarning]) -> list[responses.JobWarning]:
    """Return warnings as a part of a body."""
    return [responses.JobWarning(**asdict(warning)) for warning in warnings]


def _outputs(environment: Environment) -> responses.Outputs | None:
    if environment.outputs is None:
        return None
    job_ids = {job.name: job_id for job_id, job in environment.jobs.items()}
    return responses.Outputs(**vars(environment.outputs), job_ids=job_ids)


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


def _queue(environment: Environment, moment: datetime | None) -> responses.Queue | None:
    if environment.status is not Status.QUEUED:
        return None
    # Without a position its turn has come, and it waits for CloudFormation until it is due.
    place = environment.queue or QueuePosition(0, environment.due_at)
    begins_at, since = place.begins_at, moment or parse(environment.updated_at)
    eta = None if begins_at is None else max(0, round((parse(begins_at) - since).total_seconds()))
    return responses.Queue(position=place.position, eta_seconds=eta)


def _forecast(environment: Environment, forecast: Forecast) -> responses.Forecast:
    return responses.Forecast(
        until=environment.expires_at,
        scheduled_runs=forecast.scheduled_runs,
        scheduled_usd=usd(forecast.scheduled_micro_usd),
        reserved_usd=usd(forecast.reserved_micro_usd),
        estimated_kms_usd=usd(forecast.kms_micro_usd),
        estimated_s3_usd=None if forecast.s3_micro_usd is None else usd(forecast.s3_micro_usd),
        total_usd=usd(forecast.total_micro_usd),
    )


def _webhook(environment: Environment, secret: str | None) -> responses.Webhook | None:
    webhook, last = environment.webhook, environment.delivery
    if webhook is None:
        return None
    return responses.Webhook(
        url=webhook.url,
        events=webhook.events,
        secret=secret,
        disabled_at=webhook.disabled_at,
        delivery=None if last is None else _delivery(last),
    )


def _delivery(last: Delivery) -> responses.WebhookDelivery:
    return responses.WebhookDelivery(
        at=last.at,
        ok=last.failing_since is None,
        status=last.status,
        error=last.error,
        failing_since=last.failing_since,
    )


def _receipt(receipt: Receipt) -> responses.Receipt:
    return responses.Receipt(
        removed=[
            responses.Removed(**{name: getattr(entry, name) for name in responses.Removed.model_fields})
            for entry in receipt.removed
        ],
        remaining=[responses.Remaining(**asdict(entry)) for entry in receipt.remaining],
    )
