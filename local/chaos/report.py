"""Report of the chaos test for the terminal."""

from __future__ import annotations

import time

from local.chaos import scenario
from local.runtime.paths import ROOT

_SHOWN = 40


def run(seed: int, environments: int) -> int:
    """Run one storm and print the result. Return 1 if an invariant is violated."""
    print(f"Seed {seed}, {environments} environments.", flush=True)
    began = time.monotonic()
    outcome = scenario.run(seed, environments)
    log = ROOT / ".local" / "chaos" / f"seed-{seed}.log"
    outcome.write_log(log)
    for what, number in outcome.summary.items():
        print(f"  {number:7d} {what}")
    print(f"  {time.monotonic() - began:7.0f} seconds")
    print(f"Log of every call: {log} (SHA-256 {outcome.digest}).")
    for violation in outcome.violations[:_SHOWN]:
        print(f"VIOLATED: {violation}")
    if outcome.violations:
        again = f"make chaos SEED={seed} ENVIRONMENTS={environments}"
        print(f"{len(outcome.violations)} invariants are violated. Repeat with: {again}")
        return 1
    print("All invariants hold.")
    return 0
