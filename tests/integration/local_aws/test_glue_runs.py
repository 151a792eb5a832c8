"""Local Glue runs over real HTTP: start, end, and their descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.aws import clients
from tests.support.glue_server import Aws, ended, is_gone, job, lines, refusal, serving, shown, start, until


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving(tmp_path_factory.mktemp("runs")) as clients_of:
        yield clients_of


def test_a_run_returns_its_duration_and_capacity(aws: Aws) -> None:
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


def test_a_failed_run_returns_the_exception(aws: Aws) -> None:
    name = job(aws, "fails", "def f():\n    raise ValueError('bad')\nf()\n")
    run_id = start(aws, name)

    run = ended(aws, name, run_id)

    message = "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 2; ValueError: bad"
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", message)
    trace = lines(aws, "error", run_id)
    assert trace[:2] == ["Traceback (most recent call last):", '  File "fails.py", line 3, in <module>']
    assert trace[-1] == "ValueError: bad"
    assert not any("runner.py" in line for line in trace)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "import sys; sys.exit(3)",
            "Error Category: SYSTEM_EXIT_ERROR; Failed Line Number: 1; SystemExit: 3",
        ),
        ("import os; os._exit(4)", "The script's process ended with exit code 4."),
        (
            "import os, signal; os.kill(os.getpid(), 9)",
            "The script's process was killed, perhaps because memory was short.",
        ),
    ],
)
def test_a_script_with_an_exit_code_or_signal_returns_it(aws: Aws, script: str, message: str) -> None:
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


def test_a_stopped_run_ends_its_child_processes(aws: Aws) -> None:
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


def test_a_run_over_its_timeout_is_ended(aws: Aws) -> None:
    name = job(aws, "slow", "import time\ntime.sleep(60)\n")
    run = ended(aws, name, start(aws, name, Timeout=1))  # a minute takes a second here
    assert run["JobRunState"] == "TIMEOUT"
    assert run["ExecutionTime"] < 30


def test_more_runs_than_the_job_allows_are_rejected_until_one_ends(aws: Aws) -> None:
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


def test_a_missing_job_is_not_found(aws: Aws) -> None:
    glue = aws("glue")
    assert refusal(lambda: start(aws, "no-such-job")) == "EntityNotFoundException"
    assert refusal(lambda: glue.get_job_runs(JobName="no-such-job")) == "EntityNotFoundException"
    name = job(aws, "without-runs", "pass")
    assert glue.get_job_runs(JobName=name)["JobRuns"] == []
    assert refusal(lambda: shown(aws, name, "jr_0")) == "EntityNotFoundException"


@pytest.mark.parametrize(
    "arguments",
    [
        {"--datalake-formats": "iceberg"},
        {"--user-jars-first": "true"},
        {"--job-bookmark-option": "enable"},
        {"--conf": "spark.hadoop.fs.s3a.endpoint.region=us-east-1 --conf spark.a=b"},
    ],
)
def test_unsupported_options_are_rejected(aws: Aws, arguments: dict[str, str]) -> None:
    name = job(aws, f"refused-{next(iter(arguments))[2:]}", "pass")
    assert refusal(lambda: start(aws, name, Arguments=arguments)) == "InvalidInputException"


@pytest.mark.parametrize(
    ("version", "conf", "state"),
    [
        ("5.1", "spark.hadoop.fs.s3a.endpoint.region=us-east-1", "SUCCEEDED"),
        ("5.1", "spark.hadoop.fs.s3a.endpoint.region=eu-west-1", "FAILED"),
        ("5.1", "", "FAILED"),  # S3A uses us-east-2
        ("5.0", "", "SUCCEEDED"),  # EMRFS
    ],
)
def test_a_run_of_glue_5_1_needs_the_region_of_s3a(aws: Aws, version: str, conf: str, state: str) -> None:
    name = job(
        aws, f"s3a-{version}-{conf[-9:]}", "pass", GlueVersion=version, DefaultArguments={"--conf": conf}
    )
    run = ended(aws, name, start(aws, name))
    assert run["JobRunState"] == state
    if state == "FAILED":
        assert "Set --conf to spark.hadoop.fs.s3a.endpoint.region=us-east-1." in run["ErrorMessage"]


@pytest.mark.parametrize(
    ("script", "severity", "state", "message"),
    [
        ("pass", "INFO", "SUCCEEDED", "Job run succeeded"),
        (
            "raise ValueError('bad')",
            "ERROR",
            "FAILED",
            "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 1; ValueError: bad",
        ),
    ],
)
def test_the_end_of_a_run_sends_an_event(
    aws: Aws, script: str, severity: str, state: str, message: str
) -> None:
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
