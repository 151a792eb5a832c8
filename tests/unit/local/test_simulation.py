"""Simulated time: one task at a time, in the order of due times."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from local.chaos.entropy import seeded
from local.chaos.simulation import Killed, Simulation

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def waiting(
    simulation: Simulation, log: list[tuple[str, float]], name: str, *waits: float
) -> Callable[[], None]:
    def work() -> None:
        for seconds in waits:
            simulation.wait(seconds)
            log.append((name, simulation.seconds))

    return work


def test_waiting_tasks_let_others_continue_in_order_of_time() -> None:
    log: list[tuple[str, float]] = []
    with Simulation(BEGIN) as simulation:
        simulation.later(0, "a", waiting(simulation, log, "a", 1, 2))
        simulation.later(0.5, "b", waiting(simulation, log, "b", 1, 1))
        simulation.run(2)
        assert log == [("a", 1.0), ("b", 1.5)]
        assert simulation.seconds == 2.0
        simulation.run(10)
    assert log[2:] == [("b", 2.5), ("a", 3.0)]


def test_the_clock_of_the_process_is_the_simulated_one_and_stands_still() -> None:
    with Simulation(BEGIN) as simulation:
        simulation.run(90)
        assert datetime.now(UTC) == simulation.now() == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)
        assert time.time() == time.time()
    assert datetime.now(UTC).year >= 2026 and datetime.now(UTC) != simulation.now()


def test_a_task_may_wait_for_the_end_of_another() -> None:
    log: list[tuple[str, float]] = []
    with Simulation(BEGIN) as simulation:
        until_ended = simulation.start("first", waiting(simulation, log, "first", 5))

        def second() -> None:
            until_ended()
            log.append(("second", simulation.seconds))

        simulation.later(0, "second", second)
        simulation.run(20)
    assert [name for name, _ in log] == ["first", "second"]


def test_an_uncaught_error_ends_the_simulation() -> None:
    def work() -> None:
        raise ValueError("no")

    with Simulation(BEGIN) as simulation:
        simulation.later(1, "bad", work)
        with pytest.raises(RuntimeError, match="bad ended with ValueError"):
            simulation.run(5)


def test_no_thread_outlives_a_simulation_and_no_handler_swallows_its_end() -> None:
    before = threading.active_count()
    ended: list[BaseException] = []
    with Simulation(BEGIN) as simulation:

        def work() -> None:
            try:
                simulation.wait(1e9)
            except Killed as end:
                ended.append(end)
                simulation.wait(1)  # a task that continues anyway gets the error again

        simulation.later(0, "for ever", work)
        simulation.run(1)
    assert len(ended) == 1
    assert threading.active_count() == before


def test_randomness_depends_on_the_seed_and_is_restored_afterwards() -> None:
    def drawn() -> tuple[object, ...]:
        return uuid.uuid4(), secrets.token_hex(8), secrets.choice(range(1000))

    with seeded(7):
        first = drawn()
    with seeded(7):
        assert drawn() == first
    with seeded(8):
        assert drawn() != first
    assert drawn() != drawn()
