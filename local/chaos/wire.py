"""Transport of a simulated process's calls to moto: adds latency, injects faults and logs every call."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from local.aws.clients import Credentials
from local.chaos.simulation import Killed, Simulation
from local.faults.error_responses import error_response
from local.faults.operations import service_of
from local.faults.plan import Faults
from local.faults.rules import Kind, Rule

_TIMEOUT_SECONDS = 10.0
"""Read timeout of the service's clients (`wiring/shared.py`)."""


class ImpatientSession(boto3.Session):
    """A session whose clients never retry, so that the service must handle every fault."""

    def client(self, service_name: str, *args: Any, **options: Any) -> Any:
        """Create a client without retries."""
        once = Config(retries={"total_max_attempts": 1, "mode": "standard"})
        config = options.pop("config", None)
        make: Any = super().client  # the type accepts literal service names only
        return make(service_name, *args, config=config.merge(once) if config else once, **options)


class Wire:
    """Transport between the clients of a session and moto. `log` receives a line per call."""

    def __init__(
        self, simulation: Simulation, faults: Faults, rng: random.Random, log: Callable[[str], None]
    ) -> None:
        self._simulation = simulation
        self._faults = faults
        self._rng = rng
        self._log = log

    def session(self, region: str, credentials: Credentials) -> boto3.Session:
        """Create a session whose clients use this transport."""
        given: Any = credentials.client_arguments
        session = ImpatientSession(region_name=region, **given)
        events: Any = session.events  # the type expects handlers without a result
        events.unregister("before-send", botocore_stubber)
        events.register("before-send", self)
        return session

    def __call__(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Execute one call."""
        service = service_of(_text(request.headers["Authorization"])) or ""
        operation = event_name.rpartition(".")[2]
        rule = self._faults.of_call(service, operation)
        kill = rule if rule is not None and rule.kind is Kind.KILL else None
        outcome = ""
        try:
            self._live(kill_now=kill is not None and not kill.effect)
            response = self._carry(request, service, operation, rule)
            outcome = str(response.status_code)
            self._live(kill_now=kill is not None)
            return response
        except (Killed, ReadTimeoutError) as error:
            outcome += f" {type(error).__name__}"
            raise
        finally:
            fault = f" ({rule.text})" if rule else ""
            self._log(f"{service}:{operation} {_digest(request)} {outcome.strip()}{fault}")

    def _carry(
        self, request: AWSPreparedRequest, service: str, operation: str, rule: Rule | None
    ) -> AWSResponse:
        self._wait()
        if rule is None or rule.kind is Kind.KILL:
            response = self._reach(request)
        else:
            if rule.effect:
                self._reach(request)
            if rule.kind is Kind.TIMEOUT:
                self._simulation.wait(_TIMEOUT_SECONDS)
                raise ReadTimeoutError(endpoint_url=request.url)
            made = error_response(rule, service, operation)
            body = b"" if request.method == "HEAD" else made.body
            headers = HTTPHeaders.from_dict(made.headers)
            response = AWSResponse(request.url, made.status, headers, MockRawResponse(body))
        self._wait()
        return response

    def _reach(self, request: AWSPreparedRequest) -> AWSResponse:
        response = botocore_stubber("", request)
        if response is None:
            raise RuntimeError(f"moto does not support {request.url}")
        return response

    def _live(self, *, kill_now: bool) -> None:
        """Raise `Killed` if the process is killed now or was killed before."""
        work = self._simulation.current
        work.killed = work.killed or kill_now or self._simulation.seconds > work.deadline
        if work.killed:
            raise Killed

    def _wait(self) -> None:
        self._simulation.wait(self._rng.uniform(0.002, 0.1))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _digest(request: AWSPreparedRequest) -> str:
    """Return a digest of a request, to compare requests byte by byte."""
    body: Any = request.body or b""
    if not isinstance(body, str | bytes):
        content = body.read()
        body.seek(0)
        body = content
    content = body.encode() if isinstance(body, str) else body
    return hashlib.sha256(f"{request.method} {request.url} ".encode() + content).hexdigest()[:12]
