"""Where moto's Glue is changed: its job run calls are answered by the engine.

moto's StartJobRun only walks through states, one further each time they are asked for, and runs nothing; it
has no BatchStopJobRun. Jobs, and everything else of Glue, stay moto's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from moto.core.responses import ActionResult
from moto.glue.exceptions import GlueClientError
from moto.glue.responses import GlueResponse

from local.glue_runs.state import Refused

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


def replace_moto(api: Api) -> None:
    """Let `api` answer; the last one to ask for it does."""
    for call in (api.start_job_run, api.get_job_run, api.get_job_runs, api.batch_stop_job_run):
        setattr(GlueResponse, call.__name__, _handler(call))


def _handler(call: Callable[[Json], Json]) -> Callable[[GlueResponse], ActionResult]:
    def answer(self: GlueResponse) -> ActionResult:
        try:
            return ActionResult(call(self.parameters))
        except Refused as refused:
            raise GlueClientError(refused.code, str(refused)) from refused

    return answer
