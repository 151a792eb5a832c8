"""Local Glue runs over real HTTP: input, output, logs and imports of scripts."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from local.spark import launch
from tests.support.glue_server import S3A, Aws, ended, is_gone, job, lines, serving, shown, start, until


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving(tmp_path_factory.mktemp("runs")) as clients_of:
        yield clients_of


SPARK_SCRIPT = """
import sys
import boto3
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

options = getResolvedOptions(sys.argv, ["JOB_NAME", "SOURCE_DB", "OUTPUT"])
context = GlueContext(SparkContext.getOrCreate())
job = Job(context)
job.init(options["JOB_NAME"], options)
frame = context.create_dynamic_frame.from_catalog(database=options["SOURCE_DB"], table_name="people").toDF()
frame.where("age > 20").write.mode("overwrite").partitionBy("city").parquet(options["OUTPUT"])
s3 = boto3.client("s3")
print(len(s3.list_objects_v2(Bucket="tg-a-sot", Prefix="out/city=")["Contents"]))  # Spark's are there
s3.put_object(Bucket="elsewhere", Key="people/2.csv", Body=b"name,age,city\\nDi,50,Bonn\\n")
root = context.spark_session.read.options(recursiveFileLookup=True, pathGlobFilter="[12].csv", header=True)
print(root.csv("s3a://elsewhere/").count())  # and boto3's
job.commit()
"""


def test_a_spark_script_reads_a_catalog_table_and_leaves_its_files_in_s3(aws: Aws, tmp_path: Path) -> None:
    s3, glue = aws("s3"), aws("glue")
    people = b'name,age,city\nAna,30,Rome\n"Bo ""b""",40,Oslo\nCy,10,Rome\n'
    s3.put_object(Bucket="elsewhere", Key="people/1.csv", Body=people)
    s3.put_object(Bucket="tg-a-sot", Key="out/city=Paris/old.parquet", Body=b"old")
    s3.put_object(Bucket="tg-a-sot", Key="kept/me", Body=b"as it was")
    glue.create_database(DatabaseInput={"Name": "db_people"})
    columns = [{"Name": "name", "Type": "string"}, {"Name": "age", "Type": "int"}]
    storage = {
        "Columns": [*columns, {"Name": "city", "Type": "string"}],
        "Location": "s3://elsewhere/people/",
    }
    parameters = {"classification": "csv", "skip.header.line.count": "1"}
    table = {"Name": "people", "StorageDescriptor": storage, "Parameters": parameters}
    glue.create_table(DatabaseName="db_people", TableInput=table)
    arguments = {"--SOURCE_DB": "db_people", "--OUTPUT": "s3://tg-a-sot/out", "--enable-metrics": "true"}
    name = job(aws, "spark", SPARK_SCRIPT, DefaultArguments=arguments)

    run_id = start(aws, name)
    run = ended(aws, name, run_id)

    assert run["JobRunState"] == "SUCCEEDED", (run, lines(aws, "error", run_id))
    assert lines(aws, "output", run_id) == ["2", "4"]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="tg-a-sot")["Contents"]]
    assert [key.rpartition("/")[0] for key in keys] == ["kept", "out", "out/city=Oslo", "out/city=Rome"]
    assert keys[1] == "out/_SUCCESS"
    rows = {}
    for key in keys[2:]:
        part = tmp_path / "part.parquet"
        part.write_bytes(s3.get_object(Bucket="tg-a-sot", Key=key)["Body"].read())
        with duckdb.connect() as connection:
            found = connection.execute("SELECT * FROM read_parquet(?)", [str(part)])
            rows[key.split("/")[1]] = ([name for name, *_ in found.description or []], found.fetchall())
    assert rows == {
        "city=Oslo": (["name", "age"], [('Bo "b"', 40)]),
        "city=Rome": (["name", "age"], [("Ana", 30)]),
    }
    assert s3.get_object(Bucket="tg-a-sot", Key="kept/me")["Body"].read() == b"as it was"


