"""Charges of job runs that a release without a ledger has settled: `make ledger STAGE=dev`."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.dynamodb_values import python_value
from chalicelib.domain.charge import charge_of
from chalicelib.domain.job_run import JobRun
from chalicelib.storage import items
from chalicelib.storage.ledger import charge_item
from chalicelib.storage.transactions import NEW
from deploy.context import Context
from deploy.owner_data import kind
from deploy.records import deployed, scan


def complete_ledger(context: Context) -> None:
    """Add the missing charges, each on the day on which its run ended. Can be repeated and interrupted.

    A run records what the ledger has of its cost, in the transaction that writes its charge. So no cost is
    charged twice, whatever the service does at the same time. Accounts already contain all of it.
    """
    name = deployed(context).outputs["TableName"]
    session = context.account.session
    table = Table(session.client("dynamodb"), name)
    added, micro_usd = 0, 0
    for item in scan(session.resource("dynamodb").Table(name)):
        if kind(item) != JobRun.KIND:
            continue
        run = items.run(python_value(item))
        missing = (run.cost_micro_usd or 0) - run.charged_micro_usd
        if run.status.is_final and missing > 0:
            with suppress(ConditionFailed):  # the service is charging it
                _add_charge(table, run)
                added, micro_usd = added + 1, micro_usd + missing
    context.say(f"Added {added} charges of {micro_usd / 1_000_000:.6f} USD to the ledger.")


def _add_charge(table: Table, run: JobRun) -> None:
    at = run.completed_at or run.requested_at
    with suppress(ConditionFailed):  # it has a later charge
        table.write(
            table.update(
                items.environment_key(run.environment_id),
                "SET charged_at = :at",
                "attribute_exists(pk) AND (attribute_not_exists(charged_at) OR charged_at < :at)",
                {":at": at},
            )
        )
    charged = table.update(
        items.charged_key(run),
        "SET charged_micro_usd = :cost, #version = :next",
        "#version = :read",
        {":cost": run.cost_micro_usd, ":next": run.version + 1, ":read": run.version},
        {"#version": "version"},
    )
    table.transact([charged, table.put(charge_item(charge_of(run, run, at)), NEW)])
