"""How calls to AWS fail.

AwsError            `code` and `message` are AWS's
  AwsThrottled      the same call later will do
  AwsUnavailable    5xx or no answer: it may or may not have happened
  AwsRefused        it will not work as asked
    AwsMisused      the call was never sent: a bug of ours, or no credentials, region or profile
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    CapacityNotAvailableError,
    ClientError,
    ConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError


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


class AwsMisused(AwsRefused):
    """boto3 did not send the call. Another try cannot help until the code or the set-up is mended."""


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

# Of botocore.exceptions, those of a connection: it was refused, timed out, or broke off half-way. The others
# (ParamValidationError, NoCredentialsError, NoRegionError, ...) are raised before anything is sent.
_CONNECTION = (ConnectionError, HTTPClientError, IncompleteReadError, FlexibleChecksumError)


BOTO_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
"""All that a boto3 client raises of itself."""


@contextmanager
def calling(*passed_over: str, about: str = "") -> Iterator[None]:
    """Calls to AWS in here fail with an `AwsError`, or with one of these codes just end what is in here.

    `about` is said before AWS's own words, where those do not tell what they are about.
    """
    try:
        yield
    except BOTO_ERRORS as error:
        failure = from_boto(error)
        if failure.code in passed_over:
            return
        if about:
            raise type(failure)(failure.code, f"{about}: {failure.message}") from error
        raise failure from error


def from_boto(error: ClientError | BotoCoreError | ResponseParserError) -> AwsError:
    """Classify what boto3 raised: throttled, unavailable (effect unknown), refused or never sent."""
    if isinstance(error, CapacityNotAvailableError):  # the client's own rate limit, in adaptive mode
        return AwsThrottled(type(error).__name__, str(error))
    if isinstance(error, (*_CONNECTION, ResponseParserError)):
        return AwsUnavailable(type(error).__name__, str(error))
    if not isinstance(error, ClientError):
        return AwsMisused(type(error).__name__, str(error))
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
