"""Main program of a run's process: runs the job's script as Glue does, and ends with the emulator.

Usage: `python -P runner.py ERROR_FILE SCRIPT ARGUMENT...`. It imports no other module of this project, so
that the script has the interpreter to itself. An exception of the script goes to stderr, and as one line into
ERROR_FILE.
"""

import os
import runpy
import signal
import sys
import threading
import traceback
from pathlib import Path

_MESSAGE_LENGTH = 1000


def _end_with_the_server() -> None:
    """Kill the process group when the standard input ends, which happens when the emulator dies."""
    while os.read(0, 4096):  # not sys.stdin: its lock would abort the interpreter at exit
        pass
    os.killpg(0, signal.SIGKILL)  # includes Spark's Java process


def _one_line(error: BaseException) -> str:
    """Return an error as Glue reports it: class and message without the Java stack trace."""
    lines = []
    for line in str(error).splitlines():
        if line.lstrip().startswith("at ") or line.startswith("JVM stacktrace"):
            break
        lines.append(line.strip())
    message = " ".join(filter(None, lines))
    return f"{type(error).__name__}: {message}"[:_MESSAGE_LENGTH] if message else type(error).__name__


def _main() -> int:
    error_file, script = Path(sys.argv[1]), sys.argv[2]
    sys.argv[:] = sys.argv[2:]
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as exit_:
        if exit_.code in (None, 0):
            return 0
        error_file.write_text(_one_line(exit_), encoding="utf-8")
        if not isinstance(exit_.code, int):
            print(exit_.code, file=sys.stderr)
        return 1
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != script:
            trace = trace.tb_next  # frames of this file and of runpy do not help the script's author
        traceback.print_exception(error.with_traceback(trace or error.__traceback__))
        error_file.write_text(_one_line(error), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
