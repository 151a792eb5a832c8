"""Simulated users: they send random requests, repeat them, and send them at the wrong moment."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.caller import Caller
from chalicelib.domain.cohort import CohortAction
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_run import JobRun
from chalicelib.domain.query import Query
from chalicelib.domain.query_requests import QueryRequest
from chalicelib.domain.requests import CohortActionRequest, CohortRequest, EnvironmentChange, RunRequest
from chalicelib.domain.settings import JobSettings, Settings
from chalicelib.errors import NotFound
from chalicelib.services.idempotency import Created, IdempotentRequest, fingerprint
from local.chaos.world import World

SCRIPT = "sot_ecommerce.py"
DEFAULT_JOB = JobSettings().name
SECOND = {"name": "job-2", "script": SCRIPT, "number_of_workers": 2, "timeout_minutes": 1}
ADMIN = Caller("root", is_admin=True)


@dataclass
class Owner:
    """A user, and the requests with an idempotency key that the user may repeat."""

    caller: Caller
    requests: list[Callable[[], None]] = field(default_factory=list)


class Owners:
    """Requests environments until `wanted` were accepted, and sends all other requests.

    `accepted` are the owners of accepted environments, by ID. `answers` are all IDs that were returned for an
    idempotency key.
    """

    def __init__(self, world: World, wanted: int, seed: int) -> None:
        self.accepted: dict[str, str] = {}
        self.answers: dict[tuple[str, str], set[str]] = {}
        self._world = world
        self._wanted = wanted
        self._rng = random.Random(f"owners {seed}")  # noqa: S311 - for a simulation
        self._owners = [Owner(Caller(f"owner-{n}", is_admin=False)) for n in range(max(4, wanted * 2 // 3))]
        self._count = 0
        self._commands: list[tuple[int, str, Callable[[Owner], None]]] = [
            (8, "request", self._request),
            (4, "repeat", self._repeat),
            (10, "run", self._run),
            (6, "query", self._query),
            (2, "stop query", self._stop_query),
            (3, "delete", self._delete),
            (3, "look", self._read),
            (2, "stop", self._stop),
            (2, "retry", self._retry),
            (2, "extend", self._extend),
            (3, "change", self._change),
            (2, "reset", self._reset),
            (2, "freeze", self._freeze),
            (2, "thaw", self._thaw),
            (1, "cohort", self._cohort),
            (2, "cohort action", self._act_on_cohort),
        ]

    @property
    def satisfied(self) -> bool:
        """Whether enough environments were accepted."""
        return len(self.accepted) >= self._wanted

    def act(self) -> None:
        """Send a random request now."""
        weights = [weight for weight, _, _ in self._commands]
        [(_, name, command)] = self._rng.choices(self._commands, weights)
        owner = self._rng.choice(self._owners)
        self._world.invoke("request", f"{owner.caller.owner} {name}", lambda: command(owner))

    def work(self) -> None:
        """Send a random request now that uses an environment: a run, a query, or a look at them."""
        commands = (self._run, self._query, self._query, self._stop_query, self._read, self._stop)
        owner, command = self._rng.choice(self._owners), self._rng.choice(commands)
        self._world.invoke("request", f"{owner.caller.owner} works", lambda: command(owner))

    def delete_all(self) -> None:
        """Let every owner request the deletion of their environment."""
        for owner in self._owners:
            delete = functools.partial(self._delete, owner)
            self._world.invoke("request", f"{owner.caller.owner} delete", delete)

    # -- requests ----------------------------------------------------------------------------------------

    def _request(self, owner: Owner) -> None:
        has_own_jobs = self._rng.random() < 0.3
        settings = Settings(
            mode="production" if has_own_jobs else "learning",
            expires_in_hours=self._rng.choice([1, 2, 3, 72]),
            upload_data=self._rng.random() < 0.8,
            kms_key=self._rng.random() < 0.5,
            athena_workgroup=self._rng.random() < 0.5,
            jobs=[
                self._job(f"job-{number}" if number else DEFAULT_JOB, script=SCRIPT if has_own_jobs else None)
                for number in range(self._rng.choice([1, 2, 3]) if has_own_jobs else 1)
            ],
        )
        environments = self._world.service.environments
        self._send(
            owner, "POST /environments", settings, lambda request: environments.create(request, settings)
        )

    def _job(self, name: str, script: str | None) -> JobSettings:
        return JobSettings(
            name=name,
            script=script,
            number_of_workers=2,
            timeout_minutes=self._rng.choice([1, 5, 10]),
            max_retries=self._rng.choice([0, 0, 2]),
            max_concurrent_runs=self._rng.choice([1, 2]),
            schedule=self._rng.choice([None, None, "rate(1 hour)"]),
            arguments=self._rng.choice([{}, {"--MY_ARGUMENT": "1"}]),
        )

    def _run(self, owner: Owner) -> None:
        job_id = self._job_id(owner)
        wanted = RunRequest(timeout_minutes=self._rng.choice([None, 1, 2]))
        jobs = self._world.service.jobs
        route = f"POST /jobs/{job_id}/runs"
        self._send(owner, route, wanted, lambda request: jobs.start_run(request, job_id, wanted))

    def _query(self, owner: Owner) -> None:
        environment_id, queries = self._live(owner).id, self._world.service.queries
        wanted = QueryRequest(sql=f"SELECT {self._rng.randrange(1000)}")
        route = f"POST /environments/{environment_id}/queries"
        self._send(owner, route, wanted, lambda request: queries.start(request, environment_id, wanted))

    def _stop_query(self, owner: Owner) -> None:
        environment_id, queries = self._live(owner).id, self._world.service.queries
        for query in queries.page(owner.caller, environment_id, limit=2, start=None).items:
            if self._rng.random() < 0.5:
                queries.query(owner.caller, environment_id, query.id)
            else:
                queries.stop(owner.caller, environment_id, query.id)

    def _send(
        self,
        owner: Owner,
        route: str,
        body: Any,
        send: Callable[[IdempotentRequest], Created[Environment] | Created[JobRun] | Created[Query]],
    ) -> None:
        """Send a creating request. With an idempotency key, it can be repeated."""
        key = self._new("key") if self._rng.random() < 0.7 else None
        mark = fingerprint(route, body.model_dump(mode="json"))

        def request() -> None:
            created = send(IdempotentRequest(owner.caller, self._new("request"), key, mark))
            if route == "POST /environments":
                self.accepted[created.record.id] = owner.caller.owner
            if key is not None:
                self.answers.setdefault((owner.caller.owner, key), set()).add(created.record.id)

        if key is not None:
            owner.requests.append(request)
        request()

    def _repeat(self, owner: Owner) -> None:
        if owner.requests:
            self._rng.choice(owner.requests[-3:])()

    def _delete(self, owner: Owner) -> None:
        by = owner.caller if self._rng.random() < 0.9 else ADMIN
        self._world.service.environments.delete(by, self._live(owner).id, self._new("request"))

    def _retry(self, owner: Owner) -> None:
        environment_id, environments = self._live(owner).id, self._world.service.environments
        environments.retry(IdempotentRequest(owner.caller, self._new("request")), environment_id)
        environments.visible(owner.caller, environment_id)

    def _extend(self, owner: Owner) -> None:
        hours = self._rng.choice([1, 2, 24])
        self._world.service.environments.extend(
            owner.caller, self._live(owner).id, hours, self._new("request")
        )

    def _change(self, owner: Owner) -> None:
        wanted = self._rng.choice(
            [
                {"settings": {"job": {"number_of_workers": self._rng.choice([2, 3, 4])}}},
                {
                    "settings": {"job": {"timeout_minutes": self._rng.choice([1, 5, 10])}},
                    "expires_in_hours": 3,
                },
                {"settings": {"job": {"arguments": {"--MY_ARGUMENT": "2"}}}},
                {"settings": {"job": {"max_retries": self._rng.choice([0, 1, 3])}}},
                {"settings": {"job": {"schedule": self._rng.choice([None, "rate(1 hour)"])}}},
                {"settings": {"kms_key": True}},
                *({"settings": {"jobs": [{"script": SCRIPT}, *more]}} for more in ([], [SECOND])),
                {"release": "latest"},
            ]
        )
        change = EnvironmentChange.model_validate(wanted)
        self._world.service.environments.change(
            owner.caller, self._live(owner).id, change, self._new("request")
        )

    def _reset(self, owner: Owner) -> None:
        environment_id, environments = self._live(owner).id, self._world.service.environments
        environments.reset(IdempotentRequest(owner.caller, self._new("request")), environment_id)
        environments.visible(owner.caller, environment_id)

    def _freeze(self, owner: Owner) -> None:
        environments = self._world.service.environments
        asked = IdempotentRequest(ADMIN, self._new("request"))
        environments.freeze(asked, self._live(owner).id, "The course has ended.")

    def _thaw(self, owner: Owner) -> None:
        environments = self._world.service.environments
        environments.thaw(IdempotentRequest(ADMIN, self._new("request")), self._live(owner).id)

    def _cohort(self, owner: Owner) -> None:
        """Request a cohort of some owners, who may have an environment."""
        others = self._rng.sample([each.caller.owner for each in self._owners], 3)
        wanted = CohortRequest.model_validate(
            {"name": owner.caller.owner, "owners": others, "settings": {"expires_in_hours": 3}}
        )
        asked = IdempotentRequest(ADMIN, self._new("request"), self._new("key"), "cohort")
        self._world.service.cohorts.create(asked, wanted)

    def _act_on_cohort(self, owner: Owner) -> None:
        cohorts = self._world.service.cohorts
        found = cohorts.page(ADMIN, limit=5, start=None).items
        if found:
            action = self._rng.choice([*CohortAction])
            given = {CohortAction.EXTEND: {"hours": 3}, CohortAction.FREEZE: {"reason": "over"}}
            body = CohortActionRequest.model_validate(given.get(action, {}))
            asked = IdempotentRequest(ADMIN, self._new("request"))
            cohorts.act(asked, self._rng.choice(found).id, action, body)

    def _stop(self, owner: Owner) -> None:
        jobs, job_id = self._world.service.jobs, self._job_id(owner)
        runs = jobs.page(owner.caller, job_id, limit=5, start=None).items
        if runs:
            jobs.stop(owner.caller, job_id, self._rng.choice(runs).id, self._new("request"))

    def _read(self, owner: Owner) -> None:
        jobs, job_id = self._world.service.jobs, self._job_id(owner)
        for run in jobs.page(owner.caller, job_id, limit=2, start=None).items:
            jobs.run(owner.caller, job_id, run.id)
        self._world.service.environments.page(owner.caller, owner=None, status=None, limit=20, start=None)

    def _job_id(self, owner: Owner) -> str:
        """Return the ID of any job of the owner's environment."""
        return self._rng.choice([*self._live(owner).jobs])

    def _live(self, owner: Owner) -> Environment:
        live = self._world.service.environments.live(owner.caller)
        if live is None:
            raise NotFound("The owner has no environment.")
        return live

    def _new(self, what: str) -> str:
        self._count += 1
        return f"{what}-{self._count}"
