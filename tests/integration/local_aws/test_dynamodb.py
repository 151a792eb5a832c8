"""Transactions of the local DynamoDB: atomic, also with many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.moto_patches import dynamodb


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


def test_a_rejected_transaction_changes_nothing(client: Any) -> None:
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


def test_rejected_transactions_lose_no_writes_of_others(client: Any) -> None:
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


@pytest.mark.parametrize("call", ["put_item", "update_item", "transact_put", "transact_update"])
def test_an_item_over_400_kb_is_rejected_and_nothing_is_written(client: Any, call: str) -> None:
    most = 400 * 1024 - len("pkitemskxtext")
    for size, fits in ((most, True), (most + 1, False)):
        text = {"S": "é" * (size // 2) + "a" * (size % 2)}
        given = {"TableName": "t", "Item": {**key("item"), "text": text}}
        update: Any = {
            "TableName": "t",
            "Key": key("item"),
            "UpdateExpression": "SET #t = :t",
            "ExpressionAttributeNames": {"#t": "text"},
            "ExpressionAttributeValues": {":t": text},
        }
        calls = {
            "put_item": lambda given=given: client.put_item(**given),
            "update_item": lambda update=update: client.update_item(**update),
            "transact_put": lambda given=given: client.transact_write_items(TransactItems=[{"Put": given}]),
            "transact_update": lambda update=update: client.transact_write_items(
                TransactItems=[put("other", 1), {"Update": update}]
            ),
        }
        if fits:
            calls[call]()
            continue
        with pytest.raises(ClientError) as error:
            calls[call]()
        if "transact" in call:
            assert [r["Code"] for r in error.value.response["CancellationReasons"]] == ["ValidationError"]
        else:
            assert error.value.response["Error"]["Code"] == "ValidationException"
    [item] = [i for i in client.scan(TableName="t")["Items"] if i["pk"]["S"] == "item"]
    assert len(item["text"]["S"].encode()) == most


def test_a_transaction_over_4_mb_is_rejected_whole(client: Any) -> None:
    large = [
        {"Put": {"TableName": "t", "Item": {**key(f"n{n}"), "text": {"S": "a" * 390_000}}}} for n in range(11)
    ]
    client.transact_write_items(TransactItems=large[:10])
    with pytest.raises(ClientError) as error:
        client.transact_write_items(TransactItems=large)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert client.scan(TableName="t", Select="COUNT")["Count"] <= 10
    assert "Item" not in client.get_item(TableName="t", Key=key("n10"))
