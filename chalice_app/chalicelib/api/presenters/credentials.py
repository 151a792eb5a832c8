"""Presenter of credentials."""

from __future__ import annotations

from chalicelib.api import responses
from chalicelib.clock import timestamp
from chalicelib.services.sandbox_access import Access


def credentials_body(access: Access, base: str) -> responses.Credentials:
    """Return the body of issued credentials, with what they reach."""
    given, environment = access.credentials, access.environment
    outputs = environment.outputs
    return responses.Credentials(
        access_key_id=given.access_key_id,
        secret_access_key=given.secret_access_key,
        session_token=given.session_token,
        expires_at=timestamp(given.expires_at),
        region=access.region,
        console_url=access.console_url,
        console_error=access.console_error,
        athena_workgroup=outputs.athena_workgroup if outputs else None,
        buckets=sorted(outputs.buckets.values()) if outputs else [],
        databases=sorted(outputs.databases.values()) if outputs else [],
        links=responses.CredentialsLinks(environment=f"{base}/environments/{environment.id}"),
    )
