"""CloudTrail records no requests that IAM denies. The judge reads them from the log instead."""

from __future__ import annotations

import inspect
from typing import Any

from ministack.core import iam_actions

from tests.judge.emulator import DENIED

_respond = iam_actions.access_denied_response


def needed() -> bool:
    return "cloudtrail" not in inspect.getsource(_respond)


def apply() -> None:
    iam_actions.access_denied_response = _access_denied_response


def _access_denied_response(
    service: str, action: str, principal: str, request: str, **more: Any
) -> tuple[int, dict[str, str], bytes]:
    print(f"{DENIED}{action} on {more.get('resource_arn')} for {principal}", flush=True)
    return _respond(service, action, principal, request, **more)
