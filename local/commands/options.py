"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path

from local.aws import clients
from local.runtime.paths import READY_FILE, ROOT

DATA = ROOT / "data"
SECONDS_PER_STACK = 2.0


def server_options(command: argparse.ArgumentParser) -> None:
    """Add the options of a server."""
    command.add_argument("--port", type=int, default=0, help="0: any free port")
    command.add_argument("--ready-file", type=Path, help="JSON file with the URL, written once it is ready")
    command.add_argument("--watch-stdin", action="store_true", help="stop when the standard input ends")


def emulator_option(command: argparse.ArgumentParser) -> None:
    """Add the URL of the emulator."""
    command.add_argument("--aws", required=True, help="URL of the emulator; for `api` also its ready file")


def region_option(command: argparse.ArgumentParser) -> None:
    """Add the region."""
    command.add_argument("--region", default=clients.REGION)


def ready_file_option(command: argparse.ArgumentParser) -> None:
    """Add the ready file of the instance."""
    command.add_argument("--ready-file", type=Path, default=READY_FILE, help="ready file of the instance")


def tick_option(command: argparse.ArgumentParser) -> None:
    """Add the pause between scheduled calls."""
    command.add_argument("--tick-seconds", type=float, help="seconds between scheduled calls")


def data_option(command: argparse.ArgumentParser) -> None:
    """Add the data folder."""
    command.add_argument(
        "--data", type=Path, default=DATA, help="folder of the data: <database>/<table>/<file>"
    )


def spare_option(command: argparse.ArgumentParser, default: str) -> None:
    """Add when a spare process for job runs is started."""
    command.add_argument(
        "--spare",
        choices=("never", "idle", "always"),
        default=default,
        help="when to keep Spark ready for the next job run: never, while the machine is idle, or always",
    )


def duration_option(command: argparse.ArgumentParser) -> None:
    """Add the duration of a stack."""
    command.add_argument(
        "--seconds-per-stack", type=float, default=SECONDS_PER_STACK, help="duration of a stack creation"
    )
