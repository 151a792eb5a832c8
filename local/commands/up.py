"""Starts the emulator and the API as two processes, sets up the service, and stops both."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.aws import clients
from local.faults.control import PATH, replace_faults
from local.faults.rules import Rule
from local.runtime.paths import READY_FILE, ROOT
from local.runtime.processes import Child, Failed, interrupt_on_signals, safe_environment, write_json
from local.runtime.progress import Progress
from local.setup import bootstrap

if TYPE_CHECKING:
    from glue_assets.manifest import Release

_START_SECONDS = 60.0
_PUBLISH_SECONDS = 600.0
_CHECK_SECONDS = 0.2
_AWS_VARIABLES = (
    "AWS_.*|JAVA_HOME|LAKE_JARS|MOTO_.*|NO_PROXY|no_proxy|PIP_(CERT|CONFIG_FILE|FIND_LINKS)|PYTHON.*|TMPDIR"
)


@dataclass(frozen=True)
class UpOptions:
    """Options of `up`.

    With `port` 0, both processes use free ports. Otherwise the API uses `port` and the emulator the next one.
    If `state` is None, a temporary folder is used and deleted on success. `faults` are injected once
    everything is running, at random by `fault_seed`.
    """

    port: int
    data: Path
    state: Path | None
    seconds_per_stack: float
    tick_seconds: float | None
    spare: str = "never"
    faults: tuple[Rule, ...] = ()
    fault_seed: int = 0


@dataclass(frozen=True)
class Running:
    """The running product: its URLs, identity provider, release and processes.

    `cursor_key` is the API's secret for page cursors. A restarted API keeps it.
    """

    aws: str
    api: str
    region: str
    identity: bootstrap.Identity
    release: str
    state: Path
    options: UpOptions
    cursor_key: str
    children: list[Child]

    def clients(self, service: str) -> Any:
        """Return a boto3 client of the emulator."""
        return clients.client(service, self.aws, self.region)

    def token(self, name: str, *, is_admin: bool = False) -> str:
        """Return a fresh token of a user."""
        identity = self.identity
        return bootstrap.token(
            self.clients, identity.user_pool_id, identity.client_id, name, is_admin=is_admin
        )

    def check(self) -> bool:
        """Restart a killed API. Return whether it was killed. Raises `Failed` if another process has ended.

        Faults may kill the API. The new process uses the same port and continues unfinished work.
        """
        restarted = False
        for number, child in enumerate(self.children):
            if child.name == "api" and child.is_killed():
                child.request_stop()
                port = urlsplit(self.api).port or 0
                self.children[number] = _api(
                    self.options, self.state, self.aws, port, self.cursor_key, again=True
                )
                restarted = True
            else:
                child.check()
        return restarted

    def document(self) -> dict[str, Any]:
        """Return the content of the ready file."""
        return {
            "api": self.api,
            **bootstrap.description(self.aws, self.region, self.identity),
            "release": self.release,
            "state": str(self.state),
            "pids": {"up": os.getpid()} | {child.name: child.process.pid for child in self.children},
        }


def run(options: UpOptions, ready_file: Path) -> None:
    """Start everything, print usage, and wait for Ctrl-C or SIGTERM. Raises `Failed` if a process ends."""
    interrupt_on_signals()
    progress = Progress()
    try:
        with running(options, progress) as up:
            welcome = _welcome(up, ready_file)
            write_json(ready_file, up.document())
            try:
                progress.say(welcome)
                while True:
                    if up.check():
                        write_json(ready_file, up.document())
                        progress.say("The API was killed and is restarting.")
                    time.sleep(_CHECK_SECONDS)
            finally:
                ready_file.unlink(missing_ok=True)
                progress.say("Stopping ...")
    except KeyboardInterrupt:
        progress.say("Stopped.")


@contextmanager
def running(options: UpOptions, progress: Progress) -> Iterator[Running]:
    """Start and set up everything, and stop it on exit. Raises `Failed` if something does not start."""
    if not options.data.is_dir():
        raise Failed(f"The data folder {options.data} does not exist.")
    aws_port = options.port + 1 if options.port else 0
    for port in filter(None, (options.port, aws_port)):
        _check_free(port)
    state = _state_folder(options)
    children: list[Child] = []
    try:
        cursor_key = secrets.token_hex(32)
        aws_child = _aws(options, state, aws_port)
        children.append(aws_child)
        api_child = _api(options, state, str(aws_child.ready_file), options.port, cursor_key)
        children.append(api_child)
        with ThreadPoolExecutor() as pool:
            built = pool.submit(_build, options.data)
            progress.until(aws_child.is_ready, "starting the AWS emulator", _START_SECONDS)
            aws = aws_child.ready()["aws"]
            progress.until(api_child.is_ready, "starting the API", _START_SECONDS)
            api = api_child.ready()["api"]
            progress.result(built, "building the release", _PUBLISH_SECONDS)
            release = progress.result(
                pool.submit(_publish, built.result(), aws), "publishing the release", _PUBLISH_SECONDS
            )
        _check_health(api)
        if options.faults:
            replace_faults(aws, options.faults, options.fault_seed)
        yield Running(
            aws=aws,
            api=api,
            region=clients.REGION,
            identity=bootstrap.Identity.described(api_child.ready()),
            release=release,
            state=state,
            options=options,
            cursor_key=cursor_key,
            children=children,
        )
    except Exception:
        for child in children:
            child.check()  # the cause may be a process that ended
        raise
    finally:
        for child in children:
            child.request_stop()
        for child in children:
            child.wait_stopped()
        if options.state is None and not isinstance(sys.exc_info()[1], Failed):
            shutil.rmtree(state, ignore_errors=True)


def _welcome(up: Running, ready_file: Path) -> str:
    option = "" if ready_file == READY_FILE else f" --ready-file {ready_file}"
    python = Path(sys.executable)
    python = python.relative_to(ROOT) if python.is_relative_to(ROOT) else python
    return f"""
