"""Main program of a run's process: runs the job's script as Glue does, and ends with the emulator.

Usage: `python -P runner.py ERROR_FILE PROVIDED SCRIPT ARGUMENT...`. It imports no other module of this
project, so that the script has the interpreter to itself. An exception of the script goes to stderr, and as
Glue's error message into ERROR_FILE. PROVIDED are the packages of Glue, separated by commas: others that
happen to be installed in this Python are hidden, because in Glue the script would not find them.

Glue's messages have the form `Error Category: QUERY_ERROR; Failed Line Number: 84; AnalysisException: ...`.
AWS documents the categories, not the form:
https://docs.aws.amazon.com/glue/latest/dg/monitor-observability.html
"""

import contextlib
import os
import re
import runpy
import signal
import sys
import sysconfig
import threading
import traceback
from collections.abc import Collection
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

_MESSAGE_LENGTH = 1000
_GLUE_LIBRARIES = ("numpy", "pandas", "pyarrow")
_HINT = "On this machine, `make glue-libraries` installs the numpy, pandas and pyarrow that Glue provides."

# Categories by the name of the exception's class or of one of its bases. The first match wins.
_CATEGORIES = {
    "SyntaxError": "SYNTAX_ERROR",
    "ImportError": "IMPORT_ERROR",
    "MemoryError": "OUT_OF_MEMORY_ERROR",
    "SystemExit": "SYSTEM_EXIT_ERROR",
    "NotImplementedError": "UNSUPPORTED_OPERATION_ERROR",
    "AnalysisException": "QUERY_ERROR",
    "ParseException": "QUERY_ERROR",
    "GlueArgumentError": "INVALID_ARGUMENT_ERROR",
    "KeyError": "INVALID_ARGUMENT_ERROR",
    "PermissionError": "PERMISSION_ERROR",
    "FileNotFoundError": "RESOURCE_NOT_FOUND_ERROR",
}
_CATEGORIES_BY_TEXT = (
    (re.compile("OutOfMemoryError|Java heap space"), "OUT_OF_MEMORY_ERROR"),
    (re.compile("AccessDenied|Access Denied|not authorized"), "PERMISSION_ERROR"),
    (
        re.compile("NoSuchKey|NoSuchBucket|EntityNotFound|No such file"),
        "RESOURCE_NOT_FOUND_ERROR",
    ),
    (re.compile("Throttling|SlowDown|Rate exceeded"), "THROTTLING_ERROR"),
)
_JAVA_FRAME = re.compile(r"^\s+(?:at [\w.$/<>-]+\(.*\)|\.\.\. \d+ more)\s*$")
# Hive nests exceptions in messages: `a.b.HiveException: MetaException(message:Got exception: a.b.C ...)`.
_JAVA_CLASS = re.compile(r"(?:Got exception: )?(?<![\w.])(?:[a-z]\w*\.){2,}[\w$]*(?:Exception|Error):? ")
_META_EXCEPTION = re.compile(r"\w*Exception\(message:(.*)\)$")
_CAUSED_BY = "\nCaused by: "
_WORKER_TRACE = "Traceback (most recent call last):\n"
_PYTHON_FRAME = re.compile(r'^\s+File "(.+)", line (\d+)')
_BESIDES_THE_SENTENCE = re.compile(r";\n|\n+== SQL|\n+JVM stacktrace:")


def _end_with_the_server() -> None:
    """Kill the process group when the standard input ends, which happens when the emulator dies."""
    while os.read(0, 4096):  # not sys.stdin: its lock would abort the interpreter at exit
        pass
    os.killpg(0, signal.SIGKILL)  # includes Spark's Java process


