"""The logger of `GlueContext.get_logger`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime


class GlueLogger:
    """Writes lines to the error stream of the run.

    https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging-enable.html
    """

    def info(self, message: object) -> None:
        """Write a message of the level INFO."""
        _log("INFO", message)

    def warn(self, message: object) -> None:
        """Write a message of the level WARN."""
        _log("WARN", message)

    warning = warn

    def error(self, message: object) -> None:
        """Write a message of the level ERROR."""
        _log("ERROR", message)

    def debug(self, message: object) -> None:
        """Have no effect: Glue's level is INFO."""

    trace = debug


def _log(level: str, message: object) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {level} {message}", file=sys.stderr, flush=True)
