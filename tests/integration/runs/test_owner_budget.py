"""Limits per owner over all environments: spending per period and creations per day."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest

from chalicelib import wiring
from chalicelib.clock import timestamp
from chalicelib.config import Config
from tests.support.api import Api
from tests.support.moto_runs import ask, end_in_glue, glue_runs

START = datetime.fromisoformat("2026-11-26T09:00:00+00:00")
SMALL = {"number_of_workers": 2, "timeout_minutes": 10}  # 0.146667 USD at most


class Operator:
    """The operator's clock and settings. Each change builds a new service."""

    def __init__(self, api: Api) -> None:
        self.moment = START
        self._api = api
        self.config = dataclasses.replace(
            Config.from_environment(), budget_usd=Decimal(1), budget_days=30, creations_per_day=10
        )
        self.set()

    def set(self, **changes: Any) -> None:
        self.config = dataclasses.replace(self.config, **changes)
        service = wiring.build(self.config, clock=lambda: self.moment)
        self._api.app.service = lambda: service


@pytest.fixture
def operator(api: Api) -> Iterator[Operator]:
    original = api.app.service
    yield Operator(api)
    api.app.service = original


def me(api: Api, owner: str = "ana") -> dict[str, Any]:
    return api.call("GET", "/me", owner=owner).body


def money(api: Api, owner: str = "ana") -> tuple[float, float, float]:
    budget = me(api, owner)["budget"]
    return budget["spent_usd"], budget["reserved_usd"], budget["available_usd"]


def delete(api: Api, environment: dict[str, Any], owner: str = "ana") -> None:
    assert api.call("DELETE", f"/environments/{environment['id']}", owner=owner).status == 202
    api.stack_event(environment["id"])
    shown = api.call("GET", f"/environments/{environment['id']}", owner=owner).body
    assert shown["status"] == "DELETED", shown


def spend(api: Api, job: str, seconds: int, body: dict[str, Any] = SMALL) -> dict[str, Any]:
    """Let a run take `seconds` and settle it. It costs 5 DPU-seconds per second."""
    asked = ask(api, job, body=body)
    assert asked.status == 202, asked.body
    end_in_glue(job, seconds=seconds)
    run = api.call("GET", asked.headers["Location"]).body
    assert run["status"] == "SUCCEEDED"
    return run


def cost(seconds: int) -> float:
    return round(seconds * 5 * 0.44 / 3600, 6)


def at_once(number: int, do: Callable[[], int]) -> list[int]:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(do())) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_deletion_and_creation_do_not_reset_the_budget(api: Api, operator: Operator) -> None:
    for number in range(1, 6):
        environment = api.ready_environment()
        job = environment["outputs"]["job_id"]
        spend(api, job, 240)
        assert money(api) == pytest.approx((number * cost(240), 0, 1 - number * cost(240)))
        shown = api.call("GET", f"/environments/{environment['id']}").body["budget"]
        assert shown == {"limit_usd": 1.0, "spent_usd": cost(240), "reserved_usd": 0.0}
        boto3.client("glue").delete_job(JobName=job)
        delete(api, environment)
    job = api.ready_environment()["outputs"]["job_id"]
    answer = ask(api, job, body={**SMALL, "number_of_workers": 4})  # 0.29 USD; 0.27 are left
    assert (answer.status, answer.body["code"]) == (409, "budget_exceeded")
    assert "0.29 USD, but 0.27 USD of the owner's budget of 1.00 USD is left" in answer.body["detail"]
    assert "The period ends at 2026-12-26T09:00:00.000Z" in answer.body["detail"]
    assert glue_runs(job) == []


def test_an_admins_run_is_charged_to_the_environments_owner(api: Api, operator: Operator) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    root = {"owner": "root", "groups": ("admins",)}
    asked = api.call("POST", f"/jobs/{job}/runs", body=SMALL, **root)
    assert asked.status == 202
    assert money(api)[1] == pytest.approx(0.146667)
    assert money(api, "root") == (0, 0, 1)


