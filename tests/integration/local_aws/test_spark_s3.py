"""Spark's file system for S3: lists, reads, writes and commits, compared with boto3 and DuckDB."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py4j.protocol import Py4JJavaError
from pyspark.errors import IllegalArgumentException
from pyspark.sql import SparkSession

from tests.support.spark_s3 import SparkS3, serving

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # PySpark's
]


@pytest.fixture(scope="module")
def s3(spark: SparkSession) -> Iterator[SparkS3]:
    with serving(spark) as served:
        yield served


@pytest.fixture
def requests(s3: SparkS3) -> list[str]:
    s3.requests.clear()
    return s3.requests


def error(call: Any) -> str:
    """The Java exception of a call."""
    with pytest.raises(Py4JJavaError) as caught:
        call()
    return str(caught.value.java_exception.toString())


# ---- listing and reading ----


def test_the_root_of_a_bucket_is_listed_and_read(s3: SparkS3) -> None:
    bucket = s3.bucket()
    s3.put(bucket, "a.csv", b"n\n1\n")
    s3.put(bucket, "deep/er/b.csv", b"n\n2\n")
    for scheme in ("s3", "s3a", "s3n"):
        root = f"{scheme}://{bucket}/"
        assert s3.listed(root) == {f"{root}a.csv": 4, f"{root}deep": None}
        rows = s3.spark.read.csv(root, header=True, recursiveFileLookup=True).collect()
        assert sorted(row.n for row in rows) == ["1", "2"]


names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=("Cs", "Cc")), min_size=1
)
odd = st.sampled_from(
    ["a b", "a+b", "100%", "a%20b", "k=v", "ç", "🙂", "a&b", "<a>", "?", "#", ".a", "..", "'\"", ""]
)
paths = st.lists(names | odd, min_size=1, max_size=3).map("/".join).filter(bool)


@settings(max_examples=15, deadline=None)
@given(st.lists(paths, min_size=1, max_size=6, unique=True))
def test_any_key_that_can_be_a_path_is_listed_and_read(s3: SparkS3, keys: list[str]) -> None:
    bucket = s3.bucket()
    keys = [key for key in keys if len(key.encode()) < 900]
    for key in keys:
        s3.put(bucket, key, key.encode())
    unusable = {"", ".", ".."}  # parts that a path cannot have
    expected = [key for key in keys if not unusable & set(key.split("/"))]
    root = f"s3://{bucket}/"
    assert sorted(s3.below(root)) == sorted(root + key for key in expected)
    for key in expected:
        assert s3.read(root + key) == key.encode()
    tops: dict[str, list[int | None]] = {}
    for key in keys:
        name, slash, _ = key.partition("/")
        if name in unusable:
            continue
        tops.setdefault(root + name, []).append(None if slash else len(key.encode()))
    for path, size in s3.listed(root).items():
        assert size in tops.pop(path)
    assert not tops


def test_a_list_of_many_pages_is_complete(s3: SparkS3) -> None:
    bucket = s3.bucket()
    from moto.s3.models import s3_backends

    backend = s3_backends["123456789012"]["aws"]
    for number in range(1001):
        backend.put_object(bucket, f"many/{number:04}", b"")
        backend.put_object(bucket, f"folders/{number:04}/x", b"")
    assert len(s3.below(f"s3://{bucket}/many")) == 1001
    assert len(s3.listed(f"s3://{bucket}/folders")) == 1001
    assert s3.files(f"s3://{bucket}/").delete(s3.path(f"s3://{bucket}/many"), True)
    assert len(s3.keys(bucket)) == 1001


def test_a_file_beside_a_folder_of_its_name_and_markers_of_folders(s3: SparkS3) -> None:
    bucket = s3.bucket()
    for key in ("a", "a/b", "empty/", "filled/", "filled/c"):
        s3.put(bucket, key, key.encode())
    root = f"s3://{bucket}/"
    files = s3.files(root)
    assert s3.read(root + "a") == b"a"
    assert s3.read(root + "a/b") == b"a/b"
    assert s3.listed(root + "a") == {root + "a/b": 3}
    assert s3.listed(root + "empty") == {}
    assert files.isDirectory(s3.path(root + "empty"))
    assert s3.listed(root + "filled") == {root + "filled/c": 8}
    assert s3.below(root) == {root + "a": 1, root + "a/b": 3, root + "filled/c": 8}
    globbed = files.globStatus(s3.path(root + "{filled,empty}/*"))
    assert sorted(each.getPath().toString() for each in globbed) == [root + "filled/c"]


def test_reads_seek_in_large_objects(s3: SparkS3, requests: list[str]) -> None:
    bucket = s3.bucket()
    chance = random.Random(0)
    body = chance.randbytes(7_000_000)
    s3.put(bucket, "large", body)
    uri = f"s3://{bucket}/large"
    assert s3.read(uri) == body
    assert len(requests) == 3  # blocks of 1, 4 and 16 MB
    stream = s3.files(uri).open(s3.path(uri))
    for place in [0, 6_999_999, 6_999_000, *(chance.randrange(len(body)) for _ in range(20))]:
        stream.seek(place)
        assert stream.read() == body[place]
        assert stream.getPos() == place + 1
    stream.seek(len(body))
    assert stream.read() == -1
    assert "EOFException" in error(lambda: stream.seek(len(body) + 1))
    s3.put(bucket, "large", b"other" + body)
    stream.seek(3_500_000)
    assert "was replaced while it was read" in error(lambda: [stream.seek(0), stream.read()])
    stream.close()


def test_an_empty_object_has_no_bytes(s3: SparkS3) -> None:
    bucket = s3.bucket()
    s3.put(bucket, "empty", b"")
    assert s3.read(f"s3://{bucket}/empty") == b""


def test_what_does_not_exist_is_not_found(s3: SparkS3) -> None:
    bucket = s3.bucket()
    s3.put(bucket, "abc")
    files = s3.files(f"s3://{bucket}/")
    missing = s3.path(f"s3://{bucket}/ab")
    assert not files.exists(missing)
    sentence = f"java.io.FileNotFoundException: No such file or directory: s3://{bucket}/ab"
    for call in (files.getFileStatus, files.listStatus, files.open):
        assert error(lambda call=call: call(missing)) == sentence
    gone = s3.path("s3://no-such-bucket-here/x")
    assert "The bucket no-such-bucket-here does not exist." in error(
        lambda: gone.getFileSystem(s3.spark.sparkContext._jsc.hadoopConfiguration()).getFileStatus(gone)
    )


# ---- writing ----


def test_a_written_file_is_an_object_once_it_is_closed(s3: SparkS3) -> None:
    bucket = s3.bucket()
    uri = f"s3://{bucket}/folder/a b+c%20ç.txt"
    stream = s3.files(uri).create(s3.path(uri))
    stream.write(b"12345")
    assert s3.keys(bucket) == []
    stream.close()
    assert s3.get(bucket, "folder/a b+c%20ç.txt") == b"12345"
    before = time.time()
    assert abs(s3.files(uri).getFileStatus(s3.path(uri)).getModificationTime() / 1000 - before) < 30
    assert "FileAlreadyExistsException" in error(lambda: s3.write(uri, b"", overwrite=False))
    assert "is a directory" in error(lambda: s3.write(f"s3://{bucket}/folder", b""))
    s3.write(uri, b"other")
    assert s3.read(uri) == b"other"


def test_folders_are_remembered_but_are_not_objects(s3: SparkS3) -> None:
    bucket = s3.bucket()
    files, root = s3.files(f"s3://{bucket}/"), f"s3://{bucket}/"
    assert files.mkdirs(s3.path(root + "one/two"))
    assert s3.listed(root) == {root + "one": None}
    assert s3.listed(root + "one") == {root + "one/two": None}
    assert s3.keys(bucket) == []
    assert "PathIsNotEmptyDirectoryException" in error(lambda: files.delete(s3.path(root + "one"), False))
    assert files.delete(s3.path(root + "one"), True)
    assert not files.exists(s3.path(root + "one/two"))
    assert not files.delete(s3.path(root + "one"), True)


def test_files_and_folders_are_renamed_and_deleted(s3: SparkS3) -> None:
    bucket = s3.bucket()
    root = f"s3://{bucket}/"
    files = s3.files(root)
    for key in ("from/a b", "from/c/d", "from-other", "file"):
        s3.put(bucket, key, key.encode())
    assert files.rename(s3.path(root + "from"), s3.path(root + "to"))
    assert files.rename(s3.path(root + "file"), s3.path(root + "to/é"))
    assert s3.keys(bucket) == ["from-other", "to/a b", "to/c/d", "to/é"]
    assert s3.get(bucket, "to/a b") == b"from/a b"
    assert not files.rename(s3.path(root + "from-other"), s3.path(root + "to/a b"))  # it exists
    assert files.rename(s3.path(root + "from-other"), s3.path(root + "to"))  # into the folder
    assert not files.rename(s3.path(root + "to"), s3.path(root + "to/c/e"))
    assert s3.keys(bucket) == ["to/a b", "to/c/d", "to/from-other", "to/é"]
    assert files.delete(s3.path(root + "to/é"), False)
    assert files.delete(s3.path(root + "to/c"), True)
    assert s3.keys(bucket) == ["to/a b", "to/from-other"]
    assert not files.delete(s3.path(root), True)
    assert len(s3.keys(bucket)) == 2


# ---- permissions and faults ----


def test_every_call_needs_the_permission_of_the_role(s3: SparkS3) -> None:
    bucket = s3.bucket()
    for key in ("open/a", "closed/b"):
        s3.put(bucket, key)
    root, arn = f"s3://{bucket}/", f"arn:aws:s3:::{bucket}"
    closed = s3.path(root + "closed/b")
    with s3.role(("s3:GetObject", arn + "/open*"), ("s3:ListBucket", arn)):
        files = s3.files(root)
        assert s3.read(root + "open/a") == b"x"
        for call in (files.getFileStatus, files.open):
            said = error(lambda call=call: call(closed))
            assert said.startswith(
                f"java.nio.file.AccessDeniedException: s3://{bucket}/closed/b: User: arn:aws:sts"
            )
            assert said.endswith(
                f"is not authorized to perform: s3:GetObject on resource: {arn}/closed/b "
                "because no identity-based policy allows the s3:GetObject action"
            )
        assert "s3:PutObject" in error(lambda: s3.write(root + "open/new", b""))
        assert "s3:DeleteObject" in error(lambda: files.delete(s3.path(root + "open/a"), False))
        assert "s3:DeleteObject" in error(lambda: files.delete(s3.path(root + "open"), True))
    with s3.role(("s3:GetObject", arn + "/*")):
        assert "s3:ListBucket" in error(lambda: s3.listed(root))
        with pytest.raises(Exception, match="not authorized to perform: s3:ListBucket"):
            s3.spark.read.text(root + "open").collect()
    assert s3.keys(bucket) == ["closed/b", "open/a"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_fault_of_the_server_is_retried(s3: SparkS3, requests: list[str], status: int) -> None:
    bucket = s3.bucket()
    uri = f"s3://{bucket}/a"
    s3.fault = lambda _: status if len(requests) % 3 else None
    try:
        s3.write(uri, b"12345")
        assert s3.read(uri) == b"12345"
        assert s3.listed(f"s3://{bucket}/") == {uri: 5}
        s3.fault = lambda _: status
        assert f"HTTP status {status}" in error(lambda: s3.read(uri))
    finally:
        s3.fault = lambda _: None


# ---- jobs ----


def rows_of(s3: SparkS3, bucket: str, folder: str, tmp_path: Path) -> list[tuple[Any, ...]]:
    """Rows of Parquet files as DuckDB reads their objects, with the columns of Hive's folders."""
    for key in s3.keys(bucket):
        if key.endswith(".parquet"):
            path = tmp_path / bucket / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get(bucket, key))
    with duckdb.connect() as connection:
        pattern = str(tmp_path / bucket / folder / "**/*.parquet")
        query = "SELECT id, part FROM read_parquet(?, hive_partitioning = true) ORDER BY ALL"
        return connection.execute(query, [pattern]).fetchall()


