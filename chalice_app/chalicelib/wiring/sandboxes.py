"""Access to single sandboxes: credentials, tables and drift."""

from __future__ import annotations

from typing import Any

from chalicelib.aws.athena import Athena
from chalicelib.aws.catalog import Catalog
from chalicelib.aws.client_options import PATIENT
from chalicelib.aws.federation import Federation
from chalicelib.aws.sandbox_credentials import SandboxCredentials
from chalicelib.aws.session_policies import SessionPolicy, inspector_policy, reader_policy, user_policy
from chalicelib.aws.stack_drift import StackDrift
from chalicelib.domain.preview_marks import PreviewMarks
from chalicelib.services.drift import Drift
from chalicelib.services.sandbox_access import SandboxAccess
from chalicelib.services.tables import Tables
from chalicelib.wiring.environments import writes
from chalicelib.wiring.shared import Shared


def reading(shared: Shared, sts: Any) -> SandboxCredentials:
    """Return credentials that read one sandbox."""
    return _credentials(shared, sts, shared.config.sandbox_reader_role_arn, reader_policy)


def inspecting(shared: Shared, sts: Any) -> SandboxCredentials:
    """Return credentials that compare one sandbox with its template."""
    return _credentials(shared, sts, shared.config.sandbox_inspector_role_arn, inspector_policy)


def using(shared: Shared, sts: Any) -> SandboxCredentials:
    """Return credentials with the rights of a sandbox's user."""
    return _credentials(shared, sts, shared.config.sandbox_user_role_arn, user_policy)


def access(shared: Shared) -> SandboxAccess:
    """Return what hands out credentials."""
    partition = shared.session.get_partition_for_region(shared.region)
    federation = Federation(partition, shared.config.federation_url)
    return SandboxAccess(writes(shared), shared.using, federation)


def tables(shared: Shared) -> Tables:
    """Return what handles requests about tables."""
    clients = shared.reader_clients
    return Tables(
        shared.environments,
        catalog_of=lambda environment: Catalog(clients.client("glue", environment)),
        athena_of=lambda environment: Athena(clients.client("athena", environment)),
        mark=PreviewMarks(shared.config.cursor_key).marked,
    )


def drift(shared: Shared) -> Drift:
    """Return what handles requests about drift."""
    clients = shared.sandboxes(shared.inspecting, PATIENT)
    return Drift(
        shared.store,
        shared.environments,
        stack_drift_of=lambda environment: StackDrift(clients.client("cloudformation", environment)),
        clock=shared.clock,
    )


def _credentials(shared: Shared, sts: Any, role_arn: str, policy: SessionPolicy) -> SandboxCredentials:
    return SandboxCredentials(sts, role_arn, policy, shared.region, clock=shared.clock)
