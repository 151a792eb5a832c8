"""Wiring: builds the service from its configuration and AWS clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, cast

import boto3
from botocore.config import Config as ClientConfig

from chalicelib.api.auth import Authenticator
from chalicelib.api.call import Service
from chalicelib.api.cursors import Cursors
from chalicelib.aws.athena import Athena
from chalicelib.aws.catalog import Catalog
from chalicelib.aws.change_sets import ChangeSets
from chalicelib.aws.cloudformation import Stacks
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.existence import ExistenceChecker
from chalicelib.aws.glue import Glue
from chalicelib.aws.logs import Logs
from chalicelib.aws.s3 import Buckets
from chalicelib.aws.sandbox_credentials import SandboxClients, SandboxCredentials
from chalicelib.clock import Clock, now
from chalicelib.config import Config
from chalicelib.lifecycle.admission import Admission
from chalicelib.lifecycle.aws_events import AwsEvents
from chalicelib.lifecycle.creation import Creation
from chalicelib.lifecycle.deletion import Deletion
from chalicelib.lifecycle.drift_check import DriftCheck
from chalicelib.lifecycle.reconcile import Reconciler
from chalicelib.lifecycle.reset import Reset
from chalicelib.lifecycle.transitions import Transitions
from chalicelib.lifecycle.update import Update
from chalicelib.runs.job_runs import Runs
from chalicelib.runs.outputs import RunOutputs
from chalicelib.runs.scheduled_runs import ScheduledRuns
from chalicelib.runs.settlement import Settlement
from chalicelib.sandbox.deletion_cleanup import DeletionCleanup
from chalicelib.sandbox.missing_resources import MissingResourceFinder
from chalicelib.sandbox.reset_cleanup import ResetCleanup
from chalicelib.sandbox.seeding import Seeding
from chalicelib.sandbox.stack import SandboxStacks
from chalicelib.sandbox.stack_update import StackUpdates
from chalicelib.services.environments import Environments
from chalicelib.services.file_contents import FileContents
from chalicelib.services.job_files import JobFiles
from chalicelib.services.jobs import Jobs
from chalicelib.services.tables import Tables
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.module_archives import ModuleArchives
from chalicelib.storage.releases import Releases
from chalicelib.storage.store import Store

_PATIENT = ("s3", "glue", "logs", "athena", "iam", "kms")


class Once:
    """Builds the service at the first call. Other threads, as in the local server, wait for it."""

    def __init__(self, make: Callable[[], Service]) -> None:
        self._make = make
        self._made: Service | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Service:
        """Return the service."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def cache_clear(self) -> None:
        """Build a new service at the next call, as a new process would."""
        self._made = None


def build(
    config: Config | None = None,
    *,
    clock: Clock = now,
    session: boto3.Session | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Service:
    """Build the service from the environment variables, or from `config`."""
    config = config or Config.from_environment()
    session = session or boto3.Session()
    # Adaptive mode slows a client down when AWS throttles it. Timeouts are short because API Gateway waits.
    patient = ClientConfig(
        retries={"mode": "adaptive", "total_max_attempts": 4}, connect_timeout=3, read_timeout=10
    )
    # All calls of an Athena query must fit into the time limit of the request.
    quick = ClientConfig(
        retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=4
    )
    # No retries: a StartJobRun that the client repeats could start a second run. The timeout is shorter than
    # the lease of the attempt.
    once = ClientConfig(
        retries={"total_max_attempts": 1},
        connect_timeout=2,
        read_timeout=max(2, config.lease_seconds // 2),
    )
    store = Store(
        Table(session.client("dynamodb", config=patient), config.table_name),
        config.capacity,
        config.allowance,
    )
    clients: dict[str, Any] = {name: session.client(cast(Any, name), config=patient) for name in _PATIENT}
    buckets = Buckets(clients["s3"])
    cloudformation = session.client("cloudformation", config=patient)
    stacks = Stacks(cloudformation, config.deployment_role_arn)
    glue = Glue(clients["glue"], session.client("glue", config=once))
    catalog = Catalog(clients["glue"])
    logs = Logs(clients["logs"])
    sts = session.client("sts", config=quick)
    region = str(session.region_name)
    sandboxes = SandboxClients(
        session, SandboxCredentials(sts, config.sandbox_reader_role_arn, region, clock=clock), quick
    )
    releases = Releases(buckets, config.assets_bucket, clock)
    live_files = LiveFiles(store, buckets, clock=clock)
    runs = Runs(
        store,
        glue,
        live_files,
        ModuleArchives(store, buckets, live_files),
        Settlement(store, glue, RunOutputs(store, catalog), logs, config.prices, clock=clock),
        lease_seconds=config.lease_seconds,
        clock=clock,
    )
    prover = ExistenceChecker(clients)
    inspector = MissingResourceFinder(config, stacks=stacks, prover=prover, releases=releases)
    sandbox_stacks = SandboxStacks(config, stacks=stacks, releases=releases, store=store)
    change_sets = ChangeSets(cloudformation, config.deployment_role_arn)
    updates = StackUpdates(
        config, change_sets=change_sets, buckets=buckets, catalog=catalog, releases=releases
    )
    seeding = Seeding(buckets=buckets, catalog=catalog, releases=releases)
    clearing = ResetCleanup(buckets=buckets, catalog=catalog, releases=releases)
    removal = DeletionCleanup(
        stacks=stacks, buckets=buckets, catalog=catalog, logs=logs, prover=prover, releases=releases
    )
    transitions = Transitions(store, lease_seconds=config.lease_seconds, clock=clock)
    creation = Creation(transitions, sandbox_stacks, seeding)
    reconciler = Reconciler(
        store,
        transitions,
        creation,
        DriftCheck(transitions, sandbox_stacks, inspector),
        Update(transitions, sandbox_stacks, updates, seeding, inspector, sleep=sleep),
        Reset(transitions, runs, clearing, creation),
        Deletion(transitions, sandbox_stacks, removal, runs, store),
        live_files,
    )
    environments = Environments(config, store, releases, reconciler, clock=clock)
    return Service(
        config=config,
        clock=clock,
        authenticator=Authenticator(config),
        environments=environments,
        jobs=Jobs(
            store,
            environments,
            runs,
            logs,
            allowance=config.allowance,
            prices=config.prices,
            limits=config.limits,
            lease_seconds=config.lease_seconds,
            clock=clock,
        ),
        job_files=JobFiles(
            store,
            environments,
            live_files,
            FileContents(),
            buckets_of=lambda environment: Buckets(sandboxes.client("s3", environment)),
            unsupported=config.unsupported_features,
            clock=clock,
        ),
        tables=Tables(
            environments,
            catalog_of=lambda environment: Catalog(sandboxes.client("glue", environment)),
            athena_of=lambda environment: Athena(sandboxes.client("athena", environment)),
        ),
        releases=releases,
        events=AwsEvents(
            store,
            reconciler,
            runs,
            Admission(store, config.capacity, clock=clock),
            ScheduledRuns(
                store,
                runs,
                allowance=config.allowance,
                prices=config.prices,
                lease_seconds=config.lease_seconds,
                clock=clock,
            ),
            clock=clock,
        ),
        cursors=Cursors(config.cursor_key),
    )
