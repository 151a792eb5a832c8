"""Values of items: the same as boto3's converters give, which are slower."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dynamodb_values import deserialize, python_value, serialize
from chalicelib.aws.sessions import Session, new_session
from chalicelib.domain.environment import Status

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.integers(-(10**37), 10**37)
    | st.floats(-1e9, 1e9).map(lambda value: round(value, 6))
    | st.sets(st.text(min_size=1), min_size=1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def with_decimals(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: with_decimals(inner) for name, inner in value.items()}
    return [with_decimals(inner) for inner in value] if isinstance(value, list) else value


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_items_are_stored_and_read_as_boto3_does_it(item: dict[str, Any]) -> None:
    item = {name: value for name, value in item.items() if value is not None}
    stored = serialize(item)
    assert stored == TypeSerializer().serialize(with_decimals(item))["M"]
    assert deserialize(stored) == python_value(TypeDeserializer().deserialize({"M": stored}))


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("7.0", 7), ("1E+2", 100), ("-0.25", -0.25)])
def test_numbers_are_whole_if_they_have_no_fraction(text: str, number: float) -> None:
    read = deserialize({"n": {"N": text}})["n"]
    assert (read, type(read)) == (number, type(number))


def test_an_attribute_without_a_value_is_left_out_and_one_of_a_map_is_null() -> None:
    assert serialize({"a": None, "b": {"c": None}}) == {"b": {"M": {"c": {"NULL": True}}}}


def test_a_status_is_text() -> None:
    assert json.dumps(serialize({"status": Status.READY})) == '{"status": {"S": "READY"}}'


def test_numbers_that_dynamodb_cannot_store_are_refused() -> None:
    with pytest.raises(ArithmeticError):
        serialize({"n": 10**38 + 1})


ITEM = {"a": {"S": "x"}, "b": {"M": {"c": {"L": [{"N": "1.5"}, {"NULL": True}]}, "d": {"BOOL": False}}}}
RESPONSES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("get_item", {"TableName": "t", "Key": {"pk": {"S": "x"}}}, {"Item": ITEM}),
    ("get_item", {"TableName": "t", "Key": {"pk": {"S": "x"}}}, {}),
    (
        "batch_get_item",
        {"RequestItems": {"t": {"Keys": [{"pk": {"S": "x"}}]}}},
        {"Responses": {"t": [ITEM, ITEM]}, "UnprocessedKeys": {"t": {"Keys": [{"pk": {"S": "x"}}]}}},
    ),
    ("query", {"TableName": "t"}, {"Items": [ITEM], "LastEvaluatedKey": {"pk": {"S": "x"}}, "Count": 1}),
]


@pytest.mark.parametrize(("name", "request_", "response"), RESPONSES)
def test_a_client_of_the_service_returns_what_any_client_returns(
    name: str, request_: dict[str, Any], response: dict[str, Any]
) -> None:
    def answer(**_: Any) -> AWSResponse:
        body = io.BytesIO(json.dumps(response).encode())
        body.stream = lambda **_: iter([body.read()])  # type: ignore[attr-defined]
        return AWSResponse("https://dynamodb", 200, {}, body)

    def returned(session: Session) -> Any:
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        client = session.client("dynamodb", region_name="us-east-1", **keys)
        client.meta.events.register("before-send", answer)
        return getattr(client, name)(**request_)

    assert returned(new_session()) == returned(boto3.Session())
