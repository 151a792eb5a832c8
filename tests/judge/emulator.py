"""The emulator's process: ministack on free ports of the loopback interface, with TLS and IAM enforced."""

from __future__ import annotations

import contextlib
import os
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

ROOT = Path(__file__).parents[2]
PYTHON = Path("/tmp/jv/bin/python")
ACCOUNT, REGION = "123456789012", "us-east-1"
_START_SECONDS = 60


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    environ: dict[str, str]
    """Environment of a process that uses the emulator as AWS, with the credentials of the account's root."""
    folder: Path
    log: Path
    proxy: Proxy


@contextlib.contextmanager
def started() -> Iterator[Emulator]:
    """Start the emulator. At the end, kill its processes and delete its files."""
    with tempfile.TemporaryDirectory(prefix="judge-") as name:
        folder, port = Path(name), _free_port()
        certificate, key = write_certificate(folder, REGION)
        with Proxy(port) as proxy:
            environ = _client_environ(proxy.url, certificate)
            log = folder / "emulator.log"
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [PYTHON, "-m", "tests.judge.patches"],
                    cwd=ROOT,
                    env=environ | _server_environ(folder, port, certificate, key),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            try:
                _wait(process, port, certificate, log)
                yield Emulator(environ, folder, log, proxy)
            finally:
                # ministack leaves the processes of its functions behind.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _client_environ(proxy: str, certificate: Path) -> dict[str, str]:
    trusted = dict.fromkeys(("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(certificate))
    return trusted | {
        "PATH": os.environ["PATH"],
        "HOME": str(certificate.parent),
        "HTTPS_PROXY": proxy,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _server_environ(folder: Path, port: int, certificate: Path, key: Path) -> dict[str, str]:
    return {
        "TMPDIR": str(folder),
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": "16",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, certificate: Path, log: Path) -> None:
    url = f"https://localhost:{port}/_ministack/health"
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=certificate)),
    )
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), opener.open(url, timeout=5):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The emulator did not start:\n{log.read_text(errors='replace')}")