def test_a_commit_puts_each_file_once_and_shows_nothing_before(
    s3: SparkS3, requests: list[str], tmp_path: Path
) -> None:
    bucket = s3.bucket()
    frame = s3.spark.range(10).selectExpr("id", "id % 2 AS part")
    frame.coalesce(1).write.partitionBy("part").parquet(f"s3://{bucket}/out")

    assert rows_of(s3, bucket, "out", tmp_path) == [(n, n % 2) for n in range(10)]
    puts = [request for request in requests if request.startswith("PUT")]
    assert len(puts) == 3  # two files and _SUCCESS
    assert not [request for request in requests if "_temporary" in request]
    assert len(requests) <= 20, requests
    assert [key.rpartition("/")[0] for key in s3.keys(bucket)] == ["out", "out/part=0", "out/part=1"]


def test_a_job_that_fails_leaves_nothing(s3: SparkS3, requests: list[str]) -> None:
    bucket = s3.bucket()
    bad = s3.spark.range(10).selectExpr("if(id = 9, raise_error('bad'), id) AS id")
    with pytest.raises(Exception, match="bad"):
        bad.write.parquet(f"s3://{bucket}/out")
    assert s3.keys(bucket) == []
    assert not [request for request in requests if request.startswith("PUT")]


@pytest.mark.parametrize("mode", ["append", "overwrite", "dynamic"])
def test_modes_of_writing(s3: SparkS3, mode: str, tmp_path: Path) -> None:
    bucket = s3.bucket()
    uri = f"s3://{bucket}/out"
    spark = s3.spark
    spark.sql("SELECT 1 AS id, 1 AS part UNION ALL SELECT 2, 2").write.partitionBy("part").parquet(uri)
    new = spark.sql("SELECT 3 AS id, 2 AS part UNION ALL SELECT 4, 3").write.partitionBy("part")
    if mode == "dynamic":
        new = new.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    else:
        new = new.mode(mode)
    new.parquet(uri)

    added = [(3, 2), (4, 3)]
    kept = {"append": [(1, 1), (2, 2)], "overwrite": [], "dynamic": [(1, 1)]}[mode]
    assert rows_of(s3, bucket, "out", tmp_path) == sorted(kept + added)
    assert sorted(tuple(row) for row in spark.read.parquet(uri).collect()) == sorted(kept + added)
    assert not [key for key in s3.keys(bucket) if "_temporary" in key or "staging" in key]


