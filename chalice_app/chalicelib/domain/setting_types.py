"""Types of single settings: patterns, lengths and ranges."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from chalicelib.domain.json_types import Json
from chalicelib.domain.names import DATA_SET, RUN_MARKER
from chalicelib.domain.patterns import PLAIN, Matching

MAX_FOLDERS = 7
"""API Gateway needs one route for each depth."""
MAX_PATH = 255
_SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}"
JOB_FILE = re.compile(f"(?:{_SEGMENT}/){{0,{MAX_FOLDERS}}}{_SEGMENT}")
"""Path of a job file, without hidden folders and `..`."""
PYTHON_ENDINGS = (".py", ".zip", ".whl")
"""What Glue imports from `--extra-py-files`. Other job files go to `--extra-files`."""
JOB_FILE_ENDINGS = (
    *PYTHON_ENDINGS,
    *(".sql", ".json", ".csv", ".txt", ".md", ".yaml", ".yml", ".toml", ".ini", ".cfg"),
)


def file_names(*endings: str) -> str:
    """Return the pattern of file names of at most 64 characters with these endings."""
    by_length = {length: [e[1:] for e in endings if len(e) == length] for length in map(len, endings)}
    tails = [
        rf"[A-Za-z0-9_.-]{{0,{63 - length}}}\.(?:{'|'.join(names)})" for length, names in by_length.items()
    ]
    return f"[A-Za-z0-9_-](?:{'|'.join(tails)})"


_FOLDERS = f"(?:{_SEGMENT}/){{0,{MAX_FOLDERS}}}"

# Arguments that Glue itself reads, from AWS's "Using job parameters in AWS Glue jobs"
# (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html). Those that would
# override the settings, logs or cost of a run are reserved. docs/settings.md lists both kinds.
_RESERVED_ARGUMENTS = (
    # has the region of S3A (aws/glue.py); Glue reads one value only
    "--conf",
    # internal to Glue
    *("--debug", "--mode", "--endpoint", "--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID"),
    # override the code that the settings define
    *("--scriptLocation", "--job-language", "--class", "--extra-py-files", "--additional-python-modules"),
    "--python-modules-installer-option",
    # override the encryption that the settings define
    *("--encryption-type", "--SECURITY_CONFIGURATION"),
    "--enable-continuous-cloudwatch-log",
)
# Prefixes of reserved names: other log groups, and the marker of the service.
_RESERVED_BEGINNINGS = ("--continuous-log-log", "--custom-log", RUN_MARKER.removesuffix("run-id"))


def _in_any_case(name: str) -> str:
    """Return a pattern for a name in any letter case, because JSON Schema has no flag for it."""
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in name)


_RESERVED = "|".join(
    [
        *map(_in_any_case, _RESERVED_ARGUMENTS),
        *(f"{_in_any_case(name)}[A-Za-z0-9_-]*" for name in _RESERVED_BEGINNINGS),
    ]
)
# A pip requirement: a name, extras and one version, without URLs and options
# (https://peps.python.org/pep-0508/).
_PYTHON_MODULE = (
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\[[A-Za-z0-9,_-]{1,64}\])?((==|>=|<=|~=)[A-Za-z0-9.*+!-]{1,32})?"
)
JOB_NAME_PATTERN = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
# Suffixes that S3 reserves, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3", "-an")


ArgumentName = Annotated[
    str,
    Matching(
        "--[A-Za-z][A-Za-z0-9_-]{0,126}",
        "must have the form --NAME and must not be reserved by Glue or this service",
        but_not=_RESERVED,
    ),
]


def _restrict_names(schema: Json) -> None:
    """Replace pydantic's `patternProperties`, which allows any other name, with `propertyNames`."""
    [(pattern, value)] = schema.pop("patternProperties").items()
    schema["propertyNames"]["pattern"] = pattern
    schema["additionalProperties"] = value


Arguments = Annotated[
    dict[ArgumentName, Annotated[str, Field(max_length=2048), PLAIN]],
    Field(max_length=40, json_schema_extra=_restrict_names),
]
NumberOfWorkers = Annotated[int, Field(ge=2, le=10)]
TimeoutMinutes = Annotated[int, Field(ge=1, le=60)]
BucketName = Annotated[
    str,
    Matching(
        JOB_NAME_PATTERN,
        "must have 1 to 40 characters of a-z, 0-9 and -, and no - at an end, and must not end in "
        f"{', '.join(_RESERVED_ENDINGS)}, which S3 reserves",
        but_not=f".*(?:{'|'.join(_RESERVED_ENDINGS)})",
    ),
]
_Path = Annotated[str, Field(max_length=MAX_PATH)]
Script = Annotated[
    _Path,
    Matching(_FOLDERS + file_names(".py"), "must be the path of a .py file, such as main.py or src/main.py"),
]
ExtraFile = Annotated[
    _Path,
    Matching(
        _FOLDERS + file_names(*JOB_FILE_ENDINGS),
        f"must be the path of a job file, which ends in {', '.join(JOB_FILE_ENDINGS)}",
    ),
]
PythonModule = Annotated[
    str, Matching(_PYTHON_MODULE, "must be a package with at most one version, such as pandas==2.2.3")
]
Arn = Annotated[
    str, Field(max_length=256), Matching(r"arn:[A-Za-z0-9:/_+=,.@-]+", "must be an ARN, such as arn:aws:...")
]
DataSet = Annotated[
    str,
    Matching(DATA_SET.pattern, "must be the name of a data set: a letter, then up to 39 of a-z, 0-9 and -"),
]
Schedule = Annotated[
    str,
    Field(max_length=100),
    Matching(r"(?:cron|rate)\([A-Za-z0-9 ,*?/#-]+\)", "must be cron(...) or rate(...)"),
]
"""A schedule in AWS's syntax. `invalid_combinations` validates it fully."""
