"""Where moto's Athena is changed: what is request of query executions is answered by ours.

moto's StartQueryExecution runs nothing, and results are canned. Workgroups and named queries stay moto's, but
for what it says of a workgroup that there is not.
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
    """A call: its values, moto's state of the account and region, and the credentials it came with."""

    values: Json
    backend: Any
    credentials: Credentials


class Api(Protocol):
    """The calls; they raise `Refused`."""

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
    """Let `api` answer; gives what lets moto answer again."""
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
    """Let moto say of a workgroup that there is none; gives what takes that back."""
    return replace_methods(AthenaResponse, {"get_work_group": _handler(_get_work_group)})


def _handler(call: Callable[[Request], Json]) -> Callable[[AthenaResponse], str]:
    def answer(self: AthenaResponse) -> str:
        match = _KEY.search(self.headers.get("Authorization", ""))
        token = self.headers.get("X-Amz-Security-Token", "")
        # The key alone says who it is; the embedded AWS looks at no signature.
        credentials = Credentials(match[1] if match else "test", "unknown", token)
        try:
            return json.dumps(call(Request(json.loads(self.body), self.athena_backend, credentials)))
        except Refused as refused:
            raise JsonRESTError("InvalidRequestException", str(refused)) from refused

    return answer


def _get_work_group(request: Request) -> Json:
    """As moto's, but that it says so when there is none."""
    group = request.backend.get_work_group(request.values["WorkGroup"])
    if group is None:
        raise Refused("WorkGroup is not found.")
    return {"WorkGroup": group}


def _no_statistics(_: Request) -> Json:
    raise Refused("The Athena of the laptop has no runtime statistics.")


def _tokens(self: AthenaBackend) -> Any:
    from local.athena.execution import Tokens

    return vars(self).setdefault("_tokens", Tokens())
