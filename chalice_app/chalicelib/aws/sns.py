"""SNS client: publishes to one topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.aws.errors import calling


class Topic:
    """A standard topic."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, message: str, attributes: Mapping[str, str]) -> None:
        """Publish a message with attributes, by which subscriptions can filter. Raises `AwsError`.

        https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
        """
        with calling():
            self._client.publish(
                TopicArn=self._arn,
                Message=message,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
