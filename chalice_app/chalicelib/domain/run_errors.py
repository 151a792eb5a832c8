"""Error messages and error logs of runs, in the form that the author of a script reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.domain.glue_modules import is_provided

# AWS documents the categories, not the form of the message:
# https://docs.aws.amazon.com/glue/latest/dg/monitor-observability.html
_GLUE_MESSAGE = re.compile(
    r"\s*(?:Error Category: )?[A-Z_]+(?: ERROR)?; (?:Failed Line Number: (?P<line>\d+); )?(?P<sentence>.+)",
    re.DOTALL,
)
_CALLING = re.compile(r"An error occurred while calling \S+\s+(?=\S)")
_PLACE = re.compile(r"\s*(\([^()\s]+, line \d+\))[\s.]*$")
_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_ADVICE = "Add its package to python_modules, or upload the module as a job file."

_JAVA_FRAME = re.compile(
    r"(?:\s+(?:at [\w.$/<>-]+\(.*\)|\.\.\. \d+ more)|Caused by: .*|Driver stacktrace:\)?)\s*$"
)
_STATUS_LINE = re.compile(
    r"\d{2,4}[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S* (?:\[[^\]]*\] )?(?:DEBUG|INFO|WARN)\b"
)


def sentence_and_place(message: str, script: str) -> tuple[str, str]:
    """Return the exception's own sentence of Glue's error message, and its place in the script if known.

    `Error Category: QUERY_ERROR; Failed Line Number: 84; AnalysisException: ...` has the sentence
    `AnalysisException: ...` and the place ` (main.py, line 84)`.
    """
    line = None
    if match := _GLUE_MESSAGE.fullmatch(message):
        line, message = match["line"], match["sentence"].strip()
    message = _CALLING.sub("", message, count=1)
    place = f" ({script.rpartition('/')[2]}, line {line})" if line else ""
    if found := _PLACE.search(message):  # another file, such as a library with a syntax error
        message, place = message[: found.start()], f" {found[1]}"
    if (missing := _MISSING_MODULE.search(message)) and not is_provided(missing[1]):
        message = f"{message.rstrip('.')}. {_ADVICE}"
    return message, place


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