@pytest.mark.parametrize(
    ("format", "options"), [("csv", {"compression": "gzip"}), ("orc", {}), ("json", {}), ("text", {})]
)
def test_formats_are_read_as_they_were_written(s3: SparkS3, format: str, options: dict[str, str]) -> None:
    uri = f"s3://{s3.bucket()}/out"
    values = [("a",), ('"b" c',), ("ç",)]
    s3.spark.createDataFrame(values, "value string").write.format(format).options(**options).save(uri)
    frame = s3.spark.read.format(format).schema("value string").load(uri)
    assert sorted(tuple(row) for row in frame.collect()) == sorted(values)
    assert all(name.startswith(uri) for name in frame.inputFiles())
    shown = frame.selectExpr("input_file_name()").distinct().collect()
    assert all(row[0].startswith(uri) for row in shown)


def test_objects_of_boto3_are_read_at_once(s3: SparkS3) -> None:
    bucket = s3.bucket()
    uri = f"s3://{bucket}/in"
    for number in range(2):
        s3.put(bucket, f"in/{number}.json", b'{"n": %d}' % number)
        assert s3.spark.read.json(uri).count() == number + 1
    s3.client("s3").delete_object(Bucket=bucket, Key="in/0.json")
    assert [row.n for row in s3.spark.read.json(uri).collect()] == [1]


