"""The local Athena in this process, and tables for it."""

from __future__ import annotations

import contextlib
import functools
import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb

from local.athena.engine import Athena, AthenaOptions
from local.iam import access

Aws = Callable[[str], Any]
Json = dict[str, Any]

_HIVE = "org.apache.hadoop.hive"
CSV = {
    "SerializationLibrary": f"{_HIVE}.serde2.OpenCSVSerde",
    "Parameters": {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
}
JSON = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}
PARQUET = {"SerializationLibrary": f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe"}
SKIP = {"skip.header.line.count": "1"}


def client(service: str, credentials: Any = None) -> Any:
    given = credentials.client_arguments if credentials else {}
    return boto3.client(service, region_name="us-east-1", **given)  # type: ignore[call-overload]


@contextlib.contextmanager
def serving(work_dir: Path) -> Iterator[Aws]:
    """Yield clients of moto with the local Athena, within `mock_aws`. Check that queries left no files."""
    unchecked = access.install()
    engine = Athena(AthenaOptions(client, work_dir))
    try:
        yield functools.cache(client)
    finally:
        engine.close()
        unchecked()
    assert not work_dir.exists() or list(work_dir.iterdir()) == []


def table(
    aws: Aws,
    name: str,
    columns: str,
    serde: Json,
    *,
    keys: str = "",
    parameters: dict[str, str] | None = None,
    database: str = "db",
    location: str | None = None,
) -> None:
    """A catalog table. `columns` and `keys` have the form `id int, name string`, without nested types."""
    storage = {"Location": location or f"s3://data/{name}/", "SerdeInfo": serde, "Columns": _columns(columns)}
    description = {"Name": name, "StorageDescriptor": storage, "PartitionKeys": _columns(keys)}
    description |= {"Parameters": parameters or {}, "TableType": "EXTERNAL_TABLE"}
    aws("glue").create_table(DatabaseName=database, TableInput=description)


def _columns(text: str) -> list[Json]:
    pairs = [part.strip().split(" ", 1) for part in text.split(";") if part.strip()]
    return [{"Name": name, "Type": kind} for name, kind in pairs]


def put(aws: Aws, key: str, content: str | bytes, bucket: str = "data") -> None:
    body = content.encode() if isinstance(content, str) else content
    aws("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress(body) if key.endswith(".gz") else body)


def parquet(select: str, folder: Path) -> bytes:
    """A Parquet file of the rows of a query."""
    file = folder / "made.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")
    return file.read_bytes()


def start(aws: Aws, sql: str, **more: Any) -> str:
    given = {"QueryExecutionContext": {"Database": "db"}, "WorkGroup": "learners"} | more
    return str(aws("athena").start_query_execution(QueryString=sql, **given)["QueryExecutionId"])


def ended(aws: Aws, execution_id: str) -> Json:
    deadline = time.monotonic() + 30
    while True:
        shown: Json = aws("athena").get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        if shown["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.01)


def rows(aws: Aws, sql: str, **more: Any) -> list[list[str | None]]:
    """Rows of a query's result, header first."""
    execution_id = start(aws, sql, **more)
    shown = ended(aws, execution_id)
    assert shown["Status"]["State"] == "SUCCEEDED", shown["Status"]
    found = aws("athena").get_query_results(QueryExecutionId=execution_id)["ResultSet"]["Rows"]
    return [[datum.get("VarCharValue") for datum in row["Data"]] for row in found]


def failure(aws: Aws, sql: str, **more: Any) -> str:
    """The failure reason of a query."""
    shown = ended(aws, start(aws, sql, **more))
    assert shown["Status"]["State"] == "FAILED", shown
    return str(shown["Status"]["StateChangeReason"])
