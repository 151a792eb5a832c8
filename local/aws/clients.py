"""Plain boto3 against the embedded AWS, and against nothing else."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"
"""The account that moto plays."""


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role."""

    access_key_id: str
    secret_access_key: str
    session_token: str

    @property
    def client_arguments(self) -> dict[str, str]:
        """What a boto3 client takes."""
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
        }


_ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}  # the embedded AWS takes any

_making = threading.Lock()  # clients are safe to share between threads, making them is not


@functools.cache
def _session() -> boto3.Session:
    """A session that no profile and no file of the developer has a say in."""
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
    """A boto3 client of one service of the embedded AWS: a role's, or the account root's.

    Credentials and endpoint are given outright, so that nothing of the developer's own AWS set-up is used.
    """
    given = credentials.client_arguments if credentials else _ROOT
    with _making:
        make: Any = _session().client  # its type knows services by literal names only
        return make(
            service,
            endpoint_url=endpoint,
            region_name=region,
            **given,
            config=Config(
                max_pool_connections=connections,
                proxies={},
                retries={"mode": "standard"},
                # Nothing is made to fail for whoever is called so (faults/server.py).
                user_agent_appid="terraglue-laptop",  # type: ignore[call-arg]  # unknown to the stubs
            ),
        )


def forget_real_aws(environ: MutableMapping[str, str] = os.environ) -> None:
    """Take every AWS variable of the developer (profile, keys) out of this process and its children.

    A real account must not be within reach of a process that believes to be on a laptop.
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
    """The environment variables with which boto3 and the AWS CLI see the embedded AWS."""
    given = credentials.client_arguments if credentials else _ROOT
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        **{name.upper(): value for name, value in given.items()},
    }
