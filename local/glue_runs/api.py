"""Where moto's Glue is changed: its job run calls are answered by the engine.

moto's StartJobRun only walks through states, one further each time they are asked for, and runs nothing; it
has no BatchStopJobRun. Jobs, and everything else of Glue, stay moto's.
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
    """The calls, with their parameters and answers as JSON; they raise `Refused`."""

    def start_job_run(self, request: Json) -> Json:
        """StartJobRun."""

    def get_job_run(self, request: Json) -> Json:
        """GetJobRun."""

    def get_job_runs(self, request: Json) -> Json:
        """GetJobRuns."""

    def batch_stop_job_run(self, request: Json) -> Json:
        """BatchStopJobRun."""


def replace_moto(api: Api) -> Callable[[], None]:
    """Let `api` answer; gives what lets moto answer again."""
    calls = (api.start_job_run, api.get_job_run, api.get_job_runs, api.batch_stop_job_run)
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
    job.job_mode = self.parameters.get("JobMode", "SCRIPT")  # moto passes it over
    return answer


def _job_as_dict(self: FakeJob) -> Json:
    return {**_moto_job_as_dict(self), "JobMode": getattr(self, "job_mode", "SCRIPT")}
