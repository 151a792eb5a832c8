"""Replacement of moto's Athena calls.

moto's StartQueryExecution runs nothing and returns canned results, and its Athena has a Data Catalog of its
own. Workgroups remain moto's, except for the error message for a missing workgroup.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from moto.athena.models import AthenaBackend
from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError

from local.athena.errors import Refused
from local.aws.clients import Credentials
from local.moto_patches.patching import replace_methods

Json = dict[str, Any]

_MOST = 50


@dataclass(frozen=True)
class Request:
    """A call with its parameters, moto's state of the account and region, and the caller's credentials."""

    values: Json
    backend: Any
    credentials: Credentials


Call = Callable[[Request], Json]
"""A call, named as moto's method. It raises `Refused`."""


def replace_moto(calls: Iterable[Call]) -> Callable[[], None]:
    """Let `calls` replace or extend moto's. Return a function that restores moto's methods."""
    replaced = {call.__name__: _handler(call) for call in calls}
    replaced["get_work_group"] = _handler(_get_work_group)
    restore_calls = replace_methods(AthenaResponse, replaced)
    restore_tokens = replace_methods(AthenaBackend, {"tokens": property(_tokens)})

    def restore() -> None:
        restore_calls()
        restore_tokens()

    return restore


def page(request: Request, key: str, items: Sequence[Any]) -> Json:
    """Return a page of a list under `key`, with at most 50 items. Raises `Refused` for an unknown token."""
    token, limit = request.values.get("NextToken") or "0", request.values.get("MaxResults") or _MOST
    if not token.isdecimal():
        raise Refused("The NextToken is not valid.")
    begin, end = int(token), int(token) + min(limit, _MOST)
    answer: Json = {key: list(items[begin:end])}
    return {**answer, "NextToken": str(end)} if end < len(items) else answer


def _handler(call: Call) -> Callable[[AthenaResponse], str]:
    def answer(self: AthenaResponse) -> str:
        credentials = Credentials.of_caller(self.headers)
        try:
            return json.dumps(call(Request(json.loads(self.body), self.athena_backend, credentials)))
        except Refused as refused:
            raise JsonRESTError(refused.code, str(refused)) from refused

    return answer


def _get_work_group(request: Request) -> Json:
    """Return a workgroup as moto does. Raises `Refused` if it does not exist."""
    group = request.backend.get_work_group(request.values["WorkGroup"])
    if group is None:
        raise Refused("WorkGroup is not found.")
    return {"WorkGroup": group}


def _tokens(self: AthenaBackend) -> Any:
    from local.athena.execution import Tokens

    return vars(self).setdefault("_tokens", Tokens())
