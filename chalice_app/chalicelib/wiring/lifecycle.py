"""The life cycle of environments: the reconciler and its steps."""

from __future__ import annotations

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.change_sets import ChangeSets
from chalicelib.aws.cloudformation import Stacks
from chalicelib.aws.existence import ExistenceChecker
from chalicelib.aws.logs import Logs
from chalicelib.lifecycle.active_work import ActiveWork
from chalicelib.lifecycle.creation import Creation
from chalicelib.lifecycle.deletion import Deletion
from chalicelib.lifecycle.drift_check import DriftCheck
from chalicelib.lifecycle.freezing import Freezing
from chalicelib.lifecycle.reconcile import Reconciler
from chalicelib.lifecycle.reset import Reset
from chalicelib.lifecycle.transitions import Transitions
from chalicelib.lifecycle.update import Update
from chalicelib.sandbox.deletion_cleanup import DeletionCleanup
from chalicelib.sandbox.missing_resources import MissingResourceFinder
from chalicelib.sandbox.reset_cleanup import ResetCleanup
from chalicelib.sandbox.seeding import Seeding
from chalicelib.sandbox.stack import SandboxStacks
from chalicelib.sandbox.stack_update import StackUpdates
from chalicelib.wiring.shared import Shared


def reconciler(shared: Shared) -> Reconciler:
    """Return what moves environments towards their desired state."""
    config, store, releases, buckets = shared.config, shared.store, shared.releases, shared.buckets
    stacks = Stacks(shared.cloudformation, config.deployment_role_arn)
    catalog = Catalog(shared.clients["glue"])
    prover = ExistenceChecker(shared.clients)
    active = ActiveWork(shared.runs, shared.query_runs)
    sandbox_stacks = SandboxStacks(config, stacks=stacks, releases=releases, store=store)
    missing_resources = MissingResourceFinder(config, stacks=stacks, prover=prover, releases=releases)
    change_sets = ChangeSets(shared.cloudformation, config.deployment_role_arn)
    updates = StackUpdates(
        config, change_sets=change_sets, buckets=buckets, catalog=catalog, releases=releases
    )
    seeding = Seeding(buckets=buckets, catalog=catalog, releases=releases)
    clearing = ResetCleanup(buckets=buckets, catalog=catalog, releases=releases)
    removal = DeletionCleanup(
        stacks=stacks,
        buckets=buckets,
        catalog=catalog,
        logs=Logs(shared.clients["logs"]),
        prover=prover,
        releases=releases,
    )
    transitions = Transitions(store, lease_seconds=config.lease_seconds, clock=shared.clock)
    creation = Creation(transitions, sandbox_stacks, seeding)
    return Reconciler(
        store,
        transitions,
        creation,
        DriftCheck(transitions, sandbox_stacks, missing_resources),
        Update(transitions, sandbox_stacks, updates, seeding, missing_resources, sleep=shared.sleep),
        Reset(transitions, active, clearing, creation),
        Deletion(transitions, sandbox_stacks, removal, active, store),
        Freezing(transitions, store, config.allowance, active),
        shared.live_files,
    )
