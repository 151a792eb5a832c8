"""Access to a sandbox with a user's own tools: AWS credentials and a console sign-in link."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from chalicelib.aws.console_links import query_editor
from chalicelib.aws.federation import Federation, SignInUnavailable
from chalicelib.aws.sandbox_credentials import Credentials, SandboxCredentials
from chalicelib.clock import timestamp
from chalicelib.domain import expiry
from chalicelib.domain.caller import Caller
from chalicelib.domain.environment import Environment
from chalicelib.domain.requests import MOST_CREDENTIALS_SECONDS
from chalicelib.observability import logger
from chalicelib.services.environment_writes import EnvironmentWrites
from chalicelib.services.readiness import require_active

_LONGEST_SESSION_NAME = 64


@dataclass(frozen=True)
class Access:
    """Credentials of one sandbox. `console_error` says why there is no `console_url`."""

    environment: Environment
    region: str
    credentials: Credentials
    console_url: str | None = None
    console_error: str | None = None


class SandboxAccess:
    """Issues credentials of a sandbox to its owner and to admins."""

    def __init__(
        self, writes: EnvironmentWrites, credentials: SandboxCredentials, federation: Federation
    ) -> None:
        self._writes = writes
        self._credentials = credentials
        self._federation = federation

    def issue(self, caller: Caller, environment_id: str, seconds: int, request_id: str) -> Access:
        """Return credentials that are valid for some seconds, and record until when.

        Nothing stores the credentials, so a repeated request gets others. They exist only if the record
        says until when: it is written, on the condition that nothing has changed, before they are returned.
        Raises `NotFound`, `EnvironmentNotReady` and `EnvironmentFrozen`.
        """
        environment = self._writes.visible(caller, environment_id)
        require_active(environment, "to issue credentials")
        credentials = self._credentials.issue(
            environment,
            session_name=session_name(environment.id, caller.owner),
            # "If you use DurationSeconds with AssumeRole, you must call it as an IAM user. Otherwise the
            # federation endpoint fails" (federation.py). Without it, the session lasts one hour.
            seconds=None if seconds == MOST_CREDENTIALS_SECONDS else seconds,
        )
        until = timestamp(credentials.expires_at)

        def record(read: Environment, moment: datetime) -> Environment:
            require_active(read, "to issue credentials")
            issued = read.replace(
                credentials_until=max(until, read.credentials_until or until),
                # Otherwise later credentials would move the time from which queries are imported.
                queries_imported_until=read.queries_imported_until or timestamp(moment),
            )
            return issued.replace(due_at=expiry.next_check(issued))

        recorded = self._writes.change(
            caller,
            environment_id,
            request_id,
            "credentials_issued",
            record,
            detail={"expires_at": until, "access_key_id": credentials.access_key_id},
        )
        return self._with_link(recorded, credentials)

    def _with_link(self, environment: Environment, credentials: Credentials) -> Access:
        region = self._credentials.region
        try:
            url = self._federation.sign_in_url(credentials, query_editor(environment, region))
        except SignInUnavailable as error:
            logger.warning("console link unavailable", environment_id=environment.id, detail=str(error))
            return Access(environment, region, credentials, console_error=str(error))
        return Access(environment, region, credentials, console_url=url)


def session_name(environment_id: str, person: str) -> str:
    """Return the name of a session, with which CloudTrail records the calls of a person.

    STS allows letters, digits and _=,.@- (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
    Other bytes become `=` and two hexadecimal digits.
    """
    allowed = re.sub(
        r"[^A-Za-z0-9_+,.@-]", lambda found: "".join(f"={byte:02X}" for byte in found[0].encode()), person
    )
    return f"{environment_id}-{allowed}"[:_LONGEST_SESSION_NAME]
