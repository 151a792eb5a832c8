"""boto3 clients of the local AWS emulator, isolated from the developer's own AWS configuration."""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"
"""moto's default account."""

_ACCESS_KEY = re.compile(r"Credential=([^/,]+)/")


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role."""

    access_key_id: str
    secret_access_key: str
    session_token: str

    @classmethod
    def of_caller(cls, headers: Mapping[str, str]) -> Credentials:
        """Return the credentials with which a request is signed.

        The emulator does not check signatures: the access key alone identifies the caller.
        """
        found = _ACCESS_KEY.search(headers.get("Authorization", ""))
        return cls(found[1] if found else "test", "unknown", headers.get("X-Amz-Security-Token", ""))

    @property
    def client_arguments(self) -> dict[str, str]:
        """Keyword arguments for a boto3 client."""
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
        }


_ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}  # the emulator accepts any

_making = threading.Lock()  # clients are thread-safe, their creation is not


@functools.cache
def _session() -> boto3.Session:
    """Return a session that ignores the developer's profiles and configuration files."""
    variables = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=variables))


def client(
    service: str,
    endpoint: str,
    region: str = REGION,
    *,
    connections: int = 10,
    credentials: Credentials | None = None,
) -> Any:
    """Create a boto3 client of one service of the emulator, with a role's credentials or the account root's.

    Credentials and endpoint are explicit, so that the client does not use the developer's AWS configuration.
    """
    given = credentials.client_arguments if credentials else _ROOT
    with _making:
        make: Any = _session().client  # the type accepts literal service names only
        return make(
            service,
            endpoint_url=endpoint,
            region_name=region,
            **given,
            config=Config(
                max_pool_connections=connections,
                proxies={},
                retries={"mode": "standard"},
                # Faults are not injected into calls of this app ID (faults/server.py).
                user_agent_appid="terraglue-local",  # type: ignore[call-arg]  # unknown to the stubs
            ),
        )


def forget_real_aws(environ: MutableMapping[str, str] = os.environ) -> None:
    """Remove the developer's AWS variables, such as profile and keys, from this process and its children.

    The local product must not be able to reach a real account.
    """
    for name in [name for name in environ if name.startswith("AWS_")]:
        del environ[name]
    environ.update(
        {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    )
    for name in ("NO_PROXY", "no_proxy"):
        environ[name] = ",".join(filter(None, [environ.get(name), "127.0.0.1", "localhost"]))


def aws_variables(
    endpoint: str, region: str = REGION, credentials: Credentials | None = None
) -> dict[str, str]:
    """Return the environment variables that direct boto3 and the AWS CLI to the emulator."""
    given = credentials.client_arguments if credentials else _ROOT
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        **{name.upper(): value for name, value in given.items()},
    }
