"""The job's arguments."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

_OWN = ("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "TempDir", "SECURITY_CONFIGURATION")


class GlueArgumentError(Exception):
    """A wanted argument is missing or has no value."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """The values of the wanted arguments, and of Glue's own where they are given; `args` is sys.argv."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    for name in options:
        parser.add_argument(f"--{name}", dest=name.replace("-", "_"), required=True)
    for name in _OWN:
        if name not in options:
            parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    return vars(parser.parse_known_args(list(args)[1:])[0])


def unsupported(what: str) -> NoReturn:
    """Refuse, by name, what would be different here; not part of AWS's module."""
    raise NotImplementedError(f"awsglue on the laptop has no {what}.")


def refuse(what: str, given: dict[str, Any], supported: Sequence[str] = ()) -> None:
    """Refuse every given option that is not supported; options that are empty say nothing."""
    for name, value in given.items():
        if value and name not in supported:
            unsupported(f"{name} of {what}")
