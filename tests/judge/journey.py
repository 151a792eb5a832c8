"""The journey: what a caller of the deployed service does, in the order of their days."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx

from tests.judge.account import EVENT_FUNCTIONS, Account
from tests.judge.caller import Caller, shown
from tests.judge.steps import Failed, Steps, expect

_SCRIPT = b"print('hello')\n"
_TICK_PAUSE_SECONDS = 0.5


class Journey:
    """The users of the service."""

    def __init__(self, account: Account, http: httpx.Client, tokens: dict[str, str], steps: Steps) -> None:
        self._account = account
        self._step = steps.step
        self._nobody = Caller(http)
        self._ana, self._bob = Caller(http, tokens["ana"]), Caller(http, tokens["bob"])

    def run(self) -> None:
        """Take all steps. Raise `Failed` at the first unexpected response."""
        with self._step("health, and errors without an environment"):
            self._health()
        self._account.switch(("Tick",), on=False)
        with self._step("POST /environments by ana"):
            ana = self._post(self._ana)
        with self._step("READY by events alone"):
            ana = self._ana.until(ana["links"]["self"], "READY")
        with self._step("every link of the environment"):
            self._follow_links(self._ana, ana["links"])
        with self._step("tables and rows"):
            self._rows(self._ana, ana)
        with self._step("every route refuses the environment to bob"):
            self._refuse_neighbour(ana)
        with self._step("run SUCCEEDED by its event, and its log"):
            run = self._run(self._ana, ana)
        with self._step("PATCH of settings"):
            self._patch(self._ana, ana)
        with self._step("reset"):
            self._ana.call("POST", f"{ana['links']['self']}/reset", 202)
            self._ana.until(ana["links"]["self"], "READY")
        with self._step("DELETED, with a receipt"):
            self._delete(self._ana, ana)

    def _health(self) -> None:
        health = self._nobody.call("GET", "health")
        expect(health["status"] == "ok", f"/health: {health}")
        self._nobody.call("GET", "openapi.json")
        self._nobody.call("GET", "me", 401)
        self._nobody.call("GET", "me", 401, headers={"Authorization": "Bearer not.a.token"})
        self._ana.call("GET", "me")
        self._ana.call("GET", "environments/aaaaaaaaaa", 404)
        self._ana.call("POST", "environments", 422, json={"colour": "red"})

    def _post(self, caller: Caller, settings: Any = None) -> Any:
        request = {"json": settings or {}, "headers": {"Idempotency-Key": "monday"}}
        first = caller.call("POST", "environments", 202, **request)
        again = caller.send("POST", "environments", **request)
        expect(again.status_code == 202 and again.json() == first, f"repeated POST: {shown(again)}")
        expect(again.headers.get("Idempotency-Replayed") == "true", f"repeated POST: {shown(again)}")
        return first

    def _follow_links(self, caller: Caller, links: dict[str, str]) -> None:
        for link in links.values():
            caller.call("GET", link)

    def _rows(self, caller: Caller, environment: Any) -> None:
        tables = caller.call("GET", environment["links"]["tables"])
        print(tables)
        for table in tables["items"]:
            print(table)

    def _refuse_neighbour(self, environment: Any) -> None:
        document = self._nobody.call("GET", "openapi.json")
        known = {"environment_id": environment["id"], "job_id": environment["links"]["job"].rpartition("/")[2]}
        for path, operations in document["paths"].items():
            if not any(f"{{{name}}}" in path for name in known):
                continue
            for method in operations.keys() & {"get", "put", "post", "patch", "delete"}:
                url = path.lstrip('/').format_map(known | dict.fromkeys(("part1","part2","part3","part4","run_id","database","table"), "a.py"))
                r = self._bob.send(method.upper(), url)
                print(method, url, r.status_code, r.text[:200] if r.status_code != 404 else "")

    def _run(self, caller: Caller, environment: Any) -> Any:
        run = caller.call("POST", environment["links"]["runs"], 202, json={})
        run = caller.until(run["links"]["self"], "SUCCEEDED")
        logs = caller.call("GET", run["links"]["logs"])
        print(logs)
        return run

    def _patch(self, caller: Caller, environment: Any) -> None:
        caller.call("PATCH", environment["links"]["self"], 202, json={"settings": {"job": {"number_of_workers": 3}}})
        after = caller.until(environment["links"]["self"], "READY")
        expect(after["settings"]["job"]["number_of_workers"] == 3 and not after["failure"], f"after PATCH: {after}")

    def _delete(self, caller: Caller, environment: Any) -> None:
        caller.call("DELETE", environment["links"]["self"], 202)
        gone = caller.until(environment["links"]["self"], "DELETED")
        print(gone["receipt"])