def test_large_files_are_split(s3: SparkS3) -> None:
    bucket = s3.bucket()
    line = b"x" * 99 + b"\n"
    s3.put(bucket, "large.txt", line * 200_000)
    s3.spark.conf.set("spark.sql.files.maxPartitionBytes", "4m")
    try:
        frame = s3.spark.read.text(f"s3://{bucket}/large.txt")
        assert frame.rdd.getNumPartitions() >= 5
        assert (frame.count(), frame.distinct().count()) == (200_000, 1)
    finally:
        s3.spark.conf.unset("spark.sql.files.maxPartitionBytes")


def test_a_stream_reads_and_writes_with_a_checkpoint(s3: SparkS3) -> None:
    bucket = s3.bucket()
    uri = f"s3://{bucket}"
    for number in range(2):
        s3.put(bucket, f"in/{number}.csv", b"%d\n" % number)
        stream = s3.spark.readStream.schema("n int").csv(f"{uri}/in").writeStream
        query = stream.option("checkpointLocation", f"{uri}/state").trigger(availableNow=True)
        started = query.format("parquet").start(f"{uri}/out")
        try:
            assert started.awaitTermination(60)
        finally:
            started.stop()
    assert sorted(row.n for row in s3.spark.read.parquet(f"{uri}/out").collect()) == [0, 1]


