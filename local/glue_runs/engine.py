"""Glue job runs for the local AWS emulator. Each run executes its script; jobs remain moto's.

A run is a process with the job's script and arguments, in an environment where Spark, S3 and the Data Catalog
are local. docs/local-aws.md lists the differences from the cloud.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.clients import aws_variables
from local.aws.events import AwsEvent, Publish
from local.glue_runs.api import Json, replace_moto
from local.glue_runs.bookmarks import Bookmarks
from local.glue_runs.script_run import Outcome, Place, ScriptRun
from local.glue_runs.spares import SpareOptions, Spares
from local.glue_runs.state import Refused, Run, RunSpec, now
from local.iam import access

_CLOSE_SECONDS = 15.0
_PAGE = 200

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GlueOptions:
    """Options of the job runs.

    `clients` creates boto3 clients of the emulator at `endpoint`. Runs work below `work_dir`. `cache_dir` is
    the folder of `local.spark.appcds.prepare` and may be empty. A minute of a job's timeout lasts
    `seconds_per_minute`. `lake_jars` are put on the class path of runs with `--datalake-formats`. Without
    `spares`, every run starts its own process.
    """

    clients: Callable[..., Any]
    publish: Publish
    endpoint: str
    region: str
    work_dir: Path
    cache_dir: Path
    seconds_per_minute: float = 60.0
    account: str = "123456789012"
    lake_jars: tuple[Path, ...] = ()
    spares: SpareOptions | None = None


@dataclass(frozen=True)
class _Entry:
    run: Run
    stop: threading.Event
    thread: threading.Thread


class GlueRuns:
    """All job runs of the emulator."""

    def __init__(self, options: GlueOptions) -> None:
        self._options = options
        self._clients = functools.cache(options.clients)
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.RLock()
        self._closed = False
        bookmarks = self._bookmarks = Bookmarks(self._job)
        work_dir, cache_dir = options.work_dir.absolute(), options.cache_dir.absolute()
        self._spares = options.spares and Spares(options.spares, work_dir, cache_dir, self._is_busy)
        self._restore_moto = replace_moto(self, bookmarks.get_job_bookmark, bookmarks.reset_job_bookmark)

    def close(self) -> None:
        """Stop every running script with its child processes, and restore moto's methods."""
        self._restore_moto()
        with self._lock:
            self._closed = True
            entries = [entry for entry in self._entries.values() if not entry.run.is_final]
            for entry in entries:
                entry.stop.set()
        if self._spares:
            self._spares.close()
        for entry in entries:
            entry.thread.join(_CLOSE_SECONDS)

    def _is_busy(self) -> bool:
        with self._lock:
            return any(not entry.run.is_final for entry in self._entries.values())

    def start_job_run(self, request: Json) -> Json:
        """Start a run in a thread."""
        job = self._job(request["JobName"])
        configuration = request.get("SecurityConfiguration") or job.get("SecurityConfiguration")
        encrypting = configuration if configuration and self._encrypts_logs(configuration) else None
        has_lake_jars = bool(self._options.lake_jars)
        run = Run(RunSpec.of(job, request, encrypting, has_lake_jars=has_lake_jars))
        with self._lock:
            if self._closed:
                raise Refused("InternalServiceException", "The AWS emulator is shutting down.")
            name = run.spec.job
            active = [entry for entry in self._of_job(name) if not entry.run.is_final]
            if len(active) >= run.spec.concurrent:
                raise Refused("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
            self._begin(run)
        return {"JobRunId": run.id}

    def _begin(self, run: Run) -> None:
        stop = threading.Event()
        thread = threading.Thread(target=self._carry_out, args=(run, stop), daemon=True, name=run.id)
        self._entries[run.id] = _Entry(run, stop, thread)
        thread.start()

    def get_job_run(self, request: Json) -> Json:
        """Describe a run."""
        with self._lock:
            return {"JobRun": self._find(request["JobName"], request["RunId"]).run.show()}

    def get_job_runs(self, request: Json) -> Json:
        """Describe a page of a job's runs, newest first. The page token is the ID of the last run shown."""
        job = request["JobName"]
        with self._lock:
            entries = self._of_job(job)[::-1]
        if not entries:
            self._job(job)
        begin = 0
        if token := request.get("NextToken"):
            ids = [entry.run.id for entry in entries]
            if token not in ids:
                raise Refused("InvalidInputException", "The NextToken is not valid.")
            begin = ids.index(token) + 1
        end = begin + min(request.get("MaxResults") or _PAGE, _PAGE)
        with self._lock:
            answer: Json = {"JobRuns": [entry.run.show() for entry in entries[begin:end]]}
        if end < len(entries):
            answer["NextToken"] = entries[end - 1].run.id
        return answer

    def batch_stop_job_run(self, request: Json) -> Json:
        """Start to stop runs. A run that has ended or does not exist is reported as an error."""
        job = request["JobName"]
        stopped, errors = [], []
        for run_id in request["JobRunIds"]:
            place = {"JobName": job, "JobRunId": run_id}
            try:
                self._stop(job, run_id)
                stopped.append(place)
            except Refused as refused:
                detail = {"ErrorCode": refused.code, "ErrorMessage": str(refused)}
                errors.append({**place, "ErrorDetail": detail})
        return {"SuccessfulSubmissions": stopped, "Errors": errors}

    def _stop(self, job: str, run_id: str) -> None:
        with self._lock:
            entry = self._find(job, run_id)
            if entry.run.is_final:
                raise Refused("InvalidInputException", f"Job run {run_id} is {entry.run.state} already.")
            entry.run.change("STOPPING")
            entry.stop.set()

    def _find(self, job: str, run_id: str) -> _Entry:
        entry = self._entries.get(run_id)
        if entry is None or entry.run.spec.job != job:
            raise Refused("EntityNotFoundException", f"Job run {run_id} not found.")
        return entry

    def _of_job(self, job: str) -> list[_Entry]:
        return [entry for entry in self._entries.values() if entry.run.spec.job == job]

    def _job(self, name: str) -> Json:
        glue = self._clients("glue")
        try:
            job: Json = glue.get_job(JobName=name)["Job"]
        except glue.exceptions.EntityNotFoundException as exc:
            raise Refused("EntityNotFoundException", f"Job {name} not found.") from exc
        return job

    def _encrypts_logs(self, configuration: str) -> bool:
        glue = self._clients("glue")
        try:
            found = glue.get_security_configuration(Name=configuration)["SecurityConfiguration"]
        except glue.exceptions.EntityNotFoundException as exc:
            raise Refused(
                "EntityNotFoundException", f"SecurityConfiguration {configuration} not found."
            ) from exc
        logs = found["EncryptionConfiguration"].get("CloudWatchEncryption", {})
        return bool(logs.get("CloudWatchEncryptionMode") == "SSE-KMS")

    def _carry_out(self, run: Run, stop: threading.Event) -> None:
        seconds = run.spec.timeout_minutes * self._options.seconds_per_minute
        try:
            place = self._place(run)
            began, ended = (functools.partial(call, run, place) for call in (self._began, self._ended))
            outcome = ScriptRun(run.spec, run.id, place, stop).run(began, ended, seconds)
        except (access.NotTrusted, Refused) as error:
            outcome = Outcome("FAILED", str(error))
        except Exception as error:  # an internal error must end the run, not leave it RUNNING
            _logger.exception("job run failed: %s", run.id)
            outcome = Outcome("FAILED", f"{type(error).__name__}: {error}")
        with self._lock:
            run.change(outcome.state, outcome.error)
            is_announced = not self._closed
            if run.state == "FAILED" and run.attempt < run.spec.retries and is_announced:
                self._begin(run.retry())
        if is_announced:
            self._announce(run)

    def _place(self, run: Run) -> Place:
        """Return the working environment of a run, with the credentials of its role."""
        options = self._options
        credentials = access.assume(
            self._clients, run.spec.role, "glue.amazonaws.com", "GlueJobRunnerSession"
        )
        spare = self._spares.take(run.spec) if self._spares else None
        folder = spare.folder if spare else options.work_dir.absolute() / run.id
        aws = aws_variables(options.endpoint, options.region, credentials)
        try:
            bookmark = self._bookmarks.prepare(run, folder)
        except Exception:
            if spare:
                spare.discard()
            raise
        return Place(
            clients=functools.cache(functools.partial(options.clients, credentials=credentials)),
            variables=aws | bookmark,
            folder=folder,
            cache_dir=options.cache_dir.absolute(),
            modules_dir=options.work_dir.absolute().with_name("python-modules"),
            lake_jars=options.lake_jars,
            spare=spare,
        )

    def _began(self, run: Run, _: Place) -> None:
        with self._lock:
            if run.state == "STARTING":  # the run may have been stopped meanwhile
                run.change("RUNNING")

    def _ended(self, run: Run, place: Place) -> None:
        self._bookmarks.collect(run, place.folder)
        with self._lock:
            run.script_ended = now()

    def _announce(self, run: Run) -> None:
        """Publish the event of a finished run.

        https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
        """
        severity, message = {
            "SUCCEEDED": ("INFO", "Job run succeeded"),
            "STOPPED": ("INFO", "Job run stopped"),
            "TIMEOUT": ("WARN", "Job run timed out"),
        }.get(run.state, ("ERROR", run.error))
        detail = {
            "jobName": run.spec.job,
            "severity": severity,
            "state": run.state,
            "jobRunId": run.id,
            "message": message,
        }
        self._options.publish(AwsEvent(self._options.region, "aws.glue", "Glue Job State Change", detail))
