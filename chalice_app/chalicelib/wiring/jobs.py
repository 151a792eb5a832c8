"""Jobs: their runs, their files, and the requests about them."""

from __future__ import annotations

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.glue import Glue
from chalicelib.aws.logs import Logs
from chalicelib.aws.s3 import Buckets
from chalicelib.runs.job_runs import Runs
from chalicelib.runs.outputs import RunOutputs
from chalicelib.runs.settlement import Settlement
from chalicelib.services.file_contents import FileContents
from chalicelib.services.job_files import JobFiles
from chalicelib.services.jobs import Jobs
from chalicelib.services.run_metrics import RunMetricsReader
from chalicelib.storage.live_files import LiveFiles
from chalicelib.storage.module_archives import ModuleArchives
from chalicelib.wiring.shared import Shared


def live_files(shared: Shared) -> LiveFiles:
    """Return the job files in sandboxes' buckets."""
    return LiveFiles(shared.store, shared.buckets, clock=shared.clock)


def runs(shared: Shared) -> Runs:
    """Return the job runs."""
    config, store, clock = shared.config, shared.store, shared.clock
    glue = Glue(shared.clients["glue"], shared.client("glue", shared.once))
    outputs = RunOutputs(store, Catalog(shared.clients["glue"]))
    return Runs(
        store,
        glue,
        shared.live_files,
        ModuleArchives(store, shared.buckets, shared.live_files),
        Settlement(store, glue, outputs, Logs(shared.clients["logs"]), config.prices, clock=clock),
        lease_seconds=config.lease_seconds,
        clock=clock,
    )


def jobs(shared: Shared) -> Jobs:
    """Return what handles requests about jobs and runs."""
    config = shared.config
    metrics = RunMetricsReader(
        shared.store.run_metrics, lambda environment: Buckets(shared.reader_clients.client("s3", environment))
    )
    return Jobs(
        shared.store,
        shared.environments,
        shared.runs,
        Logs(shared.clients["logs"]),
        metrics,
        allowance=config.allowance,
        prices=config.prices,
        limits=config.limits,
        lease_seconds=config.lease_seconds,
        clock=shared.clock,
    )


def job_files(shared: Shared) -> JobFiles:
    """Return what handles requests about job files."""
    return JobFiles(
        shared.store,
        shared.environments,
        shared.live_files,
        FileContents(),
        buckets_of=lambda environment: Buckets(shared.reader_clients.client("s3", environment)),
        unsupported=shared.config.unsupported_features,
        clock=shared.clock,
    )
