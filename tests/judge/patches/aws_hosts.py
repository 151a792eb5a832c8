"""ministack serves an API under `<id>.execute-api.<MINISTACK_HOST>`, without the region that AWS's hosts have.

It also tries to listen on port 443, because it knows the issuer of a Cognito token by this port only. Here the
proxy connects port 443 of AWS's hosts, so that the judge needs no privileges.
"""

from __future__ import annotations

import re

from ministack import app

_AWS_HOST = "a1b2c3d4.execute-api.us-east-1.amazonaws.com"


def needed() -> bool:
    return app._EXECUTE_API_RE.match(_AWS_HOST) is None


def apply() -> None:
    app._EXECUTE_API_RE = re.compile(r"^([a-f0-9]{8})\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")
    app._port_is_bindable = lambda host, port: False
