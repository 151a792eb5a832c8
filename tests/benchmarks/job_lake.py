"""What the measured jobs read: a release of a data folder, with its tables in a Data Catalog.

Buckets are folders. `s3://sor` has the files of the release, `s3://original` those of the data folder, and
jobs write into `s3://sot`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from data.generate import generate
from glue_assets.release import build
from glue_assets.template_builder import definition
from tests.support.paths import ROOT

DATABASE, OUTPUT_DB, TABLE = "db_ecommerce", "db_sot", "tbsot_ecommerce_br"
COLUMNS = {
    "tbl_orders": [
        "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
        "order_delivered_carrier_date", "order_delivered_customer_date", "order_estimated_delivery_date",
    ],
    "tbl_order_items": ["order_id", "product_id", "price", "freight_value"],
    "tbl_customers": ["customer_id", "customer_city", "customer_state"],
    "tbl_payments": ["order_id", "payment_type", "payment_value"],
    "tbl_reviews": ["order_id", "review_score", "review_comment_message"],
}  # fmt: skip
"""The columns that the table is made of."""

REGION = "us-east-1"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION}


@dataclass(frozen=True)
class Lake:
    """A prepared folder. `tables` are the definitions of the source tables, by name."""

    folder: Path
    tables: dict[str, Any]

    @property
    def original(self) -> Path:
        """The data folder, reduced to the source tables."""
        return self.folder / "original"

    @property
    def orders(self) -> int:
        """The number of orders."""
        return int(self.tables["tbl_orders"]["Parameters"]["recordCount"])

    @property
    def megabytes(self) -> float:
        """The size of the release's files of the source tables."""
        return round(sum(int(table["Parameters"]["sizeKey"]) for table in self.tables.values()) / 1e6, 1)

    def output(self, name: str) -> Path:
        """Return the folder that a job's rows are written to."""
        return self.folder / "sot" / name

    def clear(self) -> None:
        """Delete what jobs have written."""
        shutil.rmtree(self.folder / "sot", ignore_errors=True)
        (self.folder / "sot").mkdir()


def prepare(folder: Path, orders: int, data: Path | None = None) -> Lake:
    """Build the release of a data folder, or of generated data, unless the folder has it already.

    Exits if the folder was prepared from other data, or if the data folder lacks a table.
    """
    described, source = folder / "tables.json", _source(orders, data)
    stated = folder / "source.txt"
    if folder.exists() and any(folder.iterdir()) and not (stated.exists() and stated.read_text() == source):
        sys.exit(f"{folder} was prepared from other data: name another folder, or delete it.")
    if not described.exists():
        folder.mkdir(parents=True, exist_ok=True)
        stated.write_text(source)
        if data is None:
            data = folder / "data"
            generate(orders, data)
        original = folder / "original"
        for table in COLUMNS:
            place = original / DATABASE / table
            place.mkdir(parents=True, exist_ok=True)
            for file in (data / DATABASE / table).iterdir():
                with contextlib.suppress(FileExistsError):
                    (place / file.name).symlink_to(file.resolve())
        release = build(ROOT, original, "0.0.0", folder / "work", lint=False)
        for published in release.files:
            if published.target == "sor":
                target = folder / "sor" / published.key
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.symlink_to(published.source.resolve())
        described.write_text(json.dumps({table.name: definition(table) for table in release.tables}))
    (folder / "sot").mkdir(exist_ok=True)
    return Lake(folder.resolve(), json.loads(described.read_text()))


def _source(orders: int, data: Path | None) -> str:
    """Return what a release is made of: a number of orders, or the files of a data folder."""
    if data is None:
        return f"{orders} orders"
    files = []
    for table in COLUMNS:
        place = data / DATABASE / table
        if not list(place.glob("*.csv*")):
            sys.exit(f"{place} has no CSV file, plain or gzip.")
        files += [(str(file.resolve()), file.stat()) for file in sorted(place.iterdir())]
    return "".join(f"{name} {stat.st_size} {stat.st_mtime_ns}\n" for name, stat in files)


@contextlib.contextmanager
def catalog(lake: Lake) -> Iterator[str]:
    """Serve a Data Catalog with the tables of a release. Yield the URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        reset = urllib.request.Request(f"{url}/moto-api/reset", method="POST")  # moto's state is global
        urllib.request.urlopen(reset).close()
        glue: Any = boto3.client(
            "glue",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        for database in (DATABASE, OUTPUT_DB):
            glue.create_database(DatabaseInput={"Name": database})
        for name, table in lake.tables.items():
            storage = {"Location": f"s3://sor/{DATABASE}/{name}/", **table["StorageDescriptor"]}
            glue.create_table(
                DatabaseName=DATABASE, TableInput={"Name": name, **table, "StorageDescriptor": storage}
            )
        yield url
    finally:
        server.stop()


def mounts(lake: Lake) -> dict[str, str]:
    """Return Spark's properties that map the buckets to folders."""
    properties = {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "spark.hadoop.fs.rawlocal.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    }
    for bucket in ("sor", "original", "sot"):
        mount = f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"
        properties[mount] = f"rawlocal://{lake.folder / bucket}"
    return properties
