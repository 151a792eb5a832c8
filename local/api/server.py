"""API process: the unchanged Chalice app behind Chalice's local server, with events and schedules."""

from __future__ import annotations

import functools
import json
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from local.api import app as loaded
from local.api import gateway
from local.api.dispatch import Dispatcher
from local.aws import clients
from local.faults.control import app_id
from local.glue_runs.arguments import unsupported_features
from local.identity import registration
from local.runtime.processes import Failed, end_now, log_to_stderr, stop_requested, write_json
from local.setup import bootstrap, roles

_STAGE = "local"
_POLL_SECONDS = 0.02
_LEASE_SECONDS = 10
"""Lease of a step, in seconds. A restarted API takes over the steps of a killed one after this time."""


@dataclass(frozen=True)
class ApiOptions:
    """Options of the API process.

    `aws` is the URL of the emulator, or the ready file that it will write. `tick_seconds` replaces the rates
    of the app's schedules.
    """

    port: int
    aws: str | Path
    region: str
    ready_file: Path | None
    tick_seconds: float | None
    watch_stdin: bool


def serve(options: ApiOptions) -> NoReturn:
    """Serve until the process is stopped, and end it."""
    log_to_stderr()
    stop = stop_requested(watch_stdin=options.watch_stdin)
    os.environ["POWERTOOLS_LOG_LEVEL"] = "INFO"
    app, config = loaded.load(_STAGE)
    aws = _emulator(options.aws, stop)
    make_client = functools.partial(clients.client, endpoint=aws, region=options.region)
    bootstrap.ensure_storage(make_client)
    identity = bootstrap.ensure_identity(make_client, aws, options.region)
    # All functions share this process, so its role has the permissions of all of them.
    made = roles.ensure_all(make_client, bootstrap.TABLE, bootstrap.ASSETS_BUCKET, options.region)
    os.environ.update(_settings(aws, options.region, identity, made))

    from chalicelib.config import Config  # importable only after the app is loaded
    from chalicelib.variables import InvalidConfiguration

    try:
        Config.from_environment()
    except InvalidConfiguration as error:
        raise Failed(str(error)) from error
    server = gateway.create_server(app, config, options.port)
    url = f"http://127.0.0.1:{server.server.server_port}"
    cognito = make_client("cognito-idp")
    elsewhere = filter(None, [os.environ.get("PORTAL_ORIGIN")])
    registration.register(cognito, identity.user_pool_id, identity.client_id, url, *elsewhere)
    dispatcher = Dispatcher(app, make_client, options.region, tick_seconds=options.tick_seconds)
    dispatcher.start()
    threading.Thread(target=server.server.serve_forever, daemon=True).start()
    if options.ready_file:
        described = bootstrap.description(aws, options.region, identity)
        write_json(options.ready_file, {"api": url, **described, "pids": {"api": os.getpid()}})
    stop.wait()
    dispatcher.close()
    end_now()


def _emulator(aws: str | Path, stop: threading.Event) -> str:
    """Return the URL of the emulator, which may still be starting. Ends the process when it is stopped."""
    if isinstance(aws, str):
        return aws
    while not aws.exists():
        if stop.wait(_POLL_SECONDS):
            end_now()
    url: str = json.loads(aws.read_text(encoding="utf-8"))["aws"]
    return url


def _settings(
    aws: str, region: str, identity: bootstrap.Identity, made: roles.ServiceRoles
) -> dict[str, str]:
    return {
        **clients.aws_variables(aws, region, made.credentials),
        "AWS_SDK_UA_APP_ID": app_id(os.getpid()),
        "TABLE_NAME": bootstrap.TABLE,
        "ASSETS_BUCKET": bootstrap.ASSETS_BUCKET,
        "ISSUER": identity.issuer,
        "JWKS_URI": identity.jwks_uri,
        "AUDIENCE": identity.client_id,
        "OWNER_CLAIM": "cognito:username",
        "ADMIN_GROUP": registration.ADMIN_GROUP,
        **registration.variables(aws, identity.client_id),
        "DEPLOYMENT_ROLE_ARN": made.deployment,
        "PERMISSIONS_BOUNDARY_ARN": made.boundary,
        "SANDBOX_INSPECTOR_ROLE_ARN": made.inspector,
        "SANDBOX_READER_ROLE_ARN": made.reader,
        "SANDBOX_USER_ROLE_ARN": made.user,
        "FEDERATION_URL": f"{aws}/federation",
        "SERVICE_ROLE_ARNS": f"{made.service},{made.reader},{made.user}",
        "CURSOR_KEY": os.environ.get("CURSOR_KEY") or secrets.token_hex(32),
        "LEASE_SECONDS": str(_LEASE_SECONDS),
        "UNSUPPORTED_FEATURES": unsupported_features(has_lake_jars=bool(os.environ.get("LAKE_JARS"))),
    }
