"""Reads of several items in one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.aws.errors import AwsThrottled

Json = dict[str, Any]


def key(n: int) -> Json:
    return {"pk": f"ENV#{n}", "sk": "ENV"}


class Batches:
    """DynamoDB client that returns some items of a batch, and the other keys as unprocessed."""

    def __init__(self, returned: list[int], missing: tuple[int, ...] = ()) -> None:
        self.sizes: list[int] = []
        self._returned: Iterator[int] = iter(returned)
        self._missing = [f"ENV#{n}" for n in missing]

    def batch_get_item(self, *, RequestItems: Json) -> Json:
        [(table, request)] = RequestItems.items()
        assert request["ConsistentRead"] is True
        keys = request["Keys"]
        self.sizes.append(len(keys))
        count = next(self._returned)
        items = [{**k, "n": {"N": "1"}} for k in keys[:count] if k["pk"]["S"] not in self._missing]
        unprocessed = {table: {"Keys": keys[count:]}} if keys[count:] else {}
        return {"Responses": {table: items[::-1]}, "UnprocessedKeys": unprocessed}


def read(client: Batches, numbers: range) -> tuple[list[Json | None], list[float]]:
    pauses: list[float] = []
    table = Table(client, "t", sleep=pauses.append, jitter=lambda: 0.5)  # type: ignore[arg-type]
    return table.get_all([key(n) for n in numbers]), pauses


def test_items_come_in_the_order_of_their_keys_and_missing_ones_are_none() -> None:
    assert read(Batches([3], missing=(2,)), range(1, 4)) == (
        [{**key(1), "n": 1}, None, {**key(3), "n": 1}],
        [],
    )


def test_no_keys_need_no_call() -> None:
    assert read(Batches([]), range(0)) == ([], [])


def test_more_than_a_hundred_keys_are_read_in_batches() -> None:
    client = Batches([100, 20])
    assert len(read(client, range(120))[0]) == 120
    assert client.sizes == [100, 20]


def test_unprocessed_keys_are_read_again_after_a_pause() -> None:
    client = Batches([2, 0, 3])
    found, pauses = read(client, range(5))
    assert [item and item["pk"] for item in found] == [f"ENV#{n}" for n in range(5)]
    assert client.sizes == [5, 3, 3]
    assert pauses == [pytest.approx(0.04)] * 2


def test_a_table_that_returns_nothing_is_throttled() -> None:
    client = Batches([0] * 9)
    with pytest.raises(AwsThrottled):
        read(client, range(5))
    assert client.sizes == [5] * 5