self-service terraglue is running.

  Portal        {up.api}/  (open it in a browser and sign in as ana, bob or admin)
  API           {up.api}
  AWS emulator  {up.aws}  (region {up.region}, any credentials)
  release       {up.release}, built from the data in {up.options.data}
  data          in the memory of the emulator: lost when it stops
  logs          {up.state}  (aws.log, api.log, and files of Spark)
{_shown_faults(up)}
Examples (the token is valid for an hour; get a new one with: {python} -m local token ana{option}):

TOKEN={up.token("ana")}
curl -s -X POST {up.api}/environments -H "Authorization: Bearer $TOKEN"
curl -s {up.api}/environments -H "Authorization: Bearer $TOKEN"
curl -s {up.api}/me -H "Authorization: Bearer $TOKEN"

AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws --endpoint-url {up.aws} --region {up.region} s3 ls

Ctrl-C stops everything."""


def _shown_faults(up: Running) -> str:
    if not up.options.faults:
        return ""
    rules = "\n                ".join(rule.text for rule in up.options.faults)
    return f"""  faults        {rules}
                counts of injected faults: curl -s {up.aws}{PATH}
                repeat with: --fault-seed {up.options.fault_seed}
"""


def _build(data: Path) -> Release:
    from local.setup.built_releases import built  # imported while the children start

    return built(data)


def _publish(release: Release, aws: str) -> str:
    """Publish a release to the emulator. Return its ID."""
    from glue_assets import release as releases

    releases.publish(release, clients.client("s3", aws, clients.REGION), bootstrap.ASSETS_BUCKET)
    return release.id


def _aws(options: UpOptions, state: Path, port: int) -> Child:
    arguments = ["--port", str(port), "--state", str(state)]
    arguments += ["--seconds-per-stack", str(options.seconds_per_stack), "--spare", options.spare]
    # Job runs inherit the emulator's environment, so it gets only variables that scripts may see.
    environ = safe_environment(os.environ, _AWS_VARIABLES)
    return Child.start("aws", arguments, environ, state)


def _api(
    options: UpOptions, state: Path, aws: str, port: int, cursor_key: str, *, again: bool = False
) -> Child:
    arguments = ["--port", str(port), "--aws", aws]
    if options.tick_seconds is not None:
        arguments += ["--tick-seconds", str(options.tick_seconds)]
    return Child.start("api", arguments, {**os.environ, "CURSOR_KEY": cursor_key}, state, again=again)


def _state_folder(options: UpOptions) -> Path:
    if options.state is None:
        return Path(tempfile.mkdtemp(prefix="terraglue-"))
    options.state.mkdir(parents=True, exist_ok=True)
    for name in ("runs", "python-modules"):  # left by a killed process, or older than the package index
        shutil.rmtree(options.state / name, ignore_errors=True)
    return options.state.resolve()


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failed(
                f"Port {port} is in use. Stop its process, or choose another port: --port N."
            ) from error


def _check_health(api: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{api}/health", timeout=30).close()
    except OSError as error:  # includes error statuses
        raise Failed(f"API health check failed: {error}") from error
