"""The spare process of job runs: what it knows, what a run finds in it, and when it ends."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.glue_runs.spares import SpareOptions
from tests.support.glue_server import (
    FINAL,
    S3A,
    Aws,
    ended,
    is_gone,
    job,
    lines,
    serving,
    shown,
    start,
    until,
)
from tests.support.local_up import LOCAL
from tests.support.paths import ROOT

ALWAYS = SpareOptions(is_idle=lambda: True, delay_seconds=0)

# Says where it runs and what it finds, then leaves what another script could find.
SCRIPT = """
import glob, json, os, sys, tempfile
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
java = spark._jvm.java.lang
rows = spark.sparkContext.parallelize([0], 1).map(lambda _: dict(os.environ)).collect()
print(json.dumps({
    "pid": os.getpid(),
    "arguments": sys.argv[1:],
    "variables": dict(os.environ),
    "of_java": dict(java.System.getenv()),
    "of_worker": rows[0],
    "left": java.System.getProperty("left"),
    "modules": "left" in sys.modules,
    "files": glob.glob(os.path.join(tempfile.gettempdir(), "left*")) + os.listdir("."),
    "setting": spark.conf.get("spark.sql.left", None),
    "tables": [table.name for table in spark.catalog.listTables()],
    "bucket": [row.value for row in spark.read.text("s3://tg-a-sor/a.txt").collect()],
}))
sys.stdout.flush()
os.environ["LEFT"] = "1"
java.System.setProperty("left", "1")
sys.modules["left"] = sys
for folder in (".", tempfile.gettempdir()):
    open(os.path.join(folder, "left.txt"), "w").close()
spark.conf.set("spark.sql.left", "1")
spark.range(1).createOrReplaceTempView("left")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving(tmp_path_factory.mktemp("runs"), spares=ALWAYS) as clients_of:
        clients_of("s3").put_object(Bucket="tg-a-sor", Key="a.txt", Body=b"one")
        yield clients_of


def spares(parent: int | None = None) -> list[psutil.Process]:
    """The processes that wait for a run, or have become one."""
    return [one for one in psutil.Process(parent).children() if _is_spare(one)]


def _is_spare(process: psutil.Process) -> bool:
    try:
        return any(word.endswith("/spare.py") for word in process.cmdline())
    except psutil.NoSuchProcess:  # or a zombie
        return False


def a_spare() -> psutil.Process:
    found: psutil.Process = until(spares)[0]
    return found


def output(aws: Aws, name: str, run_id: str) -> list[str]:
    run = ended(aws, name, run_id)
    assert run["JobRunState"] == "SUCCEEDED", (run, lines(aws, "error", run_id))
    return lines(aws, "output", run_id)


def seen(aws: Aws, name: str, run_id: str) -> dict[str, Any]:
    first, *_ = output(aws, name, run_id)
    found: dict[str, Any] = json.loads(first)
    return found


def test_a_run_takes_the_spare_process_and_finds_nothing_of_an_earlier_run(aws: Aws) -> None:
    spare = a_spare()
    assert not [name for name in spare.environ() if name.startswith(("AWS_ACCESS", "AWS_SECRET", "AWS_SESS"))]
    name = job(aws, "takes-it", SCRIPT, DefaultArguments={"--customer-driver-env-vars": "CUSTOMER_A=first"})
    first = seen(aws, name, start(aws, name, Arguments={"--answer": "42"}))
    assert first["pid"] == spare.pid
    assert first["arguments"][first["arguments"].index("--answer") + 1] == "42"
    assert is_gone(spare.pid)

    other = a_spare()
    again = job(aws, "finds-nothing", SCRIPT)
    second = seen(aws, again, start(aws, again))
    assert second["pid"] == other.pid != first["pid"]
    for found in (first, second):
        assert found["bucket"] == ["one"]
        assert (found["left"], found["modules"], found["setting"], found["tables"]) == (None, False, None, [])
        assert found["files"] == []
        assert "LEFT" not in found["variables"]
    for place in ("variables", "of_java", "of_worker"):
        assert first[place]["CUSTOMER_A"] == "first"
        assert "CUSTOMER_A" not in second[place]
        keys = [found[place]["AWS_ACCESS_KEY_ID"] for found in (first, second)]
        assert keys[0] != keys[1]
        assert keys[0] not in second[place].values()


