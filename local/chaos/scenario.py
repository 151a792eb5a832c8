"""Chaos test scenario: a storm of faults over many environments, a calm day, and the deletion of everything.

During the storm, resources are also deleted manually. The invariants must hold after each of the last two
phases (`invariants.py`).
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from chalicelib.domain.capacity import Capacity
from local.chaos import invariants
from local.chaos.manual_deletes import ManualDeletes
from local.chaos.owners import Owners
from local.chaos.world import MAX_SKEW_SECONDS, World, simulated
from local.faults.rules import Rule, parse_all

_SECONDS_PER_COMMAND = 12.0
_CALM_SECONDS = 1800.0
_MAX_CALM_PERIODS = 12
_MAX_STORM_SECONDS = 48 * 3600.0
_DUE_IN_SECONDS = 900.0
_DAY_SECONDS = 24 * 3600.0

# Fault rules with their maximum probability. The seed determines the actual probability.
_STORM = (
    ("*:* throttle", 0.06),
    ("*:* 500", 0.02),
    ("*:* 500_after", 0.02),
    ("*:* timeout", 0.01),
    ("*:* timeout_after", 0.01),
    ("*:* kill_before", 0.01),
    ("*:* kill_after", 0.01),
    ("cloudformation:* throttle", 0.3),
    ("glue:StartJobRun 500_after", 0.3),
    ("*:* access_denied", 0.002),
    ("stack:* create_failed", 0.02),
    ("stack:* update_failed", 0.2),
    ("stack:* delete_failed", 0.03),
    ("events:* lost", 0.4),
    ("events:* doubled", 0.3),
    ("events:* late", 0.1),
    ("events:* reordered", 0.4),
)


@dataclass(frozen=True)
class Outcome:
    """Result of a chaos test: violated invariants, numbers, and a log of every call."""

    seed: int
    violations: list[str]
    summary: dict[str, int]
    log: list[str]

    @property
    def digest(self) -> str:
        """Digest of the log, to compare it with another one byte by byte."""
        return hashlib.sha256("\n".join(self.log).encode()).hexdigest()

    def write_log(self, path: Path) -> None:
        """Write the log to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.log) + "\n", encoding="utf-8")


def run(seed: int, environments: int) -> Outcome:
    """Run one storm. The same seed and number of environments give the same log, byte by byte."""
    # The limits are low enough to make environments wait for both.
    capacity = Capacity(creating=4, environments=max(5, environments // 3))
    with simulated(seed, capacity) as world:
        owners, manual_deletes = Owners(world, environments, seed), ManualDeletes(world, seed)
        rng = random.Random(f"storm {seed}")  # noqa: S311 - for a simulation
        world.tick()
        _storm(world, owners, manual_deletes, rng, seed)
        world.faults.replace([], seed)
        world.missed_ticks = world.skew = 0.0
        if manual_deletes.last is not None:  # each READY environment is checked once a day
            world.simulation.run(max(0.0, manual_deletes.last + _DAY_SECONDS - world.simulation.seconds))
        _calm_down(world)
        violations = invariants.check(world, owners)
        summary = {**invariants.summary(world, owners), "deleted by hand": len(manual_deletes.deleted)}
        owners.delete_all()
        _calm_down(world)
        violations += invariants.check(world, owners) + invariants.check_all_gone(world)
        violations = [*world.defects, *sorted(world.denied), *dict.fromkeys(violations)]
        return Outcome(seed, violations, summary, world.log)


def _storm(
    world: World, owners: Owners, manual_deletes: ManualDeletes, rng: random.Random, seed: int
) -> None:
    world.faults.replace(storm_rules(rng), seed)
    world.missed_ticks = rng.uniform(0, 0.5)
    world.skew = rng.uniform(0, MAX_SKEW_SECONDS)
    while not owners.satisfied and world.simulation.seconds < _MAX_STORM_SECONDS:
        owners.act()
        manual_deletes.act()
        world.simulation.run(rng.expovariate(1 / _SECONDS_PER_COMMAND))
    world.simulation.run(_DUE_IN_SECONDS)  # includes the last requests


def _calm_down(world: World) -> None:
    """Let time pass until the system is stable, up to a limit."""
    for _ in range(_MAX_CALM_PERIODS):
        world.simulation.run(_CALM_SECONDS)
        if invariants.all_stable(world):
            return


def storm_rules(rng: random.Random) -> list[Rule]:
    """Return the rules of a storm. The seed of `rng` determines their probabilities."""
    return [rule for text, most in _STORM for rule in parse_all(f"{text} {rng.uniform(most / 4, most):.4f}")]
