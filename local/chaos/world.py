"""The service in simulated time, on moto, with the emulator's CloudFormation, an event bus and a schedule.

Every action of the service is a function invocation, as in Lambda: it has a time limit, it may be killed at
any call to AWS, and it is retried if it handles an event and fails. Invocations overlap: while one waits for
AWS, others continue.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
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
from local.aws.clients import ACCOUNT, Credentials
from local.aws.events import AwsEvent
from local.chaos import initial_state
from local.chaos.athena import SimulatedQueries
from local.chaos.entropy import seeded
from local.chaos.glue import SimulatedRuns
from local.chaos.simulation import Killed, Simulation
from local.chaos.wire import Wire
from local.cloudformation.engine import CloudFormation, CloudFormationOptions
from local.faults.plan import Faults
from local.iam import access
from local.iam.checks import PermissionCheck
from local.moto_patches import dynamodb, kms, shortcuts
from local.setup import roles
from local.setup.bootstrap import ASSETS_BUCKET, TABLE

REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:terraglue-notifications"
BUDGET_USD = Decimal("2")
MAX_SKEW_SECONDS = 30.0
"""Maximum error of a machine's clock, about a hundred times that of Lambda."""

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SECONDS_PER_STACK = 60.0
_LAMBDA_SECONDS = {"request": 29, "event": 900, "tick": 900, "deliver": 120}
_RETRIES_AFTER = (60, 120)  # of a failed asynchronous invocation
_TICK_SECONDS = 60

# Errors that a function of the service may raise. The caller or Lambda must retry.
_EXPECTED = (AwsError, ServiceError, StaleRecord)


@dataclass
class World:
    """A simulated account with the service.

    `clients` are clients for inspection. `log` has a line for every call to AWS and the end of every
    invocation. `defects` are unexpected errors, and `denied` the calls that a role may not make.
    `missed_ticks` is the probability of a missed tick. `skew` is the maximum error of the machines' clocks in
    seconds.
    """

    simulation: Simulation
    faults: Faults
    clients: Callable[[str], Any]
    rng: random.Random
    service: Service = field(init=False)
    runs: SimulatedRuns = field(init=False)
    queries: SimulatedQueries = field(init=False)
    missed_ticks: float = 0.0
    skew: float = 0.0
    log: list[str] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    _count: int = 0

    def invoke(self, kind: str, name: str, do: Callable[[], None], *, after: float = 0.0) -> None:
        """Schedule an invocation of a function of the service after some seconds."""
        self._count += 1
        self._invoke(
            kind, f"{name}-{self._count}", do, after, retries=() if kind != "event" else _RETRIES_AFTER
        )

    def deliver(self, event: AwsEvent) -> None:
        """Deliver an event to the service as EventBridge does: possibly twice, late, or never."""
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
            self.invoke("event", "event", handle, after=seconds + self.rng.uniform(0.1, 1.5))

    def tick(self) -> None:
        """Schedule a tick and a delivery of notices every minute from now on, except for missed ones."""

        def called() -> None:
            self.tick()
            if self.rng.random() >= self.missed_ticks:
                self.invoke("tick", "tick", lambda: _ignore(self.service.events.tick(seconds=600)))
            if self.rng.random() >= self.missed_ticks:
                self.invoke("deliver", "deliver", lambda: _ignore(self.service.notices.deliver(seconds=50)))

        self.simulation.later(_TICK_SECONDS, "schedule", called)

    def note(self, line: str) -> None:
        """Add a line to the log."""
        self.log.append(f"{self.simulation.seconds:10.3f} {self.simulation.current.name}: {line}")

    def note_denial(self, principal: str, check: PermissionCheck, why: str | None) -> None:
        """Report a call that a role may not make. Faults deny calls before they reach the emulator's IAM."""
        if why is not None:
            self.denied.add(f"{principal.rpartition('/')[2]} may not call {check.action}, {why}")

    def _invoke(
        self, kind: str, name: str, do: Callable[[], None], after: float, retries: tuple[int, ...]
    ) -> None:
        def carry_out() -> None:
            work = self.simulation.current
            work.skew = self.rng.uniform(-self.skew, self.skew)
            work.deadline = self.simulation.seconds + _LAMBDA_SECONDS[kind]
            failure: BaseException | None = None
            try:
                do()
                if work.killed:  # some code has suppressed the exception
                    failure = Killed()
            except _EXPECTED as error:
                failure = error
            except Killed as error:
                failure = error
            except Exception as error:  # a defect of the service, which the chaos test must report
                self.defects.append(f"{name}: {type(error).__name__}: {error}")
                failure = error
            self.note("done" if failure is None else f"{type(failure).__name__} {failure}".strip())
            if failure is not None and retries:
                self._invoke(kind, name, do, retries[0], retries[1:])

        self.simulation.later(after, name, carry_out)


@contextlib.contextmanager
def simulated(seed: int, capacity: Capacity | None = None) -> Iterator[World]:
    """Create a world without any events so far. Everything in it follows from the seed."""
    dynamodb.install()
    with contextlib.ExitStack() as parts:
        parts.enter_context(seeded(seed))
        parts.enter_context(mock_aws())
        parts.callback(shortcuts.install())
        simulation = parts.enter_context(Simulation(_BEGIN))
        parts.callback(kms.install(simulation.now))
        clients = functools.cache(_client)
        world = World(simulation, Faults(), clients, _rng("world", seed))
        parts.callback(access.install(world.note_denial))
        world.queries = SimulatedQueries(simulation, seed)
        parts.callback(world.queries.restore)
        world.runs = SimulatedRuns(clients, world.deliver, REGION, simulation, seed)
        parts.callback(world.runs.restore)
        stacks = CloudFormationOptions(
            clients=clients,
            publish=world.deliver,
            region=REGION,
            seconds_per_stack=_SECONDS_PER_STACK,
            why_failed=world.faults.of_resource,
            runner=simulation,
        )
        parts.enter_context(contextlib.closing(CloudFormation(stacks)))
        initial_state.set_up(clients)
        created = roles.ensure_all(clients, TABLE, ASSETS_BUCKET)
        wire = Wire(simulation, world.faults, _rng("wire", seed), world.note)
        clients("sns").create_topic(Name=TOPIC.rpartition(":")[2])
        service = build(
            _config(capacity or Capacity(), created),
            clock=simulation.clock,
            session=wire.session(REGION, created.credentials),
            sleep=_ignore,  # the service's waits need no simulated time
        )
        world.service = replace(service, notices=service.notices.with_one_thread())
        yield world


def _client(service: str, credentials: Credentials | None = None) -> Any:
    given: Any = credentials.client_arguments if credentials else {}
    return boto3.client(service, region_name=REGION, **given)  # type: ignore[call-overload]


def _config(capacity: Capacity, created: roles.ServiceRoles) -> Config:
    return Config(
        table_name=TABLE,
        assets_bucket=ASSETS_BUCKET,
        issuer="https://issuer.invalid",
        audience="nobody",
        jwks_uri="https://issuer.invalid/jwks.json",
        cursor_key="not a secret",
        deployment_role_arn=created.deployment,
        permissions_boundary_arn=created.boundary,
        service_role_arns=(created.service,),
        sandbox_inspector_role_arn=created.inspector,
        sandbox_reader_role_arn=created.reader,
        sandbox_user_role_arn=created.user,
        budget_usd=BUDGET_USD,
        capacity=capacity,
        notifications_topic_arn=TOPIC,
    )


def _rng(what: str, seed: int) -> random.Random:
    return random.Random(f"{what} {seed}")  # noqa: S311 - for a simulation


def _ignore(_: object) -> None:
    pass
