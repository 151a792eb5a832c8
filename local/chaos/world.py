"""The whole service in simulated time: on moto, with the embedded CloudFormation, a bus and a schedule.

Everything that the service does is an invocation of a function, as in Lambda: it has so long, it may be
killed at any call to AWS, and what an event has begun and not ended well is begun again. Invocations overlap:
while one waits for AWS, others go on.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
from moto import mock_aws

from chalicelib.api.call import Service
from chalicelib.aws.errors import AwsError
from chalicelib.config import Config
from chalicelib.domain.capacity import Capacity
from chalicelib.errors import ServiceError, StaleRecord
from chalicelib.wiring import build
from local import cloudformation, dynamodb, moto_shortcuts
from local.athena.api import miss_workgroups
from local.bootstrap import ASSETS_BUCKET, TABLE
from local.chaos import sandbox
from local.chaos.entropy import seeded
from local.chaos.glue import SimulatedRuns
from local.chaos.timeline import Killed, Simulation
from local.chaos.wire import Wire
from local.clients import ACCOUNT
from local.cloudformation import CloudFormationOptions
from local.events import AwsEvent
from local.faults.plan import Faults

REGION = "us-east-1"
BUDGET_USD = Decimal("2")
MOST_SKEW_SECONDS = 30.0
"""How wrong the clock of a machine may be: some hundred times what Lambda's are."""

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SECONDS_PER_STACK = 60.0
_LAMBDA_SECONDS = {"request": 29, "event": 900, "tick": 900}
_RETRIES_AFTER = (60, 120)  # of an asynchronous invocation that failed
_TICK_SECONDS = 60

# What a function of the service may raise: the caller or Lambda has to come again.
_EXPECTED = (AwsError, ServiceError, StaleRecord)


@dataclass
class World:
    """One simulated account with the service in it.

    `clients` are an onlooker's. `log` has a line for every call to AWS and every invocation's end; `defects`
    are errors that nobody expects; `missed_ticks` is how likely the schedule misses a minute; `skew`,
    by how many seconds at most the machines' clocks are wrong.
    """

    simulation: Simulation
    faults: Faults
    clients: Callable[[str], Any]
    dice: random.Random
    service: Service = field(init=False)
    runs: SimulatedRuns = field(init=False)
    missed_ticks: float = 0.0
    skew: float = 0.0
    log: list[str] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    _count: int = 0

    def invoke(self, kind: str, name: str, do: Callable[[], None], *, after: float = 0.0) -> None:
        """Let a function of the service do something, some seconds from now."""
        self._count += 1
        self._invoke(
            kind, f"{name}-{self._count}", do, after, retries=() if kind != "event" else _RETRIES_AFTER
        )

    def deliver(self, event: AwsEvent) -> None:
        """Bring an event to the service, as EventBridge does: perhaps twice, late, or never."""
        message = {
            "version": "0",
            "id": f"event-{self.simulation.seconds}",
            "detail-type": event.detail_type,
            "source": event.source,
            "account": ACCOUNT,
            "time": f"{self.simulation.now():%Y-%m-%dT%H:%M:%SZ}",
            "region": event.region,
            "resources": event.resources,
            "detail": event.detail,
        }
        handle = {
            "CloudFormation Stack Status Change": lambda: self.service.events.stack_changed(message),
            "CloudFormation Resource Status Change": lambda: self.service.events.resource_changed(message),
            "Glue Job State Change": lambda: self.service.events.job_changed(message),
        }[event.detail_type]
        for seconds in self.faults.of_event(event.detail_type):
            self.invoke("event", "event", handle, after=seconds + self.dice.uniform(0.1, 1.5))

    def tick(self) -> None:
        """Let the schedule call once a minute from now on, but for the minutes that it misses."""

        def called() -> None:
            self.tick()
            if self.dice.random() >= self.missed_ticks:
                self.invoke("tick", "tick", lambda: _ignore(self.service.events.tick(seconds=600)))

        self.simulation.later(_TICK_SECONDS, "schedule", called)

    def note(self, line: str) -> None:
        """Add a line to the log."""
        self.log.append(f"{self.simulation.seconds:10.3f} {self.simulation.current.name}: {line}")

    def _invoke(
        self, kind: str, name: str, do: Callable[[], None], after: float, retries: tuple[int, ...]
    ) -> None:
        def carry_out() -> None:
            work = self.simulation.current
            work.skew = self.dice.uniform(-self.skew, self.skew)
            work.deadline = self.simulation.seconds + _LAMBDA_SECONDS[kind]
            failure: BaseException | None = None
            try:
                do()
                if work.killed:  # and some code on the way has swallowed it
                    failure = Killed()
            except _EXPECTED as error:
                failure = error
            except Killed as error:
                failure = error
            except Exception as error:  # a defect of the service, which the bench is there to find
                self.defects.append(f"{name}: {type(error).__name__}: {error}")
                failure = error
            self.note("done" if failure is None else f"{type(failure).__name__} {failure}".strip())
            if failure is not None and retries:
                self._invoke(kind, name, do, retries[0], retries[1:])

        self.simulation.later(after, name, carry_out)


@contextlib.contextmanager
def simulated(seed: int, capacity: Capacity | None = None) -> Iterator[World]:
    """A world in which nothing has happened yet, and everything follows from the seed."""
    dynamodb.install()
    with contextlib.ExitStack() as parts:
        parts.enter_context(seeded(seed))
        parts.enter_context(mock_aws())
        parts.callback(moto_shortcuts.install())
        parts.callback(miss_workgroups())
        simulation = parts.enter_context(Simulation(_BEGIN))
        clients = functools.cache(functools.partial(boto3.client, region_name=REGION))
        world = World(simulation, Faults(), clients, _dice("world", seed))
        world.runs = SimulatedRuns(clients, world.deliver, REGION, simulation, seed)
        parts.callback(world.runs.restore)
        stacks = CloudFormationOptions(
            clients=lambda service, **_: clients(service),
            publish=world.deliver,
            region=REGION,
            seconds_per_stack=_SECONDS_PER_STACK,
            why_failed=world.faults.of_resource,
            runner=simulation,
        )
        parts.enter_context(contextlib.closing(cloudformation.install(stacks)))
        sandbox.set_up(clients)
        wire = Wire(simulation, world.faults, _dice("wire", seed), world.note)
        world.service = build(
            _config(capacity or Capacity()),
            clock=simulation.clock,
            session=wire.session(REGION),
            sleep=_ignore,  # nothing happens meanwhile: what is waited for comes in its own time
        )
        yield world


def _config(capacity: Capacity) -> Config:
    return Config(
        table_name=TABLE,
        assets_bucket=ASSETS_BUCKET,
        issuer="https://issuer.invalid",
        audience="nobody",
        jwks_uri="https://issuer.invalid/jwks.json",
        cursor_key="not a secret",
        sandbox_reader_role_arn="arn:aws:iam::123456789012:role/terraglue-sandbox-reader",
        budget_usd=BUDGET_USD,
        capacity=capacity,
    )


def _dice(what: str, seed: int) -> random.Random:
    return random.Random(f"{what} {seed}")  # noqa: S311 - a simulation's


def _ignore(_: object) -> None:
    pass