def test_a_script_gets_its_arguments_as_glue_passes_them(aws: Aws) -> None:
    script = "import json, sys; print(json.dumps(sys.argv[1:]))"
    name = job(aws, "arguments", script, DefaultArguments={"--A": "1", "--B": "2"})
    run_id = start(aws, name, Arguments={"--B": "two words", "--C": "3"})

    run = ended(aws, name, run_id)

    printed = json.loads(lines(aws, "output", run_id)[0])
    pairs = dict(zip(printed[::2], printed[1::2], strict=True))
    wanted = {"--JOB_NAME": name, "--JOB_RUN_ID": run_id, "--A": "1", "--B": "two words", "--C": "3"}
    assert pairs == wanted | S3A
    assert run["Arguments"] == {"--B": "two words", "--C": "3"}


def test_lines_can_be_read_while_the_script_runs(aws: Aws) -> None:
    name = job(aws, "talks", "import time\nprint('first')\ntime.sleep(60)\n")
    run_id = start(aws, name)

    until(lambda: lines(aws, "output", run_id) == ["first"])

    assert shown(aws, name, run_id)["JobRunState"] == "RUNNING"
    aws("glue").batch_stop_job_run(JobName=name, JobRunIds=[run_id])
    ended(aws, name, run_id)


def test_many_and_long_lines_are_logged_completely(aws: Aws) -> None:
    name = job(aws, "much", "for i in range(12000): print(i)\nprint('x' * 300_000)\n")
    run_id = start(aws, name)
    ended(aws, name, run_id)
    pages = aws("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName="/aws-glue/jobs/output", logStreamNames=[run_id])
    messages = [event["message"] for page in found for event in page["events"]]
    assert messages[:12000] == [str(i) for i in range(12000)]
    assert "".join(messages[12000:]) == "x" * 300_000


def test_extra_modules_can_be_imported(aws: Aws) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped/__init__.py", "NAME = 'from a zip'")
    aws("s3").put_object(Bucket="elsewhere", Key="lib/plain.py", Body=b"NAME = 'from a file'")
    aws("s3").put_object(Bucket="elsewhere", Key="lib/all.zip", Body=archive.getvalue())
    files = "s3://elsewhere/lib/plain.py, s3://elsewhere/lib/all.zip"
    script = "import plain, zipped\nprint(plain.NAME, zipped.NAME)\n"
    name = job(aws, "extra", script, DefaultArguments={"--extra-py-files": files})
    run_id = start(aws, name)
    assert ended(aws, name, run_id)["JobRunState"] == "SUCCEEDED"
    assert lines(aws, "output", run_id) == ["from a file from a zip"]


def test_a_script_sees_only_the_local_aws_emulator(aws: Aws) -> None:
    script = """
import boto3, os
boto3.client("s3").put_object(Bucket="elsewhere", Key="written", Body=b"by boto3")
print(sorted(n for n in os.environ if n.startswith("AWS_PRO")), os.environ["AWS_ACCESS_KEY_ID"][:4])
"""
    name = job(aws, "boto3", script)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_PROFILE", "the-developers-own")
        run_id = start(aws, name)
        assert ended(aws, name, run_id)["JobRunState"] == "SUCCEEDED"
    assert aws("s3").get_object(Bucket="elsewhere", Key="written")["Body"].read() == b"by boto3"
    assert lines(aws, "output", run_id) == ["[] ASIA"]  # temporary credentials, of the role


def test_a_script_ends_when_the_server_is_killed(tmp_path: Path) -> None:
    """A process that is killed stands in for the server. It starts the runner as the engine does."""
    script = tmp_path / "script.py"
    script.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    runner = Path(launch.__file__).with_name("runner.py")
    server = f"""
import subprocess, sys
command = [sys.executable, "-P", {str(runner)!r}, {str(tmp_path / "error")!r}, "", {str(script)!r}]
subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True).wait()
"""
    with subprocess.Popen(
        [sys.executable, "-c", server], stdout=subprocess.PIPE, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert not is_gone(pid)
        process.kill()
        until(lambda: is_gone(pid))
