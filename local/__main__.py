"""Command line of the local product: `up`, `demo`, `token` and `chaos`.

`aws`, `bootstrap` and `api` run its parts.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

from local.aws import clients
from local.faults.rules import BadRule, Rule, parse_all
from local.runtime.paths import READY_FILE, ROOT
from local.runtime.processes import Failed

DATA = ROOT / "data"
STATE = ROOT / ".local" / "up"
PORT = 8000
SECONDS_PER_STACK = 4.0


def main() -> int:
    """Run one command. Return its exit code."""
    arguments = _parser().parse_args()
    clients.forget_real_aws()
    try:
        return int(arguments.command(arguments) or 0)
    except Failed as error:
        print(f"{arguments.name} failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# Each command imports its own modules: moto, Spark and Chalice take seconds to load.


def _aws(arguments: argparse.Namespace) -> None:
    from local import emulator

    emulator.serve(
        emulator.AwsOptions(
            port=arguments.port,
            region=arguments.region,
            state=arguments.state or Path(tempfile.mkdtemp(prefix="terraglue-aws-")),
            ready_file=arguments.ready_file,
            seconds_per_stack=arguments.seconds_per_stack,
            watch_stdin=arguments.watch_stdin,
        )
    )


def _api(arguments: argparse.Namespace) -> None:
    from local.api import server

    server.serve(
        server.ApiOptions(
            port=arguments.port,
            aws=arguments.aws.rstrip("/"),
            region=arguments.region,
            ready_file=arguments.ready_file,
            tick_seconds=arguments.tick_seconds,
            watch_stdin=arguments.watch_stdin,
        )
    )


def _bootstrap(arguments: argparse.Namespace) -> None:
    from local.setup import bootstrap

    bootstrap.everything(arguments.aws.rstrip("/"), arguments.region, arguments.data.resolve())


def _up(arguments: argparse.Namespace) -> None:
    from local.commands import up

    up.run(
        up.UpOptions(
            port=arguments.port,
            data=arguments.data.resolve(),
            state=arguments.state or (STATE if arguments.port else None),
            seconds_per_stack=arguments.seconds_per_stack,
            tick_seconds=arguments.tick_seconds,
            faults=_faults(arguments.fault),
            fault_seed=arguments.fault_seed,
        ),
        arguments.ready_file.resolve(),
    )


def _faults(texts: list[str]) -> tuple[Rule, ...]:
    try:
        return tuple(rule for text in texts for rule in parse_all(text))
    except BadRule as error:
        raise Failed(str(error)) from error


def _demo(arguments: argparse.Namespace) -> None:
    from local.commands import demo, up

    demo.run(
        up.UpOptions(
            port=0,
            data=arguments.data.resolve(),
            state=None,
            seconds_per_stack=arguments.seconds_per_stack,
            tick_seconds=None,
        )
    )


def _chaos(arguments: argparse.Namespace) -> int:
    sys.path.insert(0, str(ROOT / "chalice_app"))
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"  # faults are expected
    from local.chaos import report

    return report.run(arguments.seed, arguments.environments)


def _token(arguments: argparse.Namespace) -> None:
    from local.setup import bootstrap

    try:
        ready = json.loads(arguments.ready_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Failed(f"Nothing is running: {arguments.ready_file} is missing. Run `make up`.") from error
    make_client = functools.partial(clients.client, endpoint=ready["aws"], region=ready["region"])
    identity = ready["user_pool_id"], ready["client_id"]
    print(bootstrap.token(make_client, *identity, arguments.user, is_admin=arguments.admin))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    _up_options(commands.add_parser("up", help="start the AWS emulator and the API until Ctrl-C"))
    _demo_options(
        commands.add_parser("demo", help="request a sandbox over HTTP, run its job, show the table")
    )
    _chaos_options(
        commands.add_parser("chaos", help="run the chaos test: a storm of faults in simulated time")
    )
    _token_options(commands.add_parser("token", help="print a fresh token of a user of the running product"))
    _aws_options(commands.add_parser("aws", help="run the AWS emulator alone"))
    _api_options(commands.add_parser("api", help="run the API alone, on a running emulator"))
    _bootstrap_options(
        commands.add_parser("bootstrap", help="set up a running emulator as an operator would")
    )
    return parser


def _up_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_up)
    command.add_argument(
        "--port",
        type=int,
        default=PORT,
        help="API port; the emulator uses the next one; 0: any free port",
    )
    command.add_argument(
        "--ready-file",
        type=Path,
        default=READY_FILE,
        help="JSON file with all URLs, written once both are ready",
    )
    command.add_argument("--state", type=Path, help="folder for logs and files of Spark")
    _tick_option(command)
    command.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="RULE",
        help="fault to inject, such as 'glue:* throttle 0.2' (docs/faults.md); separate by ; or repeat",
    )
    command.add_argument(
        "--fault-seed",
        type=int,
        default=secrets.randbelow(10_000),
        help="fault seed; default: random",
    )
    _data_option(command)
    _duration_option(command)


def _demo_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_demo)
    _data_option(command)
    _duration_option(command)


def _chaos_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_chaos)
    command.add_argument("--seed", type=int, default=secrets.randbelow(10_000), help="default: random")
    command.add_argument("--environments", type=int, default=300, help="minimum number of environments")


def _token_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_token)
    command.add_argument("user", metavar="NAME")
    command.add_argument("--admin", action="store_true", help="give the admin role; by default, remove it")
    command.add_argument("--ready-file", type=Path, default=READY_FILE, help="ready file of the instance")


def _aws_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_aws)
    command.add_argument("--state", type=Path, help="folder for files of Spark")
    _duration_option(command)
    _server_options(command)
    _region_option(command)


def _api_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_api)
    _tick_option(command)
    _emulator_option(command)
    _server_options(command)
    _region_option(command)


def _bootstrap_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_bootstrap)
    _emulator_option(command)
    _data_option(command)
    _region_option(command)


def _server_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=int, default=0, help="0: any free port")
    command.add_argument("--ready-file", type=Path, help="JSON file with the URL, written once it is ready")
    command.add_argument("--watch-stdin", action="store_true", help="stop when the standard input ends")


def _emulator_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--aws", required=True, help="URL of the emulator")


def _region_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--region", default=clients.REGION)


def _tick_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--tick-seconds", type=float, help="seconds between scheduled calls")


def _data_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data", type=Path, default=DATA, help="folder of the data: <database>/<table>/<file>"
    )


def _duration_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--seconds-per-stack", type=float, default=SECONDS_PER_STACK, help="duration of a stack creation"
    )


if __name__ == "__main__":
    sys.exit(main())
