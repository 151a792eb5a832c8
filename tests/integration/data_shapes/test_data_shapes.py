"""Data as people have them: right in Athena, Glue and DuckDB alike, or refused with one sentence.

The expected rows are written by hand (the shapes' modules). All accepted shapes are tables of one release.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from pyspark.sql import SparkSession

from glue_assets.tables import DataError, Table, find_tables
from local.spark.shim.awsglue.context import GlueContext
from tests.integration.data_shapes import (
    binary_files,
    csv_databases,
    csv_office,
    csv_public,
    json_files,
    refusals,
)
from tests.integration.data_shapes.readers import (
    by_athena,
    by_duckdb,
    by_glue,
    comparable,
    in_athena,
    publish,
)
from tests.integration.data_shapes.shape import SHAPES, accepted, refused
from tests.support.athena_tables import Aws, client

# Each of these modules registers its shapes.
assert all((binary_files, csv_databases, csv_office, csv_public, json_files, refusals))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    folder = tmp_path_factory.mktemp("shapes")
    for name, shape in accepted().items():
        shape.write(folder / "data" / "db" / name)
    return {table.name: table for table in find_tables(folder / "data", folder / "work")}


@pytest.fixture(scope="module")
def aws(release: dict[str, Table], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Aws, Path]]:
    folder = tmp_path_factory.mktemp("lake")
    with mock_aws():
        clients = functools.cache(client)
        clients("s3").create_bucket(Bucket="data")
        publish(release.values(), clients, folder)
        yield clients, folder


def test_there_are_more_than_a_hundred_shapes() -> None:
    assert len(SHAPES) > 100
    assert all(shape.refused or (shape.columns and shape.rows) for shape in SHAPES.values())


def test_tables_have_the_columns_and_counts_of_their_files(release: dict[str, Table]) -> None:
    shapes = accepted()
    assert list(release) == sorted(shapes)
    every = {name: [(c.name, c.type) for c in (*t.columns, *t.partition_keys)] for name, t in release.items()}
    assert every == {name: shapes[name].types for name in release}
    assert {name: table.rows for name, table in release.items()} == {
        name: len(shapes[name].rows) for name in release
    }


def test_the_report_says_what_was_recognised(release: dict[str, Table]) -> None:
    silent = {
        name: (shape.told, release[name].decisions)
        for name, shape in accepted().items()
        if not re.search(shape.told, "\n".join(release[name].decisions))
    }
    assert silent == {}


def test_duckdb_reads_the_rows_from_the_published_files(
    release: dict[str, Table], aws: tuple[Aws, Path]
) -> None:
    _, folder = aws
    for name, shape in accepted().items():
        assert (name, comparable(by_duckdb(release[name], folder))) == (name, comparable(shape.rows))


def test_athena_reads_the_rows(release: dict[str, Table], aws: tuple[Aws, Path], tmp_path: Path) -> None:
    clients, _ = aws
    rows = by_athena(release.values(), clients, tmp_path)
    for name, shape in accepted().items():
        found = sorted(repr(tuple(row)) for row in rows[name])
        assert (name, found) == (name, in_athena(shape.rows))


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark's collect
def test_glue_reads_the_rows(
    release: dict[str, Table], aws: tuple[Aws, Path], spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    context: Any = GlueContext(spark.sparkContext)
    for name, shape in accepted().items():
        assert (name, comparable(by_glue(release[name], context))) == (name, comparable(shape.rows))


@pytest.mark.parametrize("name", refused())
def test_other_shapes_are_refused_with_a_sentence_that_says_what_to_do(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    shape.write(tmp_path / "data" / "db" / name)
    with pytest.raises(DataError) as caught:
        find_tables(tmp_path / "data", tmp_path / "work")
    fault = str(caught.value).replace(f"{tmp_path}/data/db/", "")
    assert re.search(shape.refused, fault), fault
    assert len(fault.splitlines()) <= 3, fault
    assert len(fault) < 600, fault
