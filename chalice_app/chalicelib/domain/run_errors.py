"""Errors of runs, in the form that the author of a script reads: sentence, place, cause and hint."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from chalicelib.domain.byte_limits import MESSAGE_BYTES, SCRIPT_BYTES, cut
from chalicelib.domain.failures import redacted
from chalicelib.domain.glue_modules import is_provided
from chalicelib.domain.job_run import RunError
from chalicelib.domain.run_causes import cause_of

LOG_TAIL_LINES = 20
# AWS documents the categories, not the form of the message:
# https://docs.aws.amazon.com/glue/latest/dg/monitor-observability.html
_GLUE_MESSAGE = re.compile(
    r"\s*(?:Error Category: )?[A-Z_]+(?: ERROR)?; (?:Failed Line Number: (?P<line>\d+); )?(?P<sentence>.+)",
    re.DOTALL,
)
_CALLING = re.compile(r"An error occurred while calling \S+\s+(?=\S)")
_PLACE = re.compile(r"\s*\(([^()\s]+), line (\d+)\)[\s.]*$")
_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_ADVICE = "Add its package to python_modules, or upload the module as a job file."
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+)')
# ParseException and AnalysisException: `(line 1, pos 9)`, and `; line 1 pos 7`.
_SQL_PLACE = re.compile(r"(?:\(line (\d+), pos (\d+)\)|; line (\d+) pos (\d+))")
_LARGEST = 10**6
"""Of a line or position. A script can raise an error with any number."""

_JAVA_FRAME = re.compile(
    r"(?:\s+(?:at [\w.$/<>-]+\(.*\)|\.\.\. \d+ more)|Caused by: .*|Driver stacktrace:\)?)\s*$"
)
_STATUS_LINE = re.compile(
    r"\d{2,4}[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S* (?:\[[^\]]*\] )?(?:DEBUG|INFO|WARN)\b"
)


class Place(NamedTuple):
    """A line of a file. `script` is a job file's path, or the name of another file."""

    script: str
    line: int


def explained(
    message: str, log: Sequence[str], environment_id: str, script: str = "", job_files: Collection[str] = ()
) -> RunError:
    """Return the error of a run from Glue's message and its error log.

    `script` is the path of the job's script among `job_files`. The place is the innermost line of a job file
    in the log's last traceback, or else the one that the message names.
    """
    sentence, named = sentence_and_place(message, script)
    own = script_lines(log, len(log))
    paths = {script, *job_files} - {""}
    named = named and Place(_job_file(named.script, paths) or named.script, named.line)
    places = [Place(path, at.line) for at in _frames(own) if (path := _job_file(at.script, paths))]
    # A traceback that does not pass the named line belongs to another exception, which the script caught.
    place = places[-1] if places and (named is None or named in places) else named
    shown = f" ({place.script.rpartition('/')[2]}, line {place.line})" if place else ""
    shown = cut(shown, MESSAGE_BYTES // 2)
    cause = cause_of(message, own[-LOG_TAIL_LINES:])
    sql = _SQL_PLACE.search(message)
    sql_line, sql_position = [int(n) for n in sql.groups() if n is not None] if sql else (None, None)
    return RunError(
        redacted(sentence, environment_id, MESSAGE_BYTES - len(shown.encode())) + shown,
        own[-LOG_TAIL_LINES:],
        script=cut(place.script, SCRIPT_BYTES) if place else None,
        line=min(place.line, _LARGEST) if place else None,
        sql_line=sql_line and min(sql_line, _LARGEST),
        sql_position=sql_position and min(sql_position, _LARGEST),
        cause=cause.name,
        hint=cause.hint,
    )


def sentence_and_place(message: str, script: str) -> tuple[str, Place | None]:
    """Return the exception's own sentence of Glue's error message, and the place that it names.

    `Error Category: QUERY_ERROR; Failed Line Number: 84; AnalysisException: ...` has the sentence
    `AnalysisException: ...` and the place (`main.py`, 84).
    """
    line = None
    if match := _GLUE_MESSAGE.fullmatch(message):
        line, message = match["line"], match["sentence"].strip()
    message = _CALLING.sub("", message, count=1)
    place = Place(script, int(line)) if line else None
    if found := _PLACE.search(message):  # another file, such as a library with a syntax error
        message, place = message[: found.start()], Place(found[1], int(found[2]))
    elif _TRACEBACK in message:  # of a function that a worker called
        message, place = _of_a_worker(message, place)
    if (missing := _MISSING_MODULE.search(message)) and not is_provided(missing[1]):
        message = f"{message.rstrip('.')}. {_ADVICE}"
    return message, place


def _of_a_worker(message: str, place: Place | None) -> tuple[str, Place | None]:
    trace = re.split(r"\n\s+at |\n\n", message.rpartition(_TRACEBACK)[2])[0].splitlines()
    raised = [line for line in trace if line.strip() and not line.startswith(" ")]
    frames = [frame for frame in _frames([_TRACEBACK, *trace]) if not _is_a_library(frame.script)]
    return " ".join(raised) or message, frames[-1] if frames else place


def _is_a_library(path: str) -> bool:
    return "/pyspark/" in path or "/lib/python" in path


def _frames(lines: Iterable[str]) -> list[Place]:
    """Return the frames of the last traceback in some lines, the innermost last."""
    frames: list[Place] = []
    for line in lines:
        if line.strip().endswith(_TRACEBACK):
            frames = []
        elif match := _FRAME.match(line):
            frames.append(Place(match[1], int(match[2])))
    return frames


def _job_file(path: str, paths: Collection[str]) -> str | None:
    """Return the job file that a path of a worker, such as `/tmp/main.py`, is a copy of; None if unknown.

    A run has job files in other folders than the environment, so the name decides, and then the folders.
    """
    if _is_a_library(path):
        return None
    parts = path.split("/")
    same = [each for each in paths if each.rpartition("/")[2] == parts[-1]]
    return max(same, key=lambda each: _common_end(each.split("/"), parts), default=None)


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of equal parts at the end of two paths."""
    pairs = list(zip(reversed(one), reversed(other), strict=False))
    return next((n for n, (a, b) in enumerate(pairs) if a != b), len(pairs))


def script_lines(lines: Sequence[str], most: int) -> list[str]:
    """Return the last lines of an error log that concern the script.

    Leaves out Java's stack frames, Spark's status lines and empty lines, unless there are no others.
    """
    own = [
        line
        for line in lines
        if line.strip() and not _JAVA_FRAME.match(line) and not _STATUS_LINE.match(line)
    ]
    return list(own or lines)[-most:]
