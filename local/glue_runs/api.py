"""Replacement of moto's Glue job run calls.

moto's StartJobRun runs nothing: the state advances on every read. BatchStopJobRun is missing. Jobs and all
other Glue calls remain moto's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from moto.core.responses import ActionResult
from moto.glue.exceptions import GlueClientError
from moto.glue.models import FakeJob
from moto.glue.responses import GlueResponse

from local.glue_runs.state import Refused
from local.moto_patches.patching import replace_methods

Json = dict[str, Any]


class Api(Protocol):
    """The calls, with parameters and results as JSON. They raise `Refused`."""

    def start_job_run(self, request: Json) -> Json:
        """StartJobRun."""

    def get_job_run(self, request: Json) -> Json:
        """GetJobRun."""

    def get_job_runs(self, request: Json) -> Json:
        """GetJobRuns."""

    def batch_stop_job_run(self, request: Json) -> Json:
        """BatchStopJobRun."""


def replace_moto(api: Api, *others: Callable[[Json], Json]) -> Callable[[], None]:
    """Let `api` handle the calls of runs, and `others` those of their names.

    Return a function that restores moto's methods.
    """
    calls = (api.start_job_run, api.get_job_run, api.get_job_runs, api.batch_stop_job_run, *others)
    replaced = {call.__name__: _handler(call) for call in calls}
    replaced |= {"create_job": _create_job}
    restore_calls = replace_methods(GlueResponse, replaced)
    restore_job = replace_methods(FakeJob, {"as_dict": _job_as_dict})

    def restore() -> None:
        restore_calls()
        restore_job()

    return restore


def _handler(call: Callable[[Json], Json]) -> Callable[[GlueResponse], ActionResult]:
    def answer(self: GlueResponse) -> ActionResult:
        try:
            return ActionResult(call(self.parameters))
        except Refused as refused:
            raise GlueClientError(refused.code, str(refused)) from refused

    return answer


_moto_create_job = GlueResponse.create_job
_moto_job_as_dict = FakeJob.as_dict


def _create_job(self: GlueResponse) -> ActionResult:
    answer = _moto_create_job(self)
    job: Any = self.glue_backend.get_job(self.parameters["Name"])
    job.job_mode = self.parameters.get("JobMode", "SCRIPT")  # moto ignores it
    return answer


def _job_as_dict(self: FakeJob) -> Json:
    return {**_moto_job_as_dict(self), "JobMode": getattr(self, "job_mode", "SCRIPT")}