def test_fifty_concurrent_runs_cannot_overspend(api: Api, operator: Operator) -> None:
    operator.set(budget_usd=Decimal("0.5"))  # three of them fit
    job = api.ready_environment()["outputs"]["job_id"]
    statuses = at_once(50, lambda: ask(api, job, body=SMALL).status)
    # 429: DynamoDB had too many transactions on one item.
    assert statuses.count(202) == 3, statuses
    assert set(statuses) <= {202, 409, 429, 503}
    assert len(glue_runs(job)) <= 3
    spent, reserved, available = money(api)
    assert (spent, reserved) == (0, pytest.approx(3 * 0.146667, abs=1e-5))
    assert available == pytest.approx(0.5 - reserved)


def test_a_new_period_keeps_existing_reservations(api: Api, operator: Operator) -> None:
    # The sandbox has the longest lifetime that the operator allows.
    job = api.ready_environment(expires_in_hours=720, job={"max_concurrent_runs": 2})["outputs"]["job_id"]
    operator.set(budget_days=2)
    spend(api, job, 300)
    going_on = ask(api, job, body=SMALL)
    assert going_on.status == 202
    operator.moment += timedelta(days=2, seconds=1)
    spent, reserved, _ = money(api)
    assert (spent, reserved) == (0, pytest.approx(0.146667))
    budget = me(api)["budget"]
    assert (budget["period_begins_at"], budget["period_ends_at"]) == (
        "2026-11-28T09:00:00.000Z",
        "2026-11-30T09:00:00.000Z",
    )
    # Earlier reservations are settled now and charged to the current period.
    end_in_glue(job, seconds=120)
    assert api.call("GET", going_on.headers["Location"]).body["status"] == "SUCCEEDED"
    assert money(api) == pytest.approx((cost(120), 0, 1 - cost(120)))
    operator.moment += timedelta(days=7)
    assert me(api)["budget"]["period_begins_at"] == "2026-12-04T09:00:00.000Z"
    assert ask(api, job, body=SMALL).status == 202
    assert money(api)[:2] == (0, pytest.approx(0.146667))


def test_an_admission_starts_a_new_period(api: Api, operator: Operator) -> None:
    job = api.ready_environment(expires_in_hours=720)["outputs"]["job_id"]
    operator.set(budget_days=1, budget_usd=Decimal("0.3"))
    spend(api, job, 400)
    assert ask(api, job, body=SMALL).status == 409
    operator.moment += timedelta(days=1)
    assert ask(api, job, body=SMALL).status == 202


def test_a_changed_limit_applies_at_once_to_recorded_spending(api: Api, operator: Operator) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    spend(api, job, 300)
    operator.set(budget_usd=Decimal(3))
    assert money(api) == pytest.approx((cost(300), 0, 3 - cost(300)))
    operator.set(budget_usd=Decimal("0.1"))
    assert money(api) == pytest.approx((cost(300), 0, 0))
    assert ask(api, job, body={"number_of_workers": 2, "timeout_minutes": 1}).status == 409


