"""State of a job run as the Glue API shows it, and the rules for starting a run."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.glue_runs import arguments as glue_arguments
from local.glue_runs.logs import GROUP

FINAL = frozenset({"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED"})
"""Final states, each announced by an event."""

_DEFAULT_TIMEOUT_MINUTES = 480  # Glue 5.0 and later
_DEFAULT_WORKERS = 10
_MIN_BILLED_SECONDS = 60
# https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
_DPU = {
    **{"Standard": 1.0, "G.025X": 0.25, "G.1X": 1.0, "G.2X": 2.0, "G.4X": 4.0, "G.8X": 8.0, "G.12X": 12.0},
    **{"G.16X": 16.0, "R.1X": 1.0, "R.2X": 2.0, "R.4X": 4.0, "R.8X": 8.0},
}
# Glue 5.1 reads S3 through S3A, whose region is us-east-2 by default:
# https://docs.aws.amazon.com/glue/latest/dg/migrating-version-51.html#migrating-version-51-from-50
_S3A_DEFAULT_REGION = "us-east-2"


class Refused(Exception):
    """Glue rejects the call. `code` is the AWS error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class RunSpec:
    """What to run: the job with the overrides of StartJobRun."""

    job: str
    role: str
    script: str
    log_groups: str
    given: dict[str, str]
    arguments: dict[str, str]
    timeout_minutes: int
    worker_type: str
    workers: int
    glue_version: str
    concurrent: int
    retries: int
    security_configuration: str | None

    @classmethod
    def of(
        cls,
        job: dict[str, Any],
        request: dict[str, Any],
        encrypting: str | None = None,
        *,
        has_lake_jars: bool = False,
    ) -> RunSpec:
        """Merge a job and a StartJobRun request. Raises `Refused` for unsupported options.

        `encrypting` is the name of the security configuration if it encrypts logs. `has_lake_jars` is whether
        there are jars for `--datalake-formats`.
        """
        given: dict[str, str] = request.get("Arguments") or {}
        arguments = {**job.get("DefaultArguments", {}), **given, **(job.get("NonOverridableArguments") or {})}
        if what := glue_arguments.unsupported(arguments, has_lake_jars=has_lake_jars):
            raise _unsupported(what)
        command = job.get("Command", {})
        if command.get("Name", "glueetl") != "glueetl":
            raise _unsupported(f"the command {command['Name']}")
        worker_type = request.get("WorkerType") or job.get("WorkerType") or "G.1X"
        if worker_type not in _DPU:
            raise Refused("InvalidInputException", f"Worker type {worker_type} is not valid.")
        return cls(
            job=job["Name"],
            role=job["Role"],
            script=command.get("ScriptLocation", ""),
            log_groups=_log_groups(arguments, job["Role"], encrypting),
            given=given,
            arguments=arguments,
            timeout_minutes=request.get("Timeout") or job.get("Timeout") or _DEFAULT_TIMEOUT_MINUTES,
            worker_type=worker_type,
            workers=request.get("NumberOfWorkers") or job.get("NumberOfWorkers") or _DEFAULT_WORKERS,
            glue_version=job.get("GlueVersion") or "5.1",
            concurrent=job.get("ExecutionProperty", {}).get("MaxConcurrentRuns") or 1,
            retries=job.get("MaxRetries") or 0,
            security_configuration=request.get("SecurityConfiguration") or job.get("SecurityConfiguration"),
        )

    @property
    def s3a_region(self) -> str | None:
        """Region of S3A, or None before Glue 5.1, whose EMRFS finds the region of each bucket."""
        if tuple(map(int, self.glue_version.split("."))) < (5, 1):
            return None
        return glue_arguments.s3a_region(self.arguments) or _S3A_DEFAULT_REGION

    @property
    def capacity(self) -> float:
        """Capacity in DPUs."""
        return self.workers * _DPU[self.worker_type]


def _log_groups(arguments: dict[str, str], role: str, encrypting: str | None) -> str:
    """Return the prefix of the log groups `/output` and `/error`.

    A security configuration that encrypts logs adds its name and the role's name, see
    https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html.
    """
    prefix = arguments.get("--custom-logGroup-prefix", GROUP)
    return f"{prefix}/{encrypting}-role/{role.rpartition('/')[2]}" if encrypting else prefix


def _unsupported(what: str) -> Refused:
    return Refused("InvalidInputException", f"The local Glue does not support {what}.")


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


@dataclass
class Run:
    """A job run. Hold the engine's lock to change or describe it."""

    spec: RunSpec
    id: str = field(default_factory=lambda: f"jr_{secrets.token_hex(32)}")
    attempt: int = 0
    previous: str | None = None
    state: str = "STARTING"
    error: str = ""
    started: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    running_since: datetime | None = None
    script_ended: datetime | None = None
    completed: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether the state is final."""
        return self.state in FINAL

    def retry(self) -> Run:
        """Return the next attempt of a failed run."""
        first = self.id.partition("_attempt_")[0]
        number = self.attempt + 1
        return Run(self.spec, f"{first}_attempt_{number}", number, self.id)

    def change(self, state: str, error: str = "") -> None:
        """Change the state."""
        self.state, self.error, self.modified = state, error, now()
        if state == "RUNNING":
            self.running_since = self.modified
        if self.is_final:
            self.completed = self.modified

    @property
    def seconds(self) -> int:
        """Run time of the script in whole seconds. Glue does not charge for the time before and after it."""
        if self.running_since is None:
            return 0
        return round(((self.script_ended or now()) - self.running_since).total_seconds())

    @property
    def dpu_seconds(self) -> float:
        """Billed DPU-seconds: per second and worker, for at least one minute.

        https://aws.amazon.com/glue/pricing/. A run whose script never started is not billed.
        """
        if self.running_since is None:
            return 0.0
        return self.spec.capacity * max(_MIN_BILLED_SECONDS, self.seconds)

    def show(self) -> dict[str, Any]:
        """Return the `JobRun` of the Glue API."""
        shown = {
            "Id": self.id,
            "Attempt": self.attempt,
            "JobName": self.spec.job,
            "StartedOn": self.started,
            "LastModifiedOn": self.modified,
            "JobRunState": self.state,
            "Arguments": self.spec.given,
            "PredecessorRuns": [],
            "AllocatedCapacity": int(self.spec.capacity),
            "ExecutionTime": self.seconds,
            "Timeout": self.spec.timeout_minutes,
            "MaxCapacity": self.spec.capacity,
            "NumberOfWorkers": self.spec.workers,
            "WorkerType": self.spec.worker_type,
            "GlueVersion": self.spec.glue_version,
            "LogGroupName": self.spec.log_groups,
            "DPUSeconds": self.dpu_seconds,
        }
        if self.spec.security_configuration:
            shown["SecurityConfiguration"] = self.spec.security_configuration
        if self.previous:
            shown["PreviousRunId"] = self.previous
        if self.completed:
            shown["CompletedOn"] = self.completed
        if self.error:
            shown["ErrorMessage"] = self.error
        return shown
