"""Control of faults in a running emulator, and identification of the affected process."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable

from local.faults.rules import Rule

PATH = "/_terraglue/faults"
APP = "terraglue-api-"


def app_id(pid: int) -> str:
    """Return the app ID (AWS_SDK_UA_APP_ID) of a process whose calls may fail."""
    return f"{APP}{pid}"


def replace_faults(aws: str, rules: Iterable[Rule], seed: int) -> None:
    """Replace the rules of the emulator at a URL."""
    document = json.dumps({"seed": seed, "rules": [rule.text for rule in rules]})
    request = urllib.request.Request(aws + PATH, data=document.encode(), method="PUT")  # noqa: S310 - ours
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()
