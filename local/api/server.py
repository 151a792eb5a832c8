"""API process: the unchanged Chalice app behind Chalice's local server, with events and schedules."""

from __future__ import annotations

import functools
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from chalice.cli.factory import CLIFactory

from local.api import gateway
from local.api.dispatch import Dispatcher
from local.aws import clients
from local.faults.control import app_id
from local.glue_runs.arguments import unsupported_features
from local.identity import registration
from local.runtime.paths import ROOT
from local.runtime.processes import Failed, log_to_stderr, stop_requested, write_json
from local.setup import bootstrap, roles

_STAGE = "local"
_LEASE_SECONDS = 10
"""Lease of a step, in seconds. A restarted API takes over the steps of a killed one after this time."""


@dataclass(frozen=True)
class ApiOptions:
    """Options of the API process.

    `aws` is the URL of the emulator. `tick_seconds` replaces the rates of the app's schedules.
    """

    port: int
    aws: str
    region: str
    ready_file: Path | None
    tick_seconds: float | None
    watch_stdin: bool


def serve(options: ApiOptions) -> None:
    """Serve until the process is stopped."""
    log_to_stderr()
    make_client = functools.partial(clients.client, endpoint=options.aws, region=options.region)
    identity = bootstrap.ensure_identity(make_client, options.aws, options.region)
    made = bootstrap.ensure_roles(make_client)
    known = roles.arns(bootstrap.TABLE, bootstrap.ASSETS_BUCKET, made["DeploymentRoleArn"], options.region)
    # All functions share this process, so its role has the permissions of all of them.
    role = roles.ensure(make_client, roles.SERVICE, roles.functions().values(), known)
    os.environ.update(_settings(options, identity, made, role, roles.session(make_client, role)))

    config = CLIFactory(str(ROOT / "chalice_app")).create_config_obj(_STAGE)
    app = config.chalice_app
    from chalicelib.config import Config  # importable only after Chalice has loaded the app
    from chalicelib.variables import InvalidConfiguration

    try:
        Config.from_environment()
    except InvalidConfiguration as error:
        raise Failed(str(error)) from error
    stop = stop_requested(watch_stdin=options.watch_stdin)
    server = gateway.create_server(app, config, options.port)
    url = f"http://127.0.0.1:{server.server.server_port}"
    cognito = make_client("cognito-idp")
    elsewhere = filter(None, [os.environ.get("PORTAL_ORIGIN")])
    registration.register(cognito, identity.user_pool_id, identity.client_id, url, *elsewhere)
    dispatcher = Dispatcher(app, make_client, options.region, tick_seconds=options.tick_seconds)
    dispatcher.start()
    threading.Thread(target=server.server.serve_forever, daemon=True).start()
    if options.ready_file:
        described = bootstrap.description(options.aws, options.region, identity)
        write_json(options.ready_file, {"api": url, **described, "pids": {"api": os.getpid()}})
    stop.wait()
    dispatcher.close()
    server.shutdown()


def _settings(
    options: ApiOptions,
    identity: bootstrap.Identity,
    made: dict[str, str],
    role: str,
    credentials: clients.Credentials,
) -> dict[str, str]:
    return {
        **clients.aws_variables(options.aws, options.region, credentials),
        "AWS_SDK_UA_APP_ID": app_id(os.getpid()),
        "TABLE_NAME": bootstrap.TABLE,
        "ASSETS_BUCKET": bootstrap.ASSETS_BUCKET,
        "ISSUER": identity.issuer,
        "JWKS_URI": identity.jwks_uri,
        "AUDIENCE": identity.client_id,
        "OWNER_CLAIM": "cognito:username",
        "ADMIN_GROUP": registration.ADMIN_GROUP,
        **registration.variables(options.aws, identity.client_id),
        "DEPLOYMENT_ROLE_ARN": made["DeploymentRoleArn"],
        "PERMISSIONS_BOUNDARY_ARN": made["SandboxBoundaryArn"],
        "SANDBOX_INSPECTOR_ROLE_ARN": made["SandboxInspectorArn"],
        "SANDBOX_READER_ROLE_ARN": made["SandboxReaderArn"],
        "SANDBOX_USER_ROLE_ARN": made["SandboxUserArn"],
        "FEDERATION_URL": f"{options.aws}/federation",
        "SERVICE_ROLE_ARNS": f"{role},{made['SandboxReaderArn']},{made['SandboxUserArn']}",
        "CURSOR_KEY": os.environ.get("CURSOR_KEY") or secrets.token_hex(32),
        "LEASE_SECONDS": str(_LEASE_SECONDS),
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "UNSUPPORTED_FEATURES": unsupported_features(has_lake_jars=bool(os.environ.get("LAKE_JARS"))),
    }
