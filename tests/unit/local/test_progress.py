"""Progress output on a terminal and in a log."""

import io
from concurrent.futures import Future

import pytest

from local.runtime.processes import Failed
from local.runtime.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_log_repeats_an_unchanged_line_every_two_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    progress = Progress(out, clock, clock.sleep)
    for _ in range(40):
        progress.update("waiting")
        clock.sleep(0.1)
    assert out.getvalue() == "  waiting\n" * 3


def test_a_log_shows_changes_at_most_every_04_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    progress = Progress(out, clock, clock.sleep)
    for step in range(10):
        progress.update(f"step {step}")
        clock.sleep(0.125)
    assert out.getvalue() == "  step 0\n  step 4\n  step 8\n"


def test_a_terminal_overwrites_the_line_and_clears_it_for_permanent_output() -> None:
    out, clock = Terminal(), Clock()
    progress = Progress(out, clock, clock.sleep)
    progress.update("half", since=98.0)
    progress.say("done")
    assert out.getvalue() == "\r\x1b[K  half (2 s)\r\x1b[Kdone\n"


def test_waiting_ends_when_it_is_done() -> None:
    out, clock = io.StringIO(), Clock()
    future: Future[str] = Future()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 103.0 and not future.done():
            future.set_result("built")

    assert Progress(out, clock, sleep).result(future, "building", 60) == "built"
    assert out.getvalue() == "  building (0 s)\n  building (2 s)\n"


def test_a_timed_out_wait_names_its_condition() -> None:
    clock = Clock()
    with pytest.raises(Failed, match=r"Timed out after 5 s\. Last state: CREATING 1/9\."):
        Progress(io.StringIO(), clock, clock.sleep).watch(lambda: "CREATING 1/9", lambda: False, 5, 0.5)
