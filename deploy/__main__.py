"""Command line of the deployment: `python -m deploy COMMAND --stage dev`. `make` runs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from deploy import aws, stage
from deploy.context import Context
from deploy.deployment import deploy, list_versions
from deploy.destroy import destroy
from deploy.errors import DeploymentError
from deploy.forget import forget
from deploy.ledger import complete_ledger
from deploy.orphans import orphans
from deploy.plan import plan
from deploy.publish import publish
from deploy.requirements import ROOT
from deploy.restore import restore


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Return 0, 1 if it failed or was refused, or 2 if its input is invalid."""
    options = _parser().parse_args(argv)
    try:
        chosen = stage.read(options.stage)
        return _run(options, Context(chosen, aws.connect(chosen), assume_yes=getattr(options, "yes", False)))
    except DeploymentError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except ResponseParserError as error:  # no response of AWS, but perhaps of a proxy
        print(f"AWS, or a proxy on the way to it, answers with something else: {error}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(aws.explain(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted. CloudFormation continues. To follow it, run the command again.", file=sys.stderr
        )
        return 1


def _run(options: argparse.Namespace, context: Context) -> int:
    if options.command != "versions":  # whose output is a list
        context.say_account()
    if options.command == "plan":
        return 0 if plan(context, options.version, options.data) else 1
    if options.command == "deploy":
        deploy(context, options.version, options.data)
    elif options.command == "publish":
        publish(context, options.data, options.data_set)
    elif options.command == "destroy":
        destroy(context, options.with_data)
    elif options.command == "forget":
        forget(context, options.owner)
    elif options.command == "ledger":
        complete_ledger(context)
    elif options.command == "restore":
        restore(context, options.source)
    elif options.command == "orphans":
        orphans(context)
    else:
        list_versions(context)
    return 0


def _name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy", description="Deploy the service to AWS.")
    commands = parser.add_subparsers(dest="command", required=True)
    plan = commands.add_parser("plan", help="show what a deployment would do; changes nothing")
    deploy = commands.add_parser("deploy", help="deploy this checkout, or an earlier package")
    destroy = commands.add_parser("destroy", help="delete the stack; keeps the data")
    publish = commands.add_parser("publish", help="publish a data folder to a deployed stage")
    publish.add_argument("--data-set", type=_name, help="as this data set; default: the default data")
    versions = commands.add_parser("versions", help="list the packages in the code bucket")
    forgotten = commands.add_parser("forget", help="anonymize the records of an owner")
    forgotten.add_argument("owner", type=_name, help="name of the owner, as in GET /me")
    restored = commands.add_parser("restore", help="replace the records by those of a restored table")
    restored.add_argument(
        "--from", dest="source", type=_name, required=True, help="name of the restored table"
    )
    ledger = commands.add_parser("ledger", help="add the charges of runs from before the ledger")
    unknown = commands.add_parser("orphans", help="list stacks without a record and records without a stack")
    for command in (plan, deploy, publish, destroy, versions, forgotten, ledger, restored, unknown):
        command.add_argument("--stage", required=True, help="name or path of deploy/stages/<stage>.env")
    for command in (plan, deploy):
        command.add_argument("--version", help="a package of the code bucket; default: build this checkout")
    for command in (plan, deploy, publish):
        command.add_argument("--data", type=Path, default=ROOT / "data", help="data folder of the release")
    for command in (deploy, destroy, forgotten, restored):
        command.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    destroy.add_argument("--with-data", action="store_true", help="also delete the table, bucket and users")
    return parser


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # CI shows progress, too
    sys.exit(main())