def test_sessions_in_parallel_write_to_one_bucket(s3: SparkS3) -> None:
    uri = f"s3://{s3.bucket()}"
    threads = [
        threading.Thread(target=lambda n=n: s3.spark.range(5).write.parquet(f"{uri}/{n}")) for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert s3.spark.read.parquet(f"{uri}/*").count() == 15


def test_uncommitted_files_are_listed_and_published_by_a_rename(s3: SparkS3, requests: list[str]) -> None:
    bucket = s3.bucket()
    root = f"s3://{bucket}/"
    staged = root + "out/_temporary/0/task"
    s3.write(staged + "/k=a:b/é", b"1")
    assert s3.listed(staged) == {staged + "/k=a:b": None}
    assert s3.below(staged) == {staged + "/k=a:b/é": 1}
    assert requests == []
    assert s3.files(root).rename(s3.path(staged), s3.path(root + "out/day"))
    assert not s3.files(root).exists(s3.path(staged))
    assert [request.partition(" ")[0] for request in requests] == ["PUT"]
    assert s3.keys(bucket) == ["out/day/k=a:b/é"]


@pytest.mark.parametrize(
    "way", ["..", "_temporary/../../{other}", "../_temporary/0", "../{other}/_temporary/a"]
)
def test_no_path_leaves_its_bucket(s3: SparkS3, requests: list[str], way: str) -> None:
    bucket, other = s3.bucket(), s3.bucket()
    uri = f"s3://{bucket}/{way.format(other=other)}/secret"
    s3.put(other, "secret")
    files, path = s3.files(uri), s3.path(uri)
    for call in (
        lambda: files.open(path),
        lambda: files.create(path),
        lambda: files.mkdirs(path),
        lambda: files.listStatus(path),
        lambda: files.rename(s3.path(f"s3://{bucket}/a"), path),
    ):
        with pytest.raises(IllegalArgumentException, match="the path leaves the bucket"):
            call()
    assert requests == []
