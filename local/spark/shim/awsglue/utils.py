"""Arguments of a job, and errors of what is not supported."""

import argparse
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

_OWN = (
    *("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "TempDir", "SECURITY_CONFIGURATION"),
    *("job-bookmark-option", "job-bookmark-from", "job-bookmark-to"),
)
"""Arguments that scripts need not name: `Job.init` reads those of bookmarks."""


class GlueArgumentError(Exception):
    """A required argument is missing or has no value."""


class GlueArgumentParser(argparse.ArgumentParser):
    """Parser that raises an exception where argparse would end the process."""

    def error(self, msg: str) -> NoReturn:
        """Raise an exception."""
        raise GlueArgumentError(msg)


def getResolvedOptions(
    args: Sequence[str], options: Sequence[str], allow_abbrev: bool = False
) -> dict[str, Any]:
    """Return the values of the required arguments, and of Glue's own if given. `args` is sys.argv."""
    parser = GlueArgumentParser(add_help=False, allow_abbrev=allow_abbrev)
    for name in options:
        parser.add_argument(f"--{name}", dest=name.replace("-", "_"), required=True)
    for name in _OWN:
        if name not in options:
            parser.add_argument(f"--{name}", dest=name.replace("-", "_"), default=argparse.SUPPRESS)
    return vars(parser.parse_known_args(list(args)[1:])[0])


def callsite() -> str:
    """Return the last lines of the script that are running."""
    own = str(Path(__file__).parent)
    return "".join(line for line in traceback.format_stack() if own not in line)


def makeOptions(sc: Any, py_obj: Any) -> NoReturn:
    """Raise an error: on Glue, it returns a Java object of Glue."""
    unsupported("makeOptions")


def unsupported(what: str) -> NoReturn:
    """Raise an error for an unsupported feature. Not part of AWS's module."""
    raise NotImplementedError(f"The local awsglue does not support {what}.")


def refuse(what: str, given: dict[str, Any], supported: Sequence[str] = ()) -> None:
    """Raise an error for every given option that is not supported. Empty options are ignored."""
    for name, value in given.items():
        if value and name not in supported:
            unsupported(f"{name} of {what}")
