"""Job runs on moto: start, list and end them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto.core.responses import ActionResult
from moto.glue.exceptions import GlueClientError
from moto.glue.responses import GlueResponse

from chalicelib.domain.caller import Caller
from local.moto_patches.patching import replace_methods
from tests.support.api import Api

MARKER = "--terraglue-run-id"


def glue_runs(job: str) -> list[dict[str, Any]]:
    return boto3.client("glue").get_job_runs(JobName=job)["JobRuns"]


def end_in_glue(job: str, state: str = "SUCCEEDED", seconds: int = 30, **shown_too: Any) -> None:
    """End the newest run of a job, as Glue does."""
    from moto.glue.models import glue_backends

    run = glue_backends["123456789012"]["us-east-1"].jobs[job].job_runs[-1]
    run._status = state
    shown = run.as_dict()  # moto has fixed figures there
    shown |= {"JobRunState": state, "ExecutionTime": seconds, "DPUSeconds": seconds * 5.0}
    shown |= shown_too
    message = "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 3; ValueError: bad 123456789012"
    shown |= {"ErrorMessage": message} if state == "FAILED" else {}
    run.as_dict = lambda: shown


class JobBookmarks:
    """ResetJobBookmark, which moto lacks. Records the jobs. Those in `without` have no bookmark."""

    def __init__(self) -> None:
        self.reset: list[str] = []
        self.without: set[str] = set()

    def install(self) -> Callable[[], None]:
        def reset_job_bookmark(response: GlueResponse) -> ActionResult:
            job = response.parameters["JobName"]
            if job in self.without:
                raise GlueClientError("EntityNotFoundException", f"Continuation for job {job} not found")
            self.reset.append(job)
            return ActionResult({"JobBookmarkEntry": {"JobName": job}})

        return replace_methods(GlueResponse, {"reset_job_bookmark": reset_job_bookmark})


def ask(api: Api, job: str, **kwargs: Any) -> Any:
    return api.call("POST", f"/jobs/{job}/runs", **kwargs)


class DiesAfterTheCall(BaseException):
    """The process ends after the call, and does nothing more."""


class DyingStarter:
    """A Glue client whose process dies right before or right after StartJobRun."""

    def __init__(self, client: BaseClient, *, after: bool) -> None:
        self._client = client
        self._after = after

    def start_job_run(self, **arguments: Any) -> Any:
        if self._after:
            self._client.start_job_run(**arguments)  # type: ignore[attr-defined]
        raise DiesAfterTheCall


ANA = Caller("ana", is_admin=False)


class Stopper:
    """Glue client with BatchStopJobRun, which moto lacks. Records the runs to stop."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.stopped: list[str] = []
        self.dies = False
        self.refuses = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_stop_job_run(self, JobName: str, JobRunIds: list[str]) -> Any:
        if self.refuses:
            error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
            raise ClientError(error, "BatchStopJobRun")  # type: ignore[arg-type]
        self.stopped += JobRunIds
        if self.dies:
            raise DiesAfterTheCall
        return {}
