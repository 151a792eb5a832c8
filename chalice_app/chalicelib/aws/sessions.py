"""boto3 sessions whose clients leave DynamoDB's values as they come."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.session
from botocore.parsers import JSONParser, ResponseParserFactory

_VALUE = "AttributeValue"
"""Shape of a value in an item: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html"""


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


def new_session() -> boto3.Session:
    """Return a session of the process's credentials and region."""
    made = botocore.session.get_session()
    made.register_component("response_parser_factory", _Parsers())
    return boto3.Session(botocore_session=made)
