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
from chalicelib.aws import client_options
from chalicelib.aws.athena import Athena
from chalicelib.aws.athena_queries import AthenaQueries
from chalicelib.aws.catalog import Catalog
from chalicelib.aws.change_sets import ChangeSets
from chalicelib.aws.client_options import BRIEF, PATIENT, QUICK
from chalicelib.aws.cloudformation import Stacks
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.existence import ExistenceChecker
from chalicelib.aws.federation import Federation
from chalicelib.aws.glue import Glue
from chalicelib.aws.logs import Logs
from chalicelib.aws.s3 import Buckets
from chalicelib.aws.sandbox_credentials import SandboxClients, SandboxCredentials
from chalicelib.aws.session_policies import inspector_policy, reader_policy, user_policy
from chalicelib.aws.sessions import new_session
from chalicelib.aws.sns import Topic
from chalicelib.aws.stack_drift import StackDrift
from chalicelib.clock import Clock, now
from chalicelib.config import Config
from chalicelib.domain.environment import Environment
from chalicelib.domain.preview_marks import PreviewMarks
from chalicelib.lifecycle.active_work import ActiveWork
from chalicelib.lifecycle.admission import Admission
from chalicelib.lifecycle.aws_events import AwsEvents
from chalicelib.lifecycle.creation import Creation
from chalicelib.lifecycle.deletion import Deletion
from chalicelib.lifecycle.drift_check import DriftCheck
from chalicelib.lifecycle.freezing import Freezing
from chalicelib.lifecycle.reconcile import Reconciler
from chalicelib.lifecycle.reset import Reset
from chalicelib.lifecycle.transitions import Transitions
from chalicelib.lifecycle.update import Update
from chalicelib.notifications.deliverer import Deliverer
from chalicelib.notifications.delivery import NoticeDelivery
from chalicelib.notifications.https_client import HttpsClient
from chalicelib.queries.query_import import QueryImport
from chalicelib.queries.query_runs import QueryRuns
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
from chalicelib.services.cohort_parts import build_cohorts
from chalicelib.services.drift import Drift
from chalicelib.services.environment_writes import EnvironmentWrites
from chalicelib.services.environments import Environments
from chalicelib.services.file_contents import FileContents
from chalicelib.services.forecasts import Forecasts
from chalicelib.services.job_files import JobFiles
from chalicelib.services.jobs import Jobs
from chalicelib.services.queries import Queries
from chalicelib.services.query_results import QueryResults
from chalicelib.services.run_metrics import RunMetricsReader
from chalicelib.services.sandbox_access import SandboxAccess
from chalicelib.services.tables import Tables
from chalicelib.services.usage import Usage
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.module_archives import ModuleArchives
from chalicelib.storage.rate_limits import RateLimits
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
    session = session or new_session()
    once = client_options.once(config.lease_seconds)
    store = Store(
        Table(session.client("dynamodb", config=PATIENT), config.table_name),
        config.capacity,
        config.allowance,
    )
    clients: dict[str, Any] = {name: session.client(cast(Any, name), config=PATIENT) for name in _PATIENT}
    buckets = Buckets(clients["s3"])
    cloudformation = session.client("cloudformation", config=PATIENT)
    stacks = Stacks(cloudformation, config.deployment_role_arn)
    glue = Glue(clients["glue"], session.client("glue", config=once))
    catalog = Catalog(clients["glue"])
    logs = Logs(clients["logs"])
    sts = session.client("sts", config=QUICK)
    region = str(session.region_name)
    reading = SandboxCredentials(sts, config.sandbox_reader_role_arn, reader_policy, region, clock=clock)
    sandboxes = SandboxClients(session, reading, QUICK)
    inspecting = SandboxClients(
        session,
        SandboxCredentials(sts, config.sandbox_inspector_role_arn, inspector_policy, region, clock=clock),
        PATIENT,
    )
    partition = session.get_partition_for_region(region)
    using = SandboxCredentials(sts, config.sandbox_user_role_arn, user_policy, region, clock=clock)
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
    # One call of StartQueryExecution that AWS refuses must not hide an earlier one that it has accepted.
    using_once = SandboxClients(session, using, once)
    # Links to objects under a KMS key require Signature Version 4. Virtual addressing keeps them regional:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
    signing = ClientConfig(signature_version="s3v4", s3={"addressing_style": "virtual"})
    using_quickly = SandboxClients(session, using, QUICK.merge(signing))
    previews = PreviewMarks(config.cursor_key)

    def athena_of(environment: Environment) -> AthenaQueries:
        return AthenaQueries(using_once.client("athena", environment))

    queries = QueryRuns(
        store,
        athena_of,
        QueryImport(store, athena_of, previews, config.prices.tb_scanned, clock=clock),
        lease_seconds=config.lease_seconds,
        clock=clock,
    )
    active = ActiveWork(runs, queries)
    prover = ExistenceChecker(clients)
    missing_resources = MissingResourceFinder(config, stacks=stacks, prover=prover, releases=releases)
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
        DriftCheck(transitions, sandbox_stacks, missing_resources),
        Update(transitions, sandbox_stacks, updates, seeding, missing_resources, sleep=sleep),
        Reset(transitions, active, clearing, creation),
        Deletion(transitions, sandbox_stacks, removal, active, store),
        Freezing(transitions, store, config.allowance, active),
        live_files,
    )
    environments = Environments(config, store, releases, reconciler, clock=clock)
    writes = EnvironmentWrites(config, store, reconciler, environments.visible, clock)
    cohorts, cohort_work = build_cohorts(config, store, releases, writes, clock)
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
            RunMetricsReader(
                store.run_metrics,
                lambda environment: Buckets(sandboxes.client("s3", environment)),
            ),
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
            mark=previews.marked,
        ),
        drift=Drift(
            store,
            environments,
            stack_drift_of=lambda environment: StackDrift(inspecting.client("cloudformation", environment)),
            clock=clock,
        ),
        queries=Queries(
            store,
            environments,
            queries,
            QueryResults(
                lambda environment: AthenaQueries(using_quickly.client("athena", environment)),
                lambda environment: Buckets(using_quickly.client("s3", environment)),
            ),
            allowance=config.allowance,
            price_per_tb_usd=config.prices.tb_scanned,
            scan_limit_bytes=config.athena_scan_limit_bytes,
            lease_seconds=config.lease_seconds,
            clock=clock,
            sleep=sleep,
        ),
        access=SandboxAccess(writes, using, Federation(partition, config.federation_url)),
        forecasts=Forecasts(config, releases),
        usage=Usage(config, store, releases, clock=clock),
        releases=releases,
        cohorts=cohorts,
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
            queries,
            cohort_work.step,
            clock=clock,
        ),
        cursors=Cursors(config.cursor_key),
        notices=_deliverer(config, session, store, PATIENT, clock),
        # The client waits at most two seconds in all, because a call that is not checked is admitted.
        rate_limits=RateLimits(
            Table(session.client("dynamodb", config=BRIEF), config.table_name), config.rate_limit, clock=clock
        ),
    )


def _deliverer(
    config: Config, session: boto3.Session, store: Store, client_config: ClientConfig, clock: Clock
) -> Deliverer:
    arn = config.notifications_topic_arn
    topic = Topic(session.client("sns", config=client_config), arn) if arn else None
    client = HttpsClient(config.webhooks)
    return Deliverer(store, NoticeDelivery(store, topic, client, clock=clock), client, clock=clock)
