"""How calls to AWS fail.

AwsError            `code` and `message` are AWS's
  AwsThrottled      the same call later will do
  AwsUnavailable    5xx or no answer: it may or may not have happened
  AwsRefused        it will not work as asked
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError


class AwsError(Exception):
    """An AWS call failed; `code` is AWS's error code and `message` its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class AwsThrottled(AwsError):
    """AWS refused the call for its rate, not for what it asks."""


class AwsUnavailable(AwsError):
    """No answer, or a 5xx: nobody knows whether the call had its effect."""


class AwsRefused(AwsError):
    """AWS understood the call and refuses it."""


# Codes as in botocore's own retry classification (botocore/retries/standard.py, ThrottledRetryableChecker).
_THROTTLING = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
}


_UNANSWERED = {"InternalError", "InternalFailure", "ServiceUnavailable"}


@contextmanager
def calling(*passed_over: str, about: str = "") -> Iterator[None]:
    """Calls to AWS in here fail with an `AwsError`, or with one of these codes just end what is in here.

    `about` is said before AWS's own words, where those do not tell what they are about.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        failure = from_boto(error)
        if failure.code in passed_over:
            return
        if about:
            raise type(failure)(failure.code, f"{about}: {failure.message}") from error
        raise failure from error


def from_boto(error: ClientError | BotoCoreError) -> AwsError:
    """Classify what boto3 raised: throttled, unavailable (effect unknown) or refused."""
    if not isinstance(error, ClientError):
        return AwsUnavailable(type(error).__name__, str(error))
    code = error.response.get("Error", {}).get("Code", "Unknown")
    message = error.response.get("Error", {}).get("Message", "")
    return from_code(code, message, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def from_code(code: str, message: str, http_status: int = 0) -> AwsError:
    """Classify one error, such as those that a call about many things lists; 0: it had no HTTP status."""
    if code in _THROTTLING:
        return AwsThrottled(code, message)
    if http_status >= 500 or code in _UNANSWERED:
        return AwsUnavailable(code, message)
    return AwsRefused(code, message)
