"""Credentials that reach one sandbox, and nothing of the service or of another sandbox.

Whatever reads a tenant's data on a tenant's behalf uses these: a table, a partition or a view may point
anywhere, and the service's own role must not lend its rights to that. The role of all sandboxes' readers is
assumed with a session policy for one sandbox. A session may do what both allow:
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
"""The workgroup of a sandbox that has none of its own."""
SESSION_SECONDS = 900
"""The shortest session that STS gives: a changed sandbox has its new rights soon."""
MOST_CHARACTERS = 2048
"""Of an inline session policy, https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

_RENEWED_BEFORE = timedelta(seconds=120)
_MOST_KEPT = 64


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of one sandbox."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime


class SandboxCredentials:
    """Gives each sandbox's credentials; they are kept until shortly before they expire.

    `sts` is an STS client.
    """

    def __init__(self, sts: Any, role_arn: str, region: str, *, clock: Clock = now) -> None:
        self._sts = sts
        self._role_arn = role_arn
        self.region = region
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Credentials] = OrderedDict()

    def of(self, environment: Environment) -> Credentials:
        """Return the credentials of a sandbox. Raises `AwsError` if STS gives none."""
        policy = session_policy(environment, self._role_arn, self.region)
        key = environment.id, policy  # what a sandbox has may change: another workgroup, another key
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept.expires_at - self._clock() > _RENEWED_BEFORE:
            return kept
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
            self._kept[key] = fresh
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return fresh


class SandboxClients:
    """Makes clients that have a sandbox's credentials."""

    def __init__(self, session: boto3.Session, credentials: SandboxCredentials, config: Config) -> None:
        self._session = session
        self._credentials = credentials
        self._config = config
        self._making = threading.Lock()  # clients are safe to share between threads, making them is not

    def client(self, service: Literal["athena", "glue", "s3"], environment: Environment) -> Any:
        """Return a client of one service with the sandbox's credentials."""
        given = self._credentials.of(environment)
        with self._making:
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

    It is short, for STS takes 2,048 characters; the role's own policy says which actions there are at all.
    """
    _, partition, _, _, account, *_ = role_arn.split(":", 5)
    outputs = environment.outputs
    workgroup = outputs.athena_workgroup if outputs else None

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    results = f"arn:{partition}:s3:::{environment.bucket('athena_results')}"
    database = environment.database("*")
    statements: list[Json] = [
        _allowed(
            ["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"],
            f"arn:{partition}:s3:::{environment.name}-*",
        ),
        _allowed(["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"], f"{results}/*"),
        _allowed(
            ["glue:BatchGetPartition", "glue:Get*"],
            [
                arn("glue", "catalog"),
                arn("glue", f"database/{database}"),
                arn("glue", f"table/{database}/*"),
            ],
        ),
        # Athena looks whether there is a database `default`:
        # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        _allowed(["glue:GetDatabase"], arn("glue", "database/default")),
        _allowed(["athena:*"], arn("athena", f"workgroup/{workgroup or PRIMARY}")),
    ]
    if outputs and (key := outputs.kms_key_arn):
        statements.append(_allowed(["kms:Decrypt", "kms:GenerateDataKey"], key))
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _allowed(actions: list[str], resources: str | list[str]) -> Json:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
