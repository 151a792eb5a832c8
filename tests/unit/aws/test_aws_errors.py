"""Classification of boto3's exceptions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from chalicelib.aws.errors import (
    AwsError,
    AwsMisused,
    AwsThrottled,
    AwsUnavailable,
    calling,
    from_boto,
)

OF_A_CONNECTION = {
    "ConnectionError",
    "EndpointConnectionError",
    "SSLError",
    "ConnectTimeoutError",
    "ProxyConnectionError",
    "HTTPClientError",
    "ConnectionClosedError",
    "ReadTimeoutError",
    "ResponseStreamingError",
    "IncompleteReadError",
    "FlexibleChecksumError",
}
"""Exceptions of botocore that a retry may solve."""


def kinds(kind: type[boto.BotoCoreError] = boto.BotoCoreError) -> Iterator[type[boto.BotoCoreError]]:
    for below in kind.__subclasses__():
        if below.__module__ == "botocore.exceptions":
            yield below
            yield from kinds(below)


def made(kind: type[boto.BotoCoreError]) -> boto.BotoCoreError:
    error = kind.__new__(kind)  # their constructors require different arguments
    Exception.__init__(error, "words")
    return error


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_only_connection_failures_count_as_aws_unavailable(kind: type[boto.BotoCoreError]) -> None:
    expected: type[AwsError] = AwsUnavailable if kind.__name__ in OF_A_CONNECTION else AwsMisused
    if kind.__name__ == "CapacityNotAvailableError":  # the client's own rate limiter
        expected = AwsThrottled
    error = from_boto(made(kind))
    assert (type(error), error.code) == (expected, kind.__name__)


def test_an_unreadable_response_counts_as_aws_unavailable() -> None:
    with pytest.raises(AwsUnavailable), calling():
        raise ResponseParserError("<html>")
