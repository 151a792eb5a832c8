"""Command line of the local product: `up`, `demo`, `token`, `env`, `publish` and `chaos`.

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
from local.commands import options
from local.faults.rules import BadRule, Rule, parse_all
from local.runtime.paths import READY_FILE, ROOT
from local.runtime.processes import Failed

STATE = ROOT / ".local" / "up"
PORT = 8000


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
            spare=arguments.spare,
            watch_stdin=arguments.watch_stdin,
        )
    )


def _api(arguments: argparse.Namespace) -> None:
    from local.api import server

    server.serve(
        server.ApiOptions(
            port=arguments.port,
            aws=arguments.aws.rstrip("/") if "://" in arguments.aws else Path(arguments.aws),
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
            spare=arguments.spare,
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
            spare=arguments.spare,
            tick_seconds=None,
        )
    )


def _chaos(arguments: argparse.Namespace) -> int:
    sys.path.insert(0, str(ROOT / "chalice_app"))
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"  # faults are expected
    from local.chaos import report

    if arguments.members:
        return report.run_class(arguments.seed, arguments.members)
    return report.run_storm(arguments.seed, arguments.environments)


def _token(arguments: argparse.Namespace) -> None:
    from local.setup import bootstrap

    ready = _ready(arguments.ready_file)
    make_client = functools.partial(clients.client, endpoint=ready["aws"], region=ready["region"])
    identity = ready["user_pool_id"], ready["client_id"]
    print(bootstrap.token(make_client, *identity, arguments.user, is_admin=arguments.admin))


def _env(arguments: argparse.Namespace) -> None:
    from local.commands import env

    print("\n".join(env.lines(_ready(arguments.ready_file), arguments.user)))


def _publish(arguments: argparse.Namespace) -> int:
    from glue_assets import release

    ready = _ready(arguments.ready_file)
    os.environ.update(clients.aws_variables(ready["aws"], ready["region"]))
    data_set = ["--data-set", arguments.data_set] if arguments.data_set else []
    publish = ["publish", "--bucket", ready["assets_bucket"], "--data", str(arguments.data.resolve())]
    if code := release.main([*publish, *data_set]):
        return code
    body = json.dumps({"data": arguments.data_set} if data_set else {})
    print(f"New environments can have it in half a minute: POST {ready['api']}/environments {body}")
    return 0


def _ready(file: Path) -> dict[str, str]:
    """Return the ready file of the running instance."""
    try:
        ready: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Failed(f"Nothing is running: {file} is missing. Run `make up`.") from error
    return ready


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
    _env_options(
        commands.add_parser("env", help="print export lines with AWS credentials of a user's sandbox")
    )
    _publish_options(commands.add_parser("publish", help="publish a data folder to the running product"))
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
    options.tick_option(command)
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
    options.data_option(command)
    options.duration_option(command)
    options.spare_option(command, "idle")


def _demo_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_demo)
    options.data_option(command)
    options.duration_option(command)
    options.spare_option(command, "never")


def _chaos_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_chaos)
    command.add_argument("--seed", type=int, default=secrets.randbelow(10_000), help="default: random")
    command.add_argument("--environments", type=int, default=300, help="minimum number of environments")
    command.add_argument(
        "--class", dest="members", type=int, help="the life of one class of this size instead"
    )


def _token_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_token)
    command.add_argument("user", metavar="NAME")
    command.add_argument("--admin", action="store_true", help="give the admin role; by default, remove it")
    options.ready_file_option(command)


def _env_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_env)
    command.add_argument("user", metavar="NAME")
    options.ready_file_option(command)


def _publish_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_publish)
    options.data_option(command)
    command.add_argument(
        "--data-set", metavar="NAME", help="publish as this data set; default: for all new environments"
    )
    options.ready_file_option(command)


def _aws_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_aws)
    command.add_argument("--state", type=Path, help="folder for files of Spark")
    options.duration_option(command)
    options.spare_option(command, "never")
    options.server_options(command)
    options.region_option(command)


def _api_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_api)
    options.tick_option(command)
    options.emulator_option(command)
    options.server_options(command)
    options.region_option(command)


def _bootstrap_options(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=_bootstrap)
    options.emulator_option(command)
    options.data_option(command)
    options.region_option(command)


if __name__ == "__main__":
    sys.exit(main())
