"""Mutation run over the service's core modules: makes one small change at a time and reports the
changes that no fast test detects.

mutmut makes the changes and runs the tests on a copy of the tree in `.local/mutants`. This program
makes the copy, chooses changes and tests, and writes the report. See docs/testing.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.mutants.changes import Change, changes_of, equivalents

ROOT = Path(__file__).parents[2]
COPY = ROOT / ".local/mutants"
CORE = [
    *("account_updates", "admission", "auth", "aws_events", "capacity", "counter_updates", "deletion"),
    *("domain/failures", "expiry", "run_tracking"),
    *("idempotency", "items", "job_runs", "leased_work", "pricing", "reconcile", "reset", "schedules"),
    *("services/environments", "services/jobs", "services/tables", "settlement", "store", "transitions"),
    *("update", "update_completion"),
]
"""Modules that keep the service's promises about state, time and money."""
SLOW = [
    *("chaos", "glue_job", "local", "local_aws"),
    *("test_package", "test_package_api", "test_package_policies", "test_package_zip", "test_permissions"),
    *("test_sandbox_stack", "test_schemathesis"),
]
"""Folders and modules of tests that take minutes, start Spark, or check a package of the whole tree."""
GOAL_PERCENT = 90
NOTICED = {"killed", "timeout"}


def main() -> int:
    """Run mutmut on a copy of the tree. Return 0 if tests detect at least `GOAL_PERCENT` of the changes."""
    given = _arguments()
    _copy_tree()
    os.chdir(COPY)
    _configure(given.modules, given.tests or _fast_tests())
    found = [change for module in given.modules for change in changes_of(_source(module))]
    same = equivalents(ROOT / "tests/mutants/equivalent.toml", given.modules)
    counted = [change for change in found if not change.is_in(same) and not change.is_wording]
    chosen = counted
    if 0 < given.sample < len(counted):
        chosen = random.Random(given.seed).sample(counted, given.sample)
    print(
        f"{len(found)} changes; {len(found) - len(counted)} left out (wording, or named as equivalent); "
        f"{len(chosen)} chosen (seed {given.seed})."
    )
    known = {key for change in found for key in (change.key, change.any_of_the_function)}
    for key in sorted(same - known):
        print(f"equivalent.toml names a change that cannot be made any more: {key}")
    mutmut = "from mutmut.__main__ import cli; cli()"
    command = [sys.executable, "-c", mutmut, "run", "--max-children", str(given.processes)]
    with open("mutmut.log", "w") as log:
        output = None if sys.stdout.isatty() else log  # progress output is useful only on a terminal
        ran = subprocess.run([*command, *(change.name for change in chosen)], stdout=output, stderr=output)
    if ran.returncode:
        sys.exit(f"mutmut failed ({ran.returncode}): see {COPY / 'mutmut.log'}")
    return _report(given.modules, chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--modules", type=lambda text: text.replace(",", " ").split(), default=CORE)
    parser.add_argument("--sample", type=int, default=0, help="how many changes to try; 0 tries all")
    parser.add_argument("--seed", type=int, default=1, help="chooses the sample")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument(
        "--tests", type=str.split, default=[], help="test files; by default all that are fast"
    )
    given = parser.parse_args()
    given.modules = given.modules or CORE
    return given


def _copy_tree() -> None:
    """Copy tracked and untracked files. In `src/`, mutmut uses the same module names as the tests."""
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    shutil.copytree(COPY / "chalice_app/chalicelib", COPY / "src/chalicelib")


def _source(module: str) -> Path:
    paths = sorted(Path("src/chalicelib").rglob(f"{module}.py"))
    if not paths:
        sys.exit(f"There is no module {module}.")
    if len(paths) > 1:
        sys.exit(f"Several modules are called {module}: give the folder, too.")
    return paths[0]


def _configure(modules: list[str], tests: list[str]) -> None:
    settings = {
        "source_paths": ["src"],
        "only_mutate": [str(_source(module)) for module in modules],
        "also_copy": [name for name in sorted(os.listdir(".")) if name not in ("src", "mutants", ".git")],
        "do_not_mutate_patterns": [r"logger\.\w+\("],  # log messages are not part of the contract
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": [
            *("-m", "not spark", "-p", "tests.mutants.fast_first", "-p", "no:cacheprovider"),
            *("-o", "pythonpath=. src chalice_app glue_assets/jobs"),
        ],
        "process_isolation": "forkserver",  # the tests start threads, which do not survive a fork
        "timeout_multiplier": 2.0,
        "timeout_constant": 5.0,
        "use_git_change_detection": False,
    }
    with open("pyproject.toml", "a") as file:
        # A JSON string, number or list of strings is also one of TOML.
        file.write("\n[tool.mutmut]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items()))


def _fast_tests() -> list[str]:
    """Return the test files that run the service in their own process. Others cannot detect a change."""
    paths = [*Path("tests/unit").rglob("test_*.py"), *Path("tests/integration").rglob("test_*.py")]
    names_the_service = re.compile(r"\bchalicelib\b|tests\.support\.(api|moto_service|service_roles) import")
    return sorted(
        str(path)
        for path in paths
        if path.stem not in SLOW
        and path.parent.name not in SLOW
        and names_the_service.search(path.read_text())
    )


def _report(modules: list[str], chosen: list[Change]) -> int:
    from mutmut.stats import status_by_exit_code

    codes: dict[str, int | None] = {}
    for module in modules:
        meta = Path("mutants", f"{_source(module)}.meta")
        codes |= json.loads(meta.read_text())["exit_code_by_key"]
    status = {change: status_by_exit_code[codes[change.name]] for change in chosen}
    print(f"\n{'module':14} {'noticed':>8} {'of':>6} {'%':>7}")
    total = Counter(change.module for change in chosen)
    noticed = Counter(change.module for change in chosen if status[change] in NOTICED)
    for module in [*sorted(total), "all"]:
        good, of = (
            (sum(noticed.values()), len(chosen)) if module == "all" else (noticed[module], total[module])
        )
        print(f"{module:14} {good:8} {of:6} {100 * good / max(1, of):7.1f}")
    for change in sorted(chosen, key=lambda change: change.key):
        if status[change] not in NOTICED:
            print(f"\n{status[change]}: {change}")
    return 0 if 100 * sum(noticed.values()) >= GOAL_PERCENT * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
