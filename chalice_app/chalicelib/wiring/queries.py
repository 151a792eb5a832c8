"""Athena queries and the requests about them."""

from __future__ import annotations

from botocore.config import Config as ClientConfig

from chalicelib.aws.athena_queries import AthenaQueries
from chalicelib.aws.client_options import QUICK
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.environment import Environment
from chalicelib.domain.preview_marks import PreviewMarks
from chalicelib.queries.query_import import QueryImport
from chalicelib.queries.query_runs import QueryRuns
from chalicelib.services.queries import Queries
from chalicelib.services.query_results import QueryResults
from chalicelib.wiring.shared import Shared


def query_runs(shared: Shared) -> QueryRuns:
    """Return the queries that run in sandboxes."""
    config, store = shared.config, shared.store
    # One call of StartQueryExecution that AWS refuses must not hide an earlier one that it has accepted.
    clients = shared.sandboxes(shared.using, shared.once)

    def athena_of(environment: Environment) -> AthenaQueries:
        return AthenaQueries(clients.client("athena", environment))

    previews, price = PreviewMarks(config.cursor_key), config.prices.tb_scanned
    return QueryRuns(
        store,
        athena_of,
        QueryImport(store, athena_of, previews, price, clock=shared.clock),
        lease_seconds=config.lease_seconds,
        clock=shared.clock,
    )


def queries(shared: Shared) -> Queries:
    """Return what handles requests about queries."""
    config = shared.config
    # Links to objects under a KMS key require Signature Version 4. Virtual addressing keeps them regional:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
    signing = ClientConfig(signature_version="s3v4", s3={"addressing_style": "virtual"})
    clients = shared.sandboxes(shared.using, QUICK.merge(signing))
    return Queries(
        shared.store,
        shared.environments,
        shared.query_runs,
        QueryResults(
            lambda environment: AthenaQueries(clients.client("athena", environment)),
            lambda environment: Buckets(clients.client("s3", environment)),
        ),
        allowance=config.allowance,
        price_per_tb_usd=config.prices.tb_scanned,
        scan_limit_bytes=config.athena_scan_limit_bytes,
        lease_seconds=config.lease_seconds,
        clock=shared.clock,
        sleep=shared.sleep,
    )
