"""Main program of a spare process: prepares Spark's Java, waits for a run, and becomes that run's process.

Usage: `python -P spare.py PROVIDED READY_FILE`, with the packages of Glue that `runner.py` takes. The file
is written when nothing is left to prepare. The process gets nothing that belongs to a run until a run takes
it: its environment has no credentials, and it runs no code of a user. Then one line of JSON on the standard
input makes it the process that `runner.py` would be:

- `began`: the file to write when the script begins. Until then, the run can use another process instead.
- `marker`: the line to write to both outputs then. What comes before it is not the script's.
- `environment`: all environment variables, of this process and of Java.
- `properties`: the Spark properties of the run.
- `arguments`: the command line of `runner.py`.

A process runs at most one script. It ends with the emulator, like every run.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent

# Spark's launcher applies these when it starts Java, so a session that sets one gets its own Java.
_OF_LAUNCHER = (
    "spark.archives",
    "spark.driver.",
    "spark.files",
    "spark.jars",
    "spark.master",
    "spark.plugins",
    "spark.pyspark.",
    "spark.submit.",
)


class _Channel:
    """The standard input: one line, the assignment. Its end kills the process group."""

    def __init__(self) -> None:
        self.has_line = threading.Event()
        self._text = b""
        threading.Thread(target=self._read, daemon=True).start()

    def wait(self) -> dict[str, Any]:
        self.has_line.wait()
        assignment: dict[str, Any] = json.loads(self._text)
        return assignment

    def _read(self) -> None:
        while block := os.read(0, 65536):  # not sys.stdin: its lock would abort the interpreter at exit
            self._text += block
            if self._text.endswith(b"\n"):
                self.has_line.set()
        os.killpg(0, signal.SIGKILL)  # includes Spark's Java process


def _module(name: str) -> Any:
    """Load a file beside this one, without an entry in `sys.modules` that a script could find."""
    spec = importlib.util.spec_from_file_location(name, _HERE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _warm_up(channel: _Channel) -> None:
    """Use Spark until a run takes this process. A failure only means that Spark starts more slowly."""
    with contextlib.suppress(Exception), _module("training_s3").serving() as endpoint:
        for _ in _module("warm_up").steps(endpoint):
            if channel.has_line.is_set():
                break


def _forget(jvm: Any) -> None:
    """Leave nothing of the warm-up: its file systems, and its garbage."""
    jvm.org.apache.hadoop.fs.FileSystem.closeAll()
    jvm.java.lang.System.gc()


def _become(assignment: Mapping[str, Any], jvm: Any) -> None:
    """Give this process and its Java the environment and the Spark properties of the run."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(assignment["environment"])
    _replace_environment(jvm, before, assignment["environment"])
    for name, value in assignment["properties"].items():
        jvm.java.lang.System.setProperty(name, value)
    # Spark copies the credentials of the environment into the properties of S3A.
    hadoop = jvm.org.apache.spark.deploy.SparkHadoopUtil.get()
    hadoop.appendS3AndSparkHadoopHiveConfigurations(jvm.org.apache.spark.SparkConf(), hadoop.conf())


def _replace_environment(jvm: Any, before: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Give Java the environment that it would have if this process had started it with the wanted one.

    Java cannot change its environment. The map is behind a view that cannot be changed, and both
    System.getenv and the processes that Java starts use the map. What Spark's launcher sets remains.
    """
    current = dict(jvm.java.lang.System.getenv())
    of_launcher = {name: value for name, value in current.items() if before.get(name) != value}
    new = {**wanted, **{n: v for n, v in of_launcher.items() if wanted.get(n) == before.get(n)}}
    field = jvm.java.lang.Class.forName("java.util.Collections$UnmodifiableMap").getDeclaredField("m")
    field.setAccessible(True)
    variables = field.get(jvm.java.lang.System.getenv())
    variables.clear()
    for name, value in new.items():
        variables.put(name, value)
    if dict(jvm.java.lang.System.getenv()) != new:
        raise RuntimeError("Java's environment cannot be replaced.")


def _inherited() -> tuple[dict[str, str], str]:
    return dict(os.environ), os.getcwd()


def _offer(gateway: Any) -> None:
    """Let the script's first session use this process's Java, unless that needs to start differently.

    This concerns options of the launcher, and what Java inherits: the environment and the working directory.
    """
    context: Any = importlib.import_module("pyspark.context")
    launch = context.launch_gateway
    inherited = _inherited()

    def launch_gateway(conf: Any = None, popen_kwargs: Any = None) -> Any:
        context.launch_gateway = launch
        settings = [] if conf is None else conf.getAll()
        is_special = popen_kwargs is not None or any(name.startswith(_OF_LAUNCHER) for name, _ in settings)
        if is_special or _inherited() != inherited:
            gateway.shutdown()
            gateway.proc.stdin.close()  # ends Java
            return launch(conf, popen_kwargs)
        for name, value in settings:  # as the launcher does
            gateway.jvm.java.lang.System.setProperty(name, value)
        return gateway

    context.launch_gateway = launch_gateway
    context.SparkContext._gateway = context.SparkContext._jvm = None


def _main() -> int:
    channel, runner = _Channel(), _module("runner")
    sys.meta_path.insert(0, runner.HiddenPackages(sys.argv[1].split(",")))
    from pyspark import SparkContext

    SparkContext._ensure_initialized()
    gateway: Any = SparkContext._gateway
    if not channel.has_line.is_set():
        _warm_up(channel)
    _forget(gateway.jvm)
    Path(sys.argv[2]).touch()
    assignment = channel.wait()
    _become(assignment, gateway.jvm)
    _offer(gateway)
    for output in (sys.stdout, sys.stderr):
        print(assignment["marker"], file=output, flush=True)
    Path(assignment["began"]).touch()
    sys.argv[1:] = assignment["arguments"]
    del channel, assignment
    return int(runner.run())


if __name__ == "__main__":
    sys.exit(_main())
