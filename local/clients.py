"""Plain boto3 against the embedded AWS, and against nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import MutableMapping
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"
"""The account that moto plays."""

_making = threading.Lock()  # clients are safe to share between threads, making them is not


def client(service: str, endpoint: str, region: str = REGION, *, connections: int = 10) -> Any:
    """A boto3 client of one service of the embedded AWS.

    Credentials and endpoint are given outright, so that nothing of the developer's own AWS set-up is used.
    """
    make: Any = boto3.client  # its type knows services by literal names only
    with _making:
        return make(
            service,
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the embedded AWS takes any
            config=Config(max_pool_connections=connections, proxies={}, retries={"mode": "standard"}),
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


def aws_variables(endpoint: str, region: str = REGION) -> dict[str, str]:
    """The environment variables with which boto3 and the AWS CLI see the embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