class HiddenPackages(MetaPathFinder):
    """Finds no package of this Python that Glue does not provide."""

    def __init__(self, provided: Collection[str]) -> None:
        self._provided = provided
        self._installed = tuple({f"{sysconfig.get_path(name)}{os.sep}" for name in ("purelib", "platlib")})

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Raise ModuleNotFoundError for a hidden package. Leave all other imports to Python."""
        if path is not None or fullname in self._provided or fullname.startswith("_"):
            return
        spec = PathFinder.find_spec(fullname)
        places = [spec.origin or "", *(spec.submodule_search_locations or ())] if spec else []
        if any(place.startswith(self._installed) for place in places):
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def error_message(error: BaseException, script: str) -> str:
    """Return Glue's error message: the category, the line of the script, and the exception's own sentence."""
    sentence = _sentence(error)
    parts = [f"Error Category: {_category(error, sentence)}"]
    if line := _failed_line(error, script):
        parts.append(f"Failed Line Number: {line}")
    return "; ".join([*parts, sentence])


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a Py4JJavaError asks Java for its text, which may have ended
        return "Spark's Java process has ended."


def _sentence(error: BaseException) -> str:
    """Return class and message without stack traces, query plans and SQL, in one line."""
    name, text = type(error).__name__, _text(error)
    if raised := _raised_by_a_worker(text):
        return _cut(f"PythonException: {raised[0]}", raised[1])
    if name == "Py4JJavaError":
        call, _, trace = text.partition("\n: ")
        return _cut(f"{call.strip()} {_root_cause(trace)}")
    message = " ".join(_BESIDES_THE_SENTENCE.split(_without_java(text).strip())[0].split())
    if type(error).__module__.startswith("pyspark."):
        message = _META_EXCEPTION.sub(r"\1", _JAVA_CLASS.sub("", message))
    if isinstance(error, ImportError) and (error.name in _GLUE_LIBRARIES or "must be installed" in message):
        message = f"{message.rstrip('.')}. {_HINT}"
    return _cut(f"{name}: {message}" if message else name)


def _raised_by_a_worker(text: str) -> tuple[str, str] | None:
    """Return the exception of a function that Spark called, and its place such as ` (main.py, line 4)`."""
    _, found, trace = text.rpartition(_WORKER_TRACE)
    if not found:
        return None
    lines = re.split(r"\n\s+at |\n\n", trace)[0].splitlines()
    frames = [match for match in map(_PYTHON_FRAME.match, lines) if match]
    own = [frame for frame in frames if "/pyspark/" not in frame[1] and "/lib/python" not in frame[1]]
    raised = [line for line in lines if line and not line.startswith(" ")]
    place = f" ({Path(own[-1][1]).name}, line {own[-1][2]})" if own else ""
    return (" ".join(raised) or "An exception was thrown from the Python worker.", place)


def _root_cause(trace: str) -> str:
    """Return the message of the last cause of a Java exception, with its class if it is not a sentence."""
    cause = trace.rpartition(_CAUSED_BY)[2]
    name, _, text = re.split(r"\n\s+at |\n\s+\.\.\. ", cause)[0].partition(": ")
    message, kind = " ".join(text.split()), name.strip().rpartition(".")[2]
    if " " in message:
        return _META_EXCEPTION.sub(r"\1", _JAVA_CLASS.sub("", message))
    return f"{kind}: {message}" if message else kind


def _without_java(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not _JAVA_FRAME.match(line))


def _cut(sentence: str, place: str = "") -> str:
    return sentence[: _MESSAGE_LENGTH - len(place)] + place


def _category(error: BaseException, sentence: str) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    by_class = (category for name, category in _CATEGORIES.items() if name in names)
    by_text = (category for pattern, category in _CATEGORIES_BY_TEXT if pattern.search(sentence))
    return next((category for found in (by_class, by_text) for category in found), "UNCLASSIFIED_ERROR")


def _failed_line(error: BaseException, script: str) -> int | None:
    """Return the innermost line of the script that was being executed, or None."""
    if isinstance(error, SyntaxError) and error.filename == script:
        return error.lineno
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == script]
    return lines[-1] if lines else None


def _print(error: BaseException, script: str) -> None:
    """Print the traceback from the script on. Java's stack trace comes first, the sentence last."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next  # frames of this file and of runpy do not help the script's author
    text = "".join(traceback.format_exception(error.with_traceback(trace)))
    if type(error).__name__ == "Py4JJavaError":
        print(_text(error).strip(), file=sys.stderr)
        text = f"{_WORKER_TRACE}{''.join(traceback.format_tb(trace))}{_sentence(error)}"
    print(_without_java(text).rstrip(), file=sys.stderr)


def _write_events() -> None:
    """Wait until Spark has written the events of the script to its event log: the process ends at once."""
    pyspark: Any = sys.modules.get("pyspark")
    with contextlib.suppress(Exception):  # without Spark, or when its process has ended
        pyspark.SparkContext._active_spark_context._jsc.sc().listenerBus().waitUntilEmpty()


def _main() -> int:
    sys.meta_path.insert(0, HiddenPackages(sys.argv[2].split(",")))
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    return run()


def run() -> int:
    """Run the script of the command line. Return the exit code."""
    error_file, script = Path(sys.argv[1]), sys.argv[3]
    sys.argv[:] = sys.argv[3:]
    try:
        try:
            runpy.run_path(script, run_name="__main__")
        finally:
            _write_events()
    except SystemExit as exit_:
        if exit_.code in (None, 0):
            return 0
        error_file.write_text(error_message(exit_, script), encoding="utf-8", errors="replace")
        if not isinstance(exit_.code, int):
            print(exit_.code, file=sys.stderr)
        return 1
    except BaseException as error:
        error_file.write_text(error_message(error, script), encoding="utf-8", errors="replace")
        _print(error, script)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
