"""Arguments of a job."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

_OWN = ("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "TempDir", "SECURITY_CONFIGURATION")


class GlueArgumentError(Exception):
    """A required argument is missing or has no value."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """Return the values of the required arguments, and of Glue's own if given. `args` is sys.argv."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    for name in options:
        parser.add_argument(f"--{name}", dest=name.replace("-", "_"), required=True)
    for name in _OWN:
        if name not in options:
            parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    return vars(parser.parse_known_args(list(args)[1:])[0])


def unsupported(what: str) -> NoReturn:
    """Raise an error for an unsupported feature. Not part of AWS's module."""
    raise NotImplementedError(f"The local awsglue does not support {what}.")


def refuse(what: str, given: dict[str, Any], supported: Sequence[str] = ()) -> None:
    """Raise an error for every given option that is not supported. Empty options are ignored."""
    for name, value in given.items():
        if value and name not in supported:
            unsupported(f"{name} of {what}")
