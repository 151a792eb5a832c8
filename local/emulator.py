"""Process of the local AWS emulator: moto over HTTP, with patches and additions."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import jsonpath_ng.ext
from flask import Flask
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from local.athena.engine import Athena, AthenaOptions
from local.aws import clients, events
from local.cloudformation.engine import CloudFormation, CloudFormationOptions
from local.faults.plan import Faults
from local.faults.server import FaultyServer, publishing
from local.glue_runs.engine import GlueOptions, GlueRuns
from local.glue_runs.libraries import lake_jars
from local.glue_runs.spares import SpareOptions
from local.iam import access
from local.iam.federation import Federation
from local.identity.hosted import HostedSignIn
from local.moto_patches import bucket_policies, dynamodb, glue_names, kms, log_events, s3_objects
from local.runtime.paths import SPARK_CACHE
from local.runtime.processes import end_now, log_to_stderr, stop_requested, write_json

SPARES = {"never": None, "idle": SpareOptions(), "always": SpareOptions(is_idle=lambda: True)}

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class AwsOptions:
    """Options of the emulator.

    `state` is the working folder of Spark and Athena. Creating a stack takes `seconds_per_stack`. `spare` is
    when there is a spare process for job runs: one of `SPARES`.
    """

    port: int
    region: str
    state: Path
    ready_file: Path | None
    seconds_per_stack: float
    watch_stdin: bool
    spare: str = "never"


class _RequestHandler(MotoRequestHandler):
    # Send headers and body in one write: every write may wait for the interpreter lock.
    wbufsize = -1

    def handle_expect_100(self) -> bool:
        """Send "100 Continue" immediately: many clients wait for it before they send the body."""
        is_accepted = super().handle_expect_100()
        self.wfile.flush()
        return is_accepted


class _Services(DomainDispatcherApplication):
    """moto's services, with a cache of the service for each host.

    moto searches the folders of its package for the service on every request, under a lock, which takes 10
    ms.
    """

    def __init__(self, create_app: Callable[[Any], Flask]) -> None:
        super().__init__(create_app)
        self._found: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the name of the service."""
        if host not in self._found:
            self._found[host] = super().get_backend_for_host(host)
        return self._found[host]


def _keep_put_bodies(application: WSGIApplication) -> WSGIApplication:
    """Keep the body of PUT requests that have the content type of a form, as `curl -X PUT -d` sends them.

    moto would parse the body as form fields and store an empty object.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT" and environ.get("CONTENT_TYPE", "").startswith(_FORM):
            environ["CONTENT_TYPE"] = "binary/octet-stream"  # S3's default
        return application(environ, start_response)

    return call


def serve(options: AwsOptions) -> NoReturn:
    """Serve until the process is stopped, and end it. All data is in memory and lost."""
    stop = stop_requested(watch_stdin=options.watch_stdin)
    log_to_stderr()
    faults = Faults()
    publish = publishing(events.publish, faults)
    services = FaultyServer(_keep_put_bodies(_Services(create_backend_app)), faults)
    application = HostedSignIn(Federation(services), options.region)
    server = make_server(
        "127.0.0.1", options.port, application, threaded=True, request_handler=_RequestHandler
    )
    url = f"http://127.0.0.1:{server.port}"
    make_client = functools.partial(clients.client, endpoint=url, region=options.region)
    with contextlib.ExitStack() as parts:
        # moto parses the same few JSON paths for every event that it delivers, which takes 5 ms each.
        jsonpath_ng.ext.parse = functools.cache(jsonpath_ng.ext.parse)  # type: ignore[attr-defined]
        parts.callback(access.install())
        parts.callback(kms.install())
        parts.callback(glue_names.install())
        bucket_policies.install()
        dynamodb.install()
        s3_objects.install()
        parts.callback(log_events.install())
        stacks = CloudFormationOptions(
            clients=make_client,
            publish=publish,
            region=options.region,
            seconds_per_stack=options.seconds_per_stack,
            why_failed=faults.of_resource,
        )
        parts.enter_context(contextlib.closing(CloudFormation(stacks)))
        runs = GlueOptions(
            clients=make_client,
            publish=publish,
            endpoint=url,
            region=options.region,
            work_dir=options.state / "runs",
            cache_dir=SPARK_CACHE,
            lake_jars=lake_jars(os.environ.get("LAKE_JARS", "")),
            spares=SPARES[options.spare],
        )
        parts.enter_context(contextlib.closing(GlueRuns(runs)))
        queries = AthenaOptions(clients=make_client, work_dir=options.state / "queries")
        parts.enter_context(contextlib.closing(Athena(queries)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if options.ready_file:
            write_json(
                options.ready_file, {"aws": url, "region": options.region, "pids": {"aws": os.getpid()}}
            )
        stop.wait()
    end_now()