def test_a_repeated_request_is_answered_after_the_budget_is_exhausted(api: Api, operator: Operator) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    first = ask(api, job, body=SMALL, headers={"Idempotency-Key": "k"})
    operator.set(budget_usd=Decimal(0))
    again = ask(api, job, body=SMALL, headers={"Idempotency-Key": "k"})
    assert (again.status, again.body) == (202, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_run_is_charged_at_the_price_of_its_reservation(api: Api, operator: Operator) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    asked = ask(api, job, body=SMALL)
    operator.set(price_per_dpu_hour_usd=Decimal("4.4"))
    end_in_glue(job, seconds=120)
    assert api.call("GET", asked.headers["Location"]).body["cost_usd"] == pytest.approx(cost(120))


def test_memory_optimized_workers_have_their_own_price(api: Api, operator: Operator) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    asked = ask(api, job, body={**SMALL, "worker_type": "R.2X"})
    assert asked.body["max_cost_usd"] == pytest.approx(2 * 2 * 600 * 0.52 / 3600, abs=1e-6)
    end_in_glue(job, seconds=100)
    shown = api.call("GET", asked.headers["Location"]).body
    assert shown["cost_usd"] == pytest.approx(500 * 0.52 / 3600, abs=1e-6)


def test_the_prices_of_workers_give_the_maximum_cost_before_a_run(api: Api, operator: Operator) -> None:
    job = api.ready_environment()["outputs"]["job_id"]
    operator.set(price_per_m_dpu_hour_usd=Decimal("0.6"), budget_usd=Decimal(9))
    prices = {each["worker_type"]: each["usd_per_hour"] for each in me(api)["worker_prices"]}
    assert (prices["G.1X"], prices["G.16X"], prices["R.2X"], len(prices)) == (0.44, 7.04, 1.2, 10)
    asked = ask(api, job, body={"worker_type": "R.2X", "number_of_workers": 3, "timeout_minutes": 7})
    assert asked.body["max_cost_usd"] == pytest.approx(3 * prices["R.2X"] * 7 / 60, abs=1e-6)


def test_an_owner_without_environments_has_the_full_budget(api: Api, operator: Operator) -> None:
    shown = me(api, "zoe")
    assert shown["budget"] == {
        "limit_usd": 1.0,
        "spent_usd": 0.0,
        "reserved_usd": 0.0,
        "available_usd": 1.0,
        "period_begins_at": None,
        "period_ends_at": None,
    }
    assert shown["creations"] == {"limit": 10, "used": 0, "next_at": None}
    assert (shown["limits"]["budget_days"], shown["limits"]["creations_per_day"]) == (30, 10)


# -- creations ---------------------------------------------------------------------------------------------


def create(api: Api, owner: str = "ana", **more: Any) -> Any:
    return api.call("POST", "/environments", owner=owner, body={}, **more)


def gone(api: Api, created: Any, owner: str = "ana") -> None:
    """Complete a creation and delete the environment."""
    api.stack_event(created.body["id"])
    delete(api, created.body, owner)


def test_the_daily_creation_limit_returns_the_time_of_the_next_creation(api: Api, operator: Operator) -> None:
    operator.set(creations_per_day=2)
    for _ in range(2):
        created = create(api)
        assert created.status == 202
        operator.moment += timedelta(hours=1)
        gone(api, created)
    refused = create(api)
    assert (refused.status, refused.body["code"]) == (429, "too_many_creations")
    assert refused.headers["Retry-After"] == str(22 * 3600)
    assert "after 2026-11-27T09:00:00.000Z" in refused.body["detail"]
    assert me(api)["creations"] == {"limit": 2, "used": 2, "next_at": "2026-11-27T09:00:00.000Z"}
    assert create(api, "ben").status == 202, "others have their own count"
    operator.moment += timedelta(hours=22)
    assert create(api).status == 202
    assert me(api)["creations"]["used"] == 2


def test_requests_that_create_nothing_are_not_counted(api: Api, operator: Operator) -> None:
    operator.set(creations_per_day=2)
    first = create(api, headers={"Idempotency-Key": "one"})
    for _ in range(3):
        assert create(api, headers={"Idempotency-Key": "one"}).body == first.body
        assert create(api).body["code"] == "environment_exists"
    assert me(api)["creations"]["used"] == 1
    gone(api, first)
    second = create(api, headers={"Idempotency-Key": "two"})
    # The limit is exhausted: a repetition and a second environment get their usual responses.
    assert create(api, headers={"Idempotency-Key": "two"}).body == second.body
    assert create(api).body["code"] == "environment_exists"
    assert create(api, headers={"Idempotency-Key": "one"}).body == first.body


def test_concurrent_creations_are_counted_once_each(api: Api, operator: Operator) -> None:
    operator.set(creations_per_day=3)
    statuses = at_once(20, lambda: create(api).status)
    assert statuses.count(202) == 1
    assert me(api)["creations"]["used"] == 1


def test_a_retry_of_a_failed_environment_counts(api: Api, operator: Operator) -> None:
    operator.set(creations_per_day=2)
    created = create(api)
    store = api.app.service().environments._store
    environment = store.environment(created.body["id"])
    store.save_environment(environment, environment.replace(status=environment.status.FAILED, due_at=None))
    path = f"/environments/{created.body['id']}/retry"
    assert api.call("POST", path).status == 202
    assert me(api)["creations"]["used"] == 2
    environment = store.environment(created.body["id"])
    store.save_environment(environment, environment.replace(status=environment.status.FAILED, due_at=None))
    refused = api.call("POST", path)
    assert (refused.status, refused.body["code"]) == (429, "too_many_creations")
    assert refused.headers["Retry-After"] == str(24 * 3600)
    assert store.environment(created.body["id"]).status == "FAILED"
    assert timestamp(START) in store.account("ana").creations
