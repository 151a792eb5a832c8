"""Thrift server of one job run's metastore."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from local.metastore.folders import WAREHOUSE

_HIVE = "org.apache.hadoop.hive"
_SERDES = (
    *(f"{_HIVE}.ql.io.orc.OrcSerde", f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe"),
    *(f"{_HIVE}.serde2.lazy.LazySimpleSerDe", f"{_HIVE}.serde2.avro.AvroSerDe"),
    *("org.openx.data.jsonserde.JsonSerDe", "org.apache.hive.hcatalog.data.JsonSerDe"),
)
"""SerDes whose columns are those of the catalog; Hive asks all others, and loses comments and types."""


class Metastore:
    """Serves the Data Catalog as a Hive metastore, with the clients of one run's role.

    The socket is all that a run pays for: the service itself starts with the first connection. It listens on
    the loopback interface only, on a port that only the run's own Spark is given, and ends with the run.
    `scratch` is a folder of the run.
    """

    def __init__(self, clients: Callable[[str], Any], scratch: Path) -> None:
        self._clients = clients
        self._scratch = scratch
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._processor: Any = None
        self._thread = threading.Thread(target=self._accept, daemon=True, name="metastore")
        self._thread.start()

    @property
    def uri(self) -> str:
        """URI for `hive.metastore.uris`."""
        return f"thrift://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def properties(self) -> dict[str, str]:
        """Properties with which Spark uses this metastore."""
        return {
            "spark.sql.catalogImplementation": "hive",
            "spark.hadoop.hive.metastore.uris": self.uri,
            "spark.hadoop.hive.metastore.failure.retries": "0",  # a refusal stays one
            "spark.hadoop.hive.exec.scratchdir": str(self._scratch / "hive"),  # by default /tmp/hive
            "spark.hadoop.hive.serdes.using.metastore.for.schema": ",".join(_SERDES),
            "spark.sql.warehouse.dir": WAREHOUSE,
            "spark.hadoop.fs.cluster.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
            "spark.hadoop.fs.rawlocal.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
            "spark.hadoop.fs.viewfs.mounttable.run.linkFallback": f"rawlocal://{self._cluster}",
        }

    @property
    def _cluster(self) -> Path:
        return self._scratch / "cluster"

    def close(self) -> None:
        """End the service and its connections."""
        _shut(self._listener)
        with self._lock:
            for connection in self._connections:
                _shut(connection)
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            if self._processor is None:
                from local.metastore.service import processor  # Hive's stubs take 50 ms and 20 MB

                self._processor = processor(self._clients, self._cluster)
        transport = TSocket()
        transport.setHandle(connection)
        protocol = TBinaryProtocol(TBufferedTransport(transport))
        try:
            with contextlib.suppress(TTransportException, OSError):  # the client or `close` ended it
                while True:
                    self._processor.process(protocol, protocol)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()


def _shut(endpoint: socket.socket) -> None:
    with contextlib.suppress(OSError):  # already ended
        endpoint.shutdown(socket.SHUT_RDWR)
    endpoint.close()
