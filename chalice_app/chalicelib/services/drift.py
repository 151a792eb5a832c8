"""Requests about drift: what was changed by hand in an environment's resources.

CloudFormation detects drift in the background and in up to some minutes, so a request starts a detection, and
later ones return what it found. A process that dies before it recorded a detection loses nothing: the next
request starts another one as soon as CloudFormation has finished.
"""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.aws.errors import AwsRefused
from chalicelib.aws.stack_drift import StackDrift
from chalicelib.clock import Clock, later, now, timestamp
from chalicelib.domain.caller import Caller
from chalicelib.domain.drift import DriftDetection, DriftReport, DriftStatus
from chalicelib.domain.environment import Environment, Status
from chalicelib.domain.failures import redacted
from chalicelib.errors import EnvironmentNotReady
from chalicelib.observability import logger
from chalicelib.services.environments import Environments
from chalicelib.storage.store import Store

_VALID_SECONDS = 600
"""How long the result of a detection is returned before a request starts another one."""
_STEADY = (Status.READY, Status.FAILED)


class Drift:
    """Detects drift. `stack_drift_of` returns a client with rights to read an environment's resources."""

    def __init__(
        self,
        store: Store,
        environments: Environments,
        stack_drift_of: Callable[[Environment], StackDrift],
        *,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._environments = environments
        self._stack_drift_of = stack_drift_of
        self._clock = clock

    def report(
        self, caller: Caller, environment_id: str, *, refresh: bool
    ) -> tuple[Environment, DriftReport]:
        """Return what the last detection found, or start one if it is too old or `refresh` is set.

        Raises `EnvironmentNotReady` unless the environment has a stack that nothing changes at the moment.
        """
        environment = self._environments.visible(caller, environment_id)
        if environment.status not in _STEADY or environment.stack_id is None or environment.clean_up:
            raise EnvironmentNotReady(
                f"The environment is {environment.condition}. It must be READY to detect drift."
            )
        client = self._stack_drift_of(environment)
        last = self._store.drift_detections.last(environment_id)
        if last is not None and last.stack_id == environment.stack_id:
            report = self._found(client, environment, last)
            is_valid = last.started_at > later(self._clock(), -_VALID_SECONDS) and not refresh
            if report is not None and (is_valid or report.status is DriftStatus.DETECTING):
                return environment, report
        return environment, self._start(client, environment)

    def _start(self, client: StackDrift, environment: Environment) -> DriftReport:
        moment, stack_id = timestamp(self._clock()), environment.stack_id or ""
        try:
            detection_id = client.detect(stack_id)
        except AwsRefused as refused:
            logger.warning("drift not detected", environment_id=environment.id, detail=refused.message)
            return DriftReport(DriftStatus.FAILED, moment, reason=redacted(refused.message, environment.id))
        if detection_id is not None:
            self._store.drift_detections.save(DriftDetection(environment.id, stack_id, detection_id, moment))
        return DriftReport(DriftStatus.DETECTING, moment)

    def _found(
        self, client: StackDrift, environment: Environment, last: DriftDetection
    ) -> DriftReport | None:
        """Return what a detection found, or None if CloudFormation does not know it any more."""
        try:
            status, reason = client.status(last.detection_id)
        except AwsRefused as refused:
            logger.info("drift detection unknown", environment_id=environment.id, detail=refused.message)
            return None
        if status == "DETECTION_IN_PROGRESS":
            return DriftReport(DriftStatus.DETECTING, last.started_at)
        resources = client.drifted(last.stack_id)
        if status == "DETECTION_FAILED":
            logger.warning("drift detection failed", environment_id=environment.id, detail=reason)
            shown = redacted(reason, environment.id)
            return DriftReport(DriftStatus.FAILED, last.started_at, resources, shown)
        found = DriftStatus.DRIFTED if resources else DriftStatus.IN_SYNC
        return DriftReport(found, last.started_at, resources)
