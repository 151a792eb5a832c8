"""Queries whose process is killed between two AWS calls: each runs once, and costs what Athena charges."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.caller import Caller
from chalicelib.domain.query_requests import QueryRequest
from chalicelib.domain.settings import Settings
from chalicelib.services.idempotency import IdempotentRequest
from local.chaos.account_state import State
from local.chaos.owners import ADMIN
from local.chaos.world import World
from local.faults.rules import parse_all
from tests.support.kills import deaths, undisturbed

SQL = QueryRequest(sql="SELECT 1")


def test_a_query_is_started_once_stopped_and_settled(world: World) -> None:
    environment_id = ready(world)
    for fault, call in deaths():

        def ask(key: str = f"{fault}-{call}") -> None:
            asked = IdempotentRequest(Caller("ana", is_admin=False), "request", key, "fingerprint")
            query = world.service.queries.start(asked, environment_id, SQL).record
            world.service.queries.query(asked.caller, environment_id, query.id)
            world.service.queries.stop(ADMIN, environment_id, query.id)

        world.faults.replace(parse_all(f"*:* {fault} after {call} times 1; athena:* 500_after 0.2"), 0)
        send(world, ask, 30)
        died = bool(world.faults.show()[0]["acted"])
        undisturbed(world)
        send(world, ask, 1200)
        if not died:
            assert call >= 7, "so few calls: was anything killed?"
            break
    queries = State(world).queries
    assert len(queries) == len(world.queries.queries) > 2
    assert {query["status"] for query in queries} <= {"SUCCEEDED", "FAILED", "CANCELLED"}


def test_a_deletion_stops_and_settles_queries_first(world: World) -> None:
    environment_id = ready(world)

    def ask() -> None:
        request = IdempotentRequest(Caller("ana", is_admin=False), "request")
        for _ in range(3):
            world.service.queries.start(request, environment_id, SQL)

    send(world, ask, 1)
    send(world, lambda: world.service.environments.delete(ADMIN, environment_id, "request"), 600)
    state = State(world)
    assert state.environments[environment_id]["status"] == "DELETED"
    assert {query["status"] for query in state.queries} <= {"CANCELLED", "SUCCEEDED", "FAILED"}
    assert "CANCELLED" in {query["status"] for query in state.queries}


def ready(world: World) -> str:
    undisturbed(world)
    ids: list[str] = []

    def request() -> None:
        asked = IdempotentRequest(Caller("ana", is_admin=False), "request")
        ids.append(world.service.environments.create(asked, Settings(kms_key=False)).record.id)

    send(world, request, 300)
    return ids[0]


def send(world: World, do: Callable[[], object], seconds: float) -> None:
    def act() -> None:
        do()

    world.invoke("request", "ana", act)
    world.simulation.run(seconds)
