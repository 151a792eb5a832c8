"""Glue job runs over real HTTP: scripts that run as processes, their states, logs, files and events."""

from __future__ import annotations

import functools
import io
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local import clients, events, glue_runs
from local.glue_runs import GlueOptions
from local.spark import appcds

Aws = Callable[[str], Any]
FINAL = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    make = functools.cache(functools.partial(clients.client, endpoint=url))
    work_dir = tmp_path_factory.mktemp("runs")
    engine = glue_runs.install(
        GlueOptions(
            make,
            events.publish,
            url,
            "us-east-1",
            work_dir,
            appcds.default_cache_dir(),  # an archive is used if this machine has one
            seconds_per_minute=1.0,
        )
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for bucket in ("tg-a-glue-assets", "tg-a-sor", "tg-a-sot", "elsewhere"):
        make("s3").create_bucket(Bucket=bucket)
    yield make
    engine.close()
    assert list(work_dir.iterdir()) == []
    server.shutdown()
    server.server_close()
    thread.join()


def job(aws: Aws, name: str, script: str, **more: Any) -> str:
    key = f"jobs/{name}.py"
    aws("s3").put_object(Bucket="tg-a-glue-assets", Key=key, Body=script.encode())
    command = {"Name": "glueetl", "ScriptLocation": f"s3://tg-a-glue-assets/{key}"}
    values = {"GlueVersion": "5.1", "WorkerType": "G.1X", "NumberOfWorkers": 2, "Timeout": 60} | more
    aws("glue").create_job(Name=name, Role="role", Command=command, **values)
    return name


def start(aws: Aws, name: str, **more: Any) -> str:
    return str(aws("glue").start_job_run(JobName=name, **more)["JobRunId"])


def shown(aws: Aws, name: str, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = aws("glue").get_job_run(JobName=name, RunId=run_id)["JobRun"]
    return run


def until(condition: Callable[[], Any], seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.05)
    return value


def ended(aws: Aws, name: str, run_id: str) -> dict[str, Any]:
    until(lambda: shown(aws, name, run_id)["JobRunState"] in FINAL)
    return shown(aws, name, run_id)


def lines(aws: Aws, kind: str, run_id: str) -> list[str]:
    logs = aws("logs")
    try:
        found = logs.get_log_events(
            logGroupName=f"/aws-glue/jobs/{kind}", logStreamName=run_id, startFromHead=True
        )
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found["events"]]


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


SPARK_SCRIPT = """
import sys
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
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="tg-a-sot")["Contents"]]
    assert [key.rpartition("/")[0] for key in keys] == ["kept", "out", "out/city=Oslo", "out/city=Rome"]
    assert keys[1] == "out/_SUCCESS"
    rows = {}
    for key in keys[2:]:
        body = s3.get_object(Bucket="tg-a-sot", Key=key)["Body"].read()
        rows[key.split("/")[1]] = pq.read_table(io.BytesIO(body)).to_pylist()
    assert rows == {"city=Oslo": [{"name": 'Bo "b"', "age": 40}], "city=Rome": [{"name": "Ana", "age": 30}]}
    assert s3.get_object(Bucket="tg-a-sot", Key="kept/me")["Body"].read() == b"as it was"


def test_a_script_gets_its_arguments_as_glue_passes_them(aws: Aws) -> None:
    script = "import json, sys; print(json.dumps(sys.argv[1:]))"
    name = job(aws, "arguments", script, DefaultArguments={"--A": "1", "--B": "2"})
    run_id = start(aws, name, Arguments={"--B": "two words", "--C": "3"})

    run = ended(aws, name, run_id)

    printed = json.loads(lines(aws, "output", run_id)[0])
    pairs = dict(zip(printed[::2], printed[1::2], strict=True))
    wanted = {"--JOB_NAME": name, "--JOB_RUN_ID": run_id, "--A": "1", "--B": "two words", "--C": "3"}
    assert pairs == wanted
    assert run["Arguments"] == {"--B": "two words", "--C": "3"}


def test_a_run_tells_what_it_took(aws: Aws) -> None:
    name = job(aws, "took", "pass")
    run = ended(aws, name, start(aws, name, WorkerType="G.2X", NumberOfWorkers=3, Timeout=7))

    assert run["JobRunState"] == "SUCCEEDED"
    assert (run["WorkerType"], run["NumberOfWorkers"], run["Timeout"]) == ("G.2X", 3, 7)
    assert run["MaxCapacity"] == 6.0
    assert run["DPUSeconds"] == 6.0 * 60  # the shortest bill is a minute
    assert run["ExecutionTime"] < 60
    assert run["StartedOn"] <= run["CompletedOn"] == run["LastModifiedOn"]
    assert run["LogGroupName"] == "/aws-glue/jobs"
    assert run["GlueVersion"] == "5.1"


def test_a_failed_run_tells_the_exception(aws: Aws) -> None:
    name = job(aws, "fails", "def f():\n    raise ValueError('bad')\nf()\n")
    run_id = start(aws, name)

    run = ended(aws, name, run_id)

    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "ValueError: bad")
    trace = lines(aws, "error", run_id)
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "ValueError: bad"
    assert not any("runner.py" in line for line in trace)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import os; os._exit(4)", "The script's process ended with exit code 4."),
        ("import os, signal; os.kill(os.getpid(), 9)", "The script's process was killed by signal 9."),
    ],
)
def test_a_script_that_ends_otherwise_says_how(aws: Aws, script: str, message: str) -> None:
    name = job(aws, f"ends-{abs(hash(script))}", script)
    run = ended(aws, name, start(aws, name))
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", message)


def test_a_missing_script_fails_the_run_with_the_error_of_s3(aws: Aws) -> None:
    name = job(aws, "missing", "pass")
    aws("s3").delete_object(Bucket="tg-a-glue-assets", Key="jobs/missing.py")
    run = ended(aws, name, start(aws, name))
    assert run["JobRunState"] == "FAILED"
    assert "s3://tg-a-glue-assets/jobs/missing.py" in run["ErrorMessage"]
    assert "NoSuchKey" in run["ErrorMessage"]


def test_what_a_failing_script_changed_in_its_folders_is_in_s3(aws: Aws) -> None:
    aws("s3").put_object(Bucket="tg-a-sor", Key="half/gone", Body=b"x")
    script = """
from pathlib import Path
half = Path("buckets/tg-a-sor/half")
(half / "gone").unlink()
(half / "_temporary/0").mkdir(parents=True)
(half / "_temporary/0/part").write_text("no")
(half / ".new.crc").write_text("no")
(half / "new").write_text("yes")
raise RuntimeError("late")
"""
    name = job(aws, "half", script)
    run = ended(aws, name, start(aws, name))
    assert run["ErrorMessage"] == "RuntimeError: late"
    found = aws("s3").list_objects_v2(Bucket="tg-a-sor", Prefix="half/")["Contents"]
    assert [item["Key"] for item in found] == ["half/new"]


def test_lines_can_be_read_while_the_script_runs(aws: Aws) -> None:
    name = job(aws, "talks", "import time\nprint('first')\ntime.sleep(60)\n")
    run_id = start(aws, name)

    until(lambda: lines(aws, "output", run_id) == ["first"])

    assert shown(aws, name, run_id)["JobRunState"] == "RUNNING"
    aws("glue").batch_stop_job_run(JobName=name, JobRunIds=[run_id])
    ended(aws, name, run_id)


def test_many_and_long_lines_arrive_whole(aws: Aws) -> None:
    name = job(aws, "much", "for i in range(12000): print(i)\nprint('x' * 300_000)\n")
    run_id = start(aws, name)
    ended(aws, name, run_id)
    pages = aws("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName="/aws-glue/jobs/output", logStreamNames=[run_id])
    messages = [event["message"] for page in found for event in page["events"]]
    assert messages[:12000] == [str(i) for i in range(12000)]
    assert "".join(messages[12000:]) == "x" * 300_000


def test_a_stopped_run_takes_its_child_processes_along(aws: Aws) -> None:
    script = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid)
time.sleep(60)
"""
    name = job(aws, "stopped", script)
    run_id = start(aws, name)
    child = int(until(lambda: lines(aws, "output", run_id))[0])

    answer = aws("glue").batch_stop_job_run(JobName=name, JobRunIds=[run_id, "jr_0"])

    assert answer["SuccessfulSubmissions"] == [{"JobName": name, "JobRunId": run_id}]
    [error] = answer["Errors"]
    assert (error["JobRunId"], error["ErrorDetail"]["ErrorCode"]) == ("jr_0", "EntityNotFoundException")
    assert ended(aws, name, run_id)["JobRunState"] == "STOPPED"
    until(lambda: is_gone(child))
    again = aws("glue").batch_stop_job_run(JobName=name, JobRunIds=[run_id])
    assert [error["JobRunId"] for error in again["Errors"]] == [run_id]


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_run_over_its_timeout_is_ended(aws: Aws) -> None:
    name = job(aws, "slow", "import time\ntime.sleep(60)\n")
    run = ended(aws, name, start(aws, name, Timeout=1))  # a minute takes a second here
    assert run["JobRunState"] == "TIMEOUT"
    assert run["ExecutionTime"] < 30


def test_more_runs_than_the_job_allows_are_refused_until_one_ends(aws: Aws) -> None:
    script = "import time\ntime.sleep(60)\n"
    name = job(aws, "twice", script, ExecutionProperty={"MaxConcurrentRuns": 2})
    both = [start(aws, name), start(aws, name)]
    assert refusal(lambda: start(aws, name)) == "ConcurrentRunsExceededException"

    aws("glue").batch_stop_job_run(JobName=name, JobRunIds=both)
    for run_id in both:
        ended(aws, name, run_id)

    third = start(aws, name)
    aws("glue").batch_stop_job_run(JobName=name, JobRunIds=[third])
    ended(aws, name, third)


def test_runs_are_listed_newest_first_in_pages(aws: Aws) -> None:
    name = job(aws, "listed", "pass", ExecutionProperty={"MaxConcurrentRuns": 3})
    ids = [start(aws, name) for _ in range(3)]
    pages = aws("glue").get_paginator("get_job_runs").paginate(JobName=name, PaginationConfig={"PageSize": 2})
    assert [[run["Id"] for run in page["JobRuns"]] for page in pages] == [[ids[2], ids[1]], [ids[0]]]
    for run_id in ids:
        ended(aws, name, run_id)


def test_a_job_that_is_not_there_is_not_found(aws: Aws) -> None:
    glue = aws("glue")
    assert refusal(lambda: start(aws, "no-such-job")) == "EntityNotFoundException"
    assert refusal(lambda: glue.get_job_runs(JobName="no-such-job")) == "EntityNotFoundException"
    name = job(aws, "without-runs", "pass")
    assert glue.get_job_runs(JobName=name)["JobRuns"] == []
    assert refusal(lambda: shown(aws, name, "jr_0")) == "EntityNotFoundException"


@pytest.mark.parametrize(
    "arguments",
    [{"--additional-python-modules": "x"}, {"--job-bookmark-option": "job-bookmark-enable"}],
)
def test_what_the_laptop_cannot_do_is_refused(aws: Aws, arguments: dict[str, str]) -> None:
    name = job(aws, f"refused-{next(iter(arguments))[2:]}", "pass")
    assert refusal(lambda: start(aws, name, Arguments=arguments)) == "InvalidInputException"


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


def test_a_script_sees_the_embedded_aws_and_no_other(aws: Aws) -> None:
    script = """
import boto3, os
boto3.client("s3").put_object(Bucket="elsewhere", Key="written", Body=b"by boto3")
print(sorted(n for n in os.environ if n.startswith("AWS_PRO")), os.environ["AWS_ACCESS_KEY_ID"])
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_PROFILE", "the-developers-own")
        name = job(aws, "boto3", script)
        run_id = start(aws, name)
        assert ended(aws, name, run_id)["JobRunState"] == "SUCCEEDED"
    assert aws("s3").get_object(Bucket="elsewhere", Key="written")["Body"].read() == b"by boto3"
    assert lines(aws, "output", run_id) == ["[] test"]


@pytest.mark.parametrize(
    ("script", "severity", "state", "message"),
    [
        ("pass", "INFO", "SUCCEEDED", "Job run succeeded"),
        ("raise ValueError('bad')", "ERROR", "FAILED", "ValueError: bad"),
    ],
)
def test_the_end_of_a_run_is_an_event(aws: Aws, script: str, severity: str, state: str, message: str) -> None:
    name = f"event-{state.lower()}"
    queue = aws("sqs").create_queue(QueueName=name)["QueueUrl"]
    pattern = {"detail-type": ["Glue Job State Change"], "detail": {"jobName": [name]}}
    aws("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:us-east-1:{clients.ACCOUNT}:{name}"}
    aws("events").put_targets(Rule=name, Targets=[target])

    run_id = start(aws, job(aws, name, script))

    [received] = until(lambda: aws("sqs").receive_message(QueueUrl=queue).get("Messages"))
    event = json.loads(received["Body"])
    assert event["source"] == "aws.glue"
    detail = {"jobName": name, "severity": severity, "state": state, "jobRunId": run_id, "message": message}
    assert event["detail"] == detail
    ended(aws, name, run_id)


def test_a_script_dies_with_a_killed_server(tmp_path: Path) -> None:
    """The server is played by a process that starts the runner as the engine does, and is killed."""
    script = tmp_path / "script.py"
    script.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    runner = Path(glue_runs.__file__).parents[1] / "spark/runner.py"
    server = f"""
import subprocess, sys
command = [sys.executable, "-P", {str(runner)!r}, {str(tmp_path / "error")!r}, {str(script)!r}]
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
