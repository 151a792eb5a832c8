"""Command `env`: prints the variables with which tools reach a user's sandbox in the running emulator."""

from __future__ import annotations

import functools
import json
import shlex
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from local.aws import clients
from local.runtime.processes import Failed
from local.setup import bootstrap


def lines(ready: Mapping[str, str], user: str) -> list[str]:
    """Return `export NAME=value` lines for a shell. Raises `Failed` if the user has no READY environment."""
    make_client = functools.partial(clients.client, endpoint=ready["aws"], region=ready["region"])
    token = bootstrap.token(make_client, ready["user_pool_id"], ready["client_id"], user, is_admin=None)
    environment = _call(ready, token, "GET", "/me")["environment"]
    if environment is None:
        raise Failed(f"{user} has no environment. Create one with POST /environments.")
    given = _call(ready, token, "POST", f"/environments/{environment['id']}/credentials")
    issued = clients.Credentials(given["access_key_id"], given["secret_access_key"], given["session_token"])
    variables = clients.aws_variables(ready["aws"], given["region"], issued)
    if workgroup := given["athena_workgroup"]:
        variables["WR_WORKGROUP"] = workgroup  # which awswrangler reads
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def _call(ready: Mapping[str, str], token: str, method: str, path: str) -> Any:
    request = urllib.request.Request(  # noqa: S310 - the address is that of the running instance
        ready["api"] + path, method=method, headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return json.load(response)
    except urllib.error.HTTPError as error:
        problem = json.loads(error.read() or b"{}")
        raise Failed(problem.get("detail") or f"{method} {path} returned {error.code}.") from error
    except OSError as error:
        raise Failed(f"The API does not answer: {error}. Start it with `make up`.") from error
