"""Transactions of the embedded DynamoDB: all or nothing, also when asked from many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local import dynamodb


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    dynamodb.install()
    dynamodb.install()
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        yield client


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "x"}}


def put(name: str, value: int) -> dict[str, Any]:
    return {"Put": {"TableName": "t", "Item": {**key(name), "n": {"N": str(value)}}}}


def refused(name: str) -> dict[str, Any]:
    return {
        "Put": {"TableName": "t", "Item": key(name), "ConditionExpression": "attribute_exists(never_there)"}
    }


def items(client: Any) -> dict[str, int]:
    return {i["pk"]["S"]: int(i["n"]["N"]) for i in client.scan(TableName="t")["Items"]}


def test_a_refused_transaction_changes_nothing(client: Any) -> None:
    client.transact_write_items(TransactItems=[put("kept", 1), put("deleted", 1)])
    add = {
        "Update": {
            "TableName": "t",
            "Key": key("kept"),
            "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    delete = {"Delete": {"TableName": "t", "Key": key("deleted")}}
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        client.transact_write_items(TransactItems=[add, delete, put("new", 1), refused("other")])
    assert items(client) == {"kept": 1, "deleted": 1}


def test_refused_transactions_lose_nothing_that_others_write(client: Any) -> None:
    def write(thread: int) -> None:
        for n in range(10):
            client.transact_write_items(TransactItems=[put(f"{thread}-{n}", n)])
            with pytest.raises(ClientError):
                client.transact_write_items(TransactItems=[put(f"{thread}-no", n), refused("r")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert items(client) == {f"{thread}-{n}": n for thread in range(6) for n in range(10)}
