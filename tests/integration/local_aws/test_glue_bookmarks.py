"""Job bookmarks of local Glue runs over real HTTP. The scripts need no Spark: the state is a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.glue_server import Aws, ended, job, lines, refusal, serving, start

ENABLE = {"--job-bookmark-option": "job-bookmark-enable"}
SCRIPT = """
import sys
from awsglue._io.files import File
from awsglue._io import bookmarks
from awsglue.job import Job
from awsglue.utils import getResolvedOptions

names = getResolvedOptions(sys.argv, ["JOB_NAME", "FILES"])
job = Job(None)
job.init(names["JOB_NAME"], names)
files = [File(f"s3://elsewhere/{name}", 1, 1, "s3://elsewhere") for name in names["FILES"].split(",")]
bookmark = bookmarks.active()
found = bookmark.unprocessed("source", files) if bookmark else files
print(*(file.path[-1] for file in found))
if "lost" in names["FILES"]:
    raise SystemExit("before the commit")
job.commit()
if "late" in names["FILES"]:
    raise SystemExit("after the commit")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with serving(tmp_path_factory.mktemp("runs")) as clients_of:
        yield clients_of


def run(aws: Aws, name: str, files: str, **more: str) -> tuple[str, str]:
    """Run the job. Return the ID of the run and what it read."""
    run_id = start(aws, name, Arguments={"--FILES": files} | more)
    ended(aws, name, run_id)
    return run_id, " ".join(lines(aws, "output", run_id)).strip()


def test_a_run_reads_what_no_run_before_has_committed(aws: Aws) -> None:
    name = job(aws, "bookmarked", SCRIPT, DefaultArguments=ENABLE)
    glue = aws("glue")
    assert refusal(lambda: glue.get_job_bookmark(JobName=name)) == "EntityNotFoundException"
    assert run(aws, name, "a,b")[1] == "a b"
    assert run(aws, name, "a,b,c,lost")[1] == "c t"
    assert run(aws, name, "a,b,c")[1] == "c"
    last, found = run(aws, name, "a,b,c,d,late")
    assert found == "d e"
    assert run(aws, name, "a,d")[1] == ""  # what a run commits is kept even if it fails
    disabled = {"--job-bookmark-option": "job-bookmark-disable"}
    assert run(aws, name, "a,d", **disabled)[1] == "a d"
    entry = glue.get_job_bookmark(JobName=name, RunId=last)["JobBookmarkEntry"]
    assert (entry["JobName"], entry["Version"], entry["Attempt"]) == (name, 3, 0)
    assert '"s3://elsewhere/d"' in entry["JobBookmark"]


def test_a_bookmark_can_be_reset_and_rewound(aws: Aws) -> None:
    name = job(aws, "rewound", SCRIPT, DefaultArguments=ENABLE)
    glue = aws("glue")
    assert refusal(lambda: glue.reset_job_bookmark(JobName=name)) == "EntityNotFoundException"
    first, _ = run(aws, name, "a")
    second, _ = run(aws, name, "a,b")
    run(aws, name, "a,b,c")
    paused = {"--job-bookmark-option": "job-bookmark-pause"}
    assert run(aws, name, "a,b,c,d", **paused)[1] == "d"
    limits = {"--job-bookmark-from": first, "--job-bookmark-to": second}
    assert run(aws, name, "a,b,c,d", **paused, **limits)[1] == "b"
    assert run(aws, name, "a,b,c,d", **paused)[1] == "d"  # a paused bookmark does not change
    glue.reset_job_bookmark(JobName=name, RunId=first)
    assert run(aws, name, "a,b,c")[1] == "b c"
    answer: dict[str, Any] = glue.reset_job_bookmark(JobName=name)["JobBookmarkEntry"]
    assert (answer["JobName"], answer["JobBookmark"]) == (name, "{}")
    assert run(aws, name, "a,b,c")[1] == "a b c"
    assert refusal(lambda: glue.reset_job_bookmark(JobName="nobody")) == "EntityNotFoundException"


def test_a_bookmark_is_deleted_with_its_job(aws: Aws) -> None:
    name = job(aws, "deleted", SCRIPT, DefaultArguments=ENABLE)
    run(aws, name, "a")
    aws("glue").delete_job(JobName=name)
    job(aws, name, SCRIPT, DefaultArguments=ENABLE)
    assert refusal(lambda: aws("glue").get_job_bookmark(JobName=name)) == "EntityNotFoundException"
    assert run(aws, name, "a")[1] == "a"
