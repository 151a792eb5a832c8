"""Replacement of moto's Athena calls about query executions.

moto's StartQueryExecution runs nothing and returns canned results. Workgroups and named queries remain
moto's, except for the error message for a missing workgroup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from moto.athena.models import AthenaBackend
from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError

from local.athena.errors import Refused
from local.aws.clients import Credentials
from local.moto_patches.patching import replace_methods

Json = dict[str, Any]

_KEY = re.compile(r"Credential=([^/,]+)/")


@dataclass(frozen=True)
class Request:
    """A call with its parameters, moto's state of the account and region, and the caller's credentials."""

    values: Json
    backend: Any
    credentials: Credentials


class Api(Protocol):
    """The calls. They raise `Refused`."""

    def start_query_execution(self, request: Request) -> Json:
        """StartQueryExecution."""

    def get_query_execution(self, request: Request) -> Json:
        """GetQueryExecution."""

    def get_query_results(self, request: Request) -> Json:
        """GetQueryResults."""

    def stop_query_execution(self, request: Request) -> Json:
        """StopQueryExecution."""

    def list_query_executions(self, request: Request) -> Json:
        """ListQueryExecutions."""


def replace_moto(api: Api) -> Callable[[], None]:
    """Let `api` handle the calls. Return a function that restores moto's methods."""
    calls = (
        *(api.start_query_execution, api.get_query_execution, api.get_query_results),
        *(api.stop_query_execution, api.list_query_executions),
    )
    replaced = {call.__name__: _handler(call) for call in calls}
    replaced["get_work_group"] = _handler(_get_work_group)
    replaced["get_query_runtime_statistics"] = _handler(_no_statistics)
    restore_calls = replace_methods(AthenaResponse, replaced)
    restore_tokens = replace_methods(AthenaBackend, {"tokens": property(_tokens)})

    def restore() -> None:
        restore_calls()
        restore_tokens()

    return restore


def miss_workgroups() -> Callable[[], None]:
    """Let moto report a missing workgroup. Return a function that removes the patch."""
    return replace_methods(AthenaResponse, {"get_work_group": _handler(_get_work_group)})


def _handler(call: Callable[[Request], Json]) -> Callable[[AthenaResponse], str]:
    def answer(self: AthenaResponse) -> str:
        match = _KEY.search(self.headers.get("Authorization", ""))
        token = self.headers.get("X-Amz-Security-Token", "")
        # The access key alone identifies the caller; the emulator does not check signatures.
        credentials = Credentials(match[1] if match else "test", "unknown", token)
        try:
            return json.dumps(call(Request(json.loads(self.body), self.athena_backend, credentials)))
        except Refused as refused:
            raise JsonRESTError("InvalidRequestException", str(refused)) from refused

    return answer


def _get_work_group(request: Request) -> Json:
    """Return a workgroup as moto does. Raises `Refused` if it does not exist."""
    group = request.backend.get_work_group(request.values["WorkGroup"])
    if group is None:
        raise Refused("WorkGroup is not found.")
    return {"WorkGroup": group}


def _no_statistics(_: Request) -> Json:
    raise Refused("The local Athena has no runtime statistics.")


def _tokens(self: AthenaBackend) -> Any:
    from local.athena.execution import Tokens

    return vars(self).setdefault("_tokens", Tokens())
