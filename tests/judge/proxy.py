"""HTTPS proxy that connects AWS's host names to the emulator and refuses all other hosts.

The functions, the operator's commands and the caller all use AWS's own URLs. `HTTPS_PROXY` brings their
connections here, so nothing needs an endpoint setting and no connection leaves the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from asyncio import StreamReader, StreamWriter
from concurrent.futures import Future

AWS_DOMAINS = (".amazonaws.com", ".amazoncognito.com")
SIGN_IN = "signin.aws.amazon.com"
"""AWS's sign-in for console links, which the emulator does not have: a connection is refused."""


class Proxy:
    """Proxy on a free port of the loopback interface, in a thread of its own."""

    def __init__(self, emulator_port: int) -> None:
        self.refused: list[str] = []
        """Hosts outside AWS that somebody tried to reach."""
        self._emulator_port = emulator_port
        self._started: Future[int] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    @property
    def url(self) -> str:
        """URL for `HTTPS_PROXY`."""
        return f"http://127.0.0.1:{self._started.result()}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._started.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self._started.set_result(server.sockets[0].getsockname()[1])
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        method, target, *_ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split()
        host, _, port = target.partition(":")
        if method != "CONNECT" or port != "443" or not host.endswith(AWS_DOMAINS):
            if host != SIGN_IN:
                self.refused.append(target)
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._emulator_port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with contextlib.suppress(asyncio.CancelledError):  # asyncio prints it otherwise, at the end
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    try:
        while chunk := await source.read(65536):
            target.write(chunk)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()
