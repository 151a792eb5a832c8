"""STS credentials that are limited to one sandbox.

The service reads a user's data only with these credentials: a table, a partition or a view can refer to any
location, and the service's own role has access to every sandbox. The credentials are a session of a role
for sandboxes, the reader's or the user's, with a session policy for one sandbox (`session_policies.py`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from chalicelib.aws.errors import calling
from chalicelib.aws.session_policies import SessionPolicy
from chalicelib.clock import Clock, now
from chalicelib.domain.environment import Environment

if TYPE_CHECKING:
    from botocore.config import Config

    from chalicelib.aws.sessions import Session

SESSION_SECONDS = 900
"""The shortest session that STS allows, so that changes of a sandbox apply soon."""

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
    """Returns credentials of one role for sandboxes, narrowed by a session policy."""

    def __init__(
        self, sts: Any, role_arn: str, policy: SessionPolicy, region: str, *, clock: Clock = now
    ) -> None:
        self._sts = sts
        self._role_arn = role_arn
        self._policy = policy
        self.region = region
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[str, str], Credentials] = OrderedDict()

    def of(self, environment: Environment) -> Credentials:
        """Return the service's own credentials, cached until shortly before they expire.

        Raises `AwsError` if AssumeRole fails.
        """
        policy = self._policy(environment, self._role_arn, self.region)
        key = environment.id, policy  # the policy changes with the sandbox's workgroup and key
        with self._lock:
            cached = self._cache.get(key)
        if cached is not None and cached.expires_at - self._clock() > _RENEWAL_MARGIN:
            return cached
        fresh = self._assume(environment.name, policy, SESSION_SECONDS)
        with self._lock:
            self._cache[key] = fresh
            self._cache.move_to_end(key)
            while len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        return fresh

    def issue(self, environment: Environment, *, session_name: str, seconds: int | None) -> Credentials:
        """Return new credentials for a person, whom `session_name` names in CloudTrail.

        Without `seconds`, they are valid for one hour. Raises `AwsError` if AssumeRole fails.
        """
        return self._assume(session_name, self._policy(environment, self._role_arn, self.region), seconds)

    def _assume(self, session_name: str, policy: str, seconds: int | None) -> Credentials:
        duration = {} if seconds is None else {"DurationSeconds": seconds}
        with calling():
            given = self._sts.assume_role(
                RoleArn=self._role_arn,
                RoleSessionName=session_name,
                Policy=policy,
                **duration,
            )["Credentials"]
        return Credentials(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"]
        )


class SandboxClients:
    """Creates clients with the credentials of a sandbox."""

    def __init__(self, session: Session, credentials: SandboxCredentials, config: Config) -> None:
        self._session = session
        self._credentials = credentials
        self._config = config
        self._creation_lock = threading.Lock()  # clients are thread-safe, their creation is not

    def client(
        self, service: Literal["athena", "cloudformation", "glue", "s3"], environment: Environment
    ) -> Any:
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
