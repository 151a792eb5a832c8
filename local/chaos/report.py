"""Report of the chaos test for the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from local.chaos import class_scenario, scenario
from local.runtime.paths import ROOT

_SHOWN = 40


def run_storm(seed: int, environments: int) -> int:
    """Run one storm and print the result. Return 1 if an invariant is violated."""
    return _report(seed, f"ENVIRONMENTS={environments}", lambda: scenario.run(seed, environments))


def run_class(seed: int, members: int) -> int:
    """Run the life of one class and print the result. Return 1 if an invariant is violated."""
    return _report(seed, f"CLASS={members}", lambda: class_scenario.run(seed, members))


def _report(seed: int, size: str, run: Callable[[], scenario.Outcome]) -> int:
    print(f"Seed {seed}, {size}.", flush=True)
    began = time.monotonic()
    outcome = run()
    log = ROOT / ".local" / "chaos" / f"seed-{seed}.log"
    outcome.write_log(log)
    for what, number in outcome.summary.items():
        print(f"  {number:7d} {what}")
    print(f"  {time.monotonic() - began:7.0f} seconds")
    print(f"Log of every call: {log} (SHA-256 {outcome.digest}).")
    for violation in outcome.violations[:_SHOWN]:
        print(f"VIOLATED: {violation}")
    if outcome.violations:
        again = f"make chaos SEED={seed} {size}"
        print(f"{len(outcome.violations)} invariants are violated. Repeat with: {again}")
        return 1
    print("All invariants hold.")
    return 0
