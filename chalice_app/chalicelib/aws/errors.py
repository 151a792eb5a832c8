"""Errors of AWS calls, and the conversion of boto3's exceptions to them.

AwsError            has AWS's `code` and `message`
  AwsThrottled      AWS limited the rate of calls: retry later
  AwsUnavailable    5xx or no response: the call may or may not have had its effect
  AwsRefused        AWS rejected the call: a retry does not help
    AwsMisused      boto3 did not send the call: a bug, or missing credentials, region or profile
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

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

from chalicelib.observability import record_metric


class AwsError(Exception):
    """An AWS call failed. `code` and `message` are those of AWS's error response."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class AwsThrottled(AwsError):
    """AWS rejected the call because of the call rate. A later retry can succeed."""


class AwsUnavailable(AwsError):
    """AWS sent no response or a 5xx. The call may or may not have had its effect."""


class AwsRefused(AwsError):
    """AWS rejected the call. The same call fails again."""


class AwsMisused(AwsRefused):
    """boto3 did not send the call. A retry fails until the code or the configuration is fixed."""


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


_UNAVAILABLE = {"InternalError", "InternalFailure", "ServiceUnavailable"}

# The botocore exceptions of a connection that was refused, timed out or was interrupted. botocore raises its
# other exceptions (ParamValidationError, NoCredentialsError, NoRegionError, ...) before it sends a request.
_CONNECTION = (ConnectionError, HTTPClientError, IncompleteReadError, FlexibleChecksumError)


BOTO_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
"""The exceptions that boto3 clients raise."""

Result = TypeVar("Result")


@contextmanager
def calling(*, ignore: Collection[str] = (), about: str = "") -> Iterator[None]:
    """Convert the exceptions of boto3 calls in the block to `AwsError`.

    An error with a code in `ignore` ends the block without an exception: use it only if nothing after the
    block depends on the block's result. For a result that may be missing, use `call_or_none`. `about` is put
    before AWS's message if the message does not name the resource.
    """
    try:
        yield
    except BOTO_ERRORS as error:
        failure = from_boto(error)
        if isinstance(failure, AwsThrottled):
            record_metric("AwsThrottles", 1)
        if failure.code in ignore:
            return
        if about:
            raise type(failure)(failure.code, f"{about}: {failure.message}") from error
        raise failure from error


def call_or_none(call: Callable[[], Result], *codes: str, about: str = "") -> Result | None:
    """Return the result of a function that calls AWS, or None if AWS returns one of these error codes.

    Raises `AwsError` for every other code. `about` is as in `calling`.
    """
    try:
        with calling(about=about):
            return call()
    except AwsError as error:
        if error.code in codes:
            return None
        raise


def from_boto(error: ClientError | BotoCoreError | ResponseParserError) -> AwsError:
    """Convert an exception of boto3 to the `AwsError` that fits it."""
    if isinstance(error, CapacityNotAvailableError):  # boto3's client-side rate limit, in adaptive retry mode
        return AwsThrottled(type(error).__name__, str(error))
    if isinstance(error, (*_CONNECTION, ResponseParserError)):
        return AwsUnavailable(type(error).__name__, str(error))
    if not isinstance(error, ClientError):
        return AwsMisused(type(error).__name__, str(error))
    code = error.response.get("Error", {}).get("Code", "Unknown")
    message = error.response.get("Error", {}).get("Message", "")
    return from_code(code, message, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def from_code(code: str, message: str, http_status: int = 0) -> AwsError:
    """Return the `AwsError` for an error code, such as one of the errors that a batch call returns.

    `http_status` is 0 if the error has none.
    """
    if code in _THROTTLING:
        return AwsThrottled(code, message)
    if http_status >= 500 or code in _UNAVAILABLE:
        return AwsUnavailable(code, message)
    return AwsRefused(code, message)
