"""Simulated Glue job runs: they run no script, take some time, write some output, and end in any state."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

from local.aws.events import AwsEvent, Publish
from local.chaos.simulation import Simulation
from local.glue_runs.api import Json, replace_moto
from local.glue_runs.state import Refused, Run, RunSpec

MARKER = "--terraglue-run-id"

_OUTCOMES = ("SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "FAILED")
_PAGE = 200


class SimulatedRuns:
    """All job runs of the account. `restore` restores moto's methods."""

    def __init__(
        self, clients: Callable[[str], Any], publish: Publish, region: str, simulation: Simulation, seed: int
    ) -> None:
        self.runs: list[Run] = []
        self._clients = clients
        self._publish = publish
        self._region = region
        self._simulation = simulation
        self._rng = random.Random(f"runs {seed}")  # noqa: S311 - for a simulation
        self.restore = replace_moto(self)

    def start_job_run(self, request: Json) -> Json:
        """Start a run."""
        glue = self._clients("glue")
        try:
            job = glue.get_job(JobName=request["JobName"])["Job"]
        except glue.exceptions.EntityNotFoundException as error:
            raise Refused("EntityNotFoundException", f"Job {request['JobName']} not found.") from error
        run = Run(RunSpec.of(job, request))
        active = [other for other in self._of_job(run.spec.job) if not other.is_final]
        if len(active) >= run.spec.concurrent:
            raise Refused("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {run.spec.job}")
        self._begin(run)
        return {"JobRunId": run.id}

    def get_job_run(self, request: Json) -> Json:
        """Describe a run."""
        return {"JobRun": self._find(request["JobName"], request["RunId"]).show()}

    def get_job_runs(self, request: Json) -> Json:
        """Describe the runs of a job, newest first."""
        shown = [run.show() for run in self._of_job(request["JobName"])[::-1]]
        begin = int(request.get("NextToken") or 0)
        answer: Json = {"JobRuns": shown[begin : begin + _PAGE]}
        if begin + _PAGE < len(shown):
            answer["NextToken"] = str(begin + _PAGE)
        return answer

    def batch_stop_job_run(self, request: Json) -> Json:
        """Start to stop runs."""
        errors = []
        for run_id in request["JobRunIds"]:
            run = self._find(request["JobName"], run_id)
            if run.is_final:
                detail = {"ErrorCode": "InvalidInputException", "ErrorMessage": "The job run has ended."}
                errors.append({"JobName": run.spec.job, "JobRunId": run.id, "ErrorDetail": detail})
            else:
                run.change("STOPPING")
        return {"SuccessfulSubmissions": [], "Errors": errors}

    def _begin(self, run: Run) -> None:
        self.runs.append(run)
        self._simulation.later(0, f"run {run.id[3:11]}", lambda: self._carry_out(run))

    def _carry_out(self, run: Run) -> None:
        self._wait(run, self._rng.uniform(1, 60))
        if run.state == "STARTING":
            run.change("RUNNING")
            limit = run.spec.timeout_minutes * 60
            needed = self._rng.uniform(10, limit * 1.1)
            is_out_of_time = self._wait(run, min(needed, limit)) and needed > limit
            self._write(run)
            run.script_ended = run.modified = self._simulation.now()
            outcome = "TIMEOUT" if is_out_of_time else self._rng.choice(_OUTCOMES)
            if run.state == "STOPPING":
                self._simulation.wait(self._rng.uniform(1, 20))  # a stopping run may still write
                self._write(run)
        if run.state == "STOPPING":
            outcome = "STOPPED"
        run.change(outcome, "" if outcome in ("SUCCEEDED", "STOPPED") else f"The job run ended as {outcome}.")
        if run.state == "FAILED" and run.attempt < run.spec.retries:
            self._begin(run.retry())
        detail = {"jobName": run.spec.job, "state": run.state, "jobRunId": run.id, "message": run.error}
        self._publish(AwsEvent(self._region, "aws.glue", "Glue Job State Change", detail))

    def _wait(self, run: Run, seconds: float) -> bool:
        """Let a run continue for some time. Return False if it was stopped meanwhile."""
        while seconds > 0 and run.state != "STOPPING":
            step = min(seconds, 5.0)
            self._simulation.wait(step)
            seconds -= step
        return run.state != "STOPPING"

    def _write(self, run: Run) -> None:
        """Write a job's output outside of its stack: objects, a table and log streams."""
        prefix, s3, glue, logs = run.spec.log_groups, *map(self._clients, ("s3", "glue", "logs"))
        bucket = run.spec.arguments["--OUTPUT_BUCKET"]
        try:
            s3.put_object(Bucket=bucket, Key=f"tbsot_ecommerce_br/{run.id}.parquet", Body=b"rows")
        except s3.exceptions.NoSuchBucket:
            return
        storage = {"Location": run.spec.arguments["--OUTPUT_TABLE_URI"], "Columns": []}
        table = {"Name": run.spec.arguments["--OUTPUT_TABLE"], "StorageDescriptor": storage}
        database = run.spec.arguments["--OUTPUT_DB"]
        errors = glue.exceptions
        with contextlib.suppress(errors.AlreadyExistsException, errors.EntityNotFoundException):
            glue.create_table(DatabaseName=database, TableInput=table)
        for group in (f"{prefix}/output", f"{prefix}/error"):
            try:
                logs.create_log_stream(logGroupName=group, logStreamName=run.id)
            except logs.exceptions.ResourceNotFoundException:
                logs.create_log_group(logGroupName=group)
            except logs.exceptions.ResourceAlreadyExistsException:
                pass

    def _find(self, job: str, run_id: str) -> Run:
        for run in self._of_job(job):
            if run.id == run_id:
                return run
        raise Refused("EntityNotFoundException", f"Job run {run_id} not found.")

    def _of_job(self, job: str) -> list[Run]:
        return [run for run in self.runs if run.spec.job == job]
