"""The bench: a storm of faults over many environments, then a calm day, then everything is deleted.

In the storm somebody also deletes things by hand. After each of the last two the invariants must hold
(`invariants.py`).
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
from local.chaos.world import MOST_SKEW_SECONDS, World, simulated
from local.faults.rules import Rule, parse_all

_SECONDS_PER_COMMAND = 12.0
_CALM_SECONDS = 1800.0
_MOST_CALMS = 12
_MOST_STORM_SECONDS = 48 * 3600.0
_DUE_IN_SECONDS = 900.0
_DAY_SECONDS = 24 * 3600.0

# What goes wrong, and how often at most; how often, the rng of the seed say.
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
    """How a run of the bench went: what is wrong (nothing, one hopes), what happened, and every call."""

    seed: int
    violations: list[str]
    summary: dict[str, int]
    log: list[str]

    @property
    def digest(self) -> str:
        """Tells one log from another, to the byte."""
        return hashlib.sha256("\n".join(self.log).encode()).hexdigest()

    def write_log(self, path: Path) -> None:
        """Write the log to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.log) + "\n", encoding="utf-8")


def run(seed: int, environments: int) -> Outcome:
    """One storm; the same seed and number give the same outcome, to the byte of the log."""
    # So few places that people have to wait for both kinds.
    capacity = Capacity(creating=4, environments=max(5, environments // 3))
    with simulated(seed, capacity) as world:
        owners, manual_deletes = Owners(world, environments, seed), ManualDeletes(world, seed)
        rng = random.Random(f"storm {seed}")  # noqa: S311 - a simulation's
        world.tick()
        _storm(world, owners, manual_deletes, rng, seed)
        world.faults.replace([], seed)
        world.missed_ticks = world.skew = 0.0
        if manual_deletes.last is not None:  # each READY environment is looked at within a day
            world.simulation.run(max(0.0, manual_deletes.last + _DAY_SECONDS - world.simulation.seconds))
        _calm_down(world)
        violations = invariants.check(world, owners)
        summary = {**invariants.summary(world, owners), "deleted by hand": len(manual_deletes.deleted)}
        owners.delete_all()
        _calm_down(world)
        violations += invariants.check(world, owners) + invariants.check_all_gone(world)
        return Outcome(seed, [*world.defects, *dict.fromkeys(violations)], summary, world.log)


def _storm(
    world: World, owners: Owners, manual_deletes: ManualDeletes, rng: random.Random, seed: int
) -> None:
    world.faults.replace(_rules(rng), seed)
    world.missed_ticks = rng.uniform(0, 0.5)
    world.skew = rng.uniform(0, MOST_SKEW_SECONDS)
    while not owners.satisfied and world.simulation.seconds < _MOST_STORM_SECONDS:
        owners.act()
        manual_deletes.act()
        world.simulation.run(rng.expovariate(1 / _SECONDS_PER_COMMAND))
    world.simulation.run(_DUE_IN_SECONDS)  # for the last ones, too


def _calm_down(world: World) -> None:
    """Let time pass until nothing is under way, or until nobody would wait any longer."""
    for _ in range(_MOST_CALMS):
        world.simulation.run(_CALM_SECONDS)
        if invariants.all_rest(world):
            return


def _rules(rng: random.Random) -> list[Rule]:
    return [rule for text, most in _STORM for rule in parse_all(f"{text} {rng.uniform(most / 4, most):.4f}")]
