"""Sessions: they create clients of AWS services, which leave DynamoDB's values as they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import botocore.session
from botocore.parsers import JSONParser, ResponseParserFactory

_VALUE = "AttributeValue"
"""Shape of a value in an item: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html"""


class Session(Protocol):
    """What the service uses of a `boto3.Session`."""

    @property
    def region_name(self) -> str:
        """Return the region of the process."""

    @property
    def client(self) -> Callable[..., Any]:
        """Return the function that creates a client."""

    def get_partition_for_region(self, region_name: str) -> str:
        """Return the partition of a region, such as `aws`."""


class _ItemParser(JSONParser):
    """Parses responses, except for values of items.

    botocore looks for ten members in each value of an item, and keeps the one that JSON has already. Only
    binary values would differ, and the table has none (docs/decisions/0036).
    """

    def _handle_structure(self, shape: Any, value: Any) -> Any:
        return value if shape.name == _VALUE else super()._handle_structure(shape, value)  # type: ignore[misc]


class _Parsers(ResponseParserFactory):
    def create_parser(self, protocol_name: str) -> Any:
        return _ItemParser() if protocol_name == "json" else super().create_parser(protocol_name)


class _Session:
    """Session without boto3, whose import takes twice as long as that of Chalice.

    boto3 only adds methods for transfers to the clients of S3 (docs/decisions/0035).
    """

    def __init__(self, session: botocore.session.Session) -> None:
        self.client: Callable[..., Any] = session.create_client
        self.region_name = str(session.get_config_variable("region"))
        self.get_partition_for_region: Callable[[str], str] = session.get_partition_for_region


def new_session() -> Session:
    """Return a session of the process's credentials and region."""
    made = botocore.session.get_session()
    made.register_component("response_parser_factory", _Parsers())
    return _Session(made)