def test_a_spare_process_behaves_like_a_process_of_its_own(aws: Aws) -> None:
    a_spare()
    name = job(aws, "twice", SCRIPT)
    of_spare = seen(aws, name, start(aws, name))
    own = job(aws, "own", SCRIPT)
    conf = f"{S3A['--conf']} --conf spark.sql.shuffle.partitions=4"
    waiting = a_spare()
    alone = seen(aws, own, start(aws, own, Arguments={"--conf": conf}))
    assert waiting.is_running() and alone["pid"] != waiting.pid
    for place in ("variables", "of_java", "of_worker"):
        assert set(of_spare[place]) == set(alone[place])
        for variable in ("PYTHONHASHSEED", "SPARK_CONF_DIR", "TZ"):
            assert of_spare[place].get(variable) == alone[place].get(variable)


def test_a_run_whose_spare_has_no_java_starts_its_own_process(aws: Aws) -> None:
    spare = a_spare()
    java: psutil.Process = until(lambda: [one for one in spare.children() if "java" in one.name()])[0]
    spare.suspend()  # so that the run takes it before it notices
    java.kill()
    name = job(aws, "java-died", "import os; print(os.getpid())")
    run_id = start(aws, name)
    until(lambda: shown(aws, name, run_id)["JobRunState"] == "RUNNING")
    spare.resume()
    assert output(aws, name, run_id) != [str(spare.pid)]
    assert is_gone(spare.pid)


def test_a_run_whose_spare_has_died_starts_its_own_process(aws: Aws) -> None:
    spare = a_spare()
    spare.kill()
    name = job(aws, "spare-died", "print('ran')")
    assert output(aws, name, start(aws, name)) == ["ran"]


def test_a_spare_that_dies_leaves_no_java(tmp_path: Path) -> None:
    with serving(tmp_path / "runs", spares=ALWAYS):
        [spare] = until(lambda: [one for one in spares() if str(tmp_path) in " ".join(one.cmdline())])
        java = until(spare.children)
        for one in java:
            one.suspend()  # as if it did not notice the end of its input
        spare.kill()
        until(lambda: all(is_gone(one.pid) for one in java), seconds=10)


def test_a_run_whose_spare_dies_before_the_script_begins_leaves_no_java(aws: Aws) -> None:
    spare = a_spare()
    java = until(spare.children)
    for one in (spare, *java):
        one.suspend()
    name = job(aws, "dies-early", "print('ran')")
    run_id = start(aws, name)
    until(lambda: shown(aws, name, run_id)["JobRunState"] == "RUNNING")
    spare.kill()
    assert output(aws, name, run_id) == ["ran"]
    assert all(is_gone(one.pid) for one in java)


@pytest.mark.parametrize(
    "arguments",
    [
        {"--extra-py-files": "s3://tg-a-sor/helper.py"},
        {"--extra-jars": "s3://tg-a-sor/a.jar"},
        {"--conf": f"{S3A['--conf']} --conf spark.sql.codegen.cache.maxEntries=7"},
    ],
)
def test_a_run_with_files_or_properties_of_its_own_leaves_the_spare(
    aws: Aws, arguments: dict[str, str]
) -> None:
    aws("s3").put_object(Bucket="tg-a-sor", Key="helper.py", Body=b"x = 1")
    aws("s3").put_object(Bucket="tg-a-sor", Key="a.jar", Body=b"")
    spare = a_spare()
    name = job(aws, f"own-{len(str(arguments))}", "import os; print(os.getpid())")
    assert output(aws, name, start(aws, name, Arguments=arguments)) != [str(spare.pid)]
    assert spare.is_running()


def test_a_session_with_options_of_the_launcher_gets_its_own_java(aws: Aws) -> None:
    a_spare()
    script = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.config("spark.driver.memory", "600m").getOrCreate()
print(spark._jvm.java.lang.Runtime.getRuntime().maxMemory() < 700 * 1024 ** 2)
"""
    name = job(aws, "memory", script)
    assert output(aws, name, start(aws, name)) == ["True"]


def test_a_run_that_cannot_begin_ends_the_spare_it_took(aws: Aws) -> None:
    spare = a_spare()
    arguments = {"--job-bookmark-option": "job-bookmark-pause", "--job-bookmark-from": "jr_none"}
    name = job(aws, "refused", "print('ran')")
    assert ended(aws, name, start(aws, name, Arguments=arguments))["JobRunState"] == "FAILED"
    until(lambda: is_gone(spare.pid), seconds=10)


def test_what_a_script_changes_before_its_session_reaches_java(aws: Aws) -> None:
    script = """
