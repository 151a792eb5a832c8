"""Data sets over the API: their list, an environment's data set, and changes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.domain.settings import JobSettings, Settings
from chalicelib.lazy import Once
from chalicelib.services.idempotency import fingerprint
from chalicelib.wiring import build
from tests.support.api import Api
from tests.support.small_account import ASSETS, RELEASE, TABLE, publish_small_release

SALES, NEWER = "0.0.1-00000000005a", "0.0.2-00000000005b"
TABLES = [
    {
        "database": "db_shop",
        "table": name,
        "definition": {"Parameters": {"recordCount": rows}, "StorageDescriptor": {"Columns": []}},
    }
    for name, rows in (("tbl_orders", "40"), ("tbl_items", "2"))
]


@pytest.fixture
def moment(api: Api) -> list[datetime]:
    """The service's time, which a test moves."""
    moment = [datetime(2027, 1, 4, tzinfo=UTC)]
    service = build(clock=lambda: moment[0])
    api.app.service = Once(lambda: service)
    publish_small_release(SALES, "data-sets/sales", tables=TABLES)
    return moment


def make(api: Api, status: int = 202, key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = api.call("POST", "/environments", body=body, headers=headers)
    assert answer.status == status, answer.body
    return answer.body


def change(api: Api, environment: dict[str, Any], status: int = 200, **body: Any) -> Any:
    answer = api.call("PATCH", f"/environments/{environment['id']}", body=body)
    assert answer.status == status, answer.body
    return api.call("GET", f"/environments/{environment['id']}").body if status < 300 else answer.body


def test_data_sets_are_listed_after_the_default(api: Api, moment: list[datetime]) -> None:
    publish_small_release("0.0.1-00000000005c", "data-sets/hr")
    s3 = boto3.client("s3")
    for stray in ("Not-A-Name.json", "notes.txt", "lost.json"):
        body = json.dumps({"release": "9.9.9-999999999999"}).encode()
        s3.put_object(Bucket=ASSETS, Key=f"releases/data-sets/{stray}", Body=body)
    answer = api.call("GET", "/data-sets", owner="bo")
    assert answer.status == 200
    default, hr, sales = answer.body["items"]
    assert sales.pop("published_at").endswith("Z")
    assert sales == {
        "name": "sales",
        "release": SALES,
        "databases": ["db_shop"],
        "table_count": 2,
        "row_count": 42,
        "size_bytes": 5,
        "notes": "The first.",
    }
    assert (default["name"], default["release"], default["row_count"]) == (None, RELEASE, None)
    assert (hr["name"], hr["databases"], hr["table_count"]) == ("hr", ["db_shop"], 1)


def test_the_folder_of_data_sets_is_no_release(api: Api, moment: list[datetime]) -> None:
    boto3.client("s3").put_object(Bucket=ASSETS, Key="releases/1.0.0-00000000000d/data/a.csv")
    answer = api.call("GET", "/releases")
    assert {(item["id"], item["latest"]) for item in answer.body["items"]} == {
        (RELEASE, True),
        (SALES, False),
    }


def test_an_environment_has_the_newest_release_of_its_data_set(api: Api, moment: list[datetime]) -> None:
    made = make(api, data="sales", job={"number_of_workers": 3})
    assert (made["data"], made["release"]) == ("sales", SALES)
    assert "data" not in made["settings"] and made["settings"]["job"]["number_of_workers"] == 3
    [requested] = [
        event
        for event in api.call("GET", f"/environments/{made['id']}/events").body["items"]
        if event["action"] == "requested"
    ]
    assert requested["detail"]["data"] == "sales"
    ordinary = api.call("POST", "/environments", owner="bo", body={"data": None}).body
    assert (ordinary["data"], ordinary["release"]) == (None, RELEASE)


def test_a_pointer_is_read_again_after_half_a_minute(api: Api, moment: list[datetime]) -> None:
    make(api, data="sales")
    publish_small_release(NEWER, "data-sets/sales")
    early = api.call("POST", "/environments", owner="bo", body={"data": "sales"}).body
    moment[0] += timedelta(seconds=31)
    late = api.call("POST", "/environments", owner="cy", body={"data": "sales"}).body
    assert [each["release"] for each in (early, late)] == [SALES, NEWER]


def test_an_unknown_data_set_is_rejected_with_the_known_names(api: Api, moment: list[datetime]) -> None:
    wrong = make(api, 422, data="sale", kms_key_arn="arn:aws:kms:x")
    assert wrong["code"] == "invalid_combination"
    found = {error["pointer"]: error["detail"] for error in wrong["errors"]}
    assert found["/data"] == "Unknown data set. The published ones are sales."
    assert "/kms_key_arn" in found, "all errors at once"
    for name in ("Sales", "../latest", "1a", "a" * 41, "", 7):
        wrong = make(api, 422, data=name)
        assert [error["pointer"] for error in wrong["errors"]] == ["/data"], name
        assert wrong["code"] == "invalid_fields"
        detail = wrong["errors"][0]["detail"]
        assert "a letter, then up to 39 of a-z, 0-9 and -" in detail or name == 7, name
    boto3.client("s3").delete_object(Bucket=ASSETS, Key="releases/data-sets/sales.json")
    assert make(api, 422, data="hr")["errors"][0]["detail"] == "Unknown data set. None has been published."
    for number in range(25):
        boto3.client("s3").put_object(Bucket=ASSETS, Key=f"releases/data-sets/d{number:02}.json", Body=b"{}")
    detail = make(api, 422, data="hr")["errors"][0]["detail"]
    assert detail.endswith("d18, d19. GET /data-sets lists all.")


def test_the_same_key_with_another_data_set_is_rejected(api: Api, moment: list[datetime]) -> None:
    publish_small_release(NEWER, "data-sets/hr")
    made = make(api, key="monday", data="sales")
    assert make(api, 422, key="monday", data="hr")["code"] == "idempotency_key_reused"
    assert make(api, 422, key="monday")["code"] == "idempotency_key_reused"
    boto3.client("s3").delete_object(Bucket=ASSETS, Key="releases/data-sets/sales.json")
    moment[0] += timedelta(seconds=31)
    again = make(api, key="monday", data="sales")
    assert (again["id"], again["data"]) == (made["id"], "sales")


def test_keys_of_requests_before_there_were_data_sets_stay_valid(api: Api, moment: list[datetime]) -> None:
    make(api, key="monday", job={"number_of_workers": 3})
    items = boto3.resource("dynamodb").Table(TABLE).scan()["Items"]
    [used] = [item["fingerprint"] for item in items if item["pk"].startswith("KEY#")]
    settings = Settings(job=JobSettings(number_of_workers=3)).model_dump(mode="json")
    assert used == fingerprint("POST /environments", [{}, settings])


def test_a_change_of_the_data_set_has_its_newest_release(api: Api, moment: list[datetime]) -> None:
    ready = api.ready_environment()
    assert change(api, ready, data=None)["release"] == RELEASE
    changed = change(api, ready, 202, data="sales")
    assert (changed["status"], changed["data"], changed["release"]) == ("READY", "sales", SALES)
    events = api.call("GET", f"/environments/{ready['id']}/events?limit=50").body["items"]
    told = {(c["pointer"], c["old"], c["new"]) for event in events for c in event["changes"]}
    assert {("/data", None, "sales"), ("/release", RELEASE, SALES)} <= told

    publish_small_release(NEWER, "data-sets/sales")
    same = change(api, ready, data="sales")
    assert same["release"] == SALES, "an unchanged value is ignored"
    newest = change(api, ready, 202, release="latest")
    assert (newest["data"], newest["release"]) == ("sales", NEWER), "the newest of its own data set"
    pinned = change(api, ready, 202, release=SALES)
    assert (pinned["data"], pinned["release"]) == ("sales", SALES)
    back = change(api, ready, 202, data=None)
    assert (back["data"], back["release"]) == (None, RELEASE)


def test_a_change_to_an_unknown_data_set_changes_nothing(api: Api, moment: list[datetime]) -> None:
    ready = api.ready_environment(data="sales")
    wrong = change(api, ready, 422, data="hr", expires_in_hours=9)
    assert [error["pointer"] for error in wrong["errors"]] == ["/data"]
    wrong = change(api, ready, 422, data="hr", release=RELEASE)
    assert [error["pointer"] for error in wrong["errors"]] == ["/data"]
    boto3.client("s3").delete_object(Bucket=ASSETS, Key="releases/data-sets/sales.json")
    [error] = change(api, ready, 422, release="latest")["errors"]
    assert (
        error["pointer"] == "/release" and "The data set sales is not published any more" in error["detail"]
    )
    after = api.call("GET", f"/environments/{ready['id']}").body
    assert (after["status"], after["data"], after["release"]) == ("READY", "sales", SALES)
    assert after["expires_at"] == ready["expires_at"]
    assert change(api, ready, settings={"job": {"number_of_workers": 5}})["data"] == "sales"
    pinned = change(api, ready, 202, release=RELEASE)
    assert (pinned["data"], pinned["release"]) == ("sales", RELEASE)


def test_a_reset_keeps_the_data_set_and_its_release(api: Api, moment: list[datetime]) -> None:
    ready = api.ready_environment(data="sales")
    path = f"/environments/{ready['id']}"
    publish_small_release(NEWER, "data-sets/sales")
    assert api.call("POST", f"{path}/reset").status == 202
    after = api.call("GET", path).body
    assert (after["status"], after["data"], after["release"]) == ("READY", "sales", SALES)


def test_records_of_earlier_versions_have_the_default_data_set(api: Api, moment: list[datetime]) -> None:
    ready = api.ready_environment()
    table = boto3.resource("dynamodb").Table(TABLE)
    key = {"pk": f"ENV#{ready['id']}", "sk": "ENV"}
    table.update_item(Key=key, UpdateExpression="REMOVE #d", ExpressionAttributeNames={"#d": "data"})
    assert api.call("GET", f"/environments/{ready['id']}").body["data"] is None
    changed = change(api, ready, 202, data="sales", settings={"job": {"number_of_workers": 2}})
    assert (changed["data"], changed["release"]) == ("sales", SALES)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]", b"{}", b'{"release": 1}', b'{"release": "../a"}']
)
def test_a_damaged_pointer_hides_only_its_data_set(api: Api, moment: list[datetime], content: bytes) -> None:
    boto3.client("s3").put_object(Bucket=ASSETS, Key="releases/data-sets/bad.json", Body=content)
    answer = api.call("GET", "/data-sets")
    assert (answer.status, [item["name"] for item in answer.body["items"]]) == (200, [None, "sales"])
    assert make(api, 422, data="bad")["errors"][0]["pointer"] == "/data"
