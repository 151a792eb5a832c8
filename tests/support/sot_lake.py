"""A lake for the SoT job: moto's Data Catalog, and folders in place of buckets."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pyspark.sql import SparkSession

import sot_ecommerce as job
from tests.support.sot_oracle import stored_columns, stored_rows
from tests.support.sot_sources import CSV, definition

TABLES = {
    "tbl_orders": (
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
        "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
        "o1,c1,delivered,2018-05-05 10:00:00,,,,2018-05-25 00:00:00\n"
    ),
    "tbl_order_items": (
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
        '"o1",1,p1,s1,2018-05-09 10:00:00,5.00,1.00\n'
    ),
    "tbl_customers": (
        "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n"
        'c1,u1,"01001",sao paulo,SP\n'
    ),
    "tbl_payments": (
        "order_id,payment_sequential,payment_type,payment_installments,payment_value\no1,1,boleto,1,6.00\n"
    ),
    "tbl_reviews": (
        "review_id,order_id,review_score,review_comment_title,review_comment_message,"
        "review_creation_date,review_answer_timestamp\n"
        "r1,o1,5,,Adorei,2018-05-20 00:00:00,2018-05-21 09:00:00\n"
    ),
}


@dataclass
class Lake:
    """One source database and one output database, with the buckets s3://sor and s3://sot."""

    glue: Any
    root: Path
    committed: list[str]

    def put(self, table: str, content: str | bytes, name: str = "data.csv") -> None:
        folder = self.root / "sor" / table
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def describe(self, table: str, header: str, serde: Any = CSV, **parameters: str) -> None:
        entry = definition(f"s3://sor/{table}/", header.strip().split(","), serde, **parameters)
        entry = {"Name": table, **entry}
        with contextlib.suppress(self.glue.exceptions.EntityNotFoundException):
            self.glue.delete_table(DatabaseName="db_source", Name=table)
        self.glue.create_table(DatabaseName="db_source", TableInput=entry)

    def run(self, **changes: str) -> None:
        arguments = {
            "JOB_NAME": "sot",
            "SOURCE_DB": "db_source",
            "OUTPUT_BUCKET": "sot",
            "OUTPUT_DB": "db_sot",
            "OUTPUT_TABLE": "tbsot",
            "OUTPUT_TABLE_URI": "s3://sot/tbsot",
            "PARTITION_FORMAT": "20261105",
        }
        argv = [text for name, value in (arguments | changes).items() for text in (f"--{name}", value)]
        job.main(["script.py", *argv, "--job-bookmark-option", "job-bookmark-disable"])

    def partition(self, value: str = "20261105") -> Path:
        return self.root / "sot" / "tbsot" / f"anomesdia={value}"

    def cell(self, column: str, value: str = "20261105") -> object:
        """A value of the only row of a partition."""
        names = [name for name, _ in stored_columns(self.partition(value))]
        ((*row,),) = stored_rows(self.partition(value))
        return row[names.index(column)]

    def written(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.root)) for path in self.root.glob("sot/**/*") if path.is_file()
        )


def fake_awsglue(committed: list[str]) -> dict[str, ModuleType]:
    """The part of Glue's library that the job uses: parsed arguments, a session, a job to open and commit."""

    class GlueContext:
        def __init__(self, context: object) -> None:
            self.spark_session = SparkSession.builder.getOrCreate()

    class Job:
        def __init__(self, context: object) -> None:
            self.name = ""

        def init(self, name: str, arguments: dict[str, str]) -> None:
            self.name = name

        def commit(self) -> None:
            committed.append(self.name)

    def resolve(argv: list[str], names: list[str]) -> dict[str, str]:
        parser = argparse.ArgumentParser()
        for name in names:
            parser.add_argument(f"--{name}", required=True)
        return vars(parser.parse_known_args(argv[1:])[0])

    contents = {"context": GlueContext, "job": Job, "utils": resolve}
    names = {"context": "GlueContext", "job": "Job", "utils": "getResolvedOptions"}
    modules = {"awsglue": ModuleType("awsglue")}
    for part, content in contents.items():
        modules[f"awsglue.{part}"] = ModuleType(f"awsglue.{part}")
        setattr(modules[f"awsglue.{part}"], names[part], content)
    return modules


@pytest.fixture
def lake(
    mount_bucket: Callable[[str, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lake]:
    """A lake in which every table has one row, all about the same order."""
    committed: list[str] = []
    for name, module in fake_awsglue(committed).items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    for bucket in ("sor", "sot"):
        (tmp_path / bucket).mkdir()
        mount_bucket(bucket, tmp_path / bucket)
    with mock_aws():
        lake = Lake(boto3.client("glue", region_name="us-east-1"), tmp_path, committed)
        for database in ("db_source", "db_sot"):
            lake.glue.create_database(DatabaseInput={"Name": database})
        for table, text in TABLES.items():
            lake.put(table, text)
            lake.describe(table, text.splitlines()[0])
        yield lake
