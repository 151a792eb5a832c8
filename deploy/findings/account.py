"""Read access to one AWS account, which tolerates missing permissions and missing APIs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from deploy import aws
from deploy.findings.finding import Finding, Severity

T = TypeVar("T")

_MOST_PAGES = 25
"""Pages of a list that are read. Longer lists are counted as far as they were read."""
_HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Regions that answer for global services, by partition:
https://docs.aws.amazon.com/general/latest/gr/iam-service.html"""


class AccountReader:
    """Reader of a session's account. Every call goes through `read`, which records what could not be read."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        self._unread: dict[str, str] = {}
        self._clients: dict[tuple[str, str], Any] = {}
        self.region: str = session.region_name
        self.partition: str = session.get_partition_for_region(self.region)
        self.home: str = _HOME.get(self.partition, self.region)
        identity = self.read("sts:GetCallerIdentity", self.client("sts").get_caller_identity) or {}
        self.id: str = identity.get("Account", "")
        self.caller: str = identity.get("Arn", "")

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client. Throttled calls are repeated; unreachable services fail within seconds."""
        key = (service, region or self.region)
        if key not in self._clients:
            config = Config(
                connect_timeout=5, read_timeout=15, retries={"mode": "standard", "max_attempts": 4}
            )
            self._clients[key] = self._session.client(  # type: ignore[call-overload]
                service, region_name=key[1], config=config
            )
        return self._clients[key]

    def offers(self, service: str) -> bool:
        """Return whether botocore's endpoint data know the service in this Region."""
        regions = self._session.get_available_regions(service, partition_name=self.partition)
        return not regions or self.region in regions

    def read(self, permission: str, call: Callable[[], T], *, absent: str = "") -> T | None:
        """Return a call's result. Return None if it fails or AWS answers with the error code `absent`."""
        try:
            return call()
        except ParamValidationError:
            raise  # an error of this program
        except ClientError as error:
            code = aws.code(error)
            if not absent or code != absent:
                self._unread[permission] = "denied" if code in aws.DENIED else code
        except (BotoCoreError, ResponseParserError) as error:  # no connection, or no answer of AWS
            self._unread[permission] = type(error).__name__
        return None

    def pages(
        self,
        permission: str,
        service: str,
        operation: str,
        key: str,
        *,
        region: str | None = None,
        **given: Any,
    ) -> list[Any] | None:
        """Return the entries of a paginated list, or None if it cannot be read."""

        def entries() -> list[Any]:
            found: list[Any] = []
            pages = self.client(service, region).get_paginator(operation).paginate(**given)
            for number, page in enumerate(pages, start=1):
                found += page.get(key) or []
                if number == _MOST_PAGES:
                    break
            return found

        return self.read(permission, entries)

    def failed(self, permission: str) -> bool:
        """Return whether a call failed that needs this permission."""
        return permission in self._unread

    def unread(self) -> Iterator[Finding]:
        """Yield one finding that names everything that could not be read."""
        if self._unread:
            yield Finding(
                Severity.ADVICE,
                "Some settings could not be read",
                "; ".join(f"{permission} ({why})" for permission, why in sorted(self._unread.items()))
                + ". The checks that need them were skipped, or used AWS's default values.",
                "Run make plan with an identity that has these permissions, for example through the managed "
                "policies ReadOnlyAccess and SecurityAudit.",
                "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/ReadOnlyAccess.html",
            )
