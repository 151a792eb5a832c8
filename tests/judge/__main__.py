"""Judge: deploys the service to an AWS emulator that nobody here wrote, and uses it over HTTPS.

`make judge` runs it; docs/testing.md describes it.
"""

from __future__ import annotations

import contextlib
import platform
import ssl
import subprocess
import sys

import httpx

from local.runtime.processes import interrupt_on_signals
from tests.judge import emulator
from tests.judge.account import Account
from tests.judge.emulator import ACCOUNT, REGION, ROOT, Emulator
from tests.judge.journey import Journey
from tests.judge.steps import Steps, expect

_STAGE = f"ACCOUNT={ACCOUNT}\nREGION={REGION}\nIDENTITY=cognito\nAPI_GATEWAY_ACCOUNT=create\n"
_COMMAND_SECONDS = 120
_REQUEST_SECONDS = 30  # API Gateway's limit is 29
_LOG_LINES = 40
_CHANGES = tuple(f"  {sign} " for sign in "+-~!")
"""Starts of the lines with the changes of a deployment."""


def main() -> int:
    """Run the judge. Return 0, or 1 with what the failed step saw and the last lines of all logs."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        print("The judge runs the package with its wheels for Lambda. It requires Linux on x86_64.")
        return 1
    interrupt_on_signals()
    steps = Steps()
    running: Emulator | None = None
    with contextlib.ExitStack() as stack:
        try:
            with steps.step("package"):
                _run("deploy.package")
            with steps.step("emulator"):
                running = stack.enter_context(emulator.started())
            _judge(running, steps)
            with steps.step("stop"):
                stack.close()
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            return 130
        except Exception as error:
            logs = _logs(running) if running else ""
            print(f"\n{type(error).__name__}: {error}\n\n{logs}", file=sys.stderr)
            return 1
    return 0


def _judge(running: Emulator, steps: Steps) -> None:
    account = Account(running)
    with steps.step("plan"):
        _deploy(running, "plan")
        expect(account.is_empty(), "plan has changed the account.")
    with steps.step("deploy"):
        _deploy(running, "deploy", "--yes")
    context = ssl.create_default_context(cafile=running.environ["AWS_CA_BUNDLE"])
    http = httpx.Client(
        base_url=account.outputs["EndpointURL"],
        verify=context,
        proxy=running.environ["HTTPS_PROXY"],
        timeout=_REQUEST_SECONDS,
    )
    with http:
        journey = Journey(running, account, http, steps)
        journey.run()
        with steps.step("deploy again: only the API's deployment changes"):
            output = _deploy(running, "deploy", "--yes")
            changed = [line for line in output.splitlines() if line.startswith(_CHANGES)]
            expect(all("RestAPI" in line for line in changed), output)
        with steps.step("deploy with another budget: the API has it"):
            _deploy(running, "deploy", "--yes", configuration="BUDGET_USD=7\n")
            expect(journey.budget() == 7, f"BUDGET_USD=7, but the budget is {journey.budget()}")
    with steps.step("destroy, with its data"):
        output = _deploy(running, "destroy", "--with-data", "--yes")
        expect(account.is_empty(), output)
    expect(not running.proxy.refused, f"Connections to hosts outside of AWS: {running.proxy.refused}")


def _deploy(running: Emulator, command: str, *options: str, configuration: str = "") -> str:
    """Run a command of docs/deployment.md. Return its output."""
    stage = running.folder / "judge.env"
    stage.write_text(_STAGE + configuration, encoding="utf-8")
    return _run("deploy", command, "--stage", str(stage), *options, environ=running.environ)


def _run(module: str, *arguments: str, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    expect(done.returncode == 0, f"python -m {module} {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


def _logs(running: Emulator) -> str:
    emulated = running.log.read_text(errors="replace").splitlines()
    try:
        groups = Account(running).log_lines()
    except Exception as error:
        groups = {"No logs of the functions": [str(error)]}
    return "\n".join(
        line
        for name, lines in {**groups, "emulator": emulated}.items()
        if lines
        for line in (f"--- {name}", *lines[-_LOG_LINES:])
    )


if __name__ == "__main__":
    sys.exit(main())
