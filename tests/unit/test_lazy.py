"""Objects that are made when they are used: once, also when threads race, and again after a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.lazy import Once, imported, lazily

THREADS = 16


class Made:
    """Counts how many of its kind were made, slowly."""

    def __init__(self, made: list[Made]) -> None:
        time.sleep(0.01)
        made.append(self)
        self.value = 1


def all_at_once(use: Callable[[], Any]) -> list[Any]:
    gate = threading.Barrier(THREADS)

    def wait_and_use(_: int) -> Any:
        gate.wait()
        return use()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait_and_use, range(THREADS)))


def test_threads_that_race_share_one_object() -> None:
    made: list[Made] = []
    stands = lazily(lambda: Made(made))
    assert made == []
    assert all_at_once(lambda: stands.value) == [1] * THREADS
    assert len(made) == 1


def test_threads_that_race_for_the_service_share_one() -> None:
    made: list[Made] = []
    service = Once(lambda: Made(made))
    assert {*all_at_once(service)} == {*made}
    assert len(made) == 1
    service.cache_clear()
    assert service() is not made[0]


def test_objects_that_use_each_other_in_any_order_do_not_wait_for_each_other() -> None:
    first, second = lazily(lambda: Made([])), lazily(lambda: Made([]))
    uses: list[Made] = [lazily(lambda: first if second.value else second) for _ in range(THREADS // 2)]
    uses += [lazily(lambda: second if first.value else first) for _ in range(THREADS // 2)]
    threads = [threading.Thread(target=lambda use=use: use.value, daemon=True) for use in uses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not [thread for thread in threads if thread.is_alive()]


@pytest.mark.parametrize(
    "error", [RuntimeError("AWS is slow"), AttributeError("no such part"), KeyError("a")]
)
def test_a_failure_is_not_kept(error: Exception) -> None:
    failures = [error]

    def make() -> Made:
        if failures:
            raise failures.pop()
        return Made([])

    stands, service = lazily(make), Once(make)
    with pytest.raises(type(error)):
        _ = stands.value
    assert stands.value == 1
    failures.append(error)
    with pytest.raises(type(error)):
        service()
    assert service().value == 1


def test_attributes_are_set_and_deleted_at_the_object() -> None:
    made = Made([])
    stands = lazily(lambda: made)
    stands.value = 2
    assert made.value == 2
    del stands.value
    assert not hasattr(made, "value")


def test_a_function_that_no_module_has_is_an_error_of_the_call() -> None:
    with pytest.raises(ModuleNotFoundError):
        imported("chalicelib.nothing", "build")()
    with pytest.raises(AttributeError):
        imported("chalicelib.wiring", "nothing")()
