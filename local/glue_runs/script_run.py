"""Execution of a job run: downloads the script and its libraries and runs it, with Spark on the emulator."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.glue_modules import provided
from local.aws.s3_uris import bucket_and_key
from local.glue_runs import libraries
from local.glue_runs.arguments import (
    LAKE_FORMATS,
    customer_variables,
    event_logs,
    spark_properties,
    uses_catalog,
)
from local.glue_runs.event_log import EventLogCopy
from local.glue_runs.libraries import LibraryFolders
from local.glue_runs.logs import LogStream
from local.glue_runs.short_paths import shortener
from local.glue_runs.spares import Spare, kill_group
from local.glue_runs.state import RunSpec
from local.metastore.server import Metastore
from local.spark import class_archive, filesystem, launch
from local.spark.java import java_home
from local.spark.launch import Launch, work_dir

_logger = logging.getLogger(__name__)

_RUNNER = Path(launch.__file__).with_name("runner.py")
_TICK_SECONDS = 0.05
_FLUSH_SECONDS = 1.0
_PIPE_SECONDS = 10.0


@dataclass(frozen=True)
class Place:
    """Working environment of a run: clients of its role, variables and folders.

    The folder is that of the spare process, if the run has one.
    """

    clients: Callable[[str], Any]
    variables: dict[str, str]
    folder: Path
    cache_dir: Path
    modules_dir: Path
    lake_jars: tuple[Path, ...] = ()
    spare: Spare | None = None


@dataclass(frozen=True)
class Outcome:
    """Result of a script: one of Glue's final states, and Glue's error message for a failure."""

    state: str
    error: str = ""


class ScriptRun:
    """The process of a run with its files and logs."""

    def __init__(self, spec: RunSpec, run_id: str, place: Place, stop: threading.Event) -> None:
        self._spec = spec
        self._run_id = run_id
        self._place = place
        self._stop = stop
        self._s3 = place.clients("s3")
        logs = place.clients("logs")
        self._shorten = shortener(place.folder)
        self._output = LogStream(logs, f"{spec.log_groups}/output", run_id)
        self._error = LogStream(logs, f"{spec.log_groups}/error", run_id, self._shorten)
        self._metastore: Metastore | None = None
        self._properties: Mapping[str, str] = {}
        self._events = EventLogCopy(self._s3, event_logs(spec.arguments), place.folder / "event-log")

    def run(self, began: Callable[[], None], ended: Callable[[], None], timeout_seconds: float) -> Outcome:
        """Execute the run. Calls `began` when the script's process starts and `ended` when it has ended."""
        try:
            self._output.create()
            self._error.create()
            environment = self._prepare()
            if self._stop.is_set():
                return Outcome("STOPPED")
            try:
                process = self._assign(environment) or self._start(environment)
                began()
                return self._watch(process, environment, time.monotonic() + timeout_seconds)
            finally:
                ended()
        except (BotoCoreError, ClientError, OSError) as error:
            message = self._shorten(str(error))
            self._error.write(message)
            return Outcome("FAILED", message)
        finally:
            if self._metastore:
                self._metastore.close()
            if self._place.spare:
                self._place.spare.end()
            self._error.flush()
            shutil.rmtree(self._place.folder, ignore_errors=True)

    def _prepare(self) -> dict[str, str]:
        """Download the script and libraries. Return the environment of the process."""
        folder, arguments = self._place.folder, self._spec.arguments
        s3a, region = self._spec.s3a_region, self._place.variables["AWS_REGION"]
        if s3a not in (None, region):
            raise OSError(
                f"S3A uses the region {s3a}, but the buckets are in {region}. "
                f"Set --conf to spark.hadoop.fs.s3a.endpoint.region={region}."
            )
        self._fetch(self._spec.script, self._script)
        folders = LibraryFolders(folder, work_dir(folder), self._place.modules_dir)
        found = libraries.prepare(arguments, folders, self._fetch, self._stop, self._error.write)
        if uses_catalog(arguments):
            self._metastore = Metastore(self._place.clients, folder)
        java, cache_dir = java_home(), self._place.cache_dir
        spark = Launch(
            scratch=folder,
            conf_dir=class_archive.conf_dir(cache_dir),
            java_home=java,
            jar=filesystem.prepare(cache_dir, java),
            python_path=found.python_path,
            archive=class_archive.find(cache_dir, java),
            properties=self._spark_properties(found.jars),
        )
        self._properties = spark.properties
        nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return spark.environment() | self._place.variables | nowhere | customer_variables(arguments)

    def _spark_properties(self, jars: tuple[Path, ...]) -> dict[str, str]:
        if self._spec.arguments.get(LAKE_FORMATS):
            jars += self._place.lake_jars
        found = {"spark.jars": ",".join(jar.as_uri() for jar in jars)} if jars else {}
        catalog = self._metastore.properties if self._metastore else {}
        return self._events.properties | catalog | spark_properties(self._spec.arguments) | found

    def _fetch(self, uri: str, path: Path) -> None:
        place = bucket_and_key(uri)
        if place is None:
            raise OSError(f"{uri!r} is not an s3:// URI.")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(self._s3.get_object(Bucket=place[0], Key=place[1])["Body"].read())
        except ClientError as error:
            raise OSError(f"{uri}: {error}") from error

    @property
    def _script(self) -> Path:
        return self._place.folder / "script" / self._spec.script.rpartition("/")[2]

    @property
    def _error_file(self) -> Path:
        return self._place.folder / "error"

    @property
    def _command_line(self) -> list[str]:
        """The arguments of `runner.py`."""
        arguments = {"--JOB_NAME": self._spec.job, "--JOB_RUN_ID": self._run_id} | self._spec.arguments
        modules = ",".join(sorted(provided(self._spec.glue_version)))
        words = [word for pair in arguments.items() for word in pair]
        return [str(self._error_file), modules, str(self._script), *words]

    def _assign(self, environment: dict[str, str]) -> subprocess.Popen[bytes] | None:
        """Return the spare process, with the script. Return None if there is none, or if it has died."""
        spare = self._place.spare
        if spare is None or not spare.assign(self._command_line, environment, self._properties):
            return None
        self._read(spare.process, spare.marker)
        return spare.process

    def _start(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - runs the sandbox's own script
            [sys.executable, "-P", str(_RUNNER), *self._command_line],
            env=environment,
            cwd=work_dir(self._place.folder),
            stdin=subprocess.PIPE,  # never written to; its end stops the process (runner.py)
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._read(process)
        return process

    def _read(self, process: subprocess.Popen[bytes], after: str | None = None) -> None:
        if process.stdout and process.stderr:
            self._output.read(process.stdout, after)
            self._error.read(process.stderr, after)

    def _watch(
        self, process: subprocess.Popen[bytes], environment: dict[str, str], deadline: float
    ) -> Outcome:
        """Send the logs until the script has ended, or stop the script."""
        outcome = None
        flushed = time.monotonic()
        while process.poll() is None:
            if self._stop.wait(_TICK_SECONDS):
                outcome = Outcome("STOPPED")
                break
            moment = time.monotonic()
            if moment >= deadline:
                outcome = Outcome("TIMEOUT", "Job run timed out")
                break
            if moment - flushed >= _FLUSH_SECONDS:
                self._output.flush()
                self._error.flush()
                self._events.copy_when_due()
                flushed = moment
        kill_group(process)  # includes processes that the script left running, such as Spark's Java
        spare = self._place.spare
        if outcome is None and spare and spare.process is process and not spare.has_begun:
            _logger.warning("spare process ended: %s", process.returncode)
            spare.end()
            return self._watch(self._start(environment), environment, deadline)
        code = process.wait()
        if process.stdin:
            process.stdin.close()
        self._events.copy()
        self._output.finish(_PIPE_SECONDS)
        self._error.finish(_PIPE_SECONDS)
        return outcome or self._judge(code)

    def _judge(self, code: int) -> Outcome:
        if code == 0:
            return Outcome("SUCCEEDED")
        with contextlib.suppress(FileNotFoundError):
            return Outcome("FAILED", self._shorten(self._error_file.read_text(encoding="utf-8")))
        if code == -signal.SIGKILL:
            return Outcome("FAILED", "The script's process was killed, perhaps because memory was short.")
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return Outcome("FAILED", f"The script's process {how}.")