import os, tempfile
{change}
from pyspark.sql import SparkSession
context = SparkSession.builder.getOrCreate().sparkContext
java = context._jvm.java
rows = context.parallelize([0], 1).map(lambda _: (os.environ.get("BEFORE"), os.getcwd() == java_folder))
java_folder = os.path.realpath(tempfile.gettempdir())
print(java.lang.System.getenv("BEFORE"), *rows.first())
"""
    for change, found in {
        'os.environ["BEFORE"] = "1"': "1 1 False",
        "os.chdir(tempfile.gettempdir())": "None None True",
    }.items():
        a_spare()
        name = job(aws, f"before-{len(change)}", script.format(change=change))
        assert output(aws, name, start(aws, name)) == [found]


def test_an_error_is_reported_as_in_a_process_of_its_own(aws: Aws) -> None:
    spare = a_spare()
    script = "import os\nprint(os.getpid())\nfrom pyspark.sql import SparkSession\n"
    name = job(aws, "fails", f"{script}SparkSession.builder.getOrCreate().table('none')\n")
    run_id = start(aws, name)
    run = ended(aws, name, run_id)
    assert lines(aws, "output", run_id) == [str(spare.pid)]
    assert run["ErrorMessage"].startswith(
        "Error Category: QUERY_ERROR; Failed Line Number: 4; AnalysisException: "
    )
    errors = lines(aws, "error", run_id)
    assert errors[0].startswith("Traceback") and "spare" not in "".join(errors)


def test_a_stopped_run_ends_its_process(aws: Aws) -> None:
    spare = a_spare()
    name = job(aws, "stopped", "import time; print('on', flush=True); time.sleep(300)")
    run_id = start(aws, name)
    until(lambda: lines(aws, "output", run_id) == ["on"])
    aws("glue").batch_stop_job_run(JobName=name, JobRunIds=[run_id])
    assert ended(aws, name, run_id)["JobRunState"] == "STOPPED"
    until(lambda: is_gone(spare.pid))


def test_a_run_that_takes_too_long_ends_its_process(aws: Aws) -> None:
    spare = a_spare()
    name = job(aws, "too-long", "import time; time.sleep(300)", Timeout=3)
    run_id = start(aws, name)
    assert ended(aws, name, run_id)["JobRunState"] == "TIMEOUT"
    until(lambda: is_gone(spare.pid))


def test_there_is_one_spare_and_none_beside_a_run(aws: Aws) -> None:
    a_spare()
    name = job(aws, "busy", "import time; print('on', flush=True); time.sleep(3)")
    run_id = start(aws, name)
    while shown(aws, name, run_id)["JobRunState"] not in FINAL:
        assert len(spares()) <= 1
        time.sleep(0.1)
    assert len(until(spares)) == 1


def test_a_spare_that_nobody_needs_ends(tmp_path: Path) -> None:
    options = SpareOptions(is_idle=lambda: True, delay_seconds=0, idle_seconds=1)
    with serving(tmp_path / "runs", spares=options):
        folder = until(lambda: list(tmp_path.glob("runs/spare_*")))[0]
        until(lambda: not folder.exists())
        assert [one for one in spares() if folder.name in " ".join(one.cmdline())] == []


def test_a_busy_machine_gets_no_spare(tmp_path: Path) -> None:
    asked: list[bool] = []

    def is_idle() -> bool:
        asked.append(True)
        return False

    with serving(tmp_path / "runs", spares=SpareOptions(is_idle=is_idle, delay_seconds=0)) as aws:
        until(lambda: len(asked) > 1)
        assert list(tmp_path.glob("runs/*")) == []
        name = job(aws, "without", "print('ran')")
        assert output(aws, name, start(aws, name)) == ["ran"]


def test_the_spare_ends_with_the_emulator(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [*LOCAL, "aws", "--state", str(tmp_path), "--ready-file", str(ready), "--spare", "always"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        [spare] = until(lambda: spares(process.pid))
        java = until(spare.children)
    finally:
        process.kill()
        process.wait()
    until(lambda: is_gone(spare.pid) and all(is_gone(one.pid) for one in java))
