"""How faults are told to the embedded AWS that serves, and how it knows whose calls are meant."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable

from local.faults.rules import Rule

PATH = "/_terraglue/faults"
APP = "terraglue-api-"


def app_id(pid: int) -> str:
    """What a process whose calls may go wrong calls itself: the value of AWS_SDK_UA_APP_ID."""
    return f"{APP}{pid}"


def replace_faults(aws: str, rules: Iterable[Rule], seed: int) -> None:
    """Put rules into force in the embedded AWS that serves at a URL, in the place of those before."""
    document = json.dumps({"seed": seed, "rules": [rule.text for rule in rules]})
    request = urllib.request.Request(aws + PATH, data=document.encode(), method="PUT")  # noqa: S310 - ours
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()
