"""Lists of environments, whose indexes have only keys."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.domain import response_size
from chalicelib.domain.capacity import Capacity
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.settings import JobSettings, Settings
from chalicelib.domain.timeline import TimelineEvent
from chalicelib.storage.store import Store
from tests.support.fast_dynamodb import INDEXES, FastDynamoDb
from tests.support.records import AT, environment


class StaleIndex(FastDynamoDb):
    """Index entries that still show an environment as QUEUED, as indexes are updated later than the table."""

    def query(self, **request: Any) -> Any:
        if request.get("IndexName") == "by_status":
            request["ExpressionAttributeValues"] = {":key": {"S": "READY"}, ":status": {"S": "READY"}}
        return super().query(**request)


def store(client: FastDynamoDb, environments: list[Environment]) -> Store:
    records = Store(Table(client, "t"), Capacity(9, 99))  # type: ignore[arg-type]
    for each in environments:
        records.add_environment(each, TimelineEvent(AT.format(1), each.owner, "requested"), None)
    return records


def pages(records: Store, limit: int) -> list[list[str]]:
    found, start = [], None
    while True:
        page = records.environments(owner=None, status=None, limit=limit, start=start)
        found.append([each.id for each in page.items])
        if (start := page.next) is None:
            return found


def test_a_page_of_large_records_ends_early_and_the_next_one_continues() -> None:
    size = response_size.MOST_BYTES // 20
    large = [environment(n % 10, id=f"env{n:02}", owner=f"owner-{n}", reason="r" * size) for n in range(60)]
    records = store(FastDynamoDb(INDEXES), large)
    found = pages(records, 100)
    assert sorted(name for page in found for name in page) == [each.id for each in large]
    assert [len(page) for page in found] == [20, 20, 20]
    assert [len(page) for page in pages(records, 10)] == [10] * 6 + [0]


def test_the_size_of_a_page_counts_the_main_job_as_often_as_responses_show_it() -> None:
    job = JobSettings(arguments={f"--A{n:02}": "\u4e2d" * 500 for n in range(40)})
    large = [
        environment(n % 10, id=f"env{n:02}", owner=f"o-{n}", settings=Settings(job=job).resolved())
        for n in range(30)
    ]
    records = store(FastDynamoDb(INDEXES), large)
    page = records.environments(owner=None, status=None, limit=100, start=None).items
    size = response_size.wire_bytes([each.settings.model_dump() for each in page])
    assert 0.9 < size / response_size.MOST_BYTES < 1.1  # one record more than fits ends a page


@pytest.mark.parametrize("limit", [3, 9])
def test_the_table_and_not_the_index_decides_about_the_status(limit: int) -> None:
    ready = [environment(n, status=Status.READY, created_at=AT.format(n)) for n in range(1, 4)]
    records = store(StaleIndex(INDEXES), ready)
    assert records.environments(owner=None, status=Status.QUEUED, limit=limit, start=None).items == []
    assert records.queue.waiting(limit) == []
    found = records.environments(owner=None, status=Status.READY, limit=limit, start=None).items
    assert [each.id for each in found] == [each.id for each in reversed(ready)]
