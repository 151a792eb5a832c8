"""What several parts of the service share: AWS clients, storage, and the work on environments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chalicelib.aws import client_options
from chalicelib.aws.client_options import PATIENT, QUICK
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.s3 import Buckets
from chalicelib.aws.sessions import Session, new_session
from chalicelib.clock import Clock
from chalicelib.config import Config
from chalicelib.lazy import imported, lazily
from chalicelib.storage.releases import Releases
from chalicelib.storage.store import Store

if TYPE_CHECKING:
    from botocore.config import Config as ClientConfig

    from chalicelib.aws.sandbox_credentials import SandboxClients, SandboxCredentials
    from chalicelib.lifecycle.reconcile import Reconciler
    from chalicelib.queries.query_runs import QueryRuns
    from chalicelib.runs.job_runs import Runs
    from chalicelib.services.cohort_work import CohortWork
    from chalicelib.services.environments import Environments
    from chalicelib.storage.live_files import LiveFiles

PATIENT_SERVICES = ("s3", "glue", "logs", "athena", "iam", "kms")
"""Services that are called with the options PATIENT and the function's own rights."""


class Shared:
    """Objects that exist once in a process. A boto3 client is created when it is used."""

    def __init__(
        self, config: Config, clock: Clock, session: Session | None, sleep: Callable[[float], None]
    ) -> None:
        self.config = config
        self.clock = clock
        self.sleep = sleep
        self.session = session or new_session()
        self.region = self.session.region_name
        self.once = client_options.once(config.lease_seconds)
        self.clients: dict[str, Any] = {name: self.client(name, PATIENT) for name in PATIENT_SERVICES}
        self.cloudformation = self.client("cloudformation", PATIENT)
        self.buckets = Buckets(self.clients["s3"])
        self.store = Store(
            Table(self.client("dynamodb", PATIENT), config.table_name), config.capacity, config.allowance
        )
        self.releases = Releases(self.buckets, config.assets_bucket, clock)
        self.environments: Environments = self._part("environments", "environments")
        self.live_files: LiveFiles = self._part("jobs", "live_files")
        self.runs: Runs = self._part("jobs", "runs")
        self.query_runs: QueryRuns = self._part("queries", "query_runs")
        self.cohort_work: CohortWork = self._part("cohorts", "work")
        self.reconciler: Reconciler = self._part("lifecycle", "reconciler")
        sts = self.client("sts", QUICK)
        self.reading: SandboxCredentials = self._part("sandboxes", "reading", sts)
        self.inspecting: SandboxCredentials = self._part("sandboxes", "inspecting", sts)
        self.using: SandboxCredentials = self._part("sandboxes", "using", sts)
        self.reader_clients = self.sandboxes(self.reading, QUICK)

    def client(self, service: str, options: ClientConfig) -> Any:
        """Return a client of an AWS service, which is created when it is used."""
        return lazily(lambda: self.session.client(service, config=options))

    def sandboxes(self, credentials: SandboxCredentials, options: ClientConfig) -> SandboxClients:
        """Return what creates clients with credentials that reach only one sandbox."""
        create = imported("chalicelib.aws.sandbox_credentials", "SandboxClients")
        clients: SandboxClients = lazily(lambda: create(self.session, credentials, options))
        return clients

    def _part(self, module: str, name: str, *arguments: Any) -> Any:
        return lazily(lambda: imported(f"chalicelib.wiring.{module}", name)(self, *arguments))
