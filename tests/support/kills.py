"""Kills of the service's process at its AWS calls."""

from __future__ import annotations

from collections.abc import Iterator

from local.chaos.world import World
from local.faults.rules import parse_all
from tests.support.size import sized

MOST_CALLS = 200


def undisturbed(world: World) -> None:
    world.faults.replace(parse_all("events:resource lost"), 0)


def deaths() -> Iterator[tuple[str, int]]:
    """Yield a fault before the first call, and after each call. After one call is before the next.

    The small size kills after every seventh call.
    """
    yield "kill_before", 0
    for call in range(0, MOST_CALLS, sized(7, 1)):
        yield "kill_after", call
    raise AssertionError("the work never ended")
