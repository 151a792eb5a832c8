"""The emulator's process: ministack on a free port of the loopback interface, with TLS and IAM enforced."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.judge.certificate import write_certificate
from tests.judge.proxy import Proxy
from tests.judge.steps import Failed

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION = "123456789012", "us-east-1"
DENIED = "IAM denied "
"""Start of the log lines about denied requests."""

_PYTHON = ROOT / ".venv/judge/bin/python"
_START_SECONDS = 60
_MEMORY, _MEMORY_BYTES = Path("/dev/shm"), 2e9


@dataclass(frozen=True)
class Emulator:
    """A running emulator.

    - `environ`: environment of processes that use it as AWS, as the account's root user.
    - `folder`: temporary folder for their files.
    """

    environ: dict[str, str]
    folder: Path
    log: Path
    proxy: Proxy

    def denied(self) -> list[str]:
        """Return the requests that IAM denied: action, resource and role."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line.removeprefix(DENIED) for line in lines if line.startswith(DENIED)]


@contextlib.contextmanager
def started() -> Iterator[Emulator]:
    """Start the emulator. At the end, kill all its processes and delete its files."""
    with tempfile.TemporaryDirectory(prefix="judge-", dir=_fast_folder(), ignore_cleanup_errors=True) as name:
        folder, port = Path(name), _free_port()
        certificate, key = write_certificate(folder, REGION)
        with Proxy(port) as proxy:
            environ = _environ(folder, certificate, proxy)
            emulator = Emulator(environ, folder, folder / "emulator.log", proxy)
            with _process(emulator, environ | _settings(folder, port, certificate, key)) as process:
                _wait(emulator, process, port, certificate)
                yield emulator


@contextlib.contextmanager
def _process(emulator: Emulator, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with emulator.log.open("wb") as log:
        process = subprocess.Popen(
            [_PYTHON, "-m", "tests.judge.patches"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(
                process.pid, signal.SIGKILL
            )  # the group: ministack leaves the functions' processes behind
        process.wait()


def _environ(folder: Path, certificate: Path, proxy: Proxy) -> dict[str, str]:
    """Return the environment of all processes. It contains nothing of the user's, such as AWS credentials."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HTTPS_PROXY": proxy.url,
        "AWS_CA_BUNDLE": str(certificate),
        "SSL_CERT_FILE": str(certificate),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        # ministack gives its functions an endpoint. Without it they use AWS's hosts, through the proxy.
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    }


def _settings(folder: Path, port: int, certificate: Path, key: Path) -> dict[str, str]:
    """Return ministack's settings."""
    return {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
    }


def _fast_folder() -> Path | None:
    """Return a folder in memory. ministack unpacks the zip for each process of a function: 1,300 files."""
    is_large = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES
    return _MEMORY if is_large else None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait(emulator: Emulator, process: subprocess.Popen[bytes], port: int, certificate: Path) -> None:
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=certificate)),
    )
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with (
            contextlib.suppress(OSError),
            direct.open(f"https://localhost:{port}/_ministack/health", timeout=5),
        ):
            return
        time.sleep(0.05)
    raise Failed(f"The emulator did not start:\n{emulator.log.read_text(errors='replace')}")
