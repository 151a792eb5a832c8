"""STS credentials that are limited to one sandbox.

The service reads a user's data only with these credentials: a table, a partition or a view can refer to any
location, and the service's own role has access to every sandbox. The credentials are a session of the
readers' role with a session policy for one sandbox. A session has the permissions that both policies allow:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from chalicelib.aws.errors import calling
from chalicelib.clock import Clock, now
from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

PRIMARY = "primary"
"""The workgroup of a sandbox without its own."""
SESSION_SECONDS = 900
"""The shortest session that STS allows, so that changes of a sandbox apply soon."""
MOST_CHARACTERS = 2048
"""Maximum length of an inline session policy, https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

_RENEWAL_MARGIN = timedelta(seconds=120)
_MAX_CACHED = 64


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of one sandbox."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime


class SandboxCredentials:
    """Returns the credentials of sandboxes and caches them until shortly before they expire."""

    def __init__(self, sts: Any, role_arn: str, region: str, *, clock: Clock = now) -> None:
        self._sts = sts
        self._role_arn = role_arn
        self.region = region
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, str], Credentials] = OrderedDict()

    def of(self, environment: Environment) -> Credentials:
        """Return the credentials of a sandbox. Raises `AwsError` if AssumeRole fails."""
        policy = session_policy(environment, self._role_arn, self.region)
        key = environment.id, policy  # the policy changes with the sandbox's workgroup and key
        with self._lock:
            cached = self._cache.get(key)
        if cached is not None and cached.expires_at - self._clock() > _RENEWAL_MARGIN:
            return cached
        with calling():
            given = self._sts.assume_role(
                RoleArn=self._role_arn,
                RoleSessionName=environment.name,
                Policy=policy,
                DurationSeconds=SESSION_SECONDS,
            )["Credentials"]
        fresh = Credentials(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"]
        )
        with self._lock:
            self._cache[key] = fresh
            self._cache.move_to_end(key)
            while len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        return fresh


class SandboxClients:
    """Creates boto3 clients with the credentials of a sandbox."""

    def __init__(self, session: boto3.Session, credentials: SandboxCredentials, config: Config) -> None:
        self._session = session
        self._credentials = credentials
        self._config = config
        self._creation_lock = threading.Lock()  # clients are thread-safe, their creation is not

    def client(self, service: Literal["athena", "glue", "s3"], environment: Environment) -> Any:
        """Return a client of one service with the sandbox's credentials."""
        given = self._credentials.of(environment)
        with self._creation_lock:
            return self._session.client(
                service,
                region_name=self._credentials.region,
                config=self._config,
                aws_access_key_id=given.access_key_id,
                aws_secret_access_key=given.secret_access_key,
                aws_session_token=given.session_token,
            )


def session_policy(environment: Environment, role_arn: str, region: str) -> str:
    """Return the policy that narrows the readers' role to one sandbox, as JSON.

    STS allows 2,048 characters, so it uses wildcards for actions. The role's own policy lists the actions.
    """
    _, partition, _, _, account, *_ = role_arn.split(":", 5)
    outputs = environment.outputs
    workgroup = outputs.athena_workgroup if outputs else None

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    results = f"arn:{partition}:s3:::{environment.bucket('athena_results')}"
    database = environment.database("*")
    statements: list[Json] = [
        _allow(
            ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"],
            f"arn:{partition}:s3:::{environment.name}-*",
        ),
        _allow(["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"], f"{results}/*"),
        _allow(
            ["glue:BatchGetPartition", "glue:Get*"],
            [
                arn("glue", "catalog"),
                arn("glue", f"database/{database}"),
                arn("glue", f"table/{database}/*"),
            ],
        ),
        # Athena checks whether the database `default` exists:
        # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        _allow(["glue:GetDatabase"], arn("glue", "database/default")),
        _allow(["athena:*"], arn("athena", f"workgroup/{workgroup or PRIMARY}")),
    ]
    if outputs and (key := outputs.kms_key_arn):
        statements.append(_allow(["kms:Decrypt", "kms:GenerateDataKey"], key))
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _allow(actions: list[str], resources: str | list[str]) -> Json:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
