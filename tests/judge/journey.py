"""Journey: what two users do with the deployed service.

Ana's environment lives by events alone, and Bob's by ticks alone: the rules of the other functions are off.
So each function does its whole work, under its own role.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.judge.account import Account
from tests.judge.caller import Caller, shown
from tests.judge.emulator import Emulator
from tests.judge.steps import Failed, Steps, expect

_EVENT_FUNCTIONS = ("StackChanged", "ResourceChanged", "JobChanged")
_SCRIPT = b"print('hello')\n"
_PRODUCTION = {"mode": "production", "job": {"name": "own", "script": "main.py", "timeout_minutes": 5}}
_ERRORS = ('{"level":"ERROR"', "Traceback")
_CONTROL = ("ApiHandlerRole", "RunLogs", "logs:GetLogEvents")
"""Role, statement and action of the negative control."""

_ZIP = {"Content-Type": "application/zip"}


def _folder() -> bytes:
    """Return an archive of two job files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("lib/dates.py", "TODAY = '2026-01-31'\n")
        archive.writestr("notes.txt", "Dates\n")
    return buffer.getvalue()


class Journey:
    """The users, their requests, and the responses that they expect."""

    def __init__(self, emulator: Emulator, account: Account, http: httpx.Client, steps: Steps) -> None:
        self._emulator = emulator
        self._account = account
        self._step = steps.step
        self._nobody = Caller(http)
        self._token = account.token("ana")
        self._ana, self._bob = Caller(http, self._token), Caller(http, account.token("bob"))

    def run(self) -> None:
        """Take all steps. Raise `Failed` at the first unexpected response."""
        with self._step("health, tokens and invalid requests"):
            self._first_requests()
        self._account.set_rules("Tick", enabled=False)
        self._life_by_events()
        self._account.set_rules(*_EVENT_FUNCTIONS, enabled=False)
        self._life_by_ticks()
        self._account.set_rules("Tick", *_EVENT_FUNCTIONS, enabled=True)
        with self._step("no denied request, error or failed event, except in the control"):
            self._check_faults()

    def budget(self) -> float:
        """Return ana's budget in USD."""
        limit: float = self._ana.call("GET", "me")["budget"]["limit_usd"]
        return limit

    def _life_by_events(self) -> None:
        with self._step("by events: POST /environments, twice at once with an idempotency key"):
            environment = self._post(self._ana, {})
        own = environment["links"]["self"]
        with self._step("by events: READY"):
            environment = self._ana.until(own, "READY")
        with self._step("links, pages and ETag"):
            self._follow(environment["links"])
            self._pages(self._ana, environment["links"]["events"])
            self._not_modified(own)
        with self._step("tables and rows"):
            self._rows(environment)
        with self._step("drift"):
            self._drift(environment["links"]["drift"])
        with self._step("a query, and credentials"):
            self._query(environment["links"]["queries"])
            self._credentials(f"{own}/credentials")
        with self._step("every operation on ana's environment returns 404 to bob"):
            self._refuse_neighbour(environment)
        with self._step("by events: run SUCCEEDED, with its log"):
            run = self._run(self._ana, environment)
            self._ana.until(run["links"]["self"], "SUCCEEDED")
            self._log(run)
        with self._step(f"control: the log is refused without {_CONTROL[1]} in {_CONTROL[0]}"):
            self._control(run)
        with self._step("by events: PATCH of settings"):
            patch = {"settings": {"job": {"number_of_workers": 3}}}
            self._ana.call("PATCH", own, 202, json=patch)
            changed = self._ana.until(own, "READY")
            is_changed = changed["settings"]["job"]["number_of_workers"] == 3 and changed["failure"] is None
            expect(is_changed, f"after PATCH: {changed}")
        with self._step("by events: reset"):
            self._ana.call("POST", f"{own}/reset", 202)
            self._ana.until(own, "READY")
        with self._step("by events: DELETED, with a receipt"):
            self._ana.call("DELETE", own, 202)
            self._check_receipt(self._ana.until(own, "DELETED"))

    def _tick(self) -> None:
        self._account.let_time_pass()
        self._account.tick()

    def _life_by_ticks(self) -> None:
        with self._step("by ticks: READY, in production mode"):
            environment = self._post(self._bob, _PRODUCTION)
            own = environment["links"]["self"]
            environment = self._bob.until(own, "READY", self._tick)
        with self._step("by ticks: uploaded job, run SUCCEEDED"):
            files = environment["links"]["job_files"]
            early = self._bob.call("POST", environment["links"]["runs"], 409, json={})
            expect(early["code"] == "job_files_missing", f"run without a script: {early}")
            self._bob.call("PUT", f"{files}/main.py", 201, content=_SCRIPT)
            found = self._bob.send("GET", f"{files}/main.py")
            expect(found.content == _SCRIPT, f"job file: {shown(found)}")
            self._folder_of_files(files)
            run = self._run(self._bob, environment)
            self._bob.until(run["links"]["self"], "SUCCEEDED", self._tick)
        with self._step("by ticks: DELETED, with a receipt"):
            self._bob.call("DELETE", own, 202)
            self._check_receipt(self._bob.until(own, "DELETED", self._tick))

    def _first_requests(self) -> None:
        for health in _twice(lambda: self._nobody.call("GET", "health")):  # starts two processes of the API
            expect(health["status"] == "ok", f"health: {health}")
        document = self._nobody.call("GET", "openapi.json")
        expect(document["openapi"].startswith("3.1"), f"document: {document}")
        self._portal()
        forged = self._token[:-8] + "AAAAAAAA"
        for headers in ({}, {"Authorization": "Bearer no.token.here"}, {"Authorization": f"Bearer {forged}"}):
            self._nobody.call("GET", "me", 401, headers=headers)
        me = self._ana.call("GET", "me")
        expect(me["budget"]["available_usd"] == me["budget"]["limit_usd"], f"me: {me}")
        self._ana.call("GET", "environments/aaaaaaaaaa", 404)
        refused = self._ana.call("POST", "environments", 422, json={"expires_in_hours": 0, "colour": "red"})
        expect(len(refused["errors"]) == 2, f"invalid request: {refused}")

    def _portal(self) -> None:
        """Load the page as a browser does, below the stage."""
        page = self._nobody.send("GET", "")
        policy = page.headers.get("Content-Security-Policy", "")
        expect(page.status_code == 200 and "script-src 'self'" in policy, f"portal:\n{shown(page)}")
        files = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text)
        expect(files, f"The portal loads no files:\n{page.text}")
        for file in files:
            got = self._nobody.send("GET", file)
            expect(got.status_code == 200 and got.content, f"{file}:\n{shown(got)}")
        sign_in = self._nobody.call("GET", "config.json")["sign_in"]
        client = self._account.outputs["SignInClientId"]
        expect(sign_in["client_id"] == client, f"The portal signs in elsewhere: {sign_in}")
        registered = self._account.callbacks(client)
        expect(registered == [str(self._nobody.url)], f"Users of the portal return to {registered}")

    def _post(self, caller: Caller, settings: Any) -> Any:
        """Create an environment with two requests at once, which have the same idempotency key."""
        key = {"Idempotency-Key": "monday"}
        both = _twice(lambda: caller.send("POST", "environments", json=settings, headers=key))
        seen = "\n".join(shown(response) for response in both)
        expect([response.status_code for response in both] == [202, 202], seen)
        expect(len({response.json()["id"] for response in both}) == 1, seen)
        expect(sum("Idempotency-Replayed" in response.headers for response in both) == 1, seen)
        caller.call("POST", "environments", 409, json=settings)
        return both[0].json()

    def _follow(self, links: dict[str, str]) -> None:
        for name, link in links.items():
            if name != "drift":
                found = self._ana.call("GET", link)
                expect(isinstance(found, dict), f"{link}: {found}")

    def _drift(self, path: str) -> None:
        self._ana.call("GET", path, 202)
        found = self._ana.until(path, "IN_SYNC")
        expect(found["resources"] == [], f"drift: {found}")

    def _query(self, path: str) -> None:
        query = self._ana.call("POST", path, 202, json={"sql": "SELECT 1 AS one"})
        ended = self._ana.until(query["links"]["self"], "SUCCEEDED")
        expect(ended["rows"] == [[1]], f"query: {ended}")

    def _credentials(self, path: str) -> None:
        given = self._ana.call("POST", path, 201)
        expect(given["secret_access_key"] and given["session_token"], "credentials without a secret")
        expect(given["console_url"] is None, "a console link without the sign-in of AWS")

    def _pages(self, caller: Caller, path: str) -> list[Any]:
        """Return all items of a list, read in pages of two."""
        items: list[Any] = []
        cursor = None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = caller.call("GET", path, params=params)
            items += page["items"]
            if (cursor := page["next"]) is None:
                return items

    def _not_modified(self, path: str) -> None:
        first = self._ana.send("GET", path)
        again = self._ana.send("GET", path, headers={"If-None-Match": first.headers["ETag"]})
        expect(again.status_code == 304 and not again.content, f"unchanged: {shown(again)}")

    def _rows(self, environment: Any) -> None:
        databases = self._ana.call("GET", environment["links"]["tables"])["items"]
        tables = {table["name"]: table for database in databases for table in database["tables"]}
        found = self._ana.call("GET", tables["tbl_sellers"]["links"]["rows"], params={"limit": 3})
        names = {column["name"] for column in tables["tbl_sellers"]["columns"]}
        expect(len(found["items"]) == 3 and set(found["items"][0]) == names, f"rows: {found}")

    def _folder_of_files(self, files: str) -> None:
        added = self._bob.call("PUT", files, content=_folder(), headers=_ZIP)
        expect(added["added"] == ["lib/dates.py", "notes.txt"], f"folder: {added}")
        for status in (204, 404):
            gone = self._bob.send("DELETE", f"{files}/notes.txt")
            expect(gone.status_code == status, f"deleted file: {shown(gone)}")

    def _refuse_neighbour(self, environment: Any) -> None:
        job = environment["links"]["job"].rpartition("/")[2]
        known = {"environment_id": environment["id"], "job_id": job}
        parts = {f"part{n}": f"{n}.py" for n in range(1, 12)}
        others = {"run_id": "1", "query_id": "1", "database": "d", "table": "t"} | parts
        body = {"expires_in_hours": 1}
        for path, operations in self._nobody.call("GET", "openapi.json")["paths"].items():
            if not any(f"{{{name}}}" in path for name in known):
                continue
            for method in operations.keys() & {"get", "put", "post", "patch", "delete"}:
                more: dict[str, Any] = {"patch": {"json": body}, "put": {"content": _SCRIPT}}.get(method, {})
                if method == "post" and path.endswith(("/queries", "/freeze")):
                    more = {"json": {"sql": "SELECT 1"} if path.endswith("/queries") else {"reason": "mine"}}
                if path.endswith("/job/files"):
                    more = {"content": _folder(), "headers": _ZIP} if method == "put" else {}
                url = path.lstrip("/").format_map(known | others)
                self._bob.call(method.upper(), url, 404, **more)

    def _run(self, caller: Caller, environment: Any) -> Any:
        return caller.call("POST", environment["links"]["runs"], 202, json={})

    def _log(self, run: Any) -> None:
        log = self._ana.call("GET", run["links"]["logs"])
        expect(isinstance(log["items"], list), f"log: {log}")

    def _control(self, run: Any) -> None:
        role, sid, action = _CONTROL
        with self._account.without_statement(role, sid):
            try:
                self._log(run)
            except Failed:
                denied = self._emulator.denied()
                expect(any(line.startswith(action) for line in denied), f"denied, but not {action}: {denied}")
                return
        raise Failed(f"The log was returned although {role} had no permission for it. IAM is not enforced.")

    def _check_faults(self) -> None:
        action = _CONTROL[2]
        denied = [line for line in self._emulator.denied() if not line.startswith(action)]
        expect(not denied, "IAM denied requests of the service:\n" + "\n".join(denied))
        lines = [line for lines in self._account.log_lines().values() for line in lines]
        errors = [line for line in lines if line.startswith(_ERRORS) and action not in line]
        expect(not errors, "The functions logged errors:\n" + "\n".join(errors))
        events = self._account.failed_events()
        expect(events == 0, f"{events} failed events are in the queue.")

    def _check_receipt(self, environment: Any) -> None:
        receipt = environment["receipt"]
        removed = {entry["type"] for entry in receipt["removed"]}
        expected = {"AWS::S3::Bucket", "AWS::Glue::Job", "AWS::IAM::Role", "AWS::Glue::Database"}
        expect(expected <= removed, f"removed: {removed}")
        expect([entry["type"] for entry in receipt["remaining"]] == ["AWS::KMS::Key"], f"receipt: {receipt}")
        stacks = self._account.stacks()
        expect(f"terraglue-{environment['id']}" not in stacks, f"stacks: {stacks}")


def _twice(send: Callable[[], Any]) -> list[Any]:
    """Send two requests at once. Return both results."""
    with ThreadPoolExecutor(2) as pool:
        return [sent.result() for sent in (pool.submit(send), pool.submit(send))]
